//! `spec.advanced` of a ScaledObject: what it passes on to the HPA, checked as Kubernetes checks an HPA's behavior.

use serde::Serialize;
use serde_json::Value;

use super::{
    field::Field,
    node::{Node, Shape},
};
use crate::core::{
    error::Result,
    hpa::behavior::{Behavior, Policy, Rules, Select, Step},
    keda::number::quantity,
};

/// The longest stabilization window, in seconds: `MaxStabilizationWindowSeconds`.
const LONGEST_WINDOW: i32 = 3600;
/// The longest period of a policy, in seconds: `MaxPeriodSeconds`.
const LONGEST_PERIOD: i32 = 1800;

/// `spec.advanced`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advanced {
    /// What is passed on, as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizontal_pod_autoscaler_config: Option<Value>,
    /// Whether the replicas of before come back when the ScaledObject is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_to_original_replica_count: Option<bool>,
    /// The behavior in it, with its defaults.
    #[serde(skip)]
    behavior: Option<Behavior>,
}

impl Advanced {
    pub(super) fn read(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        field.note_unknown(&["horizontalPodAutoscalerConfig", "restoreToOriginalReplicaCount", "scalingModifiers"], warnings)?;
        if let Some(modifiers) = field.get("scalingModifiers") {
            no_formula(&modifiers, warnings)?;
        }
        let config = field.get("horizontalPodAutoscalerConfig");
        let behavior = config.as_ref().map(|config| config_behavior(config, warnings)).transpose()?.flatten();
        Ok(Self {
            horizontal_pod_autoscaler_config: config.map(|config| Value::from(config.node())),
            restore_to_original_replica_count: field.get("restoreToOriginalReplicaCount").map(|child| child.boolean()).transpose()?,
            behavior,
        })
    }

    /// The HPA's behavior, where it is given.
    #[must_use]
    pub fn behavior(&self) -> Option<Behavior> {
        self.behavior.clone()
    }
}

/// Formulas are another language: an object that uses them is refused, not scaled wrongly.
fn no_formula(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<()> {
    field.note_unknown(&["formula", "target", "activationTarget", "metricType"], warnings)?;
    if field.entries()?.is_empty() {
        return Ok(());
    }
    let error = field.error("formulas of scalingModifiers are not evaluated here");
    Err(error.hint("leave scalingModifiers out to try the triggers alone: the HPA takes the most that one of them asks for"))
}

fn config_behavior(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Option<Behavior>> {
    field.note_unknown(&["name", "behavior"], warnings)?;
    field.get("name").map(|name| name.text().map(|_| ())).transpose()?;
    let Some(behavior) = field.get("behavior").filter(|behavior| !behavior.is_null()) else { return Ok(None) };
    behavior.note_unknown(&["scaleUp", "scaleDown"], warnings)?;
    let Behavior { scale_up, scale_down } = Behavior::default();
    Ok(Some(Behavior {
        scale_up: rules(behavior.get("scaleUp"), scale_up, warnings)?,
        scale_down: rules(behavior.get("scaleDown"), scale_down, warnings)?,
    }))
}

/// The rules of one direction; what is absent is as in `defaults`.
fn rules(field: Option<Field<'_>>, defaults: Rules, warnings: &mut Vec<String>) -> Result<Rules> {
    let Some(field) = field.filter(|field| !field.is_null()) else { return Ok(defaults) };
    field.note_unknown(&["stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"], warnings)?;
    let policies = match field.get("policies") {
        None => defaults.policies,
        Some(list) => {
            let items = list.items()?;
            if items.is_empty() {
                return Err(list.error("must hold at least one policy"));
            }
            items.iter().map(|item| policy(item, warnings)).collect::<Result<_>>()?
        }
    };
    let select = match field.get("selectPolicy").map(|child| child.one_of(&["Max", "Min", "Disabled"])).transpose()? {
        None => defaults.select,
        Some("Min") => Select::Min,
        Some("Disabled") => Select::Disabled,
        Some(_) => Select::Max,
    };
    Ok(Rules {
        window: field
            .get("stabilizationWindowSeconds")
            .map(|child| at_most(&child, 0, LONGEST_WINDOW))
            .transpose()?
            .unwrap_or(defaults.window),
        select,
        policies,
        tolerance: field.get("tolerance").map(|child| tolerance(&child)).transpose()?.unwrap_or(defaults.tolerance),
    })
}

fn policy(field: &Field<'_>, warnings: &mut Vec<String>) -> Result<Policy> {
    field.note_unknown(&["type", "value", "periodSeconds"], warnings)?;
    let kind = field.required("type", "a policy counts Pods or Percent")?.one_of(&["Pods", "Percent"])?;
    let value = field.required("value", "a policy says how much")?.integer(1)?;
    let period = at_most(&field.required("periodSeconds", "a policy says within how many seconds")?, 1, LONGEST_PERIOD)?;
    Ok(Policy { step: if kind == "Pods" { Step::Pods(value) } else { Step::Percent(value) }, period })
}

fn at_most(field: &Field<'_>, least: i32, most: i32) -> Result<i32> {
    let value = field.integer(least)?;
    if value > most { Err(field.error(format!("must be at most {most}"))) } else { Ok(value) }
}

/// A share such as `0.05`, `"0.05"` or `"50m"`.
fn tolerance(field: &Field<'_>) -> Result<f64> {
    let text = match &field.node() {
        Node { shape: Shape::Number(number), .. } => number.to_string(),
        _ => field.text()?.to_owned(),
    };
    let share = match text.strip_suffix('m') {
        Some(thousandths) => quantity(thousandths).map(|value| value / 1000.0),
        None => quantity(&text),
    };
    share.filter(|share| *share >= 0.0).ok_or_else(|| field.error("must be a share of at least 0, such as \"0.05\" or \"50m\""))
}
