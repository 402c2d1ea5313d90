//! The ScaledObject: fields, defaults, and the checks that the API server and the webhook make.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    API_VERSION,
    advanced::Advanced,
    field::Field,
    metadata::Metadata,
    trigger::{Trigger, validate_triggers},
};
use crate::core::{
    error::{Error, Result},
    hpa,
    keda::{
        executor,
        fallback::{Behavior, Fallback},
        pause::Pauses,
    },
    ports::ScaleTarget,
};

/// Seconds between polls where the spec does not say.
const DEFAULT_POLLING_INTERVAL: i32 = 30;
/// Most replicas where the spec does not say.
const DEFAULT_MAX: i32 = 100;
/// Fewest replicas of the HPA: it cannot go to zero, KEDA does.
const HPA_MIN: i32 = 1;

/// A ScaledObject, valid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScaledObject {
    /// Name, labels, annotations, generation.
    pub metadata: Metadata,
    /// What it says.
    pub spec: ScaledObjectSpec,
}

/// The spec; what is absent is `None`, defaults are applied by the methods.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaledObjectSpec {
    /// What is scaled.
    pub scale_target_ref: ScaleTargetRef,
    /// Seconds between polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polling_interval: Option<i32>,
    /// Seconds from the object's creation to the first scale-in to zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_cooldown_period: Option<i32>,
    /// Seconds from the last activity to the scale-in to zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<i32>,
    /// Replicas while nothing is active, fewer than the minimum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_replica_count: Option<i32>,
    /// Fewest replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_replica_count: Option<i32>,
    /// Most replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replica_count: Option<i32>,
    /// What is passed on to the HPA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advanced: Option<Advanced>,
    /// What happens when triggers cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// What is watched; at least one.
    pub triggers: Vec<Trigger>,
}

/// `spec.scaleTargetRef`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaleTargetRef {
    /// Its name.
    pub name: String,
    /// Its API version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The container whose environment the triggers may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_source_container_name: Option<String>,
}

const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: [&str; 10] = [
    "scaleTargetRef",
    "pollingInterval",
    "initialCooldownPeriod",
    "cooldownPeriod",
    "idleReplicaCount",
    "minReplicaCount",
    "maxReplicaCount",
    "advanced",
    "fallback",
    "triggers",
];

impl ScaledObject {
    pub(super) fn read(root: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let version = root.required("apiVersion", "a ScaledObject is of keda.sh/v1alpha1")?;
        if version.text()? != API_VERSION {
            return Err(version.error(format!("a ScaledObject is of {API_VERSION}")));
        }
        root.note_unknown(&TOP, warnings)?;
        let metadata = Metadata::read(&root.required("metadata", "a ScaledObject needs a name")?)?;
        let spec = root.required("spec", "a ScaledObject needs scaleTargetRef and triggers")?;
        Ok(Self { metadata, spec: ScaledObjectSpec::read(&spec, warnings)? })
    }

    /// The whole object, as one would apply it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "apiVersion": API_VERSION, "kind": "ScaledObject", "metadata": self.metadata, "spec": self.spec })
    }

    /// Names its loop: `scaledobject.<namespace>.<name>`, in lower case.
    #[must_use]
    pub fn identifier(&self) -> String {
        format!("scaledobject.{}.{}", self.metadata.namespace.as_deref().unwrap_or_default(), self.metadata.name).to_lowercase()
    }

    /// What its annotations say.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        Pauses::of(&self.metadata.annotations)
    }

    /// The HPA that KEDA makes for it: a direction that is paused is disabled.
    #[must_use]
    pub fn hpa(&self) -> hpa::Spec {
        let (min, max) = self.spec.hpa_bounds();
        let given = self.spec.advanced.as_ref().and_then(Advanced::behavior);
        let pauses = self.pauses();
        let behavior = (given.is_some() || pauses.scale_in || pauses.scale_out).then(|| {
            let mut behavior = given.unwrap_or_default();
            for (paused, rules) in [(pauses.scale_in, &mut behavior.scale_down), (pauses.scale_out, &mut behavior.scale_up)] {
                if paused {
                    rules.select = hpa::behavior::Select::Disabled;
                }
            }
            behavior
        });
        hpa::Spec { min, max, behavior }
    }
}

impl ScaledObjectSpec {
    fn read(spec: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        spec.note_unknown(&SPEC, warnings)?;
        let integer = |name: &str, least: i32| spec.get(name).map(|field| field.integer(least)).transpose();
        let target = spec.required("scaleTargetRef", "what to scale")?;
        let read = Self {
            scale_target_ref: ScaleTargetRef::read(&target, warnings)?,
            polling_interval: integer("pollingInterval", 1)?,
            initial_cooldown_period: integer("initialCooldownPeriod", 0)?,
            cooldown_period: integer("cooldownPeriod", 0)?,
            idle_replica_count: integer("idleReplicaCount", 0)?,
            min_replica_count: integer("minReplicaCount", 0)?,
            max_replica_count: integer("maxReplicaCount", 1)?,
            advanced: spec.get("advanced").map(|field| Advanced::read(&field, warnings)).transpose()?,
            fallback: spec.get("fallback").map(|field| fallback(&field, warnings)).transpose()?,
            triggers: triggers(&spec.required("triggers", "what to watch, at least one")?, warnings)?,
        };
        read.check_bounds()?;
        read.check_fallback()?;
        Ok(read)
    }

    /// The replica counts as the webhook checks them: minimum, maximum and idle count fit together, and what only `cpu`
    /// and `memory` scale never goes to zero.
    ///
    /// # Errors
    /// `Input`, naming the field.
    pub fn check_bounds(&self) -> Result<()> {
        let refuse = |field: &str, value: i32, rule: String| Err(Error::input(format!("spec.{field}"), value, rule));
        let (hpa_min, max) = self.hpa_bounds();
        let min = if self.min_replica_count.is_some() { hpa_min } else { 0 };
        if min > max {
            return refuse("minReplicaCount", min, format!("must be less than or equal to maxReplicaCount, which is {max}"));
        }
        if let Some(idle) = self.idle_replica_count.filter(|idle| *idle >= min) {
            let said = match self.min_replica_count {
                Some(0) => "0 and counts as 1".to_owned(),
                Some(min) => min.to_string(),
                None => "not set".to_owned(),
            };
            return refuse("idleReplicaCount", idle, format!("must be less than minReplicaCount, which is {said}"));
        }
        let only_resources = !self.triggers.is_empty() && self.triggers.iter().all(Trigger::is_resource);
        if only_resources && self.min_replica_count.unwrap_or(0) < 1 {
            let rule = "must be at least 1 where all triggers are cpu or memory: without pods there is nothing to measure";
            return refuse("minReplicaCount", self.min_replica_count.unwrap_or(0), rule.to_owned());
        }
        Ok(())
    }

    /// The fallback as the webhook checks it: it needs a trigger that KEDA reads itself.
    ///
    /// # Errors
    /// `Input`, naming the field.
    pub fn check_fallback(&self) -> Result<()> {
        let Some(fallback) = &self.fallback else { return Ok(()) };
        for (name, value) in [("failureThreshold", fallback.failure_threshold), ("replicas", fallback.replicas)] {
            if value < 0 {
                return Err(Error::input(format!("spec.fallback.{name}"), value, "must be at least 0"));
            }
        }
        if self.triggers.iter().all(Trigger::is_resource) {
            let why = "a fallback needs a trigger other than cpu and memory";
            let kinds: Vec<&str> = self.triggers.iter().map(|trigger| trigger.kind.as_str()).collect();
            return Err(Error::input("spec.fallback with triggers", kinds.join(", "), why));
        }
        Ok(())
    }

    /// Fewest and most replicas of the HPA.
    #[must_use]
    pub fn hpa_bounds(&self) -> (i32, i32) {
        let min = self.min_replica_count.filter(|min| *min > 0).unwrap_or(HPA_MIN);
        (min, self.max_replica_count.unwrap_or(DEFAULT_MAX))
    }

    /// The parts that KEDA's own scaling depends on.
    #[must_use]
    pub fn rules(&self) -> executor::Rules {
        executor::Rules {
            min: self.min_replica_count,
            idle: self.idle_replica_count,
            cooldown: self.cooldown_period,
            initial_cooldown: self.initial_cooldown_period,
            fallback: self.fallback.map(|fallback| fallback.replicas),
        }
    }

    /// Seconds between polls, 30 where the spec does not say.
    #[must_use]
    pub fn polling_interval_seconds(&self) -> u64 {
        u64::try_from(self.polling_interval.unwrap_or(DEFAULT_POLLING_INTERVAL)).unwrap_or(1)
    }

    /// What is scaled.
    #[must_use]
    pub fn target(&self) -> ScaleTarget {
        let ScaleTargetRef { name, api_version, kind, .. } = self.scale_target_ref.clone();
        let given = |text: Option<String>, default: &str| text.filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned());
        ScaleTarget { api_version: given(api_version, "apps/v1"), kind: given(kind, "Deployment"), name }
    }
}

impl ScaleTargetRef {
    fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        field.note_unknown(&["name", "apiVersion", "kind", "envSourceContainerName"], warnings)?;
        let text = |name: &str| field.get(name).map(|child| child.text().map(str::to_owned)).transpose();
        let name = field.required("name", "a scaleTargetRef names its object")?;
        if name.text()?.is_empty() {
            return Err(name.error("must not be empty"));
        }
        Ok(Self {
            name: name.text()?.to_owned(),
            api_version: text("apiVersion")?,
            kind: text("kind")?,
            env_source_container_name: text("envSourceContainerName")?,
        })
    }
}

fn fallback(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Fallback> {
    field.note_unknown(&["failureThreshold", "replicas", "behavior"], warnings)?;
    let behavior = match field.get("behavior") {
        None => Behavior::Static,
        Some(child) => {
            let name = child.one_of(&Behavior::NAMES)?;
            Behavior::named(name).ok_or_else(|| child.error("is for formulas of scalingModifiers, which are not evaluated here"))?
        }
    };
    Ok(Fallback {
        failure_threshold: field.required("failureThreshold", "a fallback says after how many failures")?.integer(0)?,
        replicas: field.required("replicas", "a fallback says how many replicas")?.integer(0)?,
        behavior,
    })
}

fn triggers(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Vec<Trigger>> {
    let items = field.items()?;
    if items.is_empty() {
        return Err(field.error("a ScaledObject needs at least one trigger"));
    }
    let triggers = items.iter().map(|item| trigger(item, warnings)).collect::<Result<Vec<_>>>()?;
    validate_triggers(&triggers)?;
    Ok(triggers)
}

fn trigger(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Trigger> {
    let trigger = Trigger::read(field, warnings)?;
    if let (Some(child), Some(_)) = (field.get("metricType"), trigger.metric_type) {
        let known: &[&str] = if trigger.is_resource() { &["Utilization", "AverageValue"] } else { &["AverageValue", "Value"] };
        child.one_of(known)?;
    }
    if trigger.is_resource() {
        let kind = &trigger.kind;
        warnings.push(format!("{}: `{kind}` is measured by a cluster's metrics server: in process it contributes nothing", field.path()));
    }
    Ok(trigger)
}

#[cfg(test)]
mod tests;
