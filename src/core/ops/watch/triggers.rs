//! The triggers of one object: built as one set, read in order as KEDA reads them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{Ports, variables::container_environment};
use crate::core::{
    error::{Error, Kind, Result},
    event::{Depth, Reporter, What},
    keda::{
        decision::TriggerReading,
        manifest::{ScaledJobSpec, ScaledObjectSpec, Trigger},
        trigger::scaler::scaler_name,
    },
    ports::{Asked, Metric},
    timing::{Timed, Timing},
};

/// What a set of triggers is built from: the object's triggers, and the pods that it makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The triggers.
    pub(super) triggers: &'a [Trigger],
    /// The pod template's spec; `None` where what is scaled has none, and the triggers read no environment.
    pub(super) pod: Option<&'a Value>,
    /// The container whose environment the triggers may read; the first one where nothing is said.
    pub(super) container: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// The triggers of a ScaledJob.
    pub(super) fn of_job(spec: &'a ScaledJobSpec) -> Self {
        let pod = spec.job_target_ref.pointer("/template/spec").unwrap_or(&Value::Null);
        Self { triggers: &spec.triggers, pod: Some(pod), container: spec.env_source_container_name.as_deref() }
    }

    /// The triggers of a ScaledObject whose target makes pods by `pod`.
    pub(super) fn of_object(spec: &'a ScaledObjectSpec, pod: Option<&'a Value>) -> Self {
        Self { triggers: &spec.triggers, pod, container: spec.scale_target_ref.env_source_container_name.as_deref() }
    }
}

/// What reads the triggers. One that cannot be built fails the whole set.
pub(super) struct Triggers<'a> {
    ports: Ports<'a>,
    owner: String,
    env: BTreeMap<String, String>,
    metrics: std::result::Result<Vec<Option<Arc<dyn Metric>>>, Error>,
    /// The last readings, and when they were made.
    last: Option<(Instant, Vec<TriggerReading>)>,
    /// Seconds that each trigger's last answer took, by its place; those that were not asked are missing.
    seconds: BTreeMap<usize, f64>,
}

/// What is behind the triggers at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backlog {
    /// The counters of each queue, by metric.
    pub(super) depths: Vec<(String, Depth)>,
    /// Whether the triggers that have no queue are known to be inactive.
    pub(super) is_quiet: bool,
}

impl Backlog {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.is_quiet && self.depths.iter().all(|(_, depth)| depth.total() == 0)
    }

    /// Tells the counters where they differ from those of `before`.
    pub(super) fn tell(before: Option<&Self>, now: Option<&Self>, reporter: &dyn Reporter) {
        let depths = |backlog: Option<&Self>| backlog.map(|backlog| backlog.depths.clone()).unwrap_or_default();
        let now = depths(now);
        if now != depths(before) && !now.is_empty() {
            reporter.tell(What::DepthChanged { depths: now });
        }
    }
}

impl<'a> Triggers<'a> {
    /// A set that is still to be built, for the loop that `owner` names.
    pub(super) fn unbuilt(ports: Ports<'a>, owner: String) -> Self {
        let metrics = Err(Error::failed("the triggers are not read", "nothing was reconciled yet"));
        Self { ports, owner, env: BTreeMap::new(), metrics, last: None, seconds: BTreeMap::new() }
    }

    /// Builds the whole set anew. What was built before goes first, as KEDA closes it: an identity that nobody else uses is then
    /// found anew too.
    pub(super) async fn build(&mut self, origin: Origin<'_>) {
        self.metrics = Ok(Vec::new());
        self.metrics = async {
            self.env = match origin.pod {
                Some(pod) => container_environment(pod, origin.container, self.ports.objects).await?,
                None => BTreeMap::new(),
            };
            let mut metrics = Vec::with_capacity(origin.triggers.len());
            for (index, trigger) in origin.triggers.iter().enumerate() {
                metrics.push(self.build_one(origin, index, trigger).await?);
            }
            Ok(metrics)
        }
        .await;
        self.last = None;
    }

    async fn build_one(&self, origin: Origin<'_>, index: usize, trigger: &Trigger) -> Result<Option<Arc<dyn Metric>>> {
        let Self { ports, owner, env, .. } = self;
        let pod = origin.pod.unwrap_or(&Value::Null);
        ports.scalers.build(Asked { owner, index, trigger, env, pod, reporter: ports.reporter }).await
    }

    /// Why the set cannot be built, where that is because of what it asks for.
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.metrics.as_ref().err().filter(|error| error.kind == Kind::Input)
    }

    /// What the trigger number `index` is measured by; `None` where it has no metric of its own.
    pub(super) fn target(&self, index: usize) -> Option<f64> {
        Some(self.metrics.as_ref().ok()?.get(index)?.as_ref()?.target())
    }

    /// The environment of the container, resolved. May hold secrets.
    pub(super) fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Asks every trigger in order, for a poll that was due at `due`. One that fails is built anew and asked once more; only the
    /// second answer counts.
    pub(super) async fn read(&mut self, origin: Origin<'_>, due: Instant) -> Vec<TriggerReading> {
        // What is of the pods themselves contributes nothing here, even where something is assumed of it.
        let outside = |index: usize| origin.triggers.get(index).is_none_or(|trigger| !trigger.is_resource());
        let Some(read) = self.ask(origin, due, &outside).await else {
            let why = self.metrics.as_ref().err().map(ToString::to_string).unwrap_or_default();
            // The set is built anew at the next poll.
            self.build(origin).await;
            return vec![TriggerReading::failed("triggers", &why)];
        };
        let readings: Vec<TriggerReading> = read.into_iter().map(|(_, reading)| reading).collect();
        self.last = Some((Instant::now(), readings.clone()));
        readings
    }

    /// Asks those of the `wanted` places in order, as [`Self::read`]; `None`, after saying why, when the set could not be built.
    pub(super) async fn ask(
        &mut self,
        origin: Origin<'_>,
        due: Instant,
        wanted: &(dyn Fn(usize) -> bool + Sync),
    ) -> Option<Vec<(usize, TriggerReading)>> {
        self.seconds.clear();
        let metrics = match &mut self.metrics {
            Ok(metrics) => std::mem::take(metrics),
            Err(error) => {
                let error = error.clone();
                self.fail("triggers", &error);
                return None;
            }
        };
        let mut readings = Vec::with_capacity(metrics.len());
        let mut kept = Vec::with_capacity(metrics.len());
        for (index, metric) in metrics.into_iter().enumerate() {
            match metric {
                Some(metric) if wanted(index) => {
                    let (metric, reading) = self.read_one((origin, due), index, metric).await;
                    readings.push((index, reading));
                    kept.push(Some(metric));
                }
                other => kept.push(other),
            }
        }
        self.metrics = Ok(kept);
        Some(readings)
    }

    async fn read_one(
        &mut self,
        (origin, due): (Origin<'_>, Instant),
        index: usize,
        metric: Arc<dyn Metric>,
    ) -> (Arc<dyn Metric>, TriggerReading) {
        let mut began = Instant::now();
        if let Ok(reading) = metric.read_due(due).await {
            self.seconds.insert(index, began.elapsed().as_secs_f64());
            return (metric, reading);
        }
        let built = match origin.triggers.get(index) {
            Some(trigger) => self.build_one(origin, index, trigger).await.map(|fresh| fresh.unwrap_or_else(|| metric.clone())),
            None => Ok(metric.clone()),
        };
        began = Instant::now();
        let (metric, again) = match built {
            Ok(fresh) => {
                let again = fresh.read_due(due).await;
                self.seconds.insert(index, began.elapsed().as_secs_f64());
                (fresh, again)
            }
            Err(error) => (metric, Err(error)),
        };
        let reading = again.unwrap_or_else(|error| {
            self.fail(metric.name(), &error);
            TriggerReading::failed(metric.name(), &error.to_string())
        });
        (metric, reading)
    }

    /// How the last read went in time, which began `late` after it was due.
    pub(super) fn timing(&self, origin: Origin<'_>, late: Duration) -> Timing {
        let metrics = self.metrics.as_deref().unwrap_or_default();
        let timed = |(index, trigger): (usize, &Trigger)| Timed {
            kind: trigger.kind.clone(),
            scaler: scaler_name(trigger),
            metric: metrics.get(index).and_then(Option::as_ref).map(|metric| metric.name().to_owned()),
            seconds: self.seconds.get(&index).copied(),
        };
        Timing { late_seconds: late.as_secs_f64(), triggers: origin.triggers.iter().enumerate().map(timed).collect() }
    }

    fn fail(&self, metric: &str, error: &Error) {
        self.ports.reporter.tell(What::ScalerFailed { metric: metric.to_owned(), error: error.to_string() });
    }

    /// What is behind the triggers; `None` when one cannot be told. Queues are looked at. Of the others the last reading
    /// counts: they are asked again only when nobody polled them for two `interval`s.
    pub(super) async fn backlog(&mut self, origin: Origin<'_>, interval: Duration) -> Option<Backlog> {
        let (mut depths, mut others) = (Vec::new(), Vec::new());
        for metric in self.metrics.as_ref().ok()?.iter().flatten() {
            match metric.depth().await.ok()? {
                Some(depth) => depths.push((metric.name().to_owned(), depth)),
                None => others.push(metric.name().to_owned()),
            }
        }
        let stale = self.last.as_ref().is_none_or(|(at, _)| at.elapsed() >= interval * 2);
        if stale && !others.is_empty() {
            self.read(origin, Instant::now()).await;
        }
        let readings = self.last.as_ref().map(|(_, readings)| readings.as_slice()).unwrap_or_default();
        let inactive = |name: &String| {
            let reading = readings.iter().find(|reading| reading.metric == *name);
            reading.is_some_and(|reading| reading.error.is_none() && !reading.active)
        };
        Some(Backlog { is_quiet: others.iter().all(inactive), depths })
    }
}

/// The counters that were read, by metric; what a trigger does not ask for is 0.
pub(super) fn depths_of<'a>(readings: impl IntoIterator<Item = &'a TriggerReading>) -> Vec<(String, Depth)> {
    let depth = |reading: &'a TriggerReading| {
        reading.parts.map(|parts| {
            let depth = Depth { visible: parts.visible, in_flight: parts.in_flight.unwrap_or(0), delayed: parts.delayed.unwrap_or(0) };
            (reading.metric.clone(), depth)
        })
    };
    readings.into_iter().filter_map(depth).collect()
}
