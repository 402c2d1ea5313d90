//! Pools with real processes: `sh -c` in the place of this program.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::*;
use crate::core::stack::StackName;

/// Says that the replica runs and has a message, as the consumer does.
const RUN: &str = r#"
    folder="$KEDACTL_STATE_DIR/stacks/$KEDACTL_STACK/replicas/$KEDACTL_JOB"
    printf '{"state":"running","pid":%s,"started_at":"2026-01-01T00:00:00Z","ended_at":null,"reason":null,"message_id":"m1"}' $$$$ \
        > "$folder/.new" && mv "$folder/.new" "$folder/state.json"
"#;
/// Ends when it is told to, and writes that down.
const UNTIL_TOLD: &str = "trap 'echo $KEDACTL_JOB >> \"$KEDACTL_STATE_DIR/told\"; exit 143' TERM";

struct World {
    root: tempfile::TempDir,
    objects: FileObjects,
    pools: ProcessPools,
}

impl World {
    /// A Deployment whose replicas go through `script`, then say that they run, and run on; a ScaledObject scales it.
    fn new(script: &str) -> Self {
        let root = tempfile::tempdir().expect("tempdir");
        let objects = FileObjects::new(root.path().join("objects"));
        let world = Self { pools: pools(root.path(), &objects), root, objects };
        world.deploy(script);
        let target = json!({"name": "encoder"});
        let scaled = json!({"kind": "ScaledObject", "metadata": {"name": "any"}, "spec": {"scaleTargetRef": target}});
        world.objects.put(scaled).expect("stored");
        world
    }

    fn deploy(&self, script: &str) {
        let container = json!({"command": ["kedactl", "-c", format!("{script}\n{RUN}\nwhile :; do sleep 0.01; done")], "env": [{"name": "A", "value": "b"}]});
        let template = json!({"spec": {"containers": [container], "terminationGracePeriodSeconds": 1}});
        let replicas = self.objects.read("Deployment", "encoder").expect("read").map_or(json!(0), |old| old["spec"]["replicas"].clone());
        let deployment =
            json!({"kind": "Deployment", "metadata": {"name": "encoder"}, "spec": {"replicas": replicas, "template": template}});
        self.objects.put(deployment).expect("stored");
    }

    async fn scale_to(&self, count: i32) {
        self.pools.set_replicas(&target(), count).await.expect("scaled");
    }

    /// The replicas, once they are as `wanted`; looked after meanwhile.
    async fn eventually(&self, what: &str, wanted: impl Fn(&[Replica]) -> bool) -> Vec<Replica> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.pools.keep().await.expect("kept");
            let replicas = self.pools.replicas(&target()).await.expect("listed");
            if wanted(&replicas) {
                return replicas;
            }
            assert!(Instant::now() < deadline, "not {what}: {replicas:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ready(&self, count: usize) -> Vec<Replica> {
        self.eventually("ready", |replicas| replicas.len() == count && replicas.iter().all(|one| one.is_ready)).await
    }

    fn pid(&self, name: &str) -> nix::unistd::Pid {
        self.pools.inner.processes.pid(name).expect("read").expect("it runs")
    }

    fn told(&self) -> String {
        fs::read_to_string(self.root.path().join("told")).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for name in self.pools.inner.processes.names().unwrap_or_default() {
            let _ = self.pools.inner.processes.kill(&name);
        }
    }
}

fn pools(root: &Path, objects: &FileObjects) -> ProcessPools {
    let mut launch = Launch::new(root, &StackName::default(), 1000.0).expect("launch");
    launch.program = "/bin/sh".into();
    ProcessPools::new(launch, objects.clone())
}

fn target() -> ScaleTarget {
    ScaleTarget { api_version: "apps/v1".into(), kind: "Deployment".into(), name: "encoder".into() }
}

fn names(replicas: &[Replica]) -> Vec<&str> {
    replicas.iter().map(|replica| replica.name.as_str()).collect()
}

#[tokio::test]
async fn as_many_run_as_are_wanted_and_each_says_what_it_works_on() {
    let world = World::new(UNTIL_TOLD);
    assert_eq!(world.pools.scale(&target()).await, Ok(Some(Scale { wanted: 0, current: 0 })));
    world.scale_to(3).await;
    let replicas = world.ready(3).await;
    assert!(replicas.iter().all(|replica| replica.message_id.as_deref() == Some("m1") && replica.name.starts_with("encoder-")));
    assert_eq!(world.pools.scale(&target()).await, Ok(Some(Scale { wanted: 3, current: 3 })));
    world.scale_to(1).await;
    let left = world.ready(1).await;
    assert_eq!(world.told().lines().count(), 2, "two were told to end, once each");
    assert!(!world.told().contains(&left[0].name) && names(&replicas).contains(&left[0].name.as_str()));
    world.scale_to(0).await;
    world.ready(0).await;
    assert_eq!(fs::read_dir(world.pools.inner.processes.dir()).expect("there").count(), 1, "only the lock is left");
}

#[tokio::test]
async fn one_that_dies_is_started_again_and_waits_longer_each_time() {
    let world = World::new(UNTIL_TOLD);
    world.scale_to(1).await;
    let first = world.ready(1).await;
    for restarts in 1..=2 {
        let before = world.pid(&first[0].name);
        nix::sys::signal::kill(before, nix::sys::signal::Signal::SIGKILL).expect("our own process");
        world.eventually("started again", |replicas| replicas[0].is_ready && world.pid(&first[0].name) != before).await;
        let kept = world.pools.inner.processes.folder(&first[0].name).0.join("kept.json");
        let kept: Value = files::read_json(&kept).expect("read").expect("written");
        assert_eq!((&kept["restarts"], &kept["deaths"]), (&json!(restarts), &json!(restarts)), "{kept}");
    }
    assert_eq!(world.told(), "");
}

#[tokio::test]
async fn one_that_does_not_listen_is_killed_after_its_grace_period() {
    let world = World::new("trap '' TERM");
    world.scale_to(1).await;
    world.ready(1).await;
    let begun = Instant::now();
    world.scale_to(0).await;
    assert_eq!(world.pools.scale(&target()).await, Ok(Some(Scale { wanted: 0, current: 0 })), "an ending one does not count");
    assert!(world.pools.replicas(&target()).await.expect("listed").iter().all(|replica| replica.is_ending && !replica.is_ready));
    world.ready(0).await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_next_keeper_finds_what_the_last_one_left() {
    let world = World::new(UNTIL_TOLD);
    world.scale_to(2).await;
    let before = world.ready(2).await;
    let next = pools(world.root.path(), &world.objects);
    next.keep().await.expect("kept");
    assert_eq!(names(&next.replicas(&target()).await.expect("listed")), names(&before), "none is started beside them");
    next.set_replicas(&target(), 0).await.expect("scaled");
    world.ready(0).await;
    assert_eq!(world.told().lines().count(), 2);
}

#[tokio::test]
async fn a_new_pod_template_replaces_the_replicas() {
    let world = World::new(UNTIL_TOLD);
    world.scale_to(1).await;
    let before = world.ready(1).await;
    world.deploy(&format!("true; {UNTIL_TOLD}"));
    let after = world.eventually("replaced", |replicas| replicas.len() == 1 && replicas[0].is_ready && replicas[0].name != before[0].name);
    after.await;
    assert!(world.told().contains(&before[0].name));
}

#[tokio::test]
async fn what_nothing_wants_any_more_ends() {
    let world = World::new(UNTIL_TOLD);
    world.scale_to(2).await;
    world.ready(2).await;
    world.objects.delete("ScaledObject", "any").await.expect("deleted");
    world.ready(2).await;
    world.objects.delete("Deployment", "encoder").await.expect("deleted");
    world.ready(0).await;
    assert_eq!(world.pools.scale(&target()).await, Ok(None));
    let error = world.pools.set_replicas(&target(), 1).await.expect_err("it is gone");
    assert!(error.to_string().contains("could not scale Deployment `encoder`"), "{error}");
}

#[tokio::test]
async fn a_deployment_that_nothing_scales_is_left_alone() {
    let world = World::new(UNTIL_TOLD);
    world.objects.delete("ScaledObject", "any").await.expect("deleted");
    world.pools.keep().await.expect("kept");
    assert_eq!(world.pools.all().await, Ok(Vec::new()));
    let other = ScaleTarget { kind: "Rollout".into(), ..target() };
    assert!(world.pools.scale(&other).await.expect_err("unknown").to_string().contains("scaleTargetRef.kind `Rollout`"));
}
