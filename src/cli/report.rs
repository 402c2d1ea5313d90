//! `kedactl report`.

use kedactl::{
    backend::{Backend, Identity},
    core::{
        error::Result,
        ops::report::{Reported, Sources, report},
        report::Verdict,
        settings::{Choices, Target},
    },
};

use super::{context::Context, exit::Exit, view};

/// Fetch the counts and prove the verdict
///
/// The counts come from the result analyzer; the verdict is proven message by message from the journal of every
/// producer, consumer and scaler, from the analyzer's records and from the queues' counters; on a cluster also from the
/// jobs and their pods' logs. Its exit code is 0 when every message was sent, received, deleted and counted exactly once,
/// and 10 or more otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// List every message with what became of it
    #[arg(long)]
    messages: bool,
    /// The result analyzer to ask [default: the stack's own]
    #[arg(long, value_name = "URL", env = "RESULT_ANALYZER_URL")]
    analyzer_url: Option<String>,
}

impl Report {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let reported = gather(&Backend::connect(&settings)?, self.analyzer_url.as_deref()).await?;
        show(cx, &reported, self.messages)
    }
}

/// Asks every source of the stack behind `backend`.
pub(crate) async fn gather(backend: &Backend, analyzer_url: Option<&str>) -> Result<Reported> {
    let queue = backend.queue(Identity::Administrator, None).await?;
    let dead_letters = backend.dead_letters(Identity::Administrator).await?;
    let (journal, analyzer) = (backend.journal()?, backend.analyzer(analyzer_url).await?);
    let jobs = if backend.settings().target == Target::Local { None } else { Some(backend.jobs(1.0, &[]).await?) };
    report(Sources { journal: &*journal, jobs: jobs.as_deref(), analyzer: &*analyzer, queue: &*queue, dead_letters: &*dead_letters }).await
}

/// Prints what was reported; the verdict is the exit code.
pub(crate) fn show(cx: &Context, reported: &Reported, messages: bool) -> Result<Exit> {
    cx.ui.result(reported, || view::report::human(&cx.ui, reported, messages))?;
    cx.ui.next(match reported.report.verdict {
        Verdict::Empty => "kedactl produce --count 10",
        Verdict::Unfinished => "kedactl watch",
        Verdict::Proven => "kedactl teardown",
        _ => "kedactl report --messages",
    });
    Ok(Exit(reported.report.verdict.exit_code()))
}
