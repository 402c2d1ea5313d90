//! Replicas that are scaled in while they work: as processes of the real binary, and as pods of a real cluster.

use kedactl::{
    backend::{
        kube::KubeWorkloads,
        process::{FileObjects, Launch, ProcessPools},
    },
    core::{
        ports::{Replica, Scale, ScaleTarget, Workloads},
        stack::StackName,
    },
};
use serde_json::{Value, json};

use crate::{
    in_cluster::World,
    support::{PATIENCE, Space, Stack},
};

/// The replicas of `target`, once they are as `wanted`; looked after meanwhile.
async fn eventually(workloads: &dyn Workloads, target: &ScaleTarget, wanted: impl Fn(&[Replica]) -> bool) -> Vec<Replica> {
    let looks = async {
        loop {
            workloads.keep().await.expect("looked after");
            let replicas = workloads.replicas(target).await.expect("listed");
            if wanted(&replicas) {
                return replicas;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looks).await.expect("they become so")
}

/// The pools of the real binary on `stack`.
fn pools(stack: &Stack) -> ProcessPools {
    let mut launch = Launch::new(stack.dir(), &StackName::default(), 1.0).expect("launch");
    launch.program = env!("CARGO_BIN_EXE_kedactl").into();
    ProcessPools::new(launch, FileObjects::new(stack.stack_dir().join("objects")))
}

fn of(report: &Value, names: [&str; 4]) -> [u64; 4] {
    names.map(|name| report["totals"][name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {report:#}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_scaled_in_gives_its_message_back_and_another_goes_on() {
    let stack = Stack::new();
    // So long a visibility timeout that only a release can bring a message back within the test.
    stack.ok(["setup", "--kind", "scaled-object", "--work-seconds", "600", "--visibility-timeout", "3600"]);
    stack.ok(["produce", "--count", "3"]);
    let (pools, target) = (pools(&stack), ScaleTarget::deployment("video-processor"));
    assert_eq!(pools.scale(&target).await, Ok(Some(Scale { wanted: 0, current: 0 })));
    pools.set_replicas(&target, 2).await.expect("scaled");
    let busy = |count: usize| move |all: &[Replica]| all.len() == count && all.iter().all(|one| one.is_ready && one.message_id.is_some());
    let both = eventually(&pools, &target, busy(2)).await;
    let status = stack.json(["status"]);
    assert_eq!(status["replicas"], json!({ "wanted": 2, "current": 2, "ready": 2, "ending": 0 }), "{status}");

    pools.set_replicas(&target, 1).await.expect("scaled");
    let left = eventually(&pools, &target, busy(1)).await;
    assert!(both.iter().any(|one| one.name == left[0].name && one.message_id == left[0].message_id), "the other works on");
    let report = stack.run(["report", "--output", "json"]).json();
    assert_eq!(of(&report, ["kills", "lost", "unfinished", "consumers"]), [1, 0, 3, 2], "{report:#}");
    assert_eq!(stack.json(["status"])["queue"]["depth"], json!({ "visible": 2, "in_flight": 1, "delayed": 0 }));

    let plan = stack.json(["setup"]);
    assert_eq!(plan["changes"], 0, "setup leaves the number of replicas to the scaler: {plan}");
    let ended = stack.ok(["teardown"]);
    assert!(ended.stdout.contains("1 replica") && ended.stdout.contains("0 left"), "{ended}");
    assert!(stack.consumers().is_empty(), "no worker is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_take_one_message_after_another_and_idle_ends_none() {
    let stack = Stack::new().with("KEDACTL_PACE", "100");
    stack.ok(["setup", "--kind", "scaled-object", "--work-seconds", "1"]);
    let (pools, target) = (pools(&stack), ScaleTarget::deployment("video-processor"));
    pools.set_replicas(&target, 1).await.expect("scaled");
    let before = eventually(&pools, &target, |all| all.len() == 1 && all[0].is_ready).await;
    stack.ok(["produce", "--count", "3"]);
    crate::support::wait_until("all are done", || stack.journal().iter().filter(|event| event["event"] == "counted").count() == 3);
    let after = eventually(&pools, &target, |all| all[0].message_id.is_none()).await;
    assert_eq!((after[0].is_ready, &after[0].name), (true, &before[0].name));
    let report = stack.json(["report"]);
    assert_eq!(of(&report, ["counted", "kills", "surplus", "consumers"]), [3, 0, 0, 1], "{report:#}");
    assert_eq!(report["verdict"], "proven");
}

#[test]
fn a_stack_that_scales_one_kind_is_not_turned_into_the_other() {
    let stack = Stack::ready();
    let output = stack.run(["setup", "--kind", "scaled-object"]);
    assert_eq!(output.code, Some(2), "{output}");
    for words in ["invalid --kind `scaled-object`: stack `demo` is set up with `scaled-job`", "kedactl teardown", "--stack NAME"] {
        assert!(output.stderr.contains(words), "{output}");
    }
}

/// A Deployment of pods that do nothing, without a node that runs them.
const PAUSE: &str = r#"{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "pause"}, "spec": {"replicas": 0,
    "selector": {"matchLabels": {"app": "pause"}},
    "template": {"metadata": {"labels": {"app": "pause"}}, "spec": {"containers": [{"name": "pause", "image": "localhost/none:1"}]}}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cluster_the_scale_subresource_says_how_many_there_are() {
    use kedactl::core::ports::Objects;
    let Some(space) = Space::with_controllers().await else { return };
    let workloads = KubeWorkloads::new(&space.cluster().await, &space.namespace);
    let target = ScaleTarget::deployment("pause");
    assert_eq!(workloads.scale(&target).await, Ok(None));
    assert_eq!(workloads.set_replicas(&target, 1).await.expect_err("it is not there").kind, kedactl::core::error::Kind::NotFound);
    space.objects().await.apply(&serde_json::from_str(PAUSE).expect("JSON")).await.expect("applied");
    workloads.set_replicas(&target, 2).await.expect("scaled");
    let pods = eventually(&workloads, &target, |all| all.len() == 2).await;
    assert!(pods.iter().all(|pod| pod.name.starts_with("pause-") && !pod.is_ready && !pod.is_ending), "{pods:?}");
    assert_eq!(workloads.scale(&target).await.map(|scale| scale.map(|scale| scale.wanted)), Ok(Some(2)));
    workloads.set_replicas(&target, 0).await.expect("scaled");
    eventually(&workloads, &target, |all| all.iter().all(|pod| pod.is_ending)).await;

    let set = |kind: &str, api_version: &str| ScaleTarget { api_version: api_version.into(), kind: kind.into(), name: "pause".into() };
    space.kubectl(["create", "configmap", "pause"]);
    let error = workloads.scale(&set("ConfigMap", "v1")).await.expect_err("it has no scale");
    assert!(error.to_string().contains("objects of this kind have no scale"), "{error}");
    let error = workloads.scale(&set("Rollout", "argoproj.io/v1alpha1")).await.expect_err("no such kind");
    assert!(error.to_string().contains("the API server does not serve this kind"), "{error}");
    assert_eq!(workloads.scale(&set("StatefulSet", "apps/v1")).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_pods_the_kill_is_counted_and_the_message_comes_back() {
    let Some(world) = World::new().await else { return };
    let stack = &world.stack;
    stack.ok([
        "setup",
        "--kind",
        "scaled-object",
        "--controller",
        "in-process",
        "--work-seconds",
        "600",
        "--visibility-timeout",
        "3600",
        "--yes",
    ]);
    stack.ok(["produce", "--count", "2"]);
    let workloads = KubeWorkloads::new(&world.space.cluster().await, &world.space.namespace);
    let target = ScaleTarget::deployment(&format!("{}-video-processor", world.name()));
    workloads.set_replicas(&target, 2).await.expect("scaled");
    eventually(&workloads, &target, |all| all.len() == 2 && all.iter().all(|pod| pod.is_ready)).await;
    crate::support::wait_until("both are at work", || stack.json(["status"])["queue"]["depth"]["in_flight"] == 2);
    let again = stack.json(["setup", "--work-seconds", "600", "--yes"]);
    assert_eq!(again["changes"], 0, "{again}");

    workloads.set_replicas(&target, 1).await.expect("scaled");
    eventually(&workloads, &target, |all| all.len() == 1).await;
    let report = stack.run(["report", "--output", "json"]).json();
    assert_eq!((&report["totals"]["kills"], &report["totals"]["lost"]), (&json!(1), &json!(0)), "{report:#}");
    assert_eq!(stack.json(["status"])["queue"]["depth"], json!({ "visible": 1, "in_flight": 1, "delayed": 0 }));
    let ended = stack.ok(["teardown", "--yes"]);
    assert!(ended.stdout.contains("0 left"), "{ended}");
}
