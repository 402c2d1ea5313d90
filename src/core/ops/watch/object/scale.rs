//! What is decided and done at each poll and at each sync.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{Held, ObjectWatch, Origin, Pool, TriggerReading, What, depths_of};
use crate::core::{
    error::Result,
    event::ScaledBy,
    hpa::{self, HpaDecision, Input, Reason, resource::ResourceMetric},
    keda::{
        conditions::Condition,
        fallback::Replicas,
        hpa_health::{ScalingActive, hpa_active},
        manifest::Trigger,
        object::{Around, Known, MetricRead, ObjectDecision},
        trigger::metric_type::MetricType,
    },
    ports::Scale,
    timing::Timing,
};

/// What the rules say of a ScaledObject at this moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectOutlook {
    /// KEDA's own half.
    pub poll: ObjectDecision,
    /// The HPA's, once that is done.
    pub hpa: HpaDecision,
}

impl ObjectWatch<'_> {
    /// One poll: ask every trigger, decide, wake the target or put it to rest. Ends when the lease lapses meanwhile.
    pub(super) async fn poll(&mut self, held: &dyn Held) -> Result<()> {
        let began = Instant::now();
        let late = self.expected.map_or(Duration::ZERO, |expected| began.saturating_duration_since(expected));
        self.expected = Some(began + self.interval());
        let outside = self.outside();
        let Some(readings) = self.ask(self.next_poll, &|index| outside[index]).await else {
            // KEDA does nothing at a poll whose scalers cannot be built.
            self.polled = true;
            return Ok(());
        };
        let timing = Some(self.timing(late));
        let Some((scale, replicas)) = self.seen().await? else { return Ok(()) };
        self.cached.clone_from(&readings);
        let read = self.weigh(readings, replicas);
        let decision = self.decide(read, scale.wanted);
        let (activation, why) = (decision.activation.clone(), decision.explain());
        let depths = depths_of(decision.triggers.iter().map(|trigger| &trigger.reading));
        self.ports.reporter.tell(What::ObjectPolled { depths, decision: Box::new(decision.clone()), why, timing });
        self.polled = true;
        if !held.is_held() {
            return Ok(());
        }
        let done = match activation.replicas {
            Some(replicas) if replicas != scale.wanted => self.set(scale.wanted, replicas, ScaledBy::Keda).await,
            _ => true,
        };
        if activation.is_active_now && done {
            self.record.last_active = Some(self.clock.wall());
        }
        self.record.poll(&self.object, &decision);
        self.write().await;
        Ok(())
    }

    /// One sync of the HPA: it asks for the metrics, decides, and scales. Ends when the lease lapses meanwhile.
    pub(super) async fn sync(&mut self, held: &dyn Held) -> Result<()> {
        let Some(gathered) = self.gather(self.next_sync).await? else { return Ok(()) };
        let Some(mut state) = self.hpa.take() else { return Ok(()) };
        let now = self.clock.keda();
        let decision = hpa::sync(&gathered.input(), &mut state, now);
        let Gathered { spec, scale, read, timing, .. } = gathered;
        let why = decision.explain();
        self.ports.reporter.tell(What::HpaSynced { decision: Box::new(decision.clone()), why, timing });
        let may = held.is_held();
        if may && decision.rescales() && self.set(scale.wanted, decision.result, ScaledBy::Hpa).await {
            state.scaled(&spec, scale.wanted, decision.result, now);
        }
        self.hpa = Some(state);
        if may {
            self.record.hpa(&health(&decision));
            if !read.is_empty() {
                self.record.fallback(&self.object, &read);
            }
            self.write().await;
        }
        Ok(())
    }

    /// What KEDA's own half says now; `None` when it would do nothing at all. Changes nothing.
    pub(super) async fn foresee(&mut self) -> Result<Option<ObjectDecision>> {
        let outside = self.outside();
        let Some(readings) = self.ask(Instant::now(), &|index| outside[index]).await else { return Ok(None) };
        let Some((scale, replicas)) = self.seen().await? else { return Ok(None) };
        self.cached.clone_from(&readings);
        let read = self.weigh(readings, replicas);
        Ok(Some(self.decide(read, scale.wanted)))
    }

    /// What the HPA says now, by what was seen so far; `None` while it is paused. Changes nothing.
    pub(super) async fn foresee_hpa(&mut self) -> Result<Option<HpaDecision>> {
        let Some(gathered) = self.gather(Instant::now()).await? else { return Ok(None) };
        let now = self.clock.keda();
        Ok(self.hpa.as_mut().map(|state| hpa::sync(&gathered.input(), state, now)))
    }

    /// What the rules say now. Changes nothing.
    pub(in super::super) async fn outlook(&mut self) -> Result<ObjectOutlook> {
        let outside = self.outside();
        let readings = self.ask(Instant::now(), &|index| outside[index]).await;
        let scale = self.ports.workloads.scale(&self.target).await?.unwrap_or(Scale { wanted: 0, current: 0 });
        let ready = Pool::ready(&self.ports.workloads.replicas(&self.target).await?);
        let read = match readings {
            Some(readings) => self.weigh(readings, Replicas { current: Some(scale.wanted), ready }),
            None => vec![unbuilt()],
        };
        let metrics: Vec<hpa::replicas::Metric> = read.iter().map(MetricRead::metric).collect();
        let poll = self.decide(read, scale.wanted);
        // The HPA finds what KEDA leaves.
        let current = poll.activation.replicas.unwrap_or(scale.wanted);
        let (there, ready) = if current == scale.wanted { (scale.current, ready) } else { (current, current) };
        let spec = self.object.hpa();
        let asked: &[hpa::replicas::Metric] = if hpa::asks(&spec, current) { &metrics } else { &[] };
        let resources = if hpa::asks(&spec, current) { self.usage(Instant::now(), ready).await } else { Vec::new() };
        let input = Input { spec: &spec, current, there, ready, metrics: asked, resources: &resources };
        let hpa = hpa::sync(&input, &mut hpa::State::default(), self.clock.keda());
        Ok(ObjectOutlook { poll, hpa })
    }

    /// Tells once that nobody here measures what pods use.
    pub(super) fn warn_of_pods(&self) {
        let triggers = self.object.spec.triggers.iter().enumerate();
        let unknown = triggers.filter(|(index, trigger)| trigger.is_resource() && self.triggers.target(*index).is_none());
        let of_pods: Vec<&str> = unknown.map(|(_, trigger)| trigger.kind.as_str()).collect();
        if of_pods.is_empty() {
            return;
        }
        let rest = if of_pods.len() == self.object.spec.triggers.len() {
            "no other trigger is there, so that the number of replicas only keeps to its bounds"
        } else {
            "the other triggers alone decide"
        };
        let message =
            format!("{}: only a cluster's metrics API knows what pods use, and this process does not ask it; {rest}", of_pods.join(", "));
        self.ports.reporter.tell(What::Warning { message });
    }

    /// What a sync of the HPA goes by; what is assumed of the pods is what was due at `due`. `None`, after saying so, when the target
    /// does not exist.
    async fn gather(&mut self, due: Instant) -> Result<Option<Gathered>> {
        let Some((scale, replicas)) = self.seen().await? else { return Ok(None) };
        let spec = self.object.hpa();
        let asks = hpa::asks(&spec, scale.wanted);
        let read = if asks { self.supply(replicas).await } else { Vec::new() };
        let timing = (!read.is_empty()).then(|| self.timing(Duration::ZERO));
        let metrics = read.iter().map(MetricRead::metric).collect();
        let resources = if asks { self.usage(due, replicas.ready).await } else { Vec::new() };
        Ok(Some(Gathered { spec, scale, ready: replicas.ready, read, timing, metrics, resources }))
    }

    /// The target's scale and its replicas; `None`, after saying so, when it does not exist.
    async fn seen(&mut self) -> Result<Option<(Scale, Replicas)>> {
        let Some(scale) = self.ports.workloads.scale(&self.target).await? else {
            let why = format!("{} `{}` does not exist: there is nothing to scale", self.target.kind, self.target.name);
            self.complain(Some(why));
            return Ok(None);
        };
        self.complain(None);
        let replicas = self.ports.workloads.replicas(&self.target).await?;
        let ready = Pool::ready(&replicas);
        self.pool.take(scale, replicas, self.ports.reporter);
        Ok(Some((scale, Replicas { current: Some(scale.wanted), ready })))
    }

    /// Asks the triggers at the `wanted` places, for what was due at `due`. After a failure they are built anew before they are
    /// asked again.
    async fn ask(&mut self, due: Instant, wanted: &(dyn Fn(usize) -> bool + Sync)) -> Option<Vec<(usize, TriggerReading)>> {
        if self.stale {
            self.build().await;
        }
        let origin = Origin::of_object(&self.object.spec, self.pod.as_ref());
        let asked = self.triggers.ask(origin, due, wanted).await;
        self.stale = asked.as_ref().is_none_or(|readings| readings.iter().any(|(_, reading)| reading.error.is_some()));
        asked
    }

    /// How the last read went in time.
    fn timing(&self, late: Duration) -> Timing {
        self.triggers.timing(Origin::of_object(&self.object.spec, self.pod.as_ref()), late)
    }

    /// What KEDA's metrics server gives the HPA: each metric as it is now, or as the last poll read it where the trigger says so.
    async fn supply(&mut self, replicas: Replicas) -> Vec<MetricRead> {
        let triggers = &self.object.spec.triggers;
        let is_kept = |index: usize| triggers.get(index).is_some_and(|trigger| trigger.use_cached_metrics);
        let kept: Vec<(usize, TriggerReading)> = self.cached.iter().filter(|(index, _)| is_kept(*index)).cloned().collect();
        let outside = self.outside();
        let live = |index: usize| outside[index] && kept.iter().all(|(other, _)| *other != index);
        let Some(mut readings) = self.ask(self.next_sync, &live).await else { return vec![unbuilt()] };
        readings.extend(kept);
        readings.sort_by_key(|(index, _)| *index);
        self.weigh(readings, replicas)
    }

    /// Which triggers are of something outside the pods: KEDA reads those only.
    fn outside(&self) -> Vec<bool> {
        self.object.spec.triggers.iter().map(|trigger| !trigger.is_resource()).collect()
    }

    /// What `ready` pods use, as far as something is assumed of it.
    async fn usage(&mut self, due: Instant, ready: i32) -> Vec<ResourceMetric> {
        let outside = self.outside();
        if outside.iter().all(|is_outside| *is_outside) {
            return Vec::new();
        }
        let readings = self.ask(due, &|index| !outside[index]).await.unwrap_or_default();
        let now = self.clock.keda();
        let metric = |(index, reading): (usize, TriggerReading)| {
            let trigger = self.object.spec.triggers.get(index)?;
            let legacy = trigger.metadata.get("type").and_then(|name| MetricType::from_name(name));
            let metric_type = legacy.or(trigger.metric_type).unwrap_or_default();
            Some(ResourceMetric::assumed(&trigger.kind, metric_type, (reading.value, reading.target), ready, now))
        };
        readings.into_iter().filter_map(metric).collect()
    }

    /// The readings after the fallback.
    fn weigh(&mut self, readings: Vec<(usize, TriggerReading)>, replicas: Replicas) -> Vec<MetricRead> {
        let Self { object, triggers, record, .. } = self;
        let fallback = object.spec.fallback.as_ref();
        let weigh = |(index, reading): (usize, TriggerReading)| {
            let metric_type = object.spec.triggers.get(index).and_then(|trigger| trigger.metric_type).unwrap_or_default();
            let known = Known { metric_type, target: triggers.target(index).unwrap_or(reading.target) };
            let health = record.healths.entry(reading.metric.clone()).or_default();
            MetricRead::after(reading, &known, fallback, health, replicas)
        };
        readings.into_iter().map(weigh).collect()
    }

    fn decide(&self, read: Vec<MetricRead>, current: i32) -> ObjectDecision {
        let around = Around {
            rules: self.object.spec.rules(),
            pauses: self.pauses(),
            is_of_pods: self.object.spec.triggers.iter().all(Trigger::is_resource),
            current,
            last_active: self.record.last_active.map(|at| self.clock.keda_of(at)),
            // What says nothing was made for this watch.
            created: Some(self.clock.keda_of(self.object.metadata.creation_timestamp.unwrap_or(self.clock.began()))),
        };
        ObjectDecision::decide(around, read, self.clock.keda())
    }
}

/// What one sync of the HPA goes by.
struct Gathered {
    spec: hpa::Spec,
    scale: Scale,
    ready: i32,
    read: Vec<MetricRead>,
    /// How the read went in time, where anything was read.
    timing: Option<Timing>,
    metrics: Vec<hpa::replicas::Metric>,
    resources: Vec<ResourceMetric>,
}

impl Gathered {
    fn input(&self) -> Input<'_> {
        Input {
            spec: &self.spec,
            current: self.scale.wanted,
            there: self.scale.current,
            ready: self.ready,
            metrics: &self.metrics,
            resources: &self.resources,
        }
    }
}

/// What the metrics server has when the triggers cannot be built: an error, which counts as no failure.
fn unbuilt() -> MetricRead {
    let reading = TriggerReading::failed("triggers", "they cannot be built");
    MetricRead { reading, metric_type: MetricType::default(), failures: 0, replaced: None }
}

/// How the HPA fares after a sync.
fn health(decision: &HpaDecision) -> Condition {
    let (holds, reason) = match decision.reason {
        Reason::Disabled => (false, "ScalingDisabled"),
        Reason::Unreadable => (false, "FailedGetExternalMetric"),
        Reason::AboveMaximum | Reason::BelowMinimum | Reason::Metrics => (true, "ValidMetricFound"),
    };
    hpa_active(&ScalingActive { holds, reason, message: "" }).0
}
