//! `kedactl produce`.

use std::{fs, io::Read, path::PathBuf, sync::Arc};

use kedactl::{
    backend::{Backend, Identity},
    core::{
        error::{Error, Kind, Result},
        event::{Event, Fanout, Reporter, What},
        load::{self, Bodies, Destination, Limits, Load, MOST_DELAY, Rate},
        ops::produce::{Sent, produce, produce_in_cluster},
        ports::Sink,
        settings::{Choices, Target},
        stack::is_fifo,
    },
};
use uuid::Uuid;

use super::{context::Context, events::EventLines, exit::Exit, progress::Progress, ui::Ui, view};

/// Messages sent when nobody says how many, as in the article.
const COUNT: u64 = 10;
/// What manifests tell the pods.
const QUEUE_URL: &str = "QUEUE_URL";

/// Send messages to the queue, or to any source that a trigger reads
///
/// Messages go in batches as large as one request may be, several batches at once, and the id of each goes into the journal. A body is a
/// video-encoding request, such as {"video":"clip-3ccd10.mp4","quality":"480p","n":1}, unless you give your own.
/// Ctrl-C stops it after the batches on the wire; a second one ends it at once.
///
/// With --to they go to a stream as records, to a table as items (key attributes that are not given after the ? get values of their own;
/// the body is the attribute `body`), to a metric as values; no stack is needed, and `report` leaves them aside.
#[derive(Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "it is read as help")]
pub(crate) struct Produce {
    /// The queue [default: the stack's own]
    #[arg(long, value_name = "URL", env = QUEUE_URL)]
    queue_url: Option<String>,
    /// Where else: kinesis://STREAM, dynamodb://TABLE?ATTRIBUTE=VALUE, cloudwatch://NAMESPACE/METRIC?DIMENSION=VALUE or sqs://QUEUE
    #[arg(long, value_name = "DESTINATION")]
    to: Option<Destination>,
    /// How many messages, 1 to 1000000 [default: 10, or one for each line of stdin, or each --value]
    #[arg(short = 'n', long, value_name = "N", value_parser = load::count, allow_negative_numbers = true)]
    count: Option<u64>,
    /// The body of every message, instead of a request
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    body: Option<String>,
    /// A file with the body of every message; `-` sends one message for each line of stdin
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// The values of a metric, one after another, again and again [default: 1]
    #[arg(long, value_name = "NUMBER,...", value_delimiter = ',', value_parser = load::value, allow_hyphen_values = true, conflicts_with_all = ["body", "body_file"])]
    value: Vec<String>,
    /// How fast, over s, m or h, such as 50/s [default: as fast as the queue takes them]
    #[arg(long, value_name = "N/UNIT")]
    rate: Option<Rate>,
    /// Seconds before a message becomes visible, 0 to 900 [default: the queue's own]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_DELAY)), allow_negative_numbers = true)]
    delay: Option<u32>,
    /// The message group [default on FIFO queues: the stack's name]; of a stream, the partition key [default: each its own]
    #[arg(long, value_name = "NAME", value_parser = load::check_group)]
    group: Option<String>,
    /// Requests differ with the seed, and are the same for the same seed
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["body", "body_file", "value"])]
    seed: u64,
    /// Send from a Job in the cluster, as the article does, and show its log
    #[arg(long, conflicts_with_all = ["to", "body", "body_file", "value", "rate", "delay", "group", "seed", "events"])]
    in_cluster: bool,
    /// Write each step to stdout as a line of JSON, in place of the outcome
    #[arg(long)]
    events: bool,
}

impl Produce {
    pub(crate) async fn run(self, cx: &Context) -> Result<Exit> {
        let settings = cx.settings(Choices::new()).await?;
        self.check()?;
        let (url, streams, runs_there) = (self.queue_url.clone().filter(|_| self.to.is_none()), self.events, self.in_cluster);
        let load = self.load(&settings.names.queue, settings.stack.as_str())?;
        let backend = Backend::connect(&settings)?;
        if runs_there {
            return in_cluster(cx, &backend, load.count).await;
        }
        if streams {
            let lines = Box::new(EventLines(cx.ui.clone()));
            return outcome(cx, send_to(cx, &backend, &load, url.as_deref(), lines).await?);
        }
        let exit = show(cx, send_with_progress(cx, &backend, &load, url.as_deref()).await?)?;
        if exit == Exit::DONE {
            cx.ui.next(if backend.previous()?.is_some() { "kedactl watch" } else { "kedactl run -f FILE" });
        }
        Ok(exit)
    }

    /// Checks that the flags fit the destination.
    fn check(&self) -> Result<()> {
        let refused = |flag: &str, value: &str, why: &str| Err(Error::input(flag, value, why).hint(format!("leave {flag} out")));
        let is_metric = matches!(self.to, Some(Destination::Metric { .. }));
        if let Some(value) = self.value.first().filter(|_| !is_metric) {
            return refused("--value", value, "only a metric has values: --to cloudwatch://NAMESPACE/METRIC");
        }
        let Some(to) = &self.to else { return Ok(()) };
        // A variable is a default; a flag is meant.
        if let Some(url) = self.queue_url.as_ref().filter(|url| std::env::var(QUEUE_URL).ok().as_ref() != Some(url)) {
            return refused("--queue-url", url, "--to says where else");
        }
        match (to, &self.group, self.delay) {
            (Destination::Table { .. } | Destination::Metric { .. }, Some(group), _) => {
                refused("--group", group, "neither tables nor metrics have groups")
            }
            (Destination::Stream(_) | Destination::Table { .. } | Destination::Metric { .. }, _, Some(delay)) => {
                refused("--delay", &delay.to_string(), "only queues delay what they are sent")
            }
            _ => Ok(()),
        }
    }

    fn load(self, own: &str, stack: &str) -> Result<Load> {
        let to = self.to.filter(|to| *to != Destination::Queue(own.to_owned()));
        let queue = match &to {
            None => self.queue_url.as_deref().and_then(|url| url.rsplit('/').next()).unwrap_or(own),
            Some(Destination::Queue(name)) => name,
            Some(_) => "",
        };
        let fifo = is_fifo(queue);
        if let Some(delay) = self.delay.filter(|_| fifo) {
            return Err(Error::input("--delay", delay, format!("`{queue}` is a FIFO queue, which delays all its messages alike"))
                .hint("leave --delay out"));
        }
        let limits = to.as_ref().map_or(Limits::SQS, Destination::limits);
        let own_count = if self.value.is_empty() { COUNT } else { self.value.len() as u64 };
        let bodies = match (&to, self.value.is_empty()) {
            (_, false) => Bodies::Turns(self.value),
            (Some(Destination::Metric { .. }), true) if self.body.is_none() && self.body_file.is_none() => Bodies::Same("1".to_owned()),
            _ => bodies(&limits, self.body, self.body_file, self.seed)?,
        };
        let count = match (&bodies, self.count) {
            (Bodies::Each(_), Some(count)) => {
                return Err(Error::input("--count", count, "each line of stdin is one message").hint("leave --count out, or use `head -n`"));
            }
            (Bodies::Each(bodies), None) => bodies.len() as u64,
            (_, count) => count.unwrap_or(own_count),
        };
        let group = self.group.or_else(|| fifo.then(|| stack.to_owned()));
        Ok(Load { count, bodies, rate: self.rate, delay_seconds: self.delay, group, fifo, run: run_name(), to })
    }
}

/// Has a Job send `count` messages; what its log tells goes into the journal.
async fn in_cluster(cx: &Context, backend: &Backend, count: u64) -> Result<Exit> {
    if backend.settings().target == Target::Local {
        return Err(Error::new(Kind::Input, "could not send from a cluster", "the local target has none")
            .hint("leave --in-cluster out, or set a stack up with `--target cluster`"));
    }
    let account = &backend.settings().names.service_account;
    if backend.objects().await?.get("ServiceAccount", account).await?.is_none() {
        let why = format!("there is no service account `{account}` to run as");
        return Err(unset(Error::new(Kind::NotFound, "could not send from the cluster", why)));
    }
    let (jobs, manifest) = (backend.jobs(1.0, &[]).await?, backend.producer(count).await?);
    let progress = Progress::new(&cx.ui);
    let reporter = Fanout(vec![backend.journal_writer("produce")?, Box::new(progress.clone()), Box::new(LogNotes(cx.ui.clone()))]);
    cx.listen();
    let sent = produce_in_cluster(&*jobs, manifest, count, &reporter, &cx.cancel).await;
    progress.finish();
    let exit = show(cx, sent?)?;
    if exit == Exit::DONE {
        cx.ui.next("kedactl watch");
    }
    Ok(exit)
}

/// Shows the lines of a log that are no events.
struct LogNotes(Ui);

impl Reporter for LogNotes {
    fn report(&self, event: &Event) {
        if let What::LogLine { job, line } = &event.what {
            self.0.note(&format!("{job}: {line}"));
        }
    }
}

/// `count` video-encoding requests for `queue`, as `produce --count` without further flags sends them.
pub(crate) fn videos(count: u64, queue: &str, stack: &str) -> Load {
    let fifo = is_fifo(queue);
    let group = fifo.then(|| stack.to_owned());
    Load { count, bodies: Bodies::Videos { seed: 0 }, rate: None, delay_seconds: None, group, fifo, run: run_name(), to: None }
}

/// Sends `load` with progress and journal, until it is done or interrupted.
pub(crate) async fn send(cx: &Context, backend: &Backend, load: &Load) -> Result<Sent> {
    send_with_progress(cx, backend, load, None).await
}

async fn send_with_progress(cx: &Context, backend: &Backend, load: &Load, url: Option<&str>) -> Result<Sent> {
    let progress = Progress::new(&cx.ui);
    let sent = send_to(cx, backend, load, url, Box::new(progress.clone())).await;
    progress.finish();
    sent
}

/// Sends `load` to where it says, to the queue at `url`, or else to the stack's own, and tells the journal and `reporter`.
async fn send_to(cx: &Context, backend: &Backend, load: &Load, url: Option<&str>, reporter: Box<dyn Reporter>) -> Result<Sent> {
    let sink: Arc<dyn Sink> = match &load.to {
        Some(to) => backend.sink(to, &load.run).await?,
        None => backend.queue(Identity::Workload, url).await.map_err(unset)?,
    };
    let reporter = Fanout(vec![backend.journal_writer("produce")?, reporter]);
    cx.listen();
    let mut sent = produce(&*sink, load, &reporter, &cx.cancel).await;
    sent.fault = sent.fault.map(unset);
    Ok(sent)
}

/// Prints what was sent, and how that ended.
pub(crate) fn show(cx: &Context, sent: Sent) -> Result<Exit> {
    cx.ui.result(&sent, || view::produce::summary(&sent))?;
    outcome(cx, sent)
}

/// How a run of sending ended; fails with what stopped it.
pub(crate) fn outcome(cx: &Context, sent: Sent) -> Result<Exit> {
    let Sent { failed, unsent, .. } = sent;
    let noun = view::produce::noun(&sent);
    if cx.cancel.is_cancelled() && unsent + failed > 0 {
        return Ok(Exit::INTERRUPTED);
    }
    match (sent.fault, sent.refusal) {
        (Some(fault), _) => Err(fault),
        (None, Some(code)) => {
            let messages = view::figures::counted(failed, noun);
            let by = sent.to.map_or_else(|| "the queue".to_owned(), |to| format!("{to} ({code})"));
            Err(Error::failed(format!("could not send {messages}"), format!("refused by {by}")).code(code))
        }
        (None, None) => Ok(Exit::DONE),
    }
}

/// Unique, as deduplication ids of FIFO queues follow from it.
fn run_name() -> String {
    Uuid::new_v4().simple().to_string()
}

fn bodies(limits: &Limits, body: Option<String>, file: Option<PathBuf>, seed: u64) -> Result<Bodies> {
    match (body, file) {
        (Some(body), _) => limits.check_body("--body", &body).map(|()| Bodies::Same(body)),
        (None, Some(path)) if path.as_os_str() == "-" => limits.lines(&read("-", std::io::stdin().lock())?).map(Bodies::Each),
        (None, Some(path)) => {
            let place = path.display().to_string();
            let unreadable =
                |error| Error::input("--body-file", &place, format!("it cannot be read: {error}")).hint("give a readable file");
            let text = read(&place, fs::File::open(&path).map_err(unreadable)?)?;
            limits.check_body(&place, &text).map(|()| Bodies::Same(text))
        }
        (None, None) => Ok(Bodies::Videos { seed }),
    }
}

/// Reads at most one byte more than a load may have, so that what is too long is refused and not held.
fn read(place: &str, from: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    let fault = |error: String| Error::input("--body-file", place, error).hint("give a file of UTF-8 text");
    from.take(load::MOST_STREAM as u64 + 1).read_to_end(&mut bytes).map_err(|error| fault(format!("it cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| fault(format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to())))
}

fn unset(error: Error) -> Error {
    if error.kind == Kind::NotFound && error.hint.is_none() { error.hint("run `kedactl setup` first") } else { error }
}
