//! `kedactl teardown`.

use jiff::Timestamp;
use kedactl::{
    backend::{self, Backend},
    core::{
        error::{Error, Result},
        ops::{
            expire::{Candidate, candidates},
            teardown::{Outcome, Stage, carry_out, plan},
        },
        plan::{Fate, Shared},
        ports::Census,
        settings::Choices,
    },
};

use super::{confirm::confirm, context::Context, exit::Exit, progress::Progress, view};

/// Delete everything that setup made
///
/// Deletes what bears this stack's tag, in the reverse order, stops its jobs, removes its journal, artifacts and counts,
/// and looks at everything again at the end, by name and by tag. What other stacks may use (the cluster record, the OIDC
/// provider, the namespace) stays unless --shared is given, and KEDA unless --controller is; what was not made by this stack
/// is never touched. A run that was stopped is completed by the next.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl teardown
  kedactl teardown --shared
  kedactl teardown --controller --yes
  kedactl teardown --stack orders --yes
  kedactl teardown --expired --yes")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Teardown {
    /// Also delete what is shared, if this stack made it
    #[arg(long)]
    shared: bool,
    /// Also remove KEDA, if this stack installed it and nothing scales by it
    #[arg(long)]
    controller: bool,
    /// Leave the Kubernetes cluster out: it is gone, or cannot be reached
    #[arg(long)]
    skip_cluster: bool,
    /// Tear down every stack whose time is past (see `setup --ttl`), wherever it was set up from
    #[arg(long)]
    expired: bool,
    /// Do not ask, even if it can do harm
    #[arg(short, long)]
    yes: bool,
}

impl Teardown {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        if self.expired {
            return Box::pin(self.expired(cx)).await;
        }
        let outcome = Box::pin(self.one(cx)).await?;
        cx.ui.result(&outcome, || view::teardown::human(&outcome))?;
        check_clean(&outcome)?;
        cx.ui.next("kedactl setup");
        Ok(Exit::DONE)
    }

    /// Tears down the stack of `cx`; forgets it when nothing of it is left.
    async fn one(&self, cx: &Context) -> Result<Outcome> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = self.connect(cx, Backend::connect(&settings)?).await?;
        let (resources, jobs) = (backend.resources().await?, backend.jobs(1.0, &[]).await?);
        let workloads = backend.workloads(1.0, &[]).await?;
        let (objects, census) = (backend.objects().await?, backend.census().await?);
        let fate = |is_asked| if is_asked { Fate::Delete } else { Fate::Keep };
        let shared = Shared { common: fate(self.shared), controller: fate(self.controller) };
        let (stack, target) = (&settings.stack, settings.target);
        let (jobs, workloads, objects, census) = (&*jobs, &*workloads, &*objects, &census);
        let stage = Stage { stack, resources: &resources, jobs, workloads, objects, census, target, shared };
        let plan = plan(stage).await?;
        if let (false, Some(steps)) = (cx.ui.is_json(), view::teardown::plan(&cx.ui, &plan)) {
            cx.ui.print(&format!("{steps}\n"))?;
        }
        if !settings.is_on_this_machine() && plan.changes().next().is_some() {
            confirm(cx, self.yes, "This deletes objects, and the messages in the queues, in an AWS account.")?;
        }
        cx.listen();
        let progress = Progress::new(&cx.ui);
        let outcome = carry_out(stage, plan, &progress, &cx.cancel).await;
        progress.finish();
        let outcome = outcome?;
        if outcome.is_clean() {
            backend.forget()?;
        }
        Ok(outcome)
    }

    async fn connect(&self, cx: &Context, backend: Backend) -> Result<Backend> {
        if !self.skip_cluster && !backend.cluster_is_gone().await? {
            return Ok(backend);
        }
        if !self.skip_cluster {
            cx.ui.warn("the EKS cluster does not exist any more: only AWS is cleaned");
        }
        Ok(backend.without_cluster())
    }

    async fn expired(&self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = self.connect(cx, Backend::connect(&settings)?).await?;
        let sweep = backend.census().await?.sweep().await?;
        let found = candidates(&backend::stacks(&cx.state_dir()?)?, &sweep, Timestamp::now());
        for unread in &sweep.unread {
            cx.ui.warn(&format!("not looked at: {unread}"));
        }
        let (expired, others): (Vec<Candidate>, Vec<Candidate>) = found.into_iter().partition(|one| one.is_expired);
        let mut outcomes = Vec::new();
        for candidate in &expired {
            let cx = cx.for_stack(&candidate.stack, candidate.choices.clone());
            outcomes.push(Box::pin(self.one(&cx)).await?);
        }
        cx.ui.result(&view::teardown::Expired { outcomes: &outcomes, others: &others }, || view::teardown::expired(&outcomes, &others))?;
        outcomes.iter().try_for_each(check_clean)?;
        Ok(Exit::DONE)
    }
}

/// Says what is left, and why.
fn check_clean(outcome: &Outcome) -> Result<()> {
    if outcome.is_clean() {
        return Ok(());
    }
    let why = outcome.faults.first().map_or("they came back while it ran, or bear the stack's tag under another name", String::as_str);
    Err(Error::failed(format!("{} left", outcome.left.len()), why).hint(format!("run `kedactl teardown --stack {}` again", outcome.stack)))
}
