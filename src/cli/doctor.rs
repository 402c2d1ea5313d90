//! `kedactl doctor`.

use kedactl::{
    backend::Backend,
    core::{error::Result, ops::doctor::examine, settings::Choices},
};

use super::{context::Context, exit::Exit, view};

/// Look at everything that must be right, and say what repairs what is not
///
/// This machine, the credentials, the clocks, the rights, the cluster, and what other stacks left. Changes nothing; works
/// before setup and after it. Exit code 3 when something is wrong; warnings do not count.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl doctor
  kedactl doctor --output json
  kedactl doctor --stack orders")]
pub(crate) struct Doctor {
    /// Show only what is wrong or worth knowing
    #[arg(long)]
    problems: bool,
}

impl Doctor {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = Backend::connect(&settings)?;
        let diagnosis = examine(&settings.stack, settings.target, backend.examinations()).await;
        cx.ui.result(&diagnosis, || view::doctor::human(&diagnosis, self.problems))?;
        Ok(if diagnosis.failed > 0 { Exit::CHANGES } else { Exit::DONE })
    }
}
