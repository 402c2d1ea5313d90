//! Scaling on a real API server: Jobs as KEDA makes them, the lease, what is seen happening.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use kedactl::{
    backend::kube::{KubeJobs, KubeLease, KubeSights, Owners},
    core::{
        event::JobState,
        keda::{job::job_spec, manifest},
        lease::Terms,
        ports::{Claim, Held, JobSpec, Jobs, Lease, Objects, Sight, Sights},
        settings::ScalingKind,
        stack::StackName,
    },
};
use serde_json::{Value, json};

use crate::support::{Space, wait_until};

fn stack() -> StackName {
    "video".parse().expect("a name")
}

fn spec(space: &Space, uid: &str) -> JobSpec {
    let object = json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledJob",
        "metadata": {
            "name": "encoder", "namespace": space.namespace, "generation": 7, "uid": uid,
            "labels": { "kedactl.dev/stack": "video", "team": "media" }
        },
        "spec": {
            "jobTargetRef": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never",
                "containers": [{ "name": "c", "image": "localhost/none:1", "imagePullPolicy": "Never" }] } } },
            "triggers": [{ "type": "aws-sqs-queue", "metadata": { "queueURL": "q", "queueLength": "1", "awsRegion": "us-east-1" } }]
        }
    });
    job_spec(&manifest::scaled_job(&object).expect("valid"), BTreeMap::new())
}

async fn jobs(space: &Space, owners: Owners) -> KubeJobs {
    KubeJobs::new(&space.cluster().await, &space.namespace, &stack(), owners)
}

#[tokio::test]
async fn jobs_are_what_keda_would_create_and_each_is_there_once() {
    let Some(space) = Space::new().await else { return };
    // An owner that exists, or the garbage collector takes the jobs away.
    space.kubectl(["create", "configmap", "owner"]);
    let uid = space.kubectl(["get", "configmap", "owner", "--output=jsonpath={.metadata.uid}"]);
    let jobs = jobs(&space, Owners::Named).await;
    let mut spec = spec(&space, uid.trim());
    let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid.trim(), "controller": true, "blockOwnerDeletion": true });
    assert_eq!(spec.manifest["metadata"]["ownerReferences"][0]["kind"], "ScaledJob");
    spec.manifest["metadata"]["ownerReferences"] = json!([owner]);
    let names: Vec<String> =
        stream::iter(0..40).map(|_| jobs.create(&spec)).buffered(16).map(|name| name.expect("created")).collect().await;
    let mut listed: Vec<String> = jobs.list("encoder").await.expect("listed").into_iter().map(|job| job.name).collect();
    let mut sorted = names.clone();
    sorted.sort();
    listed.sort();
    assert_eq!(listed, sorted);
    let found: Value = serde_json::from_str(&space.kubectl(["get", "job", &names[0], "--output=json"])).expect("JSON");
    let metadata = &found["metadata"];
    assert_eq!((metadata["generateName"].as_str(), names[0].len()), (Some("encoder-"), "encoder-".len() + 5));
    assert_eq!(metadata["labels"]["scaledjob.keda.sh/name"], "encoder");
    assert_eq!(
        (&metadata["labels"]["team"], &metadata["labels"]["app.kubernetes.io/managed-by"]),
        (&json!("media"), &json!("keda-operator"))
    );
    assert_eq!(metadata["annotations"]["scaledjob.keda.sh/generation"], "7");
    assert_eq!(metadata["ownerReferences"][0]["uid"], uid.trim());
    assert_eq!(jobs.all().await.expect("listed").len(), 40);
    for _ in 0..2 {
        jobs.delete(&names[0]).await.expect("deleted twice is deleted once");
    }
    let left = jobs.list("encoder").await.expect("listed");
    assert!(left.iter().all(|job| job.name != names[0] && job.generation == Some(7) && job.state == JobState::Pending));
}

#[tokio::test]
async fn jobs_of_a_scaled_job_that_the_cluster_does_not_know_have_no_owner() {
    let Some(space) = Space::new().await else { return };
    let jobs = jobs(&space, Owners::LeftOut).await;
    let name = jobs.create(&spec(&space, "a-file")).await.expect("created");
    let found: Value = serde_json::from_str(&space.kubectl(["get", "job", &name, "--output=json"])).expect("JSON");
    assert_eq!(found["metadata"].get("ownerReferences"), None);
    let found = jobs.find(&name).await.expect("asked").expect("it is there");
    assert_eq!((found.name, found.scaled_job.as_str()), (name, "encoder"));
    assert_eq!(jobs.find("nobody").await.expect("asked"), None);
}

#[tokio::test]
async fn a_quota_refuses_jobs_for_good_and_says_so() {
    let Some(space) = Space::with_controllers().await else { return };
    space.kubectl(["create", "quota", "few", "--hard=count/jobs.batch=0"]);
    // It counts from when its controller has looked at it.
    let hard = ["get", "quota", "few", "-o", "jsonpath={.status.hard}"];
    wait_until("the quota is in force", || !space.kubectl(hard).is_empty());
    let jobs = jobs(&space, Owners::LeftOut).await;
    let error = jobs.create(&spec(&space, "a-file")).await.expect_err("over quota");
    assert!(!error.is_passing(), "{error}");
    assert!(error.to_string().contains("few"), "{error}");
}

fn held(claim: Claim) -> Box<dyn Held> {
    match claim {
        Claim::Held(held) => held,
        Claim::HeldBy(other) => panic!("{other} holds it"),
    }
}

#[tokio::test]
async fn one_at_a_time_holds_the_lease_and_gives_it_back_without_a_trace() {
    let Some(space) = Space::new().await else { return };
    let cluster = space.cluster().await;
    let lease = || KubeLease::new(&cluster, &space.namespace, &stack());
    let (first, second) = (lease(), lease());
    let mine = held(first.claim().await.expect("asked"));
    assert!(mine.is_held());
    let Claim::HeldBy(holder) = second.claim().await.expect("asked") else { panic!("the first holds it") };
    assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
    assert_eq!(second.holder().await.expect("asked"), Some(holder));
    mine.release().await;
    assert_eq!(second.holder().await.expect("asked"), None);
    assert_eq!(space.kubectl(["get", "leases", "--output=name"]).trim(), "");
    let theirs = held(second.claim().await.expect("asked"));
    assert!(matches!(first.claim().await.expect("asked"), Claim::HeldBy(_)));
    theirs.release().await;
}

#[tokio::test]
async fn a_lease_that_is_taken_away_is_not_acted_on_and_one_that_lapsed_is_taken() {
    let Some(space) = Space::new().await else { return };
    let cluster = space.cluster().await;
    let terms = Terms { duration: Duration::from_secs(2), renew_every: Duration::from_millis(300), acts_for: Duration::from_millis(1200) };
    let lease = || KubeLease::new(&cluster, &space.namespace, &stack()).with_terms(terms);
    let mine = held(lease().claim().await.expect("asked"));
    let patch = r#"{"spec":{"holderIdentity":"a dead process"}}"#;
    space.kubectl(["patch", "lease", "kedactl-video", "--type=merge", "--patch", patch]);
    let began = std::time::Instant::now();
    while mine.is_held() {
        assert!(began.elapsed() < terms.acts_for + Duration::from_secs(1), "it still acts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rival = lease();
    let began = std::time::Instant::now();
    let theirs = loop {
        match rival.claim().await.expect("asked") {
            Claim::Held(held) => break held,
            Claim::HeldBy(other) => assert_eq!(other, "a dead process"),
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it never lapses");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(began.elapsed() >= terms.duration, "taken after {:?}", began.elapsed());
    theirs.release().await;
}

#[tokio::test]
async fn what_happens_is_seen_as_it_happens_and_old_events_are_no_news() {
    let Some(space) = Space::new().await else { return };
    let event = |name: &str, reason: &str| {
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": { "name": name, "namespace": space.namespace },
            "involvedObject": { "kind": "ScaledJob", "name": "encoder", "namespace": space.namespace },
            "reason": reason, "message": "it was denied", "type": "Warning", "count": 1
        })
    };
    let say = async |object: &Value| {
        let path = format!("/api/v1/namespaces/{}/events", space.namespace);
        let request = http::Request::post(path).header("content-type", "application/json").body(object.to_string().into_bytes());
        space.client.request::<Value>(request.expect("a request")).await.expect("said");
    };
    say(&event("old", "KEDAScalersStarted")).await;
    let jobs = jobs(&space, Owners::LeftOut).await;
    let sights: Arc<dyn Sights> = Arc::new(KubeSights::new(&space.cluster().await, &space.namespace));
    let mut seen = sights.follow(ScalingKind::ScaledJob, "encoder");
    let first = until(&mut seen, |sight| matches!(sight, Sight::Jobs(_))).await;
    assert_eq!(first, Sight::Jobs(Vec::new()));
    let name = jobs.create(&spec(&space, "a-file")).await.expect("created");
    let next = until(&mut seen, |sight| matches!(sight, Sight::Jobs(jobs) if !jobs.is_empty())).await;
    let Sight::Jobs(listed) = next else { panic!("a list") };
    assert_eq!(listed.iter().map(|job| &job.name).collect::<Vec<_>>(), [&name]);
    say(&event("new", "KEDAScalerFailed")).await;
    let said = until(&mut seen, |sight| matches!(sight, Sight::Said { .. })).await;
    let wanted =
        Sight::Said { object: "ScaledJob/encoder".into(), reason: "KEDAScalerFailed".into(), note: "it was denied".into(), warning: true };
    assert_eq!(said, wanted);
    jobs.delete(&name).await.expect("deleted");
    until(&mut seen, |sight| matches!(sight, Sight::Jobs(jobs) if jobs.is_empty())).await;
}

#[tokio::test]
async fn what_happens_to_a_scaled_object_and_its_hpa_is_seen() {
    let Some(space) = Space::new().await else { return };
    let objects = space.objects().await;
    let trigger = json!({ "type": "aws-sqs-queue", "metadata": { "queueURL": "q", "awsRegion": "us-east-1" } });
    let object = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": { "name": "encoder" },
        "spec": { "scaleTargetRef": { "name": "encoder" }, "triggers": [trigger] }
    });
    objects.apply(&object).await.expect("applied");
    let sights: Arc<dyn Sights> = Arc::new(KubeSights::new(&space.cluster().await, &space.namespace));
    let mut seen = sights.follow(ScalingKind::ScaledObject, "encoder");
    let unknown = Sight::Conditions { ready: "Unknown".into(), active: "Unknown".into(), paused: "Unknown".into() };
    assert_eq!(until(&mut seen, |sight| matches!(sight, Sight::Conditions { .. })).await, unknown);
    let ready = json!([{ "type": "Ready", "status": "True", "reason": "ScaledObjectReady", "message": "fine" }]);
    objects.patch_status("ScaledObject", "encoder", &json!({ "conditions": ready })).await.expect("written");
    until(&mut seen, |sight| matches!(sight, Sight::Conditions { ready, .. } if ready == "True/ScaledObjectReady: fine")).await;

    let condition = r#"[{"type":"ScalingActive","status":"False","reason":"ScalingDisabled","message":"scaling is disabled"}]"#;
    let hpa = json!({
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "keda-hpa-encoder", "labels": { "scaledobject.keda.sh/name": "encoder" }
        },
        "spec": { "maxReplicas": 4, "scaleTargetRef": { "kind": "Deployment", "name": "encoder" } }
    });
    let path = format!("/apis/autoscaling/v1/namespaces/{}/horizontalpodautoscalers", space.namespace);
    let ask = async |request: http::request::Builder, kind: &str, body: &Value| {
        let request = request.header("content-type", kind).body(body.to_string().into_bytes()).expect("a request");
        space.client.request::<Value>(request).await.expect("answered");
    };
    ask(http::Request::post(&path), "application/json", &hpa).await;
    let status = json!({
        "metadata": { "annotations": { "autoscaling.alpha.kubernetes.io/conditions": condition } },
        "status": { "currentReplicas": 0, "desiredReplicas": 3 }
    });
    ask(http::Request::patch(format!("{path}/keda-hpa-encoder/status")), "application/merge-patch+json", &status).await;
    let wanted = Sight::Hpa {
        name: "keda-hpa-encoder".into(),
        current: 0,
        desired: 3,
        condition: "False/ScalingDisabled: scaling is disabled".into(),
    };
    until(&mut seen, |sight| *sight == wanted).await;
    objects.delete("ScaledObject", "encoder").await.expect("deleted");
    until(&mut seen, |sight| matches!(sight, Sight::Gone)).await;
}

async fn until(
    sights: &mut (impl futures_util::Stream<Item = kedactl::core::error::Result<Sight>> + Unpin),
    wanted: impl Fn(&Sight) -> bool,
) -> Sight {
    let look = async {
        loop {
            let sight = sights.next().await.expect("it goes on").expect("it may look");
            if wanted(&sight) {
                return sight;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look).await.expect("it happens")
}
