//! `kedactl consume`.

use std::{sync::Arc, time::Duration};

use kedactl::{
    backend::{Backend, Identity, process::Status},
    core::{
        error::Result,
        event::{Event, JobState, Reporter},
        ops::consume::{Consumed, Consumption, Ports, consume, consume_all},
        ports::Work,
        settings::{Choices, Settings},
        work::{Sleep, idle_budget, paced, parse_job, parse_pace},
    },
};

use super::{context::Context, events::EventLines, exit::Exit, ui::Ui, view};

/// Process one message: the video encoder
///
/// It receives one message, keeps it hidden while it works, stores the artifact, deletes the message, counts it, and ends. The work is
/// a sleep, or any command. Ctrl-C, SIGTERM and failure give the message back at once.
///
/// A command gets the message on stdin, and in KEDACTL_MESSAGE_BODY (up to 100 KiB), KEDACTL_MESSAGE_ID, VIDEO and QUALITY. It may
/// write an artifact to the file named by KEDACTL_OUTPUT. Its exit code decides: 0 is done.
///
/// With --loop it takes message after message, as the replicas of a Deployment do, until a signal comes or one cannot be processed.
#[derive(Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "it is read as help")]
pub(crate) struct Consume {
    /// The queue [default: the stack's own]
    #[arg(long, value_name = "URL", env = "QUEUE_URL")]
    queue_url: Option<String>,
    /// Where results are stored: a directory, or `s3://bucket/prefix` [default: the stack's own folder]
    #[arg(long, value_name = "PLACE")]
    artifacts: Option<String>,
    /// The result analyzer [default: the stack's own]
    #[arg(long, value_name = "URL", env = "RESULT_ANALYZER_URL")]
    analyzer_url: Option<String>,
    /// Seconds for which the message is hidden; extended at each third of it [default: the queue's, as setup remembers it]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=43_200))]
    visibility_timeout: Option<u32>,
    /// Seconds to wait for a message before ending [default: 1.5 polling intervals]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    idle_timeout: Option<u32>,
    /// Seconds of work for a message, when no command is given [default: as setup remembers it]
    #[arg(long, value_name = "SECONDS", env = "PROCESS_SLEEP_TIME", value_parser = clap::value_parser!(u32).range(0..=43_200))]
    work_seconds: Option<u32>,
    /// How many times faster than real time to sleep and to give up waiting
    #[arg(long, value_name = "N", env = "KEDACTL_PACE", default_value = "1", value_parser = parse_pace, allow_negative_numbers = true)]
    pace: f64,
    /// The name under which it counts [default: consume-<process id>]
    #[arg(long, value_name = "NAME", env = "KEDACTL_JOB", value_parser = parse_job)]
    job: Option<String>,
    /// Take one message after another until told to end; that there is none ends nothing
    #[arg(long = "loop", conflicts_with = "idle_timeout")]
    loops: bool,
    /// Write each step to stdout as a line of JSON, in place of the outcome
    #[arg(long)]
    events: bool,
    /// The work: a program and its arguments, instead of the sleep
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Consume {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        let backend = Backend::connect(&settings)?;
        let job = self.job.clone().unwrap_or_else(|| format!("consume-{}", std::process::id()));
        let status = backend.job_status(&job)?;
        cx.listen();
        let streams = self.events;
        let outcome = self.consume(cx, &settings, &backend, job, status.as_ref()).await;
        let (state, reason) = match &outcome {
            Ok(Consumed::Done { .. }) => (JobState::Complete, "done"),
            Ok(Consumed::Idle) => (JobState::Complete, "idle"),
            Ok(Consumed::Interrupted { .. }) => (JobState::Failed, "killed"),
            Err(_) => (JobState::Failed, "failed"),
        };
        if let Some(Err(error)) = status.map(|status| status.end(state, reason)) {
            cx.ui.warn(&error.to_string());
        }
        let consumed = outcome?;
        if !streams {
            cx.ui.result(&consumed, || view::consume::human(&consumed))?;
        }
        Ok(match consumed {
            Consumed::Done { .. } => {
                if !streams {
                    cx.ui.next("kedactl report");
                }
                Exit::DONE
            }
            Consumed::Idle => Exit::DONE,
            Consumed::Interrupted { .. } => Exit::INTERRUPTED,
        })
    }

    async fn consume(self, cx: &Context, settings: &Settings, backend: &Backend, job: String, status: Option<&Status>) -> Result<Consumed> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let work: Arc<dyn Work> = if self.command.is_empty() {
            let duration = seconds(self.work_seconds.unwrap_or(settings.scaling.work_seconds));
            Arc::new(Sleep { duration: paced(duration, self.pace) })
        } else {
            backend.command(&job, self.command)?
        };
        let polling = Duration::from_secs(settings.scaling.polling_interval.unsigned_abs().into());
        let how = Consumption {
            job,
            idle: self.idle_timeout.map_or_else(|| idle_budget(polling, self.pace), seconds),
            visibility: self.visibility_timeout.map_or(settings.visibility_timeout, seconds).max(Duration::from_secs(1)),
        };
        let queue = backend.queue(Identity::Workload, self.queue_url.as_deref()).await?;
        let artifacts = backend.artifacts(self.artifacts.as_deref())?;
        let analyzer = backend.analyzer(self.analyzer_url.as_deref()).await?;
        let lines = self.events.then(|| EventLines(cx.ui.clone()));
        let told = Told { journal: backend.journal_writer("consume")?, status, lines, ui: &cx.ui };
        let ports = Ports { queue: &*queue, work: &*work, artifacts: &*artifacts, analyzer: &*analyzer, reporter: &told };
        let outcome = if self.loops { consume_all(ports, &how, &cx.cancel).await } else { consume(ports, &how, &cx.cancel).await };
        if let Some(fault) = told.journal.fault() {
            cx.ui.warn(&fault.to_string());
        }
        outcome
    }
}

/// The journal, the job's state file, and a remark or the event itself for those who read the log.
struct Told<'a> {
    journal: Box<dyn Reporter>,
    status: Option<&'a Status>,
    lines: Option<EventLines>,
    ui: &'a Ui,
}

impl Reporter for Told<'_> {
    fn report(&self, event: &Event) {
        self.journal.report(event);
        if let Some(status) = self.status {
            status.report(event);
        }
        if let Some(lines) = &self.lines {
            lines.report(event);
        } else if let Some(remark) = view::consume::remark(event) {
            self.ui.note(&remark);
        }
    }
}
