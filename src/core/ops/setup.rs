//! `setup`: brings every resource into being, in order, and changes nothing that is as it should be.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::survey::survey;
use crate::core::{
    check::Check,
    error::{Error, Kind, Result},
    event::{Reporter, What},
    plan::{Action, Plan, Step},
    ports::Resource,
    settings::{Aws, Key, Settings},
    stack::{STACK_TAG, StackName},
};

/// How long a step that fails for a passing reason is tried, and how often.
#[derive(Clone, Copy)]
struct Patience {
    limit: Duration,
    pause: Duration,
}

/// SQS gives a deleted queue's name free after 60 s.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(75), pause: Duration::from_secs(1) };

/// What setup would do, or did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The stack.
    pub stack: StackName,
    /// Whether the plan was carried out.
    pub applied: bool,
    /// How many steps change something.
    pub changes: usize,
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Whether KEDA works, claim by claim, once the plan was carried out on a cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

impl Outcome {
    /// The outcome of `plan` for `stack`.
    #[must_use]
    pub fn new(stack: &StackName, plan: Plan, applied: bool) -> Self {
        Self { stack: stack.clone(), applied, changes: plan.changes().count(), plan, checks: Vec::new() }
    }
}

/// Refuses to move a stack that is set up: what it left behind would be found by nobody.
///
/// # Errors
/// `Input`, naming the first setting that differs from `previous`.
pub fn check_same_place(previous: &Settings, wanted: &Settings) -> Result<()> {
    let endpoint = |settings: &Settings| match settings.aws() {
        Aws::Embedded => "the embedded service".to_owned(),
        Aws::Real => "AWS itself".to_owned(),
        Aws::Endpoint(url) => url.to_owned(),
    };
    let text = |choice: &Option<String>| choice.clone().unwrap_or_else(|| "none".to_owned());
    let auth = |settings: &Settings| format!("{:?}", settings.auth).to_lowercase();
    // Another trigger is no move, unless the source of the one before would be left.
    let name = |settings: &Settings| settings.source().map(|source| source.to_string());
    let leaves = previous.source().is_some() && name(previous) != name(wanted);
    let trigger = if leaves { wanted.trigger } else { previous.trigger };
    let fixed = [
        (Key::Target, previous.target.word().to_owned(), wanted.target.word().to_owned()),
        (Key::Account, previous.place.account.clone(), wanted.place.account.clone()),
        (Key::Region, previous.place.region.clone(), wanted.place.region.clone()),
        (Key::EndpointUrl, endpoint(previous), endpoint(wanted)),
        (Key::Cluster, previous.names.cluster.clone(), wanted.names.cluster.clone()),
        (Key::Context, text(&previous.context), text(&wanted.context)),
        (Key::Namespace, previous.names.namespace.clone(), wanted.names.namespace.clone()),
        (Key::KedaNamespace, previous.names.keda_namespace.clone(), wanted.names.keda_namespace.clone()),
        (Key::Auth, auth(previous), auth(wanted)),
        (Key::AuthScope, format!("{:?}", previous.auth_scope).to_lowercase(), format!("{:?}", wanted.auth_scope).to_lowercase()),
        (Key::Kind, previous.kind.word().to_owned(), wanted.kind.word().to_owned()),
        (Key::Trigger, previous.trigger.word().to_owned(), trigger.word().to_owned()),
        (Key::Queue, previous.names.queue.clone(), wanted.names.queue.clone()),
    ];
    match fixed.into_iter().find(|(_, before, after)| before != after) {
        None => Ok(()),
        Some((key, before, after)) => {
            let why = format!("stack `{}` is set up with `{before}`", wanted.stack);
            let hint = "run `kedactl teardown` first, or set up another stack: `kedactl setup --stack NAME`";
            Err(Error::input(format_args!("--{}", key.name()), after, why).hint(hint))
        }
    }
}

/// What must be done so that all of `resources` are as they should be.
///
/// # Errors
/// When a resource cannot be looked at.
pub async fn plan(resources: &[Box<dyn Resource>]) -> Result<Plan> {
    Ok(Plan::setup(&survey(resources).await?))
}

/// Refuses a plan in whose way something foreign stands.
///
/// # Errors
/// `Foreign`, naming everything that is in the way.
pub fn check_unblocked(plan: &Plan, stack: &StackName) -> Result<()> {
    if let Some((step, hint)) = plan.blocked().find_map(|step| Some((step, step.hint.as_ref()?))) {
        return Err(Error::failed("nothing was changed", format!("{}: {}", step.id, step.why)).hint(hint));
    }
    let blocked: Vec<String> = plan.blocked().map(|step| format!("{} ({})", step.id, step.why)).collect();
    if blocked.is_empty() {
        return Ok(());
    }
    let hint = format!(
        "choose other names with `kedactl setup --stack NAME`, or remove what is in the way; if it is yours, tag it {STACK_TAG}={stack}"
    );
    Err(Error::new(Kind::Foreign, "nothing was changed", format!("not ours and left alone: {}", blocked.join(", "))).hint(hint))
}

/// Carries out `plan`, which was made of `resources`. Stopped at any point, the next run completes it.
///
/// # Errors
/// The first step's fault; `Interrupted` when `cancel` is set between two steps.
pub async fn apply(resources: &[Box<dyn Resource>], plan: &Plan, reporter: &dyn Reporter, cancel: &CancellationToken) -> Result<()> {
    Apply { reporter, cancel, patience: PATIENCE }.all(resources, plan).await
}

struct Apply<'a> {
    reporter: &'a dyn Reporter,
    cancel: &'a CancellationToken,
    patience: Patience,
}

impl Apply<'_> {
    async fn all(&self, resources: &[Box<dyn Resource>], plan: &Plan) -> Result<()> {
        let mut done = Vec::new();
        for (resource, step) in resources.iter().zip(&plan.steps) {
            if !matches!(step.action, Action::Create | Action::Update) {
                continue;
            }
            let (resource_name, action) = (step.id.to_string(), step.action.word().to_owned());
            self.reporter.tell(What::StepStarted { resource: resource_name.clone(), action: action.clone() });
            self.one(resource.as_ref(), step).await.map_err(|error| stopped(error, &done, plan.changes().count()))?;
            done.push(resource_name.clone());
            self.reporter.tell(What::StepDone { resource: resource_name, action });
        }
        Ok(())
    }

    async fn one(&self, resource: &dyn Resource, step: &Step) -> Result<()> {
        let limit = resource.patience().unwrap_or(self.patience.limit);
        let deadline = Instant::now() + limit;
        let mut told = false;
        loop {
            if self.cancel.is_cancelled() {
                return Err(interrupted());
            }
            match resource.apply().await {
                Err(error) if error.is_passing() && Instant::now() < deadline => {
                    if !told {
                        let condition = format!("{} can be made: {error}", step.id);
                        self.reporter.tell(What::Waiting { condition, deadline_seconds: limit.as_secs() });
                        told = true;
                    }
                }
                outcome => return outcome,
            }
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = sleep(self.patience.pause) => {}
            }
        }
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "setup was interrupted", "")
}

/// `error` stopped it after the steps `done` of `all`: the way out says so.
fn stopped(error: Error, done: &[String], all: usize) -> Error {
    let first = error.hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
    let list = if done.is_empty() { String::new() } else { format!(": {}", done.join(", ")) };
    let count = done.len();
    error.hint(format!("{first}run `kedactl setup` again: it goes on where it stopped ({count} of {all} steps done{list})"))
}

#[cfg(test)]
mod tests;
