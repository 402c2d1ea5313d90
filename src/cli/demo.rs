//! `kedactl demo`.

use kedactl::{
    backend::Backend,
    core::{
        error::{Error, Result},
        load,
        ops::{
            setup::{Outcome, check_unblocked},
            watch::{Until, Watching},
        },
        settings::{Choices, Key, Settings, TriggerKind},
        work::parse_pace,
    },
};

use super::{
    context::Context,
    exit::Exit,
    produce, report, setup, view,
    watch::{self, ScalerChoice, Work},
};

/// Run setup, produce, watch and report in one go
///
/// The whole demo on this machine: makes what is missing, sends messages, scales until the queue is drained, and proves
/// what happened. With --kind scaled-object a Deployment's replicas do the work in place of jobs. On a cluster, KEDA is followed where it scales, as by `watch`. Its exit code is the report's verdict. What it made stays, for the other commands to look at.
/// With --output json it prints watch's events, one on each line, and the report on the last line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kedactl demo --pace 10
  kedactl demo --count 100 --pace 30 --stack crowd
  kedactl demo --kind scaled-object --pace 10 --stack pool")]
pub(crate) struct Demo {
    /// What is scaled: scaled-job, or scaled-object with its Deployment [default: scaled-job]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// How many messages
    #[arg(short = 'n', long, value_name = "N", value_parser = load::count, default_value = "10", allow_negative_numbers = true)]
    count: u64,
    /// Poll and sleep this many times faster than the article
    #[arg(long, value_name = "N", default_value = "1", env = "KEDACTL_PACE", value_parser = parse_pace, allow_negative_numbers = true)]
    pace: f64,
    /// Do not ask, even if it may cost money or change a KEDA of somebody else
    #[arg(short, long)]
    yes: bool,
}

impl Demo {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(self.kind.clone().map(|kind| (Key::Kind, kind)).into_iter().collect::<Choices>()).await?;
        check_trigger(&settings)?;
        let backend = Backend::connect(&settings)?;
        let names = &settings.names;
        let steps = [
            "setup: the queue, the identities and the scaling objects".to_owned(),
            format!("produce: {} messages to {}", self.count, names.queue),
            format!("watch: KEDA's decisions on {}, {} times faster", settings.scaled(), self.pace),
            "report: every message accounted for".to_owned(),
        ];
        let mut headings = steps.iter().enumerate().map(|(index, step)| view::heading(index + 1, steps.len(), step));
        let mut heading = || cx.ui.note(&headings.next().unwrap_or_default());

        heading();
        let (resources, plan) = setup::look(&backend).await?;
        check_unblocked(&plan, &settings.stack)?;
        setup::ask(cx, &plan, settings.is_on_this_machine(), self.yes)?;
        setup::carry_out(cx, &backend, &resources, &plan).await?;
        cx.ui.note(&view::setup::summary(&Outcome::new(&settings.stack, plan, true)));

        let (objects, scaler) = (backend.objects().await?, ScalerChoice::of(&settings));
        scaler.check(&backend, &*objects, (settings.kind, settings.scaled())).await?;

        heading();
        let sent = produce::send(cx, &backend, &produce::videos(self.count, &names.queue, settings.stack.as_str())).await?;
        cx.ui.note(&view::produce::summary(&sent));
        let exit = produce::outcome(cx, sent)?;
        if exit != Exit::DONE {
            return Ok(exit);
        }

        heading();
        let refresh = watch::refresh(&settings);
        let how = Watching {
            kind: settings.kind,
            object: settings.scaled().to_owned(),
            pace: self.pace,
            until: Until::Drained,
            lasts: None,
            refresh,
            first: None,
        };
        let watched = scaler.run(cx, &backend, &*objects, &how, Work::default()).await?;
        let exit = watch::ending(cx, watched);
        if exit != Exit::DONE {
            return Ok(exit);
        }

        heading();
        let reported = report::gather(&backend, None).await?;
        if cx.ui.is_json() {
            cx.ui.json_line(&reported)?;
            return Ok(Exit(reported.report.verdict.exit_code()));
        }
        report::show(cx, &reported, false)
    }
}

/// Refuses what the demo would wait for in vain: only the queue's own trigger makes a job for each message that is sent, and ends.
fn check_trigger(settings: &Settings) -> Result<()> {
    if settings.trigger == TriggerKind::Sqs {
        return Ok(());
    }
    let error = Error::input("--trigger", settings.trigger.word(), "the demo sends to the queue, and is over when that is drained");
    Err(error.hint("run `kedactl setup`, `kedactl produce` and `kedactl watch --for 1m`, or `kedactl demo` with another --stack"))
}
