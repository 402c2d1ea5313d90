//! `kedactl status`.

use kedactl::{
    backend::{Backend, Identity},
    core::{
        error::Result,
        ops::status::{Sources, status},
        settings::Choices,
    },
};

use super::{context::Context, exit::Exit, view};

/// Show the queue, the jobs and the objects as they are now
///
/// Changes nothing. That nothing is set up is an answer, not an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl status
  kedactl status --objects
  kedactl status --output json")]
pub(crate) struct Status {
    /// List every object with its state
    #[arg(long)]
    objects: bool,
}

impl Status {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = Backend::connect(&settings)?;
        let sources = Sources {
            resources: &backend.resources().await?,
            queue: &*backend.queue(Identity::Administrator, None).await?,
            dead_letters: &*backend.dead_letters(Identity::Administrator).await?,
            watched: backend.watched().await,
            jobs: &*backend.jobs(1.0, &[]).await?,
            workloads: &*backend.workloads(1.0, &[]).await?,
            lease: &*backend.lease().await?,
            journal: &*backend.journal()?,
        };
        let status = status(&settings, sources).await?;
        cx.ui.result(&status, || view::status::human(&cx.ui, &status, self.objects))?;
        cx.ui.next(&view::status::next(&status, &settings));
        Ok(Exit::DONE)
    }
}
