//! `kedactl watch`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use kedactl::{
    backend::{
        Backend,
        exporter::Exporter,
        manifest_file::{ManifestFile, Opened},
    },
    core::{
        error::{Error, Result},
        event::{Fanout, Reporter},
        expiry::parse_watch,
        keda::{
            manifest,
            trigger::assumed::{Assumption, check_names},
        },
        ops::registered::registered,
        ops::{
            run::AssumedScalers,
            watch::{End, Ports, Until, Watched, Watching, check_alone, follow, watch},
        },
        ports::Objects,
        settings::{Choices, Controller, ScalingKind, Settings, Target},
        work::parse_pace,
    },
};

use super::{
    context::Context,
    exit::Exit,
    live::Live,
    metrics::{self, Metrics},
    view,
};

/// How often the screen's figures are looked at between polls, on this machine.
const REFRESH: Duration = Duration::from_millis(200);
/// The same where each look asks a cluster and AWS.
const REMOTE_REFRESH: Duration = Duration::from_secs(1);

/// Run the scaler and watch it work
///
/// Runs KEDA's loop in this process on the ScaledJob or ScaledObject that setup made, or on any manifest: each poll reads the
/// queue, decides exactly as KEDA does, and creates jobs. For a ScaledObject it wakes the Deployment and puts it to rest, and
/// between the two scales it as the HPA would, every 15 s. Ends when the queue is drained. Jobs and replicas run on when a
/// watch is interrupted or killed; the next watch finds them. While one watch scales, a second one only looks.
///
/// On a cluster where KEDA scales it creates nothing: it follows what KEDA does, and shows beside it what its rules say.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kedactl watch\n  kedactl watch --follow -o json\n  kedactl watch -f scaled-job.yaml --pace 10\n  kedactl watch -- ./encode.sh"
)]
pub(crate) struct Watch {
    /// A manifest with one ScaledJob or ScaledObject, applied again whenever it changes; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What scales: keda, or this process [default: as setup was told]
    #[arg(long, value_name = "WHO")]
    scaler: Option<ScalerChoice>,
    /// Stay when drained
    #[arg(long)]
    follow: bool,
    /// Watch no longer than this, such as 90s or 10m
    #[arg(long = "for", value_name = "SPAN", value_parser = parse_watch)]
    lasts: Option<Duration>,
    /// Assume a trigger's value, by its name or type: NAME=VALUE, NAME=VALUE/TARGET, from a time on with @SPAN; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    assume: Vec<Assumption>,
    /// Poll this many times faster than the manifest says; on the local target jobs and replicas sleep faster, too
    #[arg(long, value_name = "N", default_value = "1", env = "KEDACTL_PACE", value_parser = parse_pace, allow_negative_numbers = true)]
    pub(crate) pace: f64,
    #[command(flatten)]
    metrics: Metrics,
    /// What a job or replica does with a message instead of sleeping; on the local target only
    #[arg(last = true, value_name = "COMMAND")]
    work: Vec<String>,
}

/// What scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ScalerChoice {
    /// KEDA's operator, on a cluster: it is followed, and compared with its rules
    Keda,
    /// This process
    InProcess,
}

impl ScalerChoice {
    /// What scales where nobody says otherwise.
    pub(crate) fn of(settings: &Settings) -> Self {
        let keda = settings.target != Target::Local && settings.controller != Controller::InProcess;
        if keda { Self::Keda } else { Self::InProcess }
    }

    /// Checks that the object called `name` can be scaled so: by a KEDA where there can be one, and never by two.
    pub(crate) async fn check(self, backend: &Backend, objects: &dyn Objects, (kind, name): (ScalingKind, &str)) -> Result<()> {
        let settings = backend.settings();
        match self {
            Self::InProcess => match objects.get(kind.object(), name).await? {
                Some(object) => check_alone(&backend.operators().await?, &settings.names.namespace, &object),
                None => Ok(()),
            },
            Self::Keda if settings.target == Target::Local => {
                let error = Error::input("--scaler", "keda", "no KEDA runs on the local target");
                Err(error.hint("leave --scaler out, or set a stack up with `--target cluster`"))
            }
            Self::Keda => Ok(()),
        }
    }

    /// Scales or follows as `how` says, live on the terminal and in the journal.
    pub(crate) async fn run(
        self,
        cx: &Context,
        backend: &Backend,
        objects: &dyn Objects,
        how: &Watching,
        work: Work<'_>,
    ) -> Result<Watched> {
        match self {
            Self::InProcess => show(cx, backend, objects, how, work, async |ports| watch(ports, how, &cx.cancel).await).await,
            Self::Keda => {
                let sights = backend.sights().await?;
                show(cx, backend, objects, how, work, async |ports| follow(ports, &*sights, how, &cx.cancel).await).await
            }
        }
    }
}

impl Watch {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let opened = self.file.as_deref().map(ManifestFile::open).transpose()?;
        let namespace = opened.as_ref().and_then(|opened| opened.namespace.clone());
        let backend = Backend::connect(&settings)?.of_namespace(namespace);
        let (kind, object) = match &opened {
            Some(opened) => (opened.kind, opened.object.clone()),
            None => (settings.kind, settings.scaled().to_owned()),
        };
        let objects = objects(cx, &backend, opened).await?;
        let until = if self.follow { Until::Cancelled } else { Until::Drained };
        let how = Watching { kind, object, pace: self.pace, until, lasts: self.lasts, refresh: refresh(&settings), first: None };
        let scaler = self.scaler.unwrap_or_else(|| ScalerChoice::of(&settings));
        scaler.check(&backend, &*objects, (kind, &how.object)).await?;
        self.check_assumptions(scaler, &*objects, &how).await?;
        let exporter = self.export(cx, scaler, &*objects, &how, backend.object_namespace()).await?;
        let work = Work { command: &self.work, metrics: exporter.as_ref(), assume: &self.assume };
        let watched = scaler.run(cx, &backend, &*objects, &how, work).await?;
        if let Some(exporter) = exporter {
            exporter.end().await?;
        }
        let exit = ending(cx, watched);
        if exit == Exit::DONE {
            cx.ui.next("kedactl report");
        }
        Ok(exit)
    }

    /// Serves the metrics of the object in `namespace`, where they are asked for.
    async fn export(
        &self,
        cx: &Context,
        scaler: ScalerChoice,
        objects: &dyn Objects,
        how: &Watching,
        namespace: &str,
    ) -> Result<Option<Exporter>> {
        if scaler == ScalerChoice::Keda {
            self.metrics.refuse("KEDA scales here, and serves its own")?;
        }
        let Some(socket) = self.metrics.bind().await? else { return Ok(None) };
        let (subject, authentications) = registered(objects, how.kind, (namespace, &how.object)).await?;
        Ok(Some(metrics::serve(cx, socket, vec![subject], &authentications)))
    }

    /// Checks that what is assumed is of some trigger of the object, and that this process is the one that reads it.
    async fn check_assumptions(&self, scaler: ScalerChoice, objects: &dyn Objects, how: &Watching) -> Result<()> {
        let Some(first) = self.assume.first() else { return Ok(()) };
        if scaler == ScalerChoice::Keda {
            let error = Error::input("--assume", &first.name, "KEDA reads the triggers itself");
            return Err(error.hint("scale in this process: --scaler in-process"));
        }
        let Some(object) = objects.get(how.kind.object(), &how.object).await? else { return Ok(()) };
        let triggers = match how.kind {
            ScalingKind::ScaledJob => manifest::scaled_job(&object)?.spec.triggers,
            ScalingKind::ScaledObject => manifest::scaled_object(&object)?.spec.triggers,
        };
        check_names(&self.assume, triggers.iter())
    }
}

/// The stack's objects, with those of the manifest among them.
async fn objects(cx: &Context, backend: &Backend, opened: Option<Opened>) -> Result<Arc<dyn Objects>> {
    let objects = backend.objects().await?;
    let Some(opened) = opened else { return Ok(objects) };
    for warning in &opened.warnings {
        cx.ui.warn(warning);
    }
    Ok(Arc::new(opened.apply(objects).await?))
}

/// What a watch is given beside the object: what jobs run, and who serves what it does.
#[derive(Default, Clone, Copy)]
pub(crate) struct Work<'a> {
    /// The command of a job, the program first; none means that it sleeps.
    command: &'a [String],
    /// Who serves its metrics.
    metrics: Option<&'a Exporter>,
    /// Values of triggers that are not asked for.
    assume: &'a [Assumption],
}

/// Runs `watching`, live on the terminal and in the journal.
async fn show(
    cx: &Context,
    backend: &Backend,
    objects: &dyn Objects,
    how: &Watching,
    work: Work<'_>,
    watching: impl AsyncFnOnce(Ports<'_>) -> Result<Watched>,
) -> Result<Watched> {
    let (jobs, workloads) = (backend.jobs(how.pace, work.command).await?, backend.workloads(how.pace, work.command).await?);
    let (lease, scalers) = (backend.lease().await?, AssumedScalers::new(backend.scalers().await?, work.assume.to_vec()));
    let title = format!("{}: {}", backend.settings().stack, how.object);
    cx.listen();
    let live = Live::new(&cx.ui, Box::new(view::watch::Watching::new(title)));
    let mut told: Vec<Box<dyn Reporter>> = vec![backend.journal_writer("watch")?, Box::new(live.clone())];
    told.extend(work.metrics.map(Exporter::reporter));
    let reporter = Fanout(told);
    let ports = Ports { objects, jobs: &*jobs, workloads: &*workloads, lease: &*lease, scalers: &scalers, reporter: &reporter };
    let watched = watching(ports).await;
    if watched.is_ok() {
        live.finish();
    } else {
        live.stop();
    }
    watched
}

/// How often the screen's figures are looked at between polls.
pub(crate) fn refresh(settings: &Settings) -> Duration {
    if settings.target == Target::Local { REFRESH } else { REMOTE_REFRESH }
}

/// The exit of a watch; says what an interrupted one leaves.
pub(crate) fn ending(cx: &Context, watched: Watched) -> Exit {
    if watched.end != End::Cancelled {
        return Exit::DONE;
    }
    cx.ui.note("Interrupted. Jobs and replicas that were started run on; `kedactl watch` finds them again.");
    Exit::INTERRUPTED
}
