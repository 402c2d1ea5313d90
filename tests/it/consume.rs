//! `consume`: the real binary on a stack of its own, alone and as the jobs of a scaler.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use kedactl::{
    backend::{
        journal::Journal,
        process::{Launch, ProcessJobs},
    },
    core::{
        event::JobState,
        ports::{Job, JobSpec, Jobs, Journal as _},
        stack::StackName,
    },
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Output, Stack, moto_url, skipped, wait_for, wait_until};

/// Sends `count` messages.
fn produce(stack: &Stack, count: u32) {
    stack.ok(["produce", "--count", &count.to_string()]);
}

/// Consumes at once or not at all.
fn consume(stack: &Stack, args: &[&str]) -> Output {
    stack.run(["consume", "--idle-timeout", "0", "--output", "json"].iter().chain(args))
}

/// The consumers' events in the journal.
fn events(stack: &Stack) -> Vec<Value> {
    let events = Journal::open(&stack.stack_dir().join("journal")).events().expect("the journal is whole");
    let values = events.iter().map(|event| serde_json::to_value(event).expect("JSON"));
    values.filter(|event| event["job"].is_string()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

#[test]
fn one_message_is_encoded_stored_deleted_and_counted() {
    let stack = Stack::ready();
    produce(&stack, 1);
    let output = consume(&stack, &["--work-seconds", "0", "--job", "by-hand"]);
    assert_eq!(output.code, Some(0), "{output}");
    let done = output.json();
    assert_eq!(done["outcome"], "done");
    let artifact: Value = serde_json::from_slice(&fs::read(done["location"].as_str().expect("a path")).expect("stored")).expect("JSON");
    assert_eq!(artifact["message_id"], done["message_id"]);
    assert!(artifact["video"].is_string() && artifact["quality"].is_string(), "{artifact}");
    let events = events(&stack);
    assert_eq!(names(&events), ["received", "worked", "stored", "deleted", "counted"]);
    assert!(events.iter().all(|event| event["job"] == "by-hand" && event["message_id"] == done["message_id"]), "{events:?}");
    assert_eq!(consume(&stack, &["--work-seconds", "0"]).json()["outcome"], "idle", "the message is gone");
}

#[test]
fn an_empty_queue_is_no_failure() {
    let stack = Stack::ready();
    let output = consume(&stack, &[]);
    assert_eq!((output.code, output.json()), (Some(0), json!({"outcome": "idle"})), "{output}");
}

#[test]
fn a_signal_gives_the_message_back_counts_the_kill_and_ends_the_command() {
    let stack = Stack::ready();
    produce(&stack, 1);
    let script = "sleep 300 & echo $! > .pid; mv .pid pid; wait";
    let mut running = stack.spawn(["consume", "--idle-timeout", "0", "--job", "victim", "--", "sh", "-c", script]);
    let pid = wait_for("the command runs", || fs::read_to_string(stack.dir().join("pid")).ok());
    running.signal(Signal::SIGTERM);
    let output = running.wait();
    assert_eq!(output.code, Some(130), "{output}");
    wait_until("the command's own child has ended", || !lives(pid.trim()));
    assert_eq!(names(&events(&stack)), ["received", "released-message"]);
    let output = consume(&stack, &["--work-seconds", "0"]);
    assert_eq!(output.json()["outcome"], "done", "the message was visible at once: {output}");
    let report = stack.run(["report", "--output", "json"]).json();
    let lines = report["counts"].as_array().expect("the analyzer's lines");
    let ends: Vec<&str> = lines.iter().filter_map(|line| line.as_str()?.get(20..)).collect();
    assert_eq!(ends, ["- kill count 1", "- processed count 1"]);
}

#[test]
fn failed_work_gives_the_message_back_and_the_next_consumer_gets_it() {
    let stack = Stack::ready();
    produce(&stack, 1);
    let output = consume(&stack, &["--", "sh", "-c", "cat > /dev/null; echo broken; exit 3"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "what the command says is no result: {output}");
    assert!(output.stderr.contains("broken") && output.stderr.contains("exit status: 3"), "{output}");
    consume(&stack, &["--work-seconds", "0"]).json();
    let events = events(&stack);
    assert_eq!(names(&events)[..3], ["received", "released-message", "received"]);
    assert_eq!(events[2]["receive_count"], 2);
}

#[test]
fn an_unusable_program_takes_no_message() {
    let stack = Stack::ready();
    produce(&stack, 1);
    assert_eq!(consume(&stack, &["--", "./no-such-program"]).code, Some(2));
    assert_eq!(names(&events(&stack)), Vec::<&str>::new());
}

#[test]
fn an_analyzer_that_is_down_fails_nothing() {
    let stack = Stack::ready();
    produce(&stack, 1);
    // Port 9 is discard; nobody listens there.
    let output = consume(&stack, &["--work-seconds", "0", "--analyzer-url", "http://127.0.0.1:9"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(names(&events(&stack)), ["received", "worked", "stored", "deleted"]);
}

#[test]
fn the_example_encodes_a_real_clip() {
    if std::process::Command::new("ffmpeg").arg("-version").output().is_err() {
        return skipped("ffmpeg is not installed");
    }
    let stack = Stack::ready().with("CLIP_SECONDS", "1");
    stack.ok(["produce", "--count", "1", "--body", r#"{"video":"clip.mp4","quality":"480p"}"#]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/encode.sh");
    let output = consume(&stack, &["--", example.to_str().expect("UTF-8")]);
    assert_eq!(output.code, Some(0), "{output}");
    let location = output.json()["location"].as_str().expect("a path").to_owned();
    assert_eq!(Path::new(&location).extension().and_then(|ending| ending.to_str()), Some("mp4"), "{location}");
    assert_eq!(&fs::read(location).expect("stored")[4..8], b"ftyp", "an MP4 file");
}

#[test]
fn an_artifact_reaches_a_bucket() {
    let Some(url) = moto_url() else { return skipped("no moto server") };
    http(&url, "PUT", "/kedactl-artifacts");
    let stack = Stack::ready().with("AWS_ENDPOINT_URL_S3", &url).with("AWS_ACCESS_KEY_ID", "a").with("AWS_SECRET_ACCESS_KEY", "b");
    produce(&stack, 2);
    let output = consume(&stack, &["--work-seconds", "0", "--artifacts", "s3://kedactl-artifacts/encoded/clips"]);
    let done = output.json();
    let key = format!("encoded/clips/{}.json", done["message_id"].as_str().expect("done"));
    assert_eq!(done["location"], format!("s3://kedactl-artifacts/{key}"));
    let listing = http(&url, "GET", "/kedactl-artifacts?list-type=2&prefix=encoded/");
    assert!(listing.contains(&format!("<Key>{key}</Key>")) && !listing.contains("<Size>0</Size>"), "{listing}");
    let output = consume(&stack, &["--work-seconds", "0", "--artifacts", "s3://kedactl-no-such-bucket"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(consume(&stack, &["--work-seconds", "0"]).json()["outcome"], "done", "the message was given back");
}

/// One bare request; the answer, head and body.
fn http(url: &str, method: &str, path: &str) -> String {
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(authority).expect("the server listens");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Jobs of the real binary on `stack`.
fn jobs(stack: &Stack) -> ProcessJobs {
    let mut launch = Launch::new(stack.dir(), &StackName::default(), 1.0).expect("launch");
    launch.program = env!("CARGO_BIN_EXE_kedactl").into();
    ProcessJobs::new(launch)
}

fn spec(args: &[&str]) -> JobSpec {
    let command: Vec<&str> = ["kedactl", "consume"].iter().chain(args).copied().collect();
    JobSpec {
        scaled_job: "encoder".into(),
        generation: 1,
        manifest: json!({"spec": {"template": {"spec": {"containers": [{"command": command}]}}}}),
        env: BTreeMap::new(),
    }
}

async fn ended(jobs: &ProcessJobs, count: usize) -> Vec<Job> {
    loop {
        let all = jobs.list("encoder").await.expect("listed");
        if all.iter().filter(|job| job.state.is_finished()).count() == count {
            return all;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn jobs_say_how_they_ended_and_on_what() {
    let stack = Stack::ready();
    produce(&stack, 1);
    let jobs = jobs(&stack);
    for _ in 0..2 {
        jobs.create(&spec(&["--idle-timeout", "0", "--work-seconds", "0"])).await.expect("created");
    }
    let all = tokio::time::timeout(crate::support::PATIENCE, ended(&jobs, 2)).await.expect("they end");
    assert!(all.iter().all(|job| job.state == JobState::Complete && job.completed_at.is_some()), "{all:?}");
    let mut ends: Vec<_> = all.iter().map(|job| (job.reason.as_deref(), job.message_id.is_some())).collect();
    ends.sort_unstable();
    assert_eq!(ends, [(Some("done"), true), (Some("idle"), false)]);
    for job in all {
        jobs.delete(&job.name).await.expect("deleted");
        assert!(!stack.stack_dir().join("jobs").join(&job.name).exists());
    }
}

#[tokio::test]
async fn a_deleted_job_gives_its_message_back_first() {
    let stack = Stack::ready();
    produce(&stack, 1);
    let jobs = jobs(&stack);
    let name = jobs.create(&spec(&["--idle-timeout", "0", "--work-seconds", "300"])).await.expect("created");
    while jobs.list("encoder").await.expect("listed").iter().all(|job| job.message_id.is_none()) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    jobs.delete(&name).await.expect("deleted");
    assert_eq!(names(&events(&stack)), ["received", "released-message"]);
    assert_eq!(stack.processes(), Vec::<i32>::new(), "nothing of it runs on");
    assert_eq!(consume(&stack, &["--work-seconds", "0"]).json()["outcome"], "done");
}

#[tokio::test]
async fn a_job_that_cannot_begin_has_failed() {
    let stack = Stack::ready();
    let jobs = jobs(&stack);
    jobs.create(&spec(&["--no-such-flag"])).await.expect("created");
    let all = tokio::time::timeout(crate::support::PATIENCE, ended(&jobs, 1)).await.expect("it ends");
    assert_eq!(all[0].state, JobState::Failed);
    let log = fs::read_to_string(stack.stack_dir().join("jobs").join(&all[0].name).join("log")).expect("its log is kept");
    assert!(log.contains("--no-such-flag"), "{log}");
}
