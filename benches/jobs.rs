//! A thousand Jobs on a real API server: this program's way beside KEDA's, one after another at client-go's default rate.
//!
//! `cargo bench --bench jobs`. Needs `KEDACTL_TEST_KUBECONFIG`, as `tests/cluster up` prints it. Nothing is asserted: the figures are for the README.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use kedactl::{
    backend::kube::{Cluster, KubeJobs, KubeObjects, Owners},
    core::{
        ports::{JobSpec, Jobs, Objects},
        stack::StackName,
    },
};
use serde_json::json;

/// Jobs that are created each way; `KEDACTL_BENCH_JOBS` says otherwise.
const JOBS: usize = 1000;
/// As `watch` creates them.
const AT_ONCE: usize = 16;
/// client-go's default: so many requests in a second, after so many at once.
const RATE: f64 = 20.0;
const BURST: f64 = 30.0;

#[tokio::main]
async fn main() {
    let Some(file) = std::env::var_os("KEDACTL_TEST_KUBECONFIG").filter(|file| !file.is_empty()).map(PathBuf::from) else {
        println!("jobs: skipped, there is no cluster: eval \"$(tests/cluster up)\"");
        return;
    };
    let count = std::env::var("KEDACTL_BENCH_JOBS").ok().and_then(|text| text.parse().ok()).unwrap_or(JOBS);
    let cluster = Cluster::of_file(&file, None).await.expect("the kubeconfig can be used");
    let namespace = format!("bench-{}", std::process::id());
    let objects = KubeObjects::new(&cluster, &namespace);
    objects.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } })).await.expect("a namespace");
    let stack: StackName = "bench".parse().expect("a name");
    let jobs = KubeJobs::new(&cluster, &namespace, &stack, Owners::LeftOut);

    let begun = Instant::now();
    let (mine, other) = (spec("ours"), spec("theirs"));
    let created = stream::iter(0..count).map(|_| jobs.create(&mine)).buffer_unordered(AT_ONCE);
    let ours = created.filter(|outcome| std::future::ready(outcome.is_ok())).count().await;
    let our_time = begun.elapsed();

    let begun = Instant::now();
    let mut theirs = 0;
    let mut bucket = Bucket { tokens: BURST, at: begun };
    for _ in 0..count {
        bucket.take().await;
        theirs += usize::from(jobs.create(&other).await.is_ok());
    }
    let their_time = begun.elapsed();

    println!("{:42} {:>8} {:>10} {:>8}", "way", "jobs", "seconds", "jobs/s");
    row(&format!("kedactl: {AT_ONCE} at once, backing off on 429"), ours, our_time);
    row("one after another, 20/s after a burst of 30", theirs, their_time);
    println!("ratio {:.1}", their_time.as_secs_f64() / our_time.as_secs_f64());
    objects.delete("Namespace", &namespace).await.expect("deleted");
}

/// Jobs for each way are told apart by their ScaledJob.
fn spec(scaled_job: &str) -> JobSpec {
    let manifest = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "generateName": format!("{scaled_job}-"), "labels": { "scaledjob.keda.sh/name": scaled_job } },
        "spec": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "none:1" }] } } }
    });
    JobSpec { scaled_job: scaled_job.to_owned(), generation: 1, manifest, env: BTreeMap::new() }
}

fn row(way: &str, jobs: usize, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = jobs as f64 / took.as_secs_f64();
    println!("{way:42} {jobs:>8} {:>10.2} {rate:>8.0}", took.as_secs_f64());
}

/// client-go's rate limit.
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    async fn take(&mut self) {
        let now = Instant::now();
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * RATE).min(BURST);
        self.at = now;
        self.tokens -= 1.0;
        if self.tokens < 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(-self.tokens / RATE)).await;
        }
    }
}
