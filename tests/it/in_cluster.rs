//! The whole demo inside a real Kubernetes: pods of our own image, KEDA's objects, AWS on the node's bridge.

use serde_json::json;

use crate::support::{Server, Space, Stack, skipped, wait_for, wait_until};

/// The node's own address on the bridge that its pods are on.
const BRIDGE: &str = "10.88.0.1";

/// A stack in a namespace of its own, whose pods run the image that `tests/run` made.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) space: Space,
    name: String,
    image: String,
    aws: (Stack, Server),
}

impl World {
    pub(crate) async fn new() -> Option<Self> {
        let space = Space::with_node().await?;
        let Ok(image) = std::env::var("KEDACTL_TEST_IMAGE") else {
            skipped("no image of kedactl on the node");
            return None;
        };
        let aws = Stack::new();
        let server = Server::reachable(&aws, BRIDGE);
        // The cluster is one for all tests, and teardown looks for what bears the stack's label in all of it.
        let name = format!("t{}", &space.namespace[2..18]);
        let stack = dressed(&space, &server, &image, &name);
        Some(Self { stack, space, name, image, aws: (aws, server) })
    }

    /// Another stack there: a queue's name is not free again for 60 s.
    pub(crate) fn another(&self, suffix: usize) -> Stack {
        dressed(&self.space, &self.aws.1, &self.image, &format!("{}-{suffix}", self.name))
    }

    /// The stack's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What of any stack is left in the namespace, pods aside.
    pub(crate) fn left(&self) -> String {
        let kinds = "scaledjobs,triggerauthentications,deployments,services,configmaps,serviceaccounts,secrets,jobs,leases";
        self.space.kubectl(["get", kinds, "-l", "kedactl.dev/stack", "-o", "name", "--ignore-not-found"])
    }
}

fn dressed(space: &Space, aws: &Server, image: &str, name: &str) -> Stack {
    let stack = space.stack(&aws.url).with("KEDACTL_IMAGE", image).with("KEDACTL_WORK_SECONDS", "1").with("KEDACTL_STACK", name);
    stack.with("AWS_ACCESS_KEY_ID", "AKIAKEDACTLADMIN0000").with("AWS_SECRET_ACCESS_KEY", "local")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_demo_runs_in_the_cluster_and_leaves_nothing() {
    let Some(world) = World::new().await else { return };
    let stack = &world.stack;
    stack.ok(["setup", "--controller", "in-process", "--yes"]);
    let again = stack.json(["setup", "--controller", "in-process", "--yes"]);
    assert_eq!(again["changes"], 0, "{again}");

    stack.ok(["produce", "--count", "5"]);
    stack.ok(["produce", "--in-cluster"]);
    assert_eq!(stack.json(["status"])["queue"]["depth"]["visible"], 15);

    let watched = stack.ok(["watch", "--output", "json"]);
    let created = watched.json_lines().iter().filter(|event| event["event"] == "job-created").count();
    assert!(created >= 15, "{created} jobs were created");
    let owners =
        world.space.kubectl(["get", "jobs", "-l", "scaledjob.keda.sh/name", "-o", "jsonpath={.items[*].metadata.ownerReferences[*].kind}"]);
    assert!(owners.split_whitespace().all(|kind| kind == "ScaledJob") && !owners.is_empty(), "{owners}");

    let report = stack.json(["report"]);
    assert_eq!(
        (&report["verdict"], &report["totals"]["deleted"], &report["totals"]["counted"]),
        (&json!("proven"), &json!(15), &json!(15)),
        "{report}"
    );

    let output = stack.ok(["teardown", "--yes"]);
    assert!(output.stdout.contains("0 left"), "{output}");
    assert_eq!(world.left(), "");
    wait_until("the pods are gone", || world.space.kubectl(["get", "pods", "-o", "name"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_killed_gives_its_message_back_and_another_does_the_work() {
    let Some(world) = World::new().await else { return };
    let stack = &world.stack;
    stack.ok(["setup", "--controller", "in-process", "--work-seconds", "20", "--yes"]);
    stack.ok(["produce", "--count", "1"]);
    let watch = stack.spawn(["watch", "--pace", "10", "--output", "json"]);
    let pods = ["get", "pods", "-l", "scaledjob.keda.sh/name", "-o", "name"];
    let pod = wait_for("a pod has the message", || {
        let pod = world.space.kubectl(pods).trim().to_owned();
        let log = world.space.kubectl_command(["logs", &pod]).output().expect("kubectl starts").stdout;
        String::from_utf8_lossy(&log).contains("\"received\"").then_some(pod)
    });
    world.space.kubectl(["delete", "--wait=false", &pod]);
    let output = watch.wait();
    assert_eq!(output.code, Some(0), "{output}");
    let report = stack.json(["report"]);
    assert_eq!((&report["totals"]["deleted"], &report["totals"]["redelivered"]), (&json!(1), &json!(1)), "{report}");
    let counts = report["counts"].to_string();
    assert!(counts.contains("kill count 1") && counts.contains("processed count 1"), "{report}");
    stack.ok(["teardown", "--yes"]);
}

/// The same work for either kind: twice as many messages as replicas that are wanted, so that a wish for fewer meets busy ones.
fn worked(stack: &Stack, kind: &str) -> serde_json::Value {
    let told = ["setup", "--kind", kind, "--controller", "in-process", "--queue-length", "2", "--max-replica-count", "4"];
    stack.ok(told.into_iter().chain(["--work-seconds", "8", "--visibility-timeout", "60", "--yes"]));
    stack.ok(["produce", "--count", "8"]);
    let watched = stack.ok(["watch", "--scaler", "in-process", "--pace", "100", "--output", "json"]);
    let events = watched.json_lines();
    let scaled = events.iter().any(|event| event["event"] == if kind == "scaled-job" { "job-created" } else { "scaled" });
    assert!(scaled, "{watched}");
    stack.run(["report", "--output", "json"]).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scale_down_action_kills_pods_of_a_scaled_object_and_none_of_a_scaled_job() {
    let Some(world) = World::new().await else { return };
    let report = worked(&world.stack, "scaled-object");
    let totals = &report["totals"];
    assert!(totals["kills"].as_u64() > Some(0), "{report:#}");
    assert_eq!((&totals["deleted"], &totals["lost"]), (&json!(8), &json!(0)), "{report:#}");
    world.stack.ok(["teardown", "--yes"]);

    let other = world.another(2);
    let report = worked(&other, "scaled-job");
    let totals = &report["totals"];
    assert_eq!((&totals["kills"], &totals["deleted"], &totals["lost"]), (&json!(0), &json!(8), &json!(0)), "{report:#}");
    other.ok(["teardown", "--yes"]);
    assert_eq!(world.left(), "");
}
