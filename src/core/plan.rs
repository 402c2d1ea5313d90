//! What was observed, what will be done about it, and in which order: a plan is data.

use std::fmt;

use serde::Serialize;

/// Names one resource: its kind in the field's words, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ResourceId {
    /// For example `sqs queue`, `iam role`, `scaledjob`.
    pub kind: &'static str,
    /// The object's name.
    pub name: String,
}

impl ResourceId {
    /// Makes the id of the `kind` called `name`.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Whether a resource belongs to one stack or is shared by several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Made by and for one stack: `teardown` deletes it.
    Stack,
    /// Shared (OIDC provider, cluster): made when absent, deleted only when asked and ours.
    Shared,
    /// KEDA itself, by which others may scale: made when absent, removed only when asked for by name and ours.
    Controller,
}

impl Scope {
    /// Whether what somebody else made serves as well as ours.
    #[must_use]
    pub fn is_common(self) -> bool {
        self != Self::Stack
    }
}

/// One difference between what is and what should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field, for example `VisibilityTimeout` or `tag kedactl:stack`.
    pub field: String,
    /// What is there; empty when absent.
    pub actual: String,
    /// What should be there.
    pub wanted: String,
}

/// What a look at one resource found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Observed {
    /// It does not exist.
    Absent,
    /// It is ours, and differs from what it should be.
    Drifted {
        /// Each difference.
        differences: Vec<Difference>,
    },
    /// It is ours and as it should be.
    Ready,
    /// It exists and is not ours: it is never touched.
    Foreign {
        /// What shows that it is not ours.
        why: String,
    },
    /// It is not ours, and serves once it is adapted, for which somebody must be asked.
    Borrowed {
        /// What shows that it is not ours.
        why: String,
        /// What adapting changes.
        differences: Vec<Difference>,
    },
    /// It cannot be made as things are; nothing of it is ours.
    Refused {
        /// What is in the way.
        why: String,
        /// The way out.
        hint: String,
    },
}

impl Observed {
    /// Whether it exists and is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ready | Self::Drifted { .. })
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Make what is absent.
    Create,
    /// Repair what drifted.
    Update,
    /// Leave it: it is as it should be, or already gone.
    Keep,
    /// Remove it.
    Delete,
    /// Cannot be done: something foreign stands in its place.
    Blocked,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The resource.
    #[serde(flatten)]
    pub id: ResourceId,
    /// What will be done.
    pub action: Action,
    /// Why, in a few words; empty for the obvious.
    pub why: String,
    /// What an update repairs, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// The aws, helm or kubectl commands that this step replaces.
    pub replaces: Vec<String>,
    /// Whether it changes something that is not ours: then a person is asked first.
    #[serde(skip_serializing_if = "Whose::is_ours")]
    pub whose: Whose,
    /// The way out of a blocked step, where there is a particular one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Whose thing a step changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// Ours.
    #[default]
    Ours,
    /// Somebody else's.
    Foreign,
}

impl Whose {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_ours(&self) -> bool {
        *self == Self::Ours
    }
}

/// One resource as a plan sees it.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The resource.
    pub id: ResourceId,
    /// Whose it is.
    pub scope: Scope,
    /// What was found.
    pub observed: Observed,
    /// The commands its creation replaces.
    pub replaces: Vec<String>,
}

/// Steps in the order in which they are carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What becomes of something that others may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Leave it.
    Keep,
    /// Delete it if it is ours.
    Delete,
}

/// What `teardown` does with what is not the stack's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// The OIDC provider, the cluster record, the namespace.
    pub common: Fate,
    /// KEDA.
    pub controller: Fate,
}

impl Shared {
    /// All of it stays.
    pub const KEEP: Self = Self { common: Fate::Keep, controller: Fate::Keep };
    /// All of it goes, where it is ours.
    pub const DELETE: Self = Self { common: Fate::Delete, controller: Fate::Delete };

    /// Whether something of `scope` stays although it is ours.
    #[must_use]
    pub fn keeps(self, scope: Scope) -> bool {
        match scope {
            Scope::Stack => false,
            Scope::Shared => self.common == Fate::Keep,
            Scope::Controller => self.controller == Fate::Keep,
        }
    }
}

impl Plan {
    /// The plan that brings everything seen into being, in the order given.
    #[must_use]
    pub fn setup(sightings: &[Sighting]) -> Self {
        let step = |sighting: &Sighting| {
            let (mut repaired, mut whose, mut way_out) = (Vec::new(), Whose::Ours, None);
            let (action, why) = match &sighting.observed {
                Observed::Absent => (Action::Create, String::new()),
                Observed::Ready => (Action::Keep, String::new()),
                Observed::Drifted { differences } => {
                    repaired.clone_from(differences);
                    (Action::Update, describe(differences))
                }
                Observed::Borrowed { why, differences } if differences.is_empty() => (Action::Keep, why.clone()),
                Observed::Borrowed { why, differences } => {
                    repaired.clone_from(differences);
                    whose = Whose::Foreign;
                    (Action::Update, format!("not ours: {why}"))
                }
                Observed::Refused { why, hint } => {
                    way_out = Some(hint.clone());
                    (Action::Blocked, why.clone())
                }
                // A shared object that someone else made serves as well as ours.
                Observed::Foreign { why } if sighting.scope.is_common() => (Action::Keep, why.clone()),
                Observed::Foreign { why } => (Action::Blocked, why.clone()),
            };
            Step { id: sighting.id.clone(), action, why, differences: repaired, replaces: sighting.replaces.clone(), whose, hint: way_out }
        };
        Self { steps: sightings.iter().map(step).collect() }
    }

    /// The plan that removes what is ours, in the reverse of the order given.
    #[must_use]
    pub fn teardown(sightings: &[Sighting], shared: Shared) -> Self {
        let step = |sighting: &Sighting| {
            let (action, why) = match &sighting.observed {
                Observed::Absent => (Action::Keep, "already gone".to_owned()),
                Observed::Foreign { why } | Observed::Borrowed { why, .. } | Observed::Refused { why, .. } => {
                    (Action::Keep, format!("not ours: {why}"))
                }
                _ if shared.keeps(sighting.scope) => (Action::Keep, "shared".to_owned()),
                _ => (Action::Delete, String::new()),
            };
            Step { id: sighting.id.clone(), action, why, differences: Vec::new(), replaces: Vec::new(), whose: Whose::Ours, hint: None }
        };
        Self { steps: sightings.iter().rev().map(step).collect() }
    }

    /// The steps that change something.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.action, Action::Create | Action::Update | Action::Delete))
    }

    /// The steps that something foreign stands in the way of.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::Blocked)
    }
}

impl Action {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Keep => "keep",
            Self::Delete => "delete",
            Self::Blocked => "blocked",
        }
    }
}

/// `VisibilityTimeout drifted`, `3 fields drifted`.
fn describe(differences: &[Difference]) -> String {
    match differences {
        [one] => format!("{} drifted", one.field),
        many => format!("{} fields drifted", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(name: &str, scope: Scope, observed: Observed) -> Sighting {
        Sighting { id: ResourceId::new("thing", name), scope, observed, replaces: vec![] }
    }

    #[test]
    fn setup_never_plans_to_touch_what_is_foreign() {
        let foreign = || Observed::Foreign { why: "no tag".into() };
        let plan = Plan::setup(&[sighting("mine", Scope::Stack, foreign()), sighting("ours", Scope::Shared, foreign())]);
        assert_eq!(plan.steps[0].action, Action::Blocked);
        assert_eq!(plan.steps[1].action, Action::Keep);
        assert_eq!(plan.changes().count(), 0);
    }

    #[test]
    fn setup_repairs_what_drifted_and_keeps_what_is_ready() {
        let differences = vec![Difference { field: "VisibilityTimeout".into(), actual: "30".into(), wanted: "60".into() }];
        let drifted = sighting("a", Scope::Stack, Observed::Drifted { differences: differences.clone() });
        let plan = Plan::setup(&[drifted, sighting("b", Scope::Stack, Observed::Ready), sighting("c", Scope::Stack, Observed::Absent)]);
        let actions: Vec<Action> = plan.steps.iter().map(|step| step.action).collect();
        assert_eq!(actions, [Action::Update, Action::Keep, Action::Create]);
        assert_eq!((plan.steps[0].why.as_str(), &plan.steps[0].differences), ("VisibilityTimeout drifted", &differences));
    }

    #[test]
    fn teardown_leaves_alone_what_is_foreign_or_gone() {
        let foreign = Observed::Foreign { why: "no tag".into() };
        let seen = [sighting("theirs", Scope::Stack, foreign.clone()), sighting("gone", Scope::Stack, Observed::Absent)];
        let shared = [sighting("shared", Scope::Shared, foreign)];
        assert_eq!(Plan::teardown(&seen, Shared::DELETE).changes().count(), 0);
        assert_eq!(Plan::teardown(&shared, Shared::DELETE).changes().count(), 0);
    }

    #[test]
    fn adapting_what_is_not_ours_is_an_update_that_says_so() {
        let differences = vec![Difference { field: "role".into(), actual: String::new(), wanted: "arn".into() }];
        let borrowed = Observed::Borrowed { why: "by helm".into(), differences: differences.clone() };
        let plan = Plan::setup(&[sighting("keda", Scope::Stack, borrowed.clone())]);
        assert_eq!((plan.steps[0].action, plan.steps[0].whose), (Action::Update, Whose::Foreign));
        assert_eq!((plan.steps[0].why.as_str(), &plan.steps[0].differences), ("not ours: by helm", &differences));
        assert_eq!(Plan::teardown(&[sighting("keda", Scope::Stack, borrowed)], Shared::DELETE).changes().count(), 0);
    }

    #[test]
    fn what_is_refused_is_blocked_with_its_own_way_out() {
        let refused = Observed::Refused { why: "too old".into(), hint: "upgrade".into() };
        let plan = Plan::setup(&[sighting("keda", Scope::Shared, refused.clone())]);
        assert_eq!((plan.steps[0].action, plan.steps[0].hint.as_deref()), (Action::Blocked, Some("upgrade")));
        assert_eq!(Plan::teardown(&[sighting("keda", Scope::Shared, refused)], Shared::DELETE).changes().count(), 0);
    }

    #[test]
    fn a_plan_is_data() {
        let plan = Plan::setup(&[sighting("a", Scope::Stack, Observed::Absent)]);
        let json = serde_json::to_value(&plan).expect("serialisable");
        assert_eq!(json["steps"][0], serde_json::json!({"kind": "thing", "name": "a", "action": "create", "why": "", "replaces": []}));
    }

    #[test]
    fn teardown_reverses_the_order_and_keeps_what_is_shared() {
        let seen = [sighting("first", Scope::Shared, Observed::Ready), sighting("last", Scope::Stack, Observed::Ready)];
        let plan = Plan::teardown(&seen, Shared::KEEP);
        assert_eq!(plan.steps[0].id.name, "last");
        assert_eq!(plan.steps[0].action, Action::Delete);
        assert_eq!(plan.steps[1].action, Action::Keep);
        assert_eq!(Plan::teardown(&seen, Shared::DELETE).changes().count(), 2);
    }

    #[test]
    fn keda_goes_only_when_it_is_asked_for_by_name_and_then_alone() {
        let seen = [sighting("keda", Scope::Controller, Observed::Ready), sighting("provider", Scope::Shared, Observed::Ready)];
        let deleted = |shared| {
            let plan = Plan::teardown(&seen, shared);
            plan.changes().map(|step| step.id.name.clone()).collect::<Vec<_>>()
        };
        assert!(deleted(Shared::KEEP).is_empty());
        assert_eq!(deleted(Shared { common: Fate::Delete, ..Shared::KEEP }), ["provider"]);
        assert_eq!(deleted(Shared { controller: Fate::Delete, ..Shared::KEEP }), ["keda"]);
        let foreign = sighting("keda", Scope::Controller, Observed::Foreign { why: "by helm".into() });
        assert_eq!(Plan::teardown(std::slice::from_ref(&foreign), Shared::DELETE).changes().count(), 0);
        assert_eq!(Plan::setup(&[foreign]).steps[0].action, Action::Keep);
    }
}
