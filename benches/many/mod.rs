//! Many ScaledJobs in one process: their manifest, the service they ask, and what is measured of the process.

pub(crate) mod naive;
mod service;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::support::kedactl;
use service::AwsService;

/// From a question to its answer, as within a region.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(15);
/// `pollingInterval` of each object.
const INTERVAL: f64 = 10.0;
/// What the process takes is counted from here on: everything was polled once.
const SETTLED: Duration = Duration::from_secs(12);

/// How many objects, on how many queues.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) objects: usize,
    pub(crate) queues: usize,
}

/// Who scales them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `kedactl run -f`, asking over HTTP.
    Run,
    /// The same with AWS in its own process.
    Embedded,
    /// See [`naive`].
    Naive,
}

/// What was measured of one process.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    cpu_seconds_per_minute: f64,
    peak_megabytes: f64,
    /// From when each poll was due to its decision, in milliseconds, sorted.
    lateness: Vec<f64>,
    requests: Option<u64>,
    first_round: f64,
}

impl Figures {
    pub(crate) const HEADER: &str =
        "                       CPU s/min  peak MB  late p50 ms     p99 ms     max ms    polls  requests/poll  first round s";

    pub(crate) fn row(&self, name: &str) -> String {
        let late = |part: f64| self.late(part);
        let requests = self.requests_per_poll().map_or_else(|| "-".to_owned(), |count| format!("{count:.2}"));
        format!(
            "{name:<22}{:>10.2}{:>9.0}{:>13.1}{:>11.1}{:>11.1}{:>9}{requests:>15}{:>15.1}",
            self.cpu_seconds_per_minute,
            self.peak_megabytes,
            late(0.5),
            late(0.99),
            late(1.0),
            self.lateness.len(),
            self.first_round,
        )
    }

    /// This over `other`, as ratios.
    pub(crate) fn over(&self, other: &Self) -> String {
        let times = |ours: f64, theirs: f64| format!("{:.1}x", theirs / ours);
        let requests = self.requests_per_poll().zip(other.requests_per_poll());
        format!(
            "less by               {:>10}{:>9}{:>13}{:>11}{:>11}{:>24}",
            times(self.cpu_seconds_per_minute, other.cpu_seconds_per_minute),
            times(self.peak_megabytes, other.peak_megabytes),
            times(self.late(0.5), other.late(0.5)),
            times(self.late(0.99), other.late(0.99)),
            times(self.late(1.0), other.late(1.0)),
            requests.map(|(ours, theirs)| times(ours, theirs)).unwrap_or_default(),
        )
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index of a short list")]
    fn late(&self, part: f64) -> f64 {
        let last = self.lateness.len().saturating_sub(1) as f64;
        self.lateness.get((last * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    fn requests_per_poll(&self) -> Option<f64> {
        self.requests.map(|count| count as f64 / self.lateness.len() as f64)
    }
}

/// Lets the process of `way` scale `shape` for so many seconds.
pub(crate) fn measure(shape: Shape, seconds: usize, way: Way) -> Figures {
    let state = tempfile::tempdir().expect("the temporary directory is writable");
    let manifest = state.path().join("objects.yaml");
    fs::write(&manifest, text(shape)).expect("written");
    // Where AWS is in the process it finds the queues in the state directory; elsewhere the service listens on a port.
    let service = AwsService::start(&state.path().join("aws.db"), shape.queues);
    let mut command = match way {
        Way::Run | Way::Embedded => {
            let mut command = kedactl(state.path());
            command.args(["run", "--quiet", "--for", &format!("{seconds}s"), "-f"]).arg(&manifest).args(["--", "/bin/true"]);
            command
        }
        Way::Naive => {
            let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
            command.env("KEDACTL_BENCH_NAIVE", &manifest).env("KEDACTL_BENCH_SECONDS", seconds.to_string());
            command.env("KEDACTL_STATE_DIR", state.path());
            command
        }
    };
    if way != Way::Embedded {
        command.env("KEDACTL_ENDPOINT_URL", &service.url);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("the program starts");
    let (cpu_seconds_per_minute, peak_megabytes) = follow(child);
    let (lateness, first_round) = lateness(&state.path().join("runs/journal"), way, shape);
    let requests = (way != Way::Embedded).then(|| service.requests());
    Figures { cpu_seconds_per_minute, peak_megabytes, lateness, requests, first_round }
}

/// The manifest: every object asks in the name of the same keys; queues are empty, so that nothing but scaling is measured.
fn text(shape: Shape) -> String {
    let mut text =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {id: QUtJQUJFTkNIMDAwMDAwMDAwMDA=, secret: bm9uZQ==}\n---\n\
         apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: keys}\nspec:\n  secretTargetRef:\n  \
         - {parameter: awsAccessKeyID, name: keys, key: id}\n  - {parameter: awsSecretAccessKey, name: keys, key: secret}\n"
            .to_owned();
    for index in 0..shape.objects {
        let queue = service::queue_url(index % shape.queues);
        let _ = write!(
            text,
            "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {{name: job-{index:05}, labels: {{team: bench}}}}\nspec:\n  \
             pollingInterval: {INTERVAL}\n  maxReplicaCount: 10\n  jobTargetRef:\n    backoffLimit: 2\n    template:\n      spec:\n        \
             restartPolicy: Never\n        containers:\n        - name: worker\n          image: example.com/worker:1\n          \
             resources: {{requests: {{cpu: 100m, memory: 64Mi}}}}\n          env:\n          - {{name: QUEUE, value: \"{queue}\"}}\n          \
             - {{name: LEVEL, value: info}}\n  triggers:\n  - type: aws-sqs-queue\n    authenticationRef: {{name: keys}}\n    \
             metadata: {{queueURL: \"{queue}\", queueLength: \"5\", awsRegion: us-east-1}}\n"
        );
    }
    text
}

/// CPU seconds per minute once settled, and the peak of resident memory in MB.
fn follow(mut child: Child) -> (f64, f64) {
    let begun = Instant::now();
    let (mut settled, mut last, mut peak) = (None, (Duration::ZERO, 0.0), 0.0_f64);
    while child.try_wait().expect("our own child can be waited for").is_none() {
        let seconds = cpu_seconds(child.id()).unwrap_or(last.1);
        last = (begun.elapsed(), seconds);
        if settled.is_none() && last.0 >= SETTLED {
            settled = Some(last);
        }
        peak = peak.max(peak_kilobytes(child.id()).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = child.wait().expect("our own child can be waited for");
    assert!(status.success(), "it ended with {status}");
    let from = settled.unwrap_or((Duration::ZERO, 0.0));
    ((last.1 - from.1) / last.0.saturating_sub(from.0).as_secs_f64() * 60.0, peak / 1024.0)
}

/// User and system time, which Linux counts in hundredths of a second.
fn cpu_seconds(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some((fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?) / 100.0)
}

fn peak_kilobytes(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
}

/// From when each poll was due to its decision, sorted, in milliseconds; and the seconds that the first poll of all took together.
fn lateness(journal: &Path, way: Way, shape: Shape) -> (Vec<f64>, f64) {
    let mut polls = BTreeMap::<String, Vec<f64>>::new();
    for file in fs::read_dir(journal).expect("there is a journal").flatten() {
        for line in fs::read_to_string(file.path()).expect("text").lines() {
            let event: Value = serde_json::from_str(line).expect("JSON lines");
            if event["event"] == "polled" {
                assert_eq!(event["decision"]["is_error"], false, "{line}");
                let at: Timestamp = event["at"].as_str().expect("a time").parse().expect("a time");
                let about = event["about"].as_str().expect("an object").to_owned();
                polls
                    .entry(about)
                    .or_default()
                    .push(Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).expect("later").as_secs_f64());
            }
        }
    }
    assert_eq!(polls.len(), shape.objects, "every object is polled");
    // The names of objects and of queues have the same order.
    let queue_of = |index: usize| index % shape.queues;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let offset = |index: usize| if way == Way::Naive { 0.0 } else { INTERVAL * queue_of(index) as f64 / shape.queues as f64 };
    let first = |(index, times): (usize, &Vec<f64>)| times[0] - offset(index);
    let begun = polls.values().enumerate().map(first).fold(f64::INFINITY, f64::min);
    let last_first = polls.values().map(|times| times[0]).fold(0.0, f64::max);
    let mut late = Vec::new();
    for (index, times) in polls.values().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        late.extend(times.iter().enumerate().map(|(turn, at)| (at - begun - offset(index) - INTERVAL * turn as f64) * 1000.0));
    }
    late.sort_by(f64::total_cmp);
    (late, last_first - begun)
}
