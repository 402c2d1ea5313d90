//! `kedactl setup`.

use jiff::{SignedDuration, Timestamp, Unit};
use kedactl::{
    backend::Backend,
    core::{
        check::Check,
        error::{Error, Kind, Result},
        event::Fanout,
        expiry::parse_span,
        ops::setup::{Outcome, apply, check_same_place, check_unblocked, plan},
        plan::{Plan, Whose},
        ports::Resource,
        settings::Key,
    },
};

use super::{choices::SettingFlags, confirm::confirm, context::Context, exit::Exit, progress::Progress, view};

/// A stack's resources, in the order of setup.
pub(crate) type Resources = Vec<Box<dyn Resource>>;

/// Create the queue, the identities and the scaling objects
///
/// Makes what is missing, repairs what differs, and leaves everything else alone; what exists and was not made by this
/// stack is named and never touched. The plan is shown first. A run that was stopped is completed by the next one.
///
/// On a cluster KEDA is found or installed as well, and at the end each claim about it is checked: exit code 3 when one fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl setup
  kedactl setup --plan --explain
  kedactl setup --queue videos --queue-length 5 --strategy accurate
  kedactl setup --stack orders --work-seconds 5
  kedactl setup --cluster video --region eu-west-1 --ttl 2h")]
pub(crate) struct Setup {
    /// Show the plan and stop: exit code 0 when nothing would change, 3 otherwise
    #[arg(long)]
    plan: bool,
    /// Show with each step the aws and kubectl commands that it replaces
    #[arg(long)]
    explain: bool,
    /// Do not ask, even if it may cost money or change a KEDA of somebody else
    #[arg(short, long)]
    yes: bool,
    /// Let `teardown --expired` remove the stack after this time, such as 30m, 2h or 1d
    #[arg(long, value_name = "SPAN", conflicts_with = "expires_at", value_parser = parse_ttl)]
    ttl: Option<SignedDuration>,
    #[command(flatten)]
    flags: SettingFlags,
}

fn parse_ttl(text: &str) -> Result<SignedDuration> {
    parse_span(text).map_err(|why| Error::input("--ttl", text, why).hint("for example `--ttl 2h`"))
}

impl Setup {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let mut flags = self.flags.choices();
        // The clock is read once: from here on the expiry is a time like any other that is given.
        let expires_at = self.ttl.and_then(|ttl| Timestamp::now().checked_add(ttl).ok()?.round(Unit::Second).ok());
        flags.extend(expires_at.map(|at| (Key::ExpiresAt, at.to_string())));
        let command = flags.iter().fold("kedactl setup".to_owned(), |line, (key, value)| format!("{line} --{} {value}", key.name()));
        let settings = cx.settings(flags).await?;
        let backend = Backend::connect(&settings)?;
        for check in backend.preconditions().await?.into_iter().filter(|check| check.repair.is_some()) {
            cx.ui.warn(&format!("{}; run `{}`", check.detail, check.repair.unwrap_or_default()));
        }
        let (resources, plan) = look(&backend).await?;
        let stack = &settings.stack;
        if !cx.ui.is_json() {
            cx.ui.print(&view::setup::plan(&cx.ui, &plan, self.explain))?;
        }
        if self.plan {
            return show_plan(cx, &Outcome::new(stack, plan, false), &command);
        }
        check_unblocked(&plan, stack)?;
        ask(cx, &plan, settings.is_on_this_machine(), self.yes)?;
        cx.listen();
        if let Err(error) = carry_out(cx, &backend, &resources, &plan).await {
            if error.kind != Kind::Interrupted {
                explain(cx, &backend).await;
            }
            return Err(error);
        }
        let checks = backend.controller_checks().await?;
        let outcome = Outcome { checks, ..Outcome::new(stack, plan, true) };
        cx.ui.result(&outcome, || view::setup::summary(&outcome))?;
        if outcome.checks.iter().any(Check::is_failed) {
            cx.ui.next("kedactl doctor");
            return Ok(Exit::CHANGES);
        }
        cx.ui.next(&view::setup::next(&settings));
        Ok(Exit::DONE)
    }
}

/// Says which links of KEDA are broken, if any: that may be why setup failed. What cannot be asked explains nothing.
async fn explain(cx: &Context, backend: &Backend) {
    let Ok(checks) = backend.controller_checks().await else { return };
    let failed: Vec<Check> = checks.into_iter().filter(Check::is_failed).collect();
    if !failed.is_empty() {
        cx.ui.note(&view::checks::human(&failed));
    }
}

/// Asks before `plan` costs money or changes what is somebody else's, unless `yes` was said.
///
/// # Errors
/// `Input` without a terminal; `Interrupted` when the answer is no.
pub(crate) fn ask(cx: &Context, plan: &Plan, is_on_this_machine: bool, yes: bool) -> Result<()> {
    question(plan, is_on_this_machine).map_or(Ok(()), |question| confirm(cx, yes, &question))
}

/// What a person must agree to before `plan` is carried out, if anything.
fn question(plan: &Plan, is_on_this_machine: bool) -> Option<String> {
    let foreign: Vec<String> =
        plan.changes().filter(|step| step.whose == Whose::Foreign).map(|step| format!("{} ({})", step.id, step.why)).collect();
    let adapts = (!foreign.is_empty()).then(|| format!("This changes what kedactl did not make: {}.", foreign.join(", ")));
    let costs = (plan.changes().next().is_some() && !is_on_this_machine)
        .then(|| "This makes objects in an AWS account, which may cost money.".to_owned());
    let parts: Vec<String> = adapts.into_iter().chain(costs).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The stack's resources, and what must be done about them.
///
/// # Errors
/// `Input` when the stack is set up at another place.
pub(crate) async fn look(backend: &Backend) -> Result<(Resources, Plan)> {
    if let Some(previous) = backend.previous()? {
        check_same_place(&previous, backend.settings())?;
    }
    let resources = backend.resources().await?;
    let plan = plan(&resources).await?;
    Ok((resources, plan))
}

/// Carries out `plan` with progress and journal. The settings are remembered first: whoever stops it can tear it down.
pub(crate) async fn carry_out(cx: &Context, backend: &Backend, resources: &[Box<dyn Resource>], plan: &Plan) -> Result<()> {
    backend.remember()?;
    let progress = Progress::new(&cx.ui);
    let reporter = Fanout(vec![backend.journal_writer("setup")?, Box::new(progress.clone())]);
    let outcome = apply(resources, plan, &reporter, &cx.cancel).await;
    progress.finish();
    outcome
}

fn show_plan(cx: &Context, outcome: &Outcome, command: &str) -> Result<Exit> {
    if cx.ui.is_json() {
        cx.ui.result(outcome, String::new)?;
    }
    check_unblocked(&outcome.plan, &outcome.stack)?;
    if outcome.changes == 0 {
        return Ok(Exit::DONE);
    }
    cx.ui.next(command);
    Ok(Exit::CHANGES)
}
