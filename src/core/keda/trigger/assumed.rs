//! Assumed values: what a trigger would say, so that a manifest can be tried without its source.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use super::target::{Target, target_of};
use crate::core::{
    error::{Error, Result},
    expiry::parse_offset,
    keda::{
        decision::TriggerReading,
        manifest::Trigger,
        metric_name::{metric_name, normalize},
        number::through_quantity,
    },
};

/// One assumption: from a time on, a trigger's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumption {
    /// The trigger's name, or the type of triggers.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// What one job is wanted for, instead of what the trigger's metadata says.
    pub target: Option<f64>,
    /// From when on, since the start.
    pub from: Duration,
}

impl FromStr for Assumption {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            let error = Error::input("--assume", text, why);
            error.hint("write NAME=VALUE, NAME=VALUE@TIME or NAME=VALUE/TARGET, such as `kafka=250`, `orders=0@30s` or `kafka=250/10`")
        };
        let (name, rest) = text.split_once('=').ok_or_else(|| refused("it has no `=`"))?;
        let (figures, from) = match rest.split_once('@') {
            Some((figures, time)) => (figures, parse_offset(time).ok_or_else(|| refused("its time is no span such as 30s or 1m30s"))?),
            None => (rest, Duration::ZERO),
        };
        let (value, target) = match figures.split_once('/') {
            Some((value, target)) => (value, Some(target)),
            None => (figures, None),
        };
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let value = number(value).ok_or_else(|| refused("its value is no number"))?;
        let target = target
            .map(|target| number(target).filter(|target| *target > 0.0))
            .map(|target| target.ok_or_else(|| refused("its target is no number above 0")));
        if name.is_empty() {
            return Err(refused("it names no trigger"));
        }
        Ok(Self { name: name.to_owned(), value, target: target.transpose()?, from })
    }
}

/// A step function of time, and how it is read as a trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumed {
    /// The metric's name, `s<index>-<type>`, or with the trigger's own name in place of the type.
    pub metric: String,
    /// What one job or replica is wanted for, and when it is active.
    pub target: Target,
    /// From when on which value, in order of time.
    steps: Vec<(Duration, f64)>,
}

impl Assumed {
    /// What `assumptions` say of trigger number `index`, counted from 0: those of its name, or else those of its type. `None` when they say
    /// nothing of it.
    ///
    /// # Errors
    /// `Input`, when neither the assumption nor the trigger's metadata tells the target.
    pub fn of(index: usize, trigger: &Trigger, assumptions: &[Assumption]) -> Result<Option<Self>> {
        let named = |name: &str| assumptions.iter().filter(|assumption| assumption.name == name).collect::<Vec<_>>();
        let mut own = trigger.name.as_deref().map(named).unwrap_or_default();
        if own.is_empty() {
            own = named(&trigger.kind);
        }
        own.sort_by_key(|assumption| assumption.from);
        let Some(first) = own.first() else { return Ok(None) };
        let steps = own.iter().map(|assumption| (assumption.from, assumption.value)).collect();
        let mut target = target_of(trigger);
        if let Some(given) = own.iter().rev().find_map(|assumption| assumption.target) {
            target = Some(Target { value: given, activation: target.map_or(0.0, |target| target.activation) });
        }
        let target = target.ok_or_else(|| {
            let why = format!("the metadata of trigger {index} (`{}`) does not tell its target", trigger.kind);
            Error::input("--assume", &first.name, why).hint(format!("say it: --assume {}={}/TARGET", first.name, first.value))
        })?;
        let called = trigger.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&trigger.kind);
        Ok(Some(Self { metric: metric_name(index, &normalize(called)), target, steps }))
    }

    /// The reading after `elapsed`; `None` before the first step.
    #[must_use]
    pub fn reading(&self, elapsed: Duration) -> Option<TriggerReading> {
        let (_, value) = self.steps.iter().rev().find(|(from, _)| *from <= elapsed)?;
        Some(self.reading_of(*value))
    }

    /// The reading of nothing at all, for what cannot be read before its first step.
    #[must_use]
    pub fn nothing(&self) -> TriggerReading {
        self.reading_of(0.0)
    }

    fn reading_of(&self, value: f64) -> TriggerReading {
        TriggerReading {
            metric: self.metric.clone(),
            value: through_quantity(value),
            target: self.target.value,
            active: value > self.target.activation,
            activation: Some(self.target.activation),
            parts: None,
            counted: None,
            error: None,
        }
    }
}

/// Checks that each of `assumptions` is about some trigger.
///
/// # Errors
/// `Input`, naming the one that is not, and the triggers that there are.
pub fn check_names<'a>(assumptions: &[Assumption], triggers: impl Iterator<Item = &'a Trigger>) -> Result<()> {
    let mut known = BTreeSet::new();
    for trigger in triggers {
        known.insert(trigger.kind.as_str());
        known.extend(trigger.name.as_deref());
    }
    match assumptions.iter().find(|assumption| !known.contains(assumption.name.as_str())) {
        Some(stray) => {
            let names: Vec<&str> = known.into_iter().collect();
            let why = format!("no trigger has this name or type; there are {}", names.join(", "));
            Err(Error::input("--assume", &stray.name, why))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;
    use crate::core::keda::number::short;

    fn trigger(kind: &str, name: Option<&str>, pairs: &[(&str, &str)]) -> Trigger {
        let metadata = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Trigger { kind: kind.to_owned(), name: name.map(str::to_owned), metadata, ..Trigger::default() }
    }

    fn assume(texts: &[&str]) -> Vec<Assumption> {
        texts.iter().map(|text| text.parse().expect("an assumption")).collect()
    }

    #[test]
    fn several_assumptions_are_steps_in_time_and_a_name_is_stronger_than_a_type() {
        let orders = trigger("kafka", Some("orders"), &[("lagThreshold", "50"), ("activationLagThreshold", "5")]);
        let assumptions = assume(&["orders=250@30s", "orders=5", "kafka=1000", "orders=0@1m"]);
        let assumed = Assumed::of(1, &orders, &assumptions).expect("a target").expect("assumed");
        let at = |seconds| assumed.reading(Duration::from_secs(seconds)).expect("from the start");
        assert_eq!((assumed.metric.as_str(), short(at(0).target)), ("s1-orders", "50".to_owned()));
        assert_eq!([0, 29, 30, 59, 60].map(|second| short(at(second).value)), ["5", "5", "250", "250", "0"]);
        assert_eq!([0, 30, 60].map(|second| at(second).active), [false, true, false]);
    }

    #[test]
    fn before_its_first_step_nothing_is_assumed() {
        let kafka = trigger("kafka", None, &[]);
        let assumed = Assumed::of(0, &kafka, &assume(&["kafka=100@10s"])).expect("a target").expect("assumed");
        assert_eq!(assumed.reading(Duration::from_secs(9)), None);
        assert_eq!((short(assumed.nothing().value), assumed.nothing().active), ("0".to_owned(), false));
    }

    #[test]
    fn a_target_that_nobody_tells_is_asked_for() {
        let odd = trigger("external", None, &[]);
        let error = Assumed::of(0, &odd, &assume(&["external=3"])).expect_err("no target");
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("external=3/TARGET")), "{error:?}");
        let assumed = Assumed::of(0, &odd, &assume(&["external=3/2"])).expect("a target").expect("assumed");
        assert_eq!(short(assumed.reading(Duration::ZERO).expect("from the start").target), "2");
    }

    #[test]
    fn what_is_no_assumption_says_how_one_is_written() {
        for wrong in ["kafka", "=1", "kafka=", "kafka=many", "kafka=1@soon", "kafka=1/0", "kafka=1/x", "kafka=inf", "kafka=1@-3s"] {
            let error = wrong.parse::<Assumption>().expect_err(wrong);
            assert!(error.exit_code() == 2 && error.hint.is_some(), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_name_that_no_trigger_has_is_refused_with_those_that_there_are() {
        let triggers = [trigger("kafka", Some("orders"), &[]), trigger("cron", None, &[])];
        check_names(&assume(&["orders=1", "cron=1"]), triggers.iter()).expect("known");
        let error = check_names(&assume(&["order=1"]), triggers.iter()).expect_err("unknown");
        assert!(error.why.contains("cron, kafka, orders"), "{error}");
    }

    proptest! {
        #[test]
        fn the_order_of_assumptions_does_not_matter(mut steps: Vec<(u16, i32)>, at: u16) {
            steps.sort_by_key(|(from, _)| *from);
            steps.dedup_by_key(|(from, _)| *from);
            let kafka = trigger("kafka", None, &[]);
            let all = |steps: &mut dyn Iterator<Item = &(u16, i32)>| -> Vec<Assumption> {
                steps.map(|(from, value)| format!("kafka={value}@{from}s").parse().expect("an assumption")).collect()
            };
            let reading = |assumptions: Vec<Assumption>| {
                let assumed = Assumed::of(0, &kafka, &assumptions).expect("a target");
                assumed.and_then(|assumed| assumed.reading(Duration::from_secs(at.into())))
            };
            prop_assert_eq!(reading(all(&mut steps.iter())), reading(all(&mut steps.iter().rev())));
        }
    }
}
