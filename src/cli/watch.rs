//! `kedactl watch`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use kedactl::{
    backend::{Backend, manifest_file::ManifestFile},
    core::{
        error::Result,
        event::Fanout,
        ops::watch::{Ports, Until, Watched, Watching, watch},
        ports::Objects,
        settings::{Choices, Settings},
        work::parse_pace,
    },
};

use super::{context::Context, exit::Exit, live::Live};

/// How often the screen's figures are looked at between polls.
pub(crate) const REFRESH: Duration = Duration::from_millis(200);

/// Run the scaler and watch it work
///
/// Runs KEDA's loop in this process on the ScaledJob that setup made, or on any manifest: each poll reads the queue,
/// decides exactly as KEDA does, and creates jobs. Ends when the queue is drained. Jobs run on when a watch is
/// interrupted or killed; the next watch finds them. While one watch scales, a second one only looks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kedactl watch\n  kedactl watch --follow -o json\n  kedactl watch -f scaled-job.yaml --pace 10\n  kedactl watch -- ./encode.sh"
)]
pub(crate) struct Watch {
    /// A manifest with one ScaledJob, applied again whenever it changes; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Stay when drained
    #[arg(long)]
    follow: bool,
    /// Poll and sleep this many times faster than the manifest says
    #[arg(long, value_name = "N", default_value = "1", env = "KEDACTL_PACE", value_parser = parse_pace, allow_negative_numbers = true)]
    pub(crate) pace: f64,
    /// What a job does with its message instead of sleeping
    #[arg(last = true, value_name = "COMMAND")]
    work: Vec<String>,
}

impl Watch {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = Backend::connect(&settings)?;
        let (objects, scaled_job) = self.objects(cx, &backend, &settings).await?;
        let how =
            Watching { scaled_job, pace: self.pace, until: if self.follow { Until::Cancelled } else { Until::Drained }, refresh: REFRESH };
        let watched = run(cx, &backend, &*objects, &how, &self.work).await?;
        let exit = ending(cx, watched);
        if exit == Exit::DONE {
            cx.ui.next("kedactl report");
        }
        Ok(exit)
    }

    async fn objects(&self, cx: &Context, backend: &Backend, settings: &Settings) -> Result<(Arc<dyn Objects>, String)> {
        let objects = backend.objects().await?;
        let Some(path) = &self.file else { return Ok((objects, settings.names.scaled_job.clone())) };
        let opened = ManifestFile::open(path, objects).await?;
        for warning in &opened.warnings {
            cx.ui.warn(warning);
        }
        Ok((Arc::new(opened.objects), opened.scaled_job))
    }
}

/// Watches `how` says, live on the terminal and in the journal.
pub(crate) async fn run(cx: &Context, backend: &Backend, objects: &dyn Objects, how: &Watching, work: &[String]) -> Result<Watched> {
    let (jobs, lease, scalers) = (backend.jobs(how.pace, work)?, backend.lease()?, backend.scalers().await?);
    let title = format!("{}: {}", backend.settings().stack, how.scaled_job);
    cx.listen();
    let live = Live::new(&cx.ui, title);
    let reporter = Fanout(vec![backend.journal_writer("watch")?, Box::new(live.clone())]);
    let ports = Ports { objects, jobs: &*jobs, lease: &*lease, scalers: &*scalers, reporter: &reporter };
    let watched = watch(ports, how, &cx.cancel).await;
    if watched.is_ok() {
        live.finish();
    } else {
        live.stop();
    }
    watched
}

/// The exit of a watch; says what an interrupted one leaves.
pub(crate) fn ending(cx: &Context, watched: Watched) -> Exit {
    if watched.drained {
        return Exit::DONE;
    }
    cx.ui.note("Interrupted. Jobs that were started run on; `kedactl watch` finds them again.");
    Exit::INTERRUPTED
}
