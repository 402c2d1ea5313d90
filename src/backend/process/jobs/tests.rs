//! Contract of jobs, with real processes: `sh -c` in the place of this program.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path};

use nix::unistd::getpgid;
use serde_json::json;

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::*;
use crate::{
    backend::files,
    core::{event::JobState, stack::StackName},
};

/// Says how the job stands, as the consumer does. A doubled dollar is one, as in any Kubernetes command.
const SAY: &str = r#"
    folder="$KEDACTL_STATE_DIR/stacks/$KEDACTL_STACK/jobs/$KEDACTL_JOB"
    say() {
        printf '{"state":"%s","pid":%s,"started_at":"2026-01-01T00:00:00Z","ended_at":%s,"reason":%s,"message_id":"m1"}' \
            "$1" $$$$ "$2" "$3" > "$folder/.new" && mv "$folder/.new" "$folder/state.json"
    }
    wait_for() { while [ ! -e "$KEDACTL_STATE_DIR/$1" ]; do sleep 0.01; done; }
"#;

struct World {
    root: tempfile::TempDir,
    jobs: ProcessJobs,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Launch)) -> Self {
        let root = tempfile::tempdir().expect("tempdir");
        let mut launch = Launch::new(root.path(), &StackName::default(), 4.0).expect("launch");
        launch.program = "/bin/sh".into();
        change(&mut launch);
        Self { root, jobs: ProcessJobs::new(launch) }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("stacks/demo/jobs")
    }

    fn allow(&self, name: &str) {
        fs::write(self.root.path().join(name), "").expect("written");
    }

    async fn start(&self, script: &str) -> String {
        self.jobs.create(&spec(script)).await.expect("created")
    }

    /// The only job, once it is as `wanted`.
    async fn eventually(&self, wanted: impl Fn(&Job) -> bool) -> Job {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let jobs = self.jobs.list("encoder").await.expect("listed");
            match jobs.first() {
                Some(job) if jobs.len() == 1 && wanted(job) => return job.clone(),
                _ => assert!(Instant::now() < deadline, "still {jobs:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn running_pid(&self) -> Pid {
        let job = self.eventually(|job| job.state == JobState::Running).await;
        self.jobs.inner.processes.pid(&job.name).expect("read").expect("it runs")
    }
}

fn spec(script: &str) -> JobSpec {
    let command = json!(["kedactl", "-c", format!("{SAY}\n{script}")]);
    JobSpec {
        scaled_job: "encoder".into(),
        generation: 3,
        manifest: json!({"spec": {"template": {"spec": {"containers": [{"command": command}]}}}}),
        env: BTreeMap::from([("QUEUE_URL".to_owned(), "http://queue".to_owned())]),
    }
}

/// Whether the process is there and not a zombie.
fn lives(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_job_is_pending_then_running_then_complete() {
    let world = World::new();
    let script = "wait_for a; say running null null; wait_for b; echo \"$QUEUE_URL $KEDACTL_PACE\"; say complete '\"2026-01-01T00:00:09Z\"' '\"done\"'";
    let name = world.start(script).await;
    assert!(name.strip_prefix("encoder-").is_some_and(|rest| rest.len() == 5), "{name}");
    let job = world.eventually(|_| true).await;
    assert_eq!((job.state, job.generation, job.message_id), (JobState::Pending, Some(3), None));
    world.allow("a");
    let job = world.eventually(|job| job.state == JobState::Running).await;
    assert_eq!(job.message_id.as_deref(), Some("m1"));
    world.allow("b");
    let job = world.eventually(|job| job.state == JobState::Complete).await;
    assert_eq!((job.reason.as_deref(), job.completed_at.is_some()), (Some("done"), true));
    let log = world.dir().join(&name).join("log");
    assert_eq!(fs::read_to_string(&log).expect("read"), "http://queue 4\n");
    assert_eq!(fs::metadata(&log).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(world.jobs.list("another").await.expect("listed"), []);
}

#[tokio::test]
async fn a_killed_job_has_failed_and_leaves_no_zombie() {
    let world = World::new();
    world.start("say running null null; wait_for never").await;
    let pid = world.running_pid().await;
    killpg(pid, Signal::SIGKILL).expect("killed");
    let job = world.eventually(|job| job.state == JobState::Failed).await;
    assert_eq!((job.reason.as_deref(), job.completed_at), (Some("killed"), None));
    world.jobs.list("encoder").await.expect("listed");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it was reaped");
}

#[tokio::test]
async fn a_job_that_ends_without_a_word_has_failed() {
    let world = World::new();
    world.start("exit 2").await;
    // Until its creator reaps it, it looks killed.
    let job = world.eventually(|job| job.state == JobState::Failed).await;
    assert!(matches!(job.reason.as_deref(), Some("failed" | "killed")), "{job:?}");
}

#[tokio::test]
async fn a_record_whose_process_never_started_has_failed() {
    let world = World::new();
    let folder = world.dir().join("encoder-bbbbb");
    fs::create_dir_all(&folder).expect("made");
    let record = Record { name: "encoder-bbbbb".into(), created_at: Timestamp::now(), spec: spec("") };
    files::replace_json(&folder.join("record.json"), &record).expect("written");
    assert_eq!(world.eventually(|_| true).await.state, JobState::Failed);
    world.jobs.delete("encoder-bbbbb").await.expect("deleted");
    assert_eq!(world.jobs.list("encoder").await.expect("listed"), []);
}

#[tokio::test]
async fn jobs_are_seen_by_others_and_outlive_their_creator() {
    let world = World::new();
    world.start("say running null null; wait_for a; say complete null '\"idle\"'").await;
    world.eventually(|job| job.state == JobState::Running).await;
    let World { root, jobs } = world;
    let launch = jobs.inner.processes.launch.clone();
    drop(jobs);
    let other = World { root, jobs: ProcessJobs::new(launch) };
    let pid = other.running_pid().await;
    assert_eq!(getpgid(Some(pid)).expect("alive"), pid, "Ctrl-C of its creator's terminal does not reach it");
    other.allow("a");
    assert_eq!(other.eventually(|job| job.state == JobState::Complete).await.reason.as_deref(), Some("idle"));
}

#[tokio::test]
async fn delete_lets_the_job_end_itself_and_removes_its_files() {
    let world = World::new();
    let name = world.start("trap 'echo told > \"$KEDACTL_STATE_DIR/told\"; exit 1' TERM; say running null null; wait_for never").await;
    let pid = world.running_pid().await;
    for _ in 0..2 {
        world.jobs.delete(&name).await.expect("deleted");
        assert_eq!(world.jobs.list("encoder").await.expect("listed"), []);
    }
    assert!(world.root.path().join("told").exists());
    assert!(!world.dir().join(&name).exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it was reaped");
}

#[tokio::test]
async fn delete_kills_a_job_that_does_not_listen() {
    let world = World::with(|launch| launch.grace = Duration::from_millis(50));
    let name = world.start("trap '' TERM; say running null null; wait_for never").await;
    let pid = world.running_pid().await;
    world.jobs.delete(&name).await.expect("deleted");
    assert!(!lives(pid.as_raw()));
}

#[tokio::test]
async fn delete_never_signals_a_process_that_merely_has_the_number() {
    let world = World::new();
    let mut innocent = Command::new("sleep").arg("60").spawn().expect("started");
    let name = world.start("exit 1").await;
    world.eventually(|job| job.state == JobState::Failed).await;
    let folder = world.jobs.inner.processes.folder(&name);
    let recycled = json!({"state": "running", "pid": innocent.id(), "started_at": "2026-01-01T00:00:00Z",
        "ended_at": null, "reason": null, "message_id": null});
    files::replace_json(&folder.0.join("state.json"), &recycled).expect("written");
    world.jobs.delete(&name).await.expect("deleted");
    assert!(innocent.try_wait().expect("asked").is_none(), "it lives");
    innocent.kill().expect("killed");
    innocent.wait().expect("reaped");
}

#[tokio::test]
async fn a_job_that_cannot_start_leaves_nothing_behind() {
    let world = World::with(|launch| launch.program = "/nonexistent/kedactl".into());
    let error = world.jobs.create(&spec("")).await.expect_err("no program");
    assert!(error.to_string().contains("could not start job `encoder-"), "{error}");
    assert_eq!(fs::read_dir(world.dir()).expect("read").count(), 0);
}

#[tokio::test]
async fn an_unusable_folder_is_a_clear_error() {
    let world = World::new();
    fs::create_dir_all(world.dir().parent().expect("has one")).expect("made");
    fs::write(world.dir(), "a file").expect("written");
    assert_eq!(world.jobs.create(&spec("")).await.expect_err("a file is in the way").exit_code(), 2);
    assert_eq!(world.jobs.list("encoder").await.expect_err("a file is in the way").exit_code(), 2);
}
