//! `kedactl run`.

use std::{path::PathBuf, time::Duration};

use kedactl::{
    backend::{
        Backend,
        exporter::Exporter,
        manifests::{self, Manifests, overlay::Key},
        process::Trial,
        run::{Post, runnable},
        sources::RunSources,
    },
    core::{
        error::Result,
        event::{Fanout, Reporter},
        expiry::parse_watch,
        keda::{
            manifest::Trigger,
            trigger::assumed::{Assumption, check_names},
        },
        meter::Subject,
        ops::{
            run::{self, Member, Mine, Ran, sources::Prepared, spread::offsets},
            watch::{Ports, Until, Watching},
        },
        roster::Roster,
        settings::{Choices, ScalingKind},
        work::parse_pace,
    },
};

use super::{
    context::Context,
    exit::Exit,
    live::Live,
    metrics::{self, Metrics},
    sources,
    view::run::{self as view, Running},
};

/// Run any KEDA manifest on this machine
///
/// Reads ScaledJobs, ScaledObjects and what they refer to from files and runs KEDA's loop for each of them in this process, and the
/// HPA's beside a ScaledObject's: triggers are read with the identity that KEDA would use, and jobs and replicas are processes of this
/// machine that run the command, or sleep. Secrets,
/// TriggerAuthentications and service accounts come from the files, then from the stack. AWS is where the settings say: the embedded
/// service by default; elsewhere it is only read.
///
/// It is a try: at the end its jobs and replicas are stopped. With --once nothing is created: each object is looked at once, and the whole
/// arithmetic is shown.
///
/// Where nobody has set anything up, --create-sources makes what the triggers name in the embedded service: queues, streams, tables,
/// and roles that may read them and no more. What was there before is used as it is. What was made goes with the run.
#[derive(Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "it is read as help")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Run {
    /// Manifests: files, folders, or - for standard input
    #[arg(short, long, required = true, value_name = "FILE", num_args = 1..)]
    filename: Vec<PathBuf>,
    /// Look at each object once, say what KEDA would do, and create nothing
    #[arg(long, conflicts_with_all = ["until_drained", "for", "command"])]
    once: bool,
    /// End when no trigger is active and no job beyond the minimum runs
    #[arg(long)]
    until_drained: bool,
    /// End after this time, such as 30s or 5m
    #[arg(long, value_name = "SPAN", value_parser = parse_watch)]
    r#for: Option<Duration>,
    /// Assume a trigger's value, by its name or type: NAME=VALUE, NAME=VALUE/TARGET, from a time on with @SPAN; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    assume: Vec<Assumption>,
    /// Make the queues, streams and tables that the triggers name in the embedded service, and roles that may read them
    #[arg(long)]
    create_sources: bool,
    /// Leave what --create-sources made for later runs; `kedactl teardown --stack STACK-run` removes it
    #[arg(long, requires = "create_sources")]
    keep: bool,
    /// Seconds for which a job sleeps, when no command is given; a replica sleeps until it is told to end
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u32).range(0..=43_200))]
    work_seconds: u32,
    /// Poll and sleep this many times faster
    #[arg(long, value_name = "N", default_value = "1", env = "KEDACTL_PACE", value_parser = parse_pace, allow_negative_numbers = true)]
    pace: f64,
    #[command(flatten)]
    metrics: Metrics,
    /// What each job and each replica runs: a program and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Run {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let manifests = manifests::load(&self.filename, &settings.names.namespace)?;
        for warning in &manifests.warnings {
            cx.ui.warn(warning);
        }
        let objects = runnable(&manifests)?;
        check_names(&self.assume, objects.iter().flat_map(|(_, triggers, _)| triggers))?;
        if self.once {
            self.metrics.refuse("with --once nothing is polled")?;
        }
        let exporter =
            self.metrics.bind().await?.map(|socket| metrics::serve(cx, socket, subjects(&objects), &authentications(&manifests)));
        let backend = Backend::connect(&settings)?;
        let exit = Box::pin(self.carry_out(cx, &backend, &manifests, exporter.as_ref())).await?;
        if let Some(exporter) = exporter {
            exporter.end().await?;
        }
        Ok(exit)
    }

    async fn carry_out(&self, cx: &Context, backend: &Backend, manifests: &Manifests, exporter: Option<&Exporter>) -> Result<Exit> {
        let mut sources = if self.create_sources { Some(backend.run_sources().await?) } else { None };
        let trial = backend.trial(self.tasks(), self.pace).await?;
        let done = self.within(cx, backend, manifests, (&trial, sources.as_mut(), exporter)).await;
        let stopped = trial.end().await;
        let ended = match sources {
            Some(sources) => sources::end(cx, sources, self.keep, self.once).await,
            None => Ok(()),
        };
        let exit = done?;
        ended?;
        match stopped? {
            0 => {}
            stopped => cx.ui.note(&format!("Stopped {stopped} running jobs and replicas: what a run starts ends with it.")),
        }
        if exit == Exit::FAILED && !self.create_sources {
            sources::hint(cx, backend.settings());
        }
        Ok(exit)
    }

    async fn within(
        &self,
        cx: &Context,
        backend: &Backend,
        manifests: &Manifests,
        (trial, sources, exporter): (&Trial, Option<&mut RunSources>, Option<&Exporter>),
    ) -> Result<Exit> {
        let reader = sources.as_deref().map_or(backend, RunSources::keda);
        let posts = backend.posts(manifests, &self.assume, (!self.once).then_some(trial), reader).await?;
        let prepared = match sources {
            Some(sources) => {
                let needs = backend.needs(&posts, &self.assume).await?;
                Some(sources::prepare(cx, sources, &needs, self.once).await?)
            }
            None => None,
        };
        if self.once {
            return self.look(cx, &posts, prepared.as_deref()).await;
        }
        cx.listen();
        let live = Live::new(&cx.ui, Box::new(Running::new(title(&posts), roster(&posts))));
        let mut told: Vec<Box<dyn Reporter>> = vec![backend.run_journal()?, Box::new(live.clone())];
        told.extend(exporter.map(Exporter::reporter));
        let reporter = Fanout(told);
        let ran = run::run(&self.members(&posts, &reporter), self.r#for, &cx.cancel).await;
        live.finish();
        ending(cx, ran)
    }

    /// What a job runs, and what a replica runs, which goes on until it is told to end.
    fn tasks(&self) -> [Vec<String>; 2] {
        if self.command.is_empty() {
            let sleep = |seconds: String| vec!["sleep".to_owned(), seconds];
            return [sleep((f64::from(self.work_seconds) / self.pace).to_string()), sleep(i32::MAX.to_string())];
        }
        [self.command.clone(), self.command.clone()]
    }

    fn members<'a>(&self, posts: &'a [Post], reporter: &'a Fanout) -> Vec<Member<'a>> {
        let seats: Vec<_> = posts.iter().map(Post::seat).collect();
        let refresh = run::refresh(posts.len());
        let until = if self.until_drained { Until::Drained } else { Until::Cancelled };
        let member = |(post, offset): (&'a Post, Duration)| Member {
            about: post.about.clone(),
            ports: Ports {
                objects: &*post.objects,
                jobs: &*post.jobs,
                workloads: &*post.workloads,
                lease: &Mine,
                scalers: &*post.scalers,
                reporter,
            },
            watching: Watching {
                kind: post.scaling(),
                object: post.key.name.clone(),
                pace: self.pace,
                until,
                lasts: None,
                refresh,
                first: None,
            },
            offset: offset.div_f64(self.pace),
        };
        posts.iter().zip(offsets(&seats)).map(member).collect()
    }

    async fn look(&self, cx: &Context, posts: &[Post], prepared: Option<&[Prepared]>) -> Result<Exit> {
        let nobody = Fanout(Vec::new());
        let forecasts = run::once(&self.members(posts, &nobody)).await;
        let width = cx.ui.width().min(160);
        let text = || view::forecasts(&forecasts, &roster(posts), width);
        match prepared {
            Some(prepared) => {
                let looked = view::Looked { sources: prepared, objects: &forecasts };
                cx.ui.result(&looked, || [view::sources(prepared, width), text()].join("\n\n"))?;
            }
            None => cx.ui.result(&forecasts, text)?,
        }
        Ok(if forecasts.iter().any(run::Forecast::has_failed) { Exit::FAILED } else { Exit::DONE })
    }
}

/// Whatever else went well: what could not be run or read to the end is a failure.
fn ending(cx: &Context, ran: Ran) -> Result<Exit> {
    let mut failed: Vec<String> = ran.refused.iter().map(|refused| refused.about.clone()).collect();
    failed.extend(ran.unread);
    if ran.refused.len() == ran.objects
        && let Some(first) = ran.refused.into_iter().next()
    {
        return Err(first.error);
    } else if cx.cancel.is_cancelled() {
        return Ok(Exit::INTERRUPTED);
    } else if failed.is_empty() {
        return Ok(Exit::DONE);
    }
    cx.ui.note(&format!("{} of {} objects could not be run or read to the end: {}", failed.len(), ran.objects, failed.join(", ")));
    Ok(Exit::FAILED)
}

/// The objects as metrics know them.
fn subjects(objects: &[(Key, Vec<Trigger>, Duration)]) -> Vec<Subject> {
    let subject = |(key, triggers, _): &(Key, Vec<Trigger>, Duration)| Subject {
        kind: if key.kind == "ScaledObject" { ScalingKind::ScaledObject } else { ScalingKind::ScaledJob },
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        triggers: triggers.iter().map(|trigger| trigger.kind.clone()).collect(),
    };
    objects.iter().map(subject).collect()
}

/// Kind and namespace of each authentication in the files.
fn authentications(manifests: &Manifests) -> Vec<(String, String)> {
    let kinds = ["TriggerAuthentication", "ClusterTriggerAuthentication"];
    kinds.iter().flat_map(|kind| manifests.catalog.of_kind(kind)).map(|(key, _)| (key.kind.clone(), key.namespace.clone())).collect()
}

fn title(posts: &[Post]) -> String {
    match posts {
        [post] => format!("run: {}", post.key),
        posts => format!("run: {} objects", posts.len()),
    }
}

fn roster(posts: &[Post]) -> Roster {
    let kinds = |post: &Post| post.triggers.iter().map(|trigger| trigger.kind.clone()).collect();
    Roster::of(posts.iter().map(|post| (post.about.clone(), post.key.kind.clone(), kinds(post))))
}
