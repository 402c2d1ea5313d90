//! Faults in the watch streams by which KEDA is followed: they go on, no job is missed or seen twice, and the loss is said.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt, stream::BoxStream};
use kedactl::{
    backend::kube::{Cluster, KubeSights},
    core::{
        error::Result,
        ports::{Sight, Sights},
        settings::ScalingKind,
    },
};
use serde_json::{Value, json};

use crate::support::{Detour, Fault, Space};

/// What is seen of a namespace through a proxy that breaks streams.
struct Seen {
    space: Space,
    detour: Detour,
    sights: BoxStream<'static, Result<Sight>>,
    names: BTreeSet<String>,
    losses: Vec<String>,
}

impl Seen {
    /// Follows once `plan` decides about requests.
    async fn new(plan: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) -> Option<Self> {
        let space = Space::new().await?;
        let detour = space.detour();
        detour.proxy.plan(plan);
        let cluster = Cluster::of_file(&detour.kubeconfig, None).await.expect("a kubeconfig");
        let sights = KubeSights::new(&cluster, &space.namespace).follow(ScalingKind::ScaledJob, "encoder");
        Some(Self { space, detour, sights, names: BTreeSet::new(), losses: Vec::new() })
    }

    /// Makes a Job as KEDA does, by the official client.
    async fn create(&self, name: &str) {
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": name, "labels": { "scaledjob.keda.sh/name": "encoder", "app.kubernetes.io/managed-by": "keda-operator" } },
            "spec": { "backoffLimit": 0, "suspend": true, "template": { "spec": { "restartPolicy": "Never",
                "containers": [{ "name": "c", "image": "localhost/none:1", "imagePullPolicy": "Never" }] } } }
        });
        let path = format!("/apis/batch/v1/namespaces/{}/jobs", self.space.namespace);
        let request = http::Request::post(path).header("content-type", "application/json").body(job.to_string().into_bytes());
        self.space.client.request::<Value>(request.expect("a request")).await.expect("made");
    }

    /// Looks until the jobs are those called `wanted`; each list that is seen names each job once.
    async fn until(&mut self, wanted: &[&str]) {
        let look = async {
            loop {
                match self.sights.next().await.expect("it goes on").expect("it may look") {
                    Sight::Jobs(jobs) => {
                        let names: BTreeSet<String> = jobs.iter().map(|job| job.name.clone()).collect();
                        assert_eq!(names.len(), jobs.len(), "a job is there twice");
                        assert!(names.is_superset(&self.names), "{names:?} after {:?}: a job went missing", self.names);
                        self.names = names;
                        if self.names.iter().map(String::as_str).eq(wanted.iter().copied()) {
                            return;
                        }
                    }
                    Sight::Broken(why) => self.losses.push(why),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), look).await.unwrap_or_else(|_| panic!("{wanted:?} are never seen"));
    }
}

/// Has forgotten, for good, what came after the point from which jobs were watched first.
fn forgetting(fault: Fault) -> impl Fn(usize, &str) -> Option<Fault> + Send + 'static {
    let forgotten = Arc::new(Mutex::new(None));
    move |_, line| {
        let since = line.split('&').find_map(|part| part.strip_prefix("resourceVersion="))?;
        let since = since.split_whitespace().next().unwrap_or(since).to_owned();
        if !line.contains("/jobs?") || !line.contains("watch=true") {
            return None;
        }
        let mut forgotten = forgotten.lock().expect("no thread panics with it");
        (*forgotten.get_or_insert_with(|| since.clone()) == since).then_some(fault)
    }
}

/// Breaks the first `times` watches of jobs with `fault`.
fn breaking(fault: Fault, times: usize) -> impl Fn(usize, &str) -> Option<Fault> + Send + 'static {
    let left = Arc::new(Mutex::new(times));
    move |_, line| {
        let mut left = left.lock().expect("no thread panics with it");
        let is_hit = *left > 0 && line.contains("/jobs?") && line.contains("watch=true");
        *left -= usize::from(is_hit);
        is_hit.then_some(fault)
    }
}

/// Follows while the first watches of jobs meet `fault`, and jobs are made before, during and after it. Returns what was
/// said to be lost.
async fn losses(fault: Fault, times: usize) -> Option<Vec<String>> {
    let (said, broken) = followed(breaking(fault, times)).await?;
    assert_eq!(broken, times, "{fault:?}");
    Some(said)
}

/// Follows while jobs are made. Returns what was said to be lost, and how many requests `plan` broke.
async fn followed(plan: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) -> Option<(Vec<String>, usize)> {
    let mut seen = Seen::new(plan).await?;
    seen.until(&[]).await;
    seen.create("encoder-a").await;
    seen.until(&["encoder-a"]).await;
    seen.create("encoder-b").await;
    seen.create("encoder-c").await;
    seen.until(&["encoder-a", "encoder-b", "encoder-c"]).await;
    let (_, broken) = seen.detour.proxy.mend();
    Some((seen.losses, broken))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_cut_in_the_middle_of_a_line_goes_on_where_it_was() {
    let Some(said) = losses(Fault::Torn, 2).await else { return };
    assert!(said.iter().all(|why| why.starts_with("could not watch jobs")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_forgotten_is_asked_for_everything_anew_whichever_way_it_says_so() {
    for fault in [Fault::Gone, Fault::GoneWithin] {
        let Some((said, broken)) = followed(forgetting(fault)).await else { return };
        assert!(broken > 0 && said.len() == broken, "{fault:?} {broken} times: {said:?}");
        assert!(said.iter().all(|why| why.contains("has forgotten what came next")), "{fault:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_asked_again_when_it_says_and_nothing_is_lost() {
    let Some(said) = losses(Fault::Throttled, 3).await else { return };
    assert_eq!(said, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_or_takes_no_token_for_a_while_is_followed_again() {
    for (fault, wanted) in [(Fault::Broken, "refused on purpose"), (Fault::Expired, "credentials expired or not accepted")] {
        let Some(said) = losses(fault, 3).await else { return };
        assert_eq!(said.len(), 3, "{fault:?}: {said:?}");
        assert!(said.iter().all(|why| why.contains(wanted)), "{fault:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_for_good_ends_it_with_a_way_out() {
    let Some(mut seen) = Seen::new(|_, line| line.contains("watch=true").then_some(Fault::Expired)).await else { return };
    let end = async {
        loop {
            if let Err(error) = seen.sights.next().await.expect("an error comes first") {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_mins(2), end).await.expect("it ends");
    assert_eq!(error.exit_code(), 1);
    assert!(error.hint.is_some_and(|hint| hint.contains("kedactl doctor")));
}
