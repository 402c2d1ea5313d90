//! What the pods' own use of cpu or memory asks for: `pkg/controller/podautoscaler/replica_calculator.go`, for resource metrics.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::replicas::{Proposal, Tolerance, ceil};
use crate::core::keda::{
    number::{to_float, to_int},
    trigger::metric_type::MetricType,
};

/// While a pod is so young, its cpu counts only when it is ready and was measured since:
/// `--horizontal-pod-autoscaler-cpu-initialization-period`.
const CPU_INITIALIZATION: SignedDuration = SignedDuration::from_mins(5);
/// Later, a pod that is not ready and never was since this time after its start does not count:
/// `--horizontal-pod-autoscaler-initial-readiness-delay`.
const INITIAL_READINESS_DELAY: SignedDuration = SignedDuration::from_secs(30);

/// What of the pods is compared with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetric {
    /// `cpu` or `memory`.
    pub name: String,
    /// The use that is aimed at.
    pub target: Aim,
    /// The pods, or why they cannot be told.
    pub pods: Result<Vec<Pod>, String>,
}

/// The use that is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Percent of what the pods request.
    Utilization(i32),
    /// Thousandths that each pod uses.
    Average(i64),
}

/// One pod of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub phase: Phase,
    /// When it was started, if it says so.
    pub started_at: Option<Timestamp>,
    /// Whether it is ready and since when that is so; absent where it does not say.
    pub ready: Option<(bool, Timestamp)>,
    /// Thousandths that its containers request; absent where one of them requests nothing.
    pub request: Option<i64>,
    /// What it used, where that was measured.
    pub sample: Option<Sample>,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not started yet.
    Pending,
    /// It runs, or ended well.
    Started,
    /// It failed, or is being deleted: it is left out.
    Leaving,
}

/// One measurement of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Thousandths.
    pub used: i64,
    /// When the time that was measured ended.
    pub at: Timestamp,
    /// How long it was.
    pub window: SignedDuration,
}

impl ResourceMetric {
    /// `ready` pods that have been there for long, each of which uses what `value` says: percent of its request, or an average.
    #[must_use]
    pub fn assumed(name: &str, metric_type: MetricType, (value, target): (f64, f64), ready: i32, now: Timestamp) -> Self {
        let whole = |value: f64| to_int(value.round()).unwrap_or(i64::MAX);
        let (target, used) = match metric_type {
            MetricType::Utilization => (Aim::Utilization(i32::try_from(whole(target)).unwrap_or(i32::MAX)), whole(value)),
            MetricType::AverageValue | MetricType::Value => (Aim::Average(whole(target * 1000.0)), whole(value * 1000.0)),
        };
        let long_ago = now - CPU_INITIALIZATION;
        let pod = |index: i32| Pod {
            name: index.to_string(),
            phase: Phase::Started,
            started_at: Some(long_ago),
            ready: Some((true, long_ago)),
            request: Some(100),
            sample: Some(Sample { used, at: now, window: SignedDuration::ZERO }),
        };
        Self { name: name.to_owned(), target, pods: Ok((0..ready).map(pod).collect()) }
    }
}

/// What kind of pods there are.
#[derive(Default)]
struct Groups<'a> {
    counted: BTreeMap<&'a str, i64>,
    unready: Vec<&'a str>,
    missing: Vec<&'a str>,
}

/// The use of several pods beside what is aimed at.
#[derive(Clone, Copy)]
struct Use {
    value: i64,
    ratio: f64,
}

/// What the use of the pods asks for, where `current` replicas are wanted now.
///
/// Pods without a measurement damp: of a scale-in they count as fully used, of a scale-out as idle, and so do pods that are not
/// ready. Where that turns the direction, nothing changes.
#[must_use]
pub fn propose(metric: &ResourceMetric, current: i32, tolerance: Tolerance, now: Timestamp) -> Proposal {
    let (metric_type, target) = match metric.target {
        Aim::Utilization(percent) => (MetricType::Utilization, i64::from(percent) * 1000),
        Aim::Average(milli) => (MetricType::AverageValue, milli),
    };
    let blank = Proposal {
        metric: metric.name.clone(),
        metric_type,
        target,
        value: 0,
        ratio: None,
        among: 0,
        replicas: None,
        is_tolerated: false,
        error: None,
    };
    match metric.pods.as_ref().map_err(Clone::clone).and_then(|pods| calculate(metric, pods, current, tolerance, now)) {
        Ok((used, among, replicas)) => Proposal {
            value: used.value,
            ratio: used.ratio.is_finite().then_some(used.ratio),
            among,
            replicas: Some(replicas),
            is_tolerated: tolerance.covers(used.ratio),
            ..blank
        },
        Err(error) => Proposal { error: Some(error), ..blank },
    }
}

/// The use that decides, the pods that it is of, and the replicas that follow.
fn calculate(metric: &ResourceMetric, pods: &[Pod], current: i32, tolerance: Tolerance, now: Timestamp) -> Result<(Use, i32, i32), String> {
    if pods.is_empty() {
        return Err("the target has no pods".to_owned());
    }
    let Groups { counted, unready, missing } = group(pods, metric.name == "cpu", now);
    if counted.is_empty() {
        return Err(format!("no {} was measured of its pods, which may not be ready", metric.name));
    }
    let requests = requests(metric, pods)?;
    let first = metric.target.compare(&counted, &requests)?;
    let among = i32::try_from(counted.len()).unwrap_or(i32::MAX);
    let is_up = first.ratio > 1.0;
    let is_held = is_up && !unready.is_empty();
    if !is_held && missing.is_empty() {
        let wanted = if tolerance.covers(first.ratio) { current } else { ceil(first.ratio * f64::from(among)) };
        return Ok((first, among, wanted));
    }
    let mut filled = counted;
    for name in missing {
        filled.extend(metric.target.stand_in(first.ratio, requests.get(name).copied().unwrap_or(0)).map(|used| (name, used)));
    }
    if is_held {
        filled.extend(unready.into_iter().map(|name| (name, 0)));
    }
    let second = metric.target.compare(&filled, &requests)?;
    let among = i32::try_from(filled.len()).unwrap_or(i32::MAX);
    let has_turned = (first.ratio < 1.0 && second.ratio > 1.0) || (is_up && second.ratio < 1.0);
    if tolerance.covers(second.ratio) || has_turned {
        return Ok((second, among, current));
    }
    let wanted = ceil(second.ratio * f64::from(among));
    let goes_back = (second.ratio < 1.0 && wanted > current) || (second.ratio > 1.0 && wanted < current);
    Ok((second, among, if goes_back { current } else { wanted }))
}

fn group(pods: &[Pod], is_cpu: bool, now: Timestamp) -> Groups<'_> {
    let mut groups = Groups::default();
    for pod in pods {
        match (pod.phase, pod.sample) {
            (Phase::Leaving, _) => {}
            (Phase::Pending, _) => groups.unready.push(&pod.name),
            (Phase::Started, None) => groups.missing.push(&pod.name),
            (Phase::Started, Some(sample)) if is_cpu && pod.is_unready(sample, now) => groups.unready.push(&pod.name),
            (Phase::Started, Some(sample)) => {
                groups.counted.insert(&pod.name, sample.used);
            }
        }
    }
    groups
}

impl Pod {
    /// Whether its cpu does not count: it starts, or is warming up.
    fn is_unready(&self, sample: Sample, now: Timestamp) -> bool {
        let (Some((is_ready, since)), Some(started_at)) = (self.ready, self.started_at) else { return true };
        if started_at.duration_until(now) < CPU_INITIALIZATION {
            return !is_ready || since.duration_until(sample.at) < sample.window;
        }
        !is_ready && started_at.duration_until(since) < INITIAL_READINESS_DELAY
    }
}

/// What each pod requests; only a utilization needs it, and of every pod.
fn requests<'a>(metric: &ResourceMetric, pods: &'a [Pod]) -> Result<BTreeMap<&'a str, i64>, String> {
    if matches!(metric.target, Aim::Average(_)) {
        return Ok(BTreeMap::new());
    }
    let asked = |pod: &'a Pod| {
        let request = pod.request.ok_or_else(|| format!("a container of pod `{}` requests no {}", pod.name, metric.name))?;
        Ok((pod.name.as_str(), request))
    };
    pods.iter().map(asked).collect()
}

impl Aim {
    /// The use of these pods beside what is aimed at. Shares and averages are whole numbers, cut off.
    fn compare(self, used: &BTreeMap<&str, i64>, requests: &BTreeMap<&str, i64>) -> Result<Use, String> {
        let sum = used.values().fold(0_i64, |sum, used| sum.saturating_add(*used));
        match self {
            Self::Utilization(percent) => {
                let requested = used.keys().filter_map(|name| requests.get(name)).fold(0_i64, |sum, request| sum.saturating_add(*request));
                if requested == 0 {
                    return Err("its pods request nothing".to_owned());
                }
                let share = sum.saturating_mul(100) / requested;
                Ok(Use { value: share.saturating_mul(1000), ratio: to_float(share) / f64::from(percent) })
            }
            Self::Average(milli) => {
                let average = sum / i64::try_from(used.len()).unwrap_or(i64::MAX).max(1);
                Ok(Use { value: average, ratio: to_float(average) / to_float(milli) })
            }
        }
    }

    /// What a pod that was not measured is taken to use when the others give `ratio`; nothing where it stays uncounted.
    fn stand_in(self, ratio: f64, request: i64) -> Option<i64> {
        match self {
            Self::Utilization(percent) if ratio < 1.0 => Some(request.saturating_mul(i64::from(percent.max(100))) / 100),
            Self::Utilization(_) => (ratio > 1.0).then_some(0),
            Self::Average(milli) => Some(if ratio < 1.0 { milli } else { 0 }),
        }
    }
}

#[cfg(test)]
mod tests;
