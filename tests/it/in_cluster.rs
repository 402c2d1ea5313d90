//! The whole demo inside a real Kubernetes: pods of our own image, KEDA's objects, AWS on the node's bridge.

use serde_json::{Value, json};

use crate::support::{Server, Space, Stack, skipped, wait_until};

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
        let name = format!("t{}", &space.namespace[2..22]);
        let stack = dressed(&space, &server, &image, &name);
        Some(Self { stack, space, name, image, aws: (aws, server) })
    }

    /// The same stack with another state directory: another machine.
    pub(crate) fn again(&self) -> Stack {
        dressed(&self.space, &self.aws.1, &self.image, &self.name)
    }

    /// What of the stack is left in its namespace, pods aside.
    pub(crate) fn left(&self) -> String {
        let kinds = "scaledjobs,triggerauthentications,deployments,services,configmaps,serviceaccounts,secrets,jobs,leases";
        self.space.kubectl(["get", kinds, "-l", &format!("kedactl.dev/stack={}", self.name), "-o", "name", "--ignore-not-found"])
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
    let mut watch = stack.spawn(["watch", "--pace", "10", "--output", "json"]);
    let received = |line: &str| line.contains("\"running\"").then_some(());
    watch.line("a job runs", received);
    wait_until("its pod has the message", || {
        let status = stack.json(["status"]);
        status["queue"]["depth"]["in_flight"] == Value::from(1)
    });
    let pod = world.space.kubectl(["get", "pods", "-l", "scaledjob.keda.sh/name", "-o", "name"]);
    world.space.kubectl(["delete", "--wait=false", pod.trim()]);
    let output = watch.wait();
    assert_eq!(output.code, Some(0), "{output}");
    let report = stack.run(["report", "--output", "json"]).json();
    assert_eq!(report["totals"]["deleted"], 1, "{report}");
    assert!(report["totals"]["killed"].as_u64() >= Some(1), "{report}");
    stack.ok(["teardown", "--yes"]);
}
