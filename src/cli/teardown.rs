//! `kedactl teardown`.

use kedactl::{
    backend::Backend,
    core::{
        error::{Error, Result},
        ops::teardown::{Outcome, Stage, carry_out, plan},
        plan::Shared,
        settings::Choices,
    },
};

use super::{confirm::confirm, context::Context, exit::Exit, progress::Progress, view};

/// Delete everything that setup made
///
/// Deletes what bears this stack's tag, in the reverse order, stops its jobs, removes its journal, artifacts and counts,
/// and looks at everything again at the end. What other stacks may use (the cluster, the OIDC provider) stays unless
/// --shared is given; what was not made by this stack is never touched. A run that was stopped is completed by the next.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl teardown
  kedactl teardown --shared
  kedactl teardown --stack orders --yes")]
pub(crate) struct Teardown {
    /// Also delete what is shared, if this stack made it
    #[arg(long)]
    shared: bool,
    /// Do not ask, even if it can do harm
    #[arg(short, long)]
    yes: bool,
}

impl Teardown {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = Backend::connect(&settings)?;
        let (resources, jobs) = (backend.resources().await?, backend.jobs(1.0, &[])?);
        let shared = if self.shared { Shared::Delete } else { Shared::Keep };
        let scaled_job = settings.names.scaled_job.as_str();
        let stage = Stage { stack: &settings.stack, resources: &resources, jobs: &*jobs, scaled_job, shared };
        let plan = plan(stage).await?;
        if !settings.is_on_this_machine() && plan.changes().next().is_some() {
            cx.ui.note(&view::teardown::plan(&cx.ui, &plan));
            confirm(cx, self.yes, "This deletes objects, and the messages in the queues, in an AWS account.")?;
        }
        cx.listen();
        let progress = Progress::new(&cx.ui);
        let outcome = carry_out(stage, plan, &progress, &cx.cancel).await;
        progress.finish();
        finish(cx, &backend, &outcome?)
    }
}

/// Forgets the stack when nothing of it is left; says what is otherwise.
fn finish(cx: &Context, backend: &Backend, outcome: &Outcome) -> Result<Exit> {
    if outcome.is_clean() {
        backend.forget()?;
    }
    cx.ui.result(outcome, || view::teardown::human(&cx.ui, outcome))?;
    if outcome.is_clean() {
        cx.ui.next("kedactl setup");
        return Ok(Exit::DONE);
    }
    let why = outcome.faults.first().map_or("they came back while it ran", String::as_str);
    Err(Error::failed(format!("{} left", outcome.left.len()), why).hint("run `kedactl teardown` again"))
}
