//! KEDA's own metrics of what a scaler does: a pure fold over the event stream.

mod family;

use std::collections::BTreeMap;

use super::{
    event::{Event, What},
    hpa::replicas::Proposal,
    keda::{decision::TriggerReading, number::to_float},
    settings::ScalingKind,
    timing::Timing,
};

pub use family::{Family, Nature};

/// An object whose events are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its kind.
    pub kind: ScalingKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The types of its triggers.
    pub triggers: Vec<String>,
}

impl Subject {
    fn is(&self, kind: ScalingKind, about: Option<&str>) -> bool {
        let named = |path: &str| path.split_once('/') == Some((self.namespace.as_str(), self.name.as_str()));
        self.kind == kind && about.is_none_or(named)
    }

    /// The word for its kind in the labels of triggers and loops.
    fn word(&self) -> &'static str {
        match self.kind {
            ScalingKind::ScaledJob => "scaledjob",
            ScalingKind::ScaledObject => "scaledobject",
        }
    }

    fn labels(&self) -> [&str; 2] {
        [&self.namespace, &self.name]
    }
}

/// The metrics, as far as events tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meter {
    subjects: Vec<Subject>,
    samples: BTreeMap<(Family, Vec<String>), f64>,
}

impl Meter {
    /// The metrics of `subjects`, of which nothing happened yet, beside `authentications`: kind and namespace of each.
    #[must_use]
    pub fn of(subjects: Vec<Subject>, authentications: &[(String, String)]) -> Self {
        let mut meter = Self { subjects, samples: BTreeMap::new() };
        meter.set(Family::BuildInfo, &[env!("CARGO_PKG_VERSION"), "", "", std::env::consts::OS, arch()], 1.0);
        for (kind, namespace) in authentications {
            // What belongs to no namespace is counted in this one.
            let namespace = if kind == "ClusterTriggerAuthentication" { "default" } else { namespace };
            meter.add(Family::Resources, &[resource(kind), namespace], 1.0);
        }
        for subject in meter.subjects.clone() {
            let kind = if subject.kind == ScalingKind::ScaledJob { "scaled_job" } else { "scaled_object" };
            meter.add(Family::Resources, &[kind, &subject.namespace], 1.0);
            if subject.kind == ScalingKind::ScaledObject {
                meter.set(Family::ObjectPaused, &subject.labels(), 0.0);
            }
        }
        meter.count_triggers();
        meter
    }

    /// Every sample: its metric, the values of the labels in the metric's order, and the value.
    pub fn samples(&self) -> impl Iterator<Item = (Family, &[String], f64)> {
        self.samples.iter().map(|((family, labels), value)| (*family, labels.as_slice(), *value))
    }

    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) {
        match &event.what {
            What::Polled { decision, timing: Some(timing), .. } => {
                let Some(index) = self.place(event, ScalingKind::ScaledJob) else { return };
                let readings = decision.triggers.iter().map(|trigger| &trigger.reading).collect::<Vec<_>>();
                self.jobs_polled(index, &readings, timing);
            }
            What::ObjectPolled { decision, timing: Some(timing), .. } => {
                let Some(index) = self.place(event, ScalingKind::ScaledObject) else { return };
                let readings = decision.triggers.iter().map(|trigger| &trigger.reading).collect::<Vec<_>>();
                self.object_polled(index, &readings, timing);
            }
            What::HpaSynced { decision, timing: Some(timing), .. } => {
                let Some(index) = self.place(event, ScalingKind::ScaledObject) else { return };
                self.hpa_synced(index, &decision.proposals, timing);
            }
            // A ScaledObject's triggers that cannot be built end its poll before it decides.
            What::ScalerFailed { metric, .. } if metric == "triggers" => {
                let Some(index) = self.place(event, ScalingKind::ScaledObject) else { return };
                let subject = self.subjects[index].clone();
                self.add(Family::ObjectErrors, &subject.labels(), 1.0);
            }
            What::Paused { paused } => {
                let Some(index) = self.place(event, ScalingKind::ScaledObject) else { return };
                let subject = self.subjects[index].clone();
                self.set(Family::ObjectPaused, &subject.labels(), f64::from(u8::from(*paused)));
            }
            What::RolledOut { .. } => {
                let Some(index) = self.place(event, ScalingKind::ScaledObject) else { return };
                self.forget_triggers(index);
            }
            _ => {}
        }
    }

    /// The object that `event` is about, where it is of `kind`.
    fn place(&self, event: &Event, kind: ScalingKind) -> Option<usize> {
        self.subjects.iter().position(|subject| subject.is(kind, event.about.as_deref()))
    }

    /// What KEDA records at a poll of a ScaledJob: a failure is counted for the object, and never for the trigger.
    fn jobs_polled(&mut self, index: usize, readings: &[&TriggerReading], timing: &Timing) {
        let subject = self.polled(index, timing);
        self.add(Family::JobErrors, &subject.labels(), 0.0);
        if is_unbuilt(readings, timing) {
            self.add(Family::JobErrors, &subject.labels(), 1.0);
        }
        for (labels, metric) in self.asked(&subject, timing) {
            let Some(reading) = readings.iter().find(|reading| reading.metric == metric) else { continue };
            if reading.error.is_some() {
                self.add(Family::JobErrors, &subject.labels(), 1.0);
            } else {
                self.read(&labels, reading);
            }
        }
    }

    /// The same of a ScaledObject: a failure is counted for the trigger once, and for the object twice.
    fn object_polled(&mut self, index: usize, readings: &[&TriggerReading], timing: &Timing) {
        let subject = self.polled(index, timing);
        self.add(Family::ObjectErrors, &subject.labels(), 0.0);
        for (labels, metric) in self.asked(&subject, timing) {
            let Some(reading) = readings.iter().find(|reading| reading.metric == metric) else { continue };
            if reading.error.is_some() {
                self.add(Family::TriggerErrors, &labels, 1.0);
                self.add(Family::ObjectErrors, &subject.labels(), 2.0);
            } else {
                self.read(&labels, reading);
            }
        }
    }

    /// What KEDA's metrics server records when the HPA asks: what the fallback gives is a value.
    fn hpa_synced(&mut self, index: usize, proposals: &[Proposal], timing: &Timing) {
        let subject = self.subjects[index].clone();
        for (labels, metric) in self.asked(&subject, timing) {
            let Some(proposal) = proposals.iter().find(|proposal| proposal.metric == metric) else { continue };
            if proposal.error.is_some() {
                self.add(Family::TriggerErrors, &labels, 1.0);
                self.add(Family::ObjectErrors, &subject.labels(), 1.0);
            } else {
                self.set(Family::Value, &labels, to_float(proposal.value) / 1000.0);
                self.add(Family::TriggerErrors, &labels, 0.0);
            }
        }
    }

    fn read(&mut self, labels: &[String], reading: &TriggerReading) {
        self.set(Family::Value, labels, reading.value);
        self.add(Family::TriggerErrors, labels, 0.0);
        self.set(Family::Active, labels, f64::from(u8::from(reading.active)));
    }

    /// What is the same at each poll: how late it was, and which triggers there are.
    fn polled(&mut self, index: usize, timing: &Timing) -> Subject {
        let kinds: Vec<String> = timing.triggers.iter().map(|trigger| trigger.kind.clone()).collect();
        if self.subjects[index].triggers != kinds {
            self.subjects[index].triggers = kinds;
            self.count_triggers();
        }
        let subject = self.subjects[index].clone();
        self.set(Family::LoopLatency, &[&subject.namespace, subject.word(), &subject.name], timing.late_seconds);
        subject
    }

    /// The triggers that have metrics, each as its labels and its metric; how long those took that were asked is recorded.
    fn asked(&mut self, subject: &Subject, timing: &Timing) -> Vec<([String; 6], String)> {
        let mut asked = Vec::new();
        for (index, timed) in timing.triggers.iter().enumerate() {
            let Some(metric) = &timed.metric else { continue };
            let labels = [&subject.namespace, metric, &subject.name, &timed.scaler, &index.to_string(), subject.word()];
            let labels = labels.map(str::to_owned);
            if let Some(seconds) = timed.seconds {
                self.set(Family::TriggerLatency, &labels, seconds);
            }
            asked.push((labels, metric.clone()));
        }
        asked
    }

    fn count_triggers(&mut self) {
        for ((family, _), value) in &mut self.samples {
            if *family == Family::Triggers {
                *value = 0.0;
            }
        }
        for kind in self.subjects.iter().flat_map(|subject| subject.triggers.clone()).collect::<Vec<_>>() {
            self.add(Family::Triggers, &[&kind], 1.0);
        }
    }

    /// Drops what was measured of the object's triggers.
    fn forget_triggers(&mut self, index: usize) {
        let subject = self.subjects[index].clone();
        let wanted = [subject.namespace.as_str(), subject.name.as_str(), subject.word()];
        self.samples.retain(|(family, labels), _| {
            let is_trigger = family.labels().contains(&"triggerIndex");
            !is_trigger || [0, 2, 5].map(|index| labels[index].as_str()) != wanted
        });
    }

    fn set<T: AsRef<str>>(&mut self, family: Family, labels: &[T], value: f64) {
        self.samples.insert(key(family, labels), value);
    }

    fn add<T: AsRef<str>>(&mut self, family: Family, labels: &[T], value: f64) {
        *self.samples.entry(key(family, labels)).or_default() += value;
    }
}

fn key<T: AsRef<str>>(family: Family, labels: &[T]) -> (Family, Vec<String>) {
    (family, labels.iter().map(|label| label.as_ref().to_owned()).collect())
}

/// Whether the triggers could not be built: then one reading stands for them all.
fn is_unbuilt(readings: &[&TriggerReading], timing: &Timing) -> bool {
    let is_asked = |reading: &TriggerReading| timing.triggers.iter().any(|trigger| trigger.metric.as_ref() == Some(&reading.metric));
    readings.iter().any(|reading| reading.error.is_some() && !is_asked(reading))
}

/// KEDA's word for a kind of object.
fn resource(kind: &str) -> &str {
    match kind {
        "TriggerAuthentication" => "trigger_authentication",
        "ClusterTriggerAuthentication" => "cluster_trigger_authentication",
        other => other,
    }
}

/// The processor, as Go calls it.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests;
