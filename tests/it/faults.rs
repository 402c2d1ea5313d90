//! Faults on the way to AWS and to the API server, at every request of setup and teardown: afterwards all is as if there
//! had been none.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};

use crate::{
    in_cluster::World,
    support::{Detour, Fault, Faulty, Server, Stack},
};

/// An embedded AWS of its own, and the proxy in front of it.
struct Broken {
    stack: Stack,
    proxy: Faulty,
    _server: Server,
}

impl Broken {
    fn new() -> Self {
        let stack = Stack::new();
        let server = Server::start(&stack);
        let proxy = Faulty::start(&server.url);
        Self { stack, proxy, _server: server }
    }

    fn setup(&self) -> Vec<String> {
        self.setup_with("aws-sqs-queue")
    }

    fn setup_with(&self, trigger: &str) -> Vec<String> {
        ["setup", "--yes", "--endpoint-url", &self.proxy.url, "--trigger", trigger].map(str::to_owned).to_vec()
    }

    /// Runs without faults, which must end well.
    fn mended<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) {
        self.proxy.mend();
        self.stack.ok(args);
    }

    fn objects(&self) -> Value {
        self.proxy.mend();
        self.stack.json(["status"])["objects"].clone()
    }

    /// What a second stack directory sees, once the first has forgotten everything.
    fn after_all(&self) -> Value {
        self.proxy.mend();
        let other = Stack::new().with("KEDACTL_ENDPOINT_URL", self.proxy.url.clone());
        other.json(["status"])["objects"].clone()
    }
}

fn all_ready() -> Value {
    json!({ "ready": 15, "drifted": 0, "absent": 0, "foreign": 0 })
}

fn all_gone() -> Value {
    json!({ "ready": 0, "drifted": 0, "absent": 15, "foreign": 0 })
}

/// Runs `case` for each of `cases`, several at once: they wait more than they work.
fn each<T: Send + Sync>(cases: &[T], case: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for chunk in cases.chunks(cases.len().div_ceil(8).max(1)) {
            scope.spawn(|| chunk.iter().for_each(&case));
        }
    });
}

#[test]
fn passing_faults_at_every_request_change_nothing() {
    const EVERY: usize = 5;
    let faults = [Fault::Unseen, Fault::Unanswered, Fault::Half, Fault::Throttled, Fault::Broken];
    let cases: Vec<(Fault, usize)> = faults.iter().flat_map(|fault| (0..EVERY).map(|offset| (*fault, offset))).collect();
    each(&cases, |&(fault, offset)| {
        let world = Broken::new();
        world.proxy.plan(move |number, _| (number % EVERY == offset).then_some(fault));
        world.stack.ok(world.setup());
        let (seen, broken) = world.proxy.mend();
        assert!(seen > 30 && broken >= seen / EVERY, "{fault:?} at {offset}: {broken} of {seen} requests broke");
        assert_eq!(world.objects(), all_ready(), "{fault:?} at {offset}");
        world.proxy.plan(move |number, _| (number % EVERY == offset).then_some(fault));
        let output = world.stack.ok(["teardown", "--yes", "--shared"]);
        assert!(output.stdout.contains("0 left"), "{fault:?} at {offset}: {output}");
        assert_eq!(world.after_all(), all_gone(), "{fault:?} at {offset}");
    });
}

#[test]
fn what_is_refused_from_any_point_on_is_completed_by_the_next_run() {
    let points: Vec<usize> = (0..60).step_by(3).collect();
    let stopped = AtomicUsize::new(0);
    each(&points, |&point| {
        let world = Broken::new();
        world.proxy.plan(move |number, _| (number >= point).then_some(Fault::Denied));
        let output = world.stack.run(world.setup());
        let (_, broken) = world.proxy.mend();
        if broken > 0 {
            stopped.fetch_add(1, Ordering::Relaxed);
            assert_eq!(output.code, Some(1), "denied from request {point} on: {output}");
            assert!(output.stderr.contains("AccessDenied"), "denied from request {point} on: {output}");
        }
        world.mended(world.setup());
        assert_eq!(world.objects(), all_ready(), "denied from request {point} on");

        world.proxy.plan(move |number, _| (number >= point).then_some(Fault::Denied));
        let output = world.stack.run(["teardown", "--yes", "--shared"]);
        let (_, broken) = world.proxy.mend();
        assert!(broken == 0 || output.code == Some(1), "denied from request {point} on: {output}");
        let output = world.stack.ok(["teardown", "--yes", "--shared"]);
        assert!(output.stdout.contains("0 left"), "{output}");
    });
    assert!(stopped.load(Ordering::Relaxed) > points.len() / 2, "only {stopped:?} runs were stopped");
}

/// The triggers for which setup makes something besides the queue.
const WITH_SOURCE: [&str; 2] = ["aws-kinesis-stream", "aws-dynamodb-streams"];

#[test]
fn passing_faults_at_the_source_of_another_trigger_change_nothing_either() {
    const EVERY: usize = 5;
    let faults = [Fault::Unseen, Fault::Unanswered, Fault::Half, Fault::Throttled, Fault::Broken];
    let both = |trigger| faults.iter().enumerate().map(move |(offset, fault)| (trigger, *fault, offset));
    let cases: Vec<(&str, Fault, usize)> = WITH_SOURCE.into_iter().flat_map(both).collect();
    each(&cases, |&(trigger, fault, offset)| {
        let place = format!("{trigger}, {fault:?} at {offset}");
        let world = Broken::new();
        world.proxy.plan(move |number, _| (number % EVERY == offset).then_some(fault));
        world.stack.ok(world.setup_with(trigger));
        let (seen, broken) = world.proxy.mend();
        assert!(broken >= seen / EVERY, "{place}: {broken} of {seen} requests broke");
        assert_eq!(world.objects(), json!({ "ready": 16, "drifted": 0, "absent": 0, "foreign": 0 }), "{place}");
        world.proxy.plan(move |number, _| (number % EVERY == offset).then_some(fault));
        let output = world.stack.ok(["teardown", "--yes", "--shared"]);
        assert!(output.stdout.contains("0 left"), "{place}: {output}");
        assert_eq!(world.after_all(), all_gone(), "{place}");
    });
}

#[test]
fn a_source_that_is_refused_from_any_point_on_is_completed_by_the_next_run() {
    let cases: Vec<(&str, usize)> = WITH_SOURCE.into_iter().flat_map(|trigger| [20, 26, 32].map(|point| (trigger, point))).collect();
    each(&cases, |&(trigger, point)| {
        let place = format!("{trigger}, denied from request {point} on");
        let world = Broken::new();
        let deny = || world.proxy.plan(move |number, _| (number >= point).then_some(Fault::Denied));
        deny();
        let output = world.stack.run(world.setup_with(trigger));
        assert_eq!(output.code, Some(1), "{place}: {output}");
        world.mended(world.setup_with(trigger));
        deny();
        let output = world.stack.run(["teardown", "--yes", "--shared"]);
        assert_eq!(output.code, Some(1), "{place}: {output}");
        world.mended(["teardown", "--yes", "--shared"]);
        assert_eq!(world.after_all(), all_gone(), "{place}");
    });
}

/// A stack in a cluster, with a proxy in front of the API server.
struct Cut {
    world: World,
    detour: Detour,
}

impl Cut {
    async fn new() -> Option<Self> {
        let world = World::new().await?;
        let detour = world.space.detour();
        Some(Self { world, detour })
    }

    /// A stack whose commands go through the proxy.
    fn stack(&self, number: usize) -> Stack {
        self.world.another(number).with("KUBECONFIG", self.detour.kubeconfig.display().to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_api_server_at_every_request_change_nothing() {
    const EVERY: usize = 3;
    let Some(cut) = Cut::new().await else { return };
    let setup = ["setup", "--controller", "in-process", "--yes"];
    for (offset, fault) in [Fault::Unseen, Fault::Unanswered, Fault::Half, Fault::Throttled, Fault::Broken].into_iter().enumerate() {
        let plan = move |number: usize, _: &str| (number % EVERY == offset % EVERY).then_some(fault);
        let stack = cut.stack(offset);
        cut.detour.proxy.plan(plan);
        stack.ok(setup);
        let (seen, broken) = cut.detour.proxy.mend();
        assert!(seen > 10 && broken >= seen / EVERY, "{fault:?}: {broken} of {seen} requests broke");
        assert_eq!(stack.json(setup)["changes"], 0, "{fault:?}");
        cut.detour.proxy.plan(plan);
        let output = stack.ok(["teardown", "--yes"]);
        assert!(output.stdout.contains("0 left"), "{fault:?}: {output}");
        assert_eq!(cut.world.left(), "", "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_refuses_from_any_point_on_is_completed_by_the_next_run() {
    let Some(cut) = Cut::new().await else { return };
    let setup = ["setup", "--controller", "in-process", "--yes"];
    let mut stopped = 0;
    for point in [0, 7, 14, 19, 24] {
        let stack = cut.stack(point);
        cut.detour.proxy.plan(move |number, _| (number >= point).then_some(Fault::Denied));
        let output = stack.run(setup);
        let (_, broken) = cut.detour.proxy.mend();
        stopped += usize::from(broken > 0);
        assert!(broken == 0 || output.code == Some(1), "denied from request {point} on: {output}");
        stack.ok(setup);
        assert_eq!(stack.json(setup)["changes"], 0, "denied from request {point} on");
        cut.detour.proxy.plan(move |number, _| (number >= point).then_some(Fault::Denied));
        let output = stack.run(["teardown", "--yes"]);
        let (_, broken) = cut.detour.proxy.mend();
        assert!(broken == 0 || output.code == Some(1), "denied from request {point} on: {output}");
        let output = stack.ok(["teardown", "--yes"]);
        assert!(output.stdout.contains("0 left"), "denied from request {point} on: {output}");
        assert_eq!(cut.world.left(), "", "denied from request {point} on");
    }
    assert!(stopped >= 3, "only {stopped} runs were stopped");
}
