//! The scripts that the article's images run, really run: under every shell that is here, by the AWS CLI, against the embedded service.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::support::{Output, PATIENCE, Running, Server, Stack, skipped};

const CONSUMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/scripts/sqs-consumer.sh");
const PRODUCER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/scripts/sqs-producer.sh");

/// The path of `program`, if it is here.
fn found(program: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin");
    env::split_paths(&env::var_os("PATH")?).chain([own]).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Each shell that is here, as words of a command line.
fn shells() -> Vec<Vec<&'static str>> {
    let known = [vec!["dash"], vec!["busybox", "sh"], vec!["bash", "--posix"]];
    known.into_iter().filter(|shell| found(shell[0]).is_some()).collect()
}

/// A queue at the embedded service, an analyzer, and the environment of a pod of the article's.
struct Pod {
    stack: Stack,
    server: Server,
    analyzer: Running,
    analyzer_url: String,
}

impl Pod {
    fn new() -> Option<Self> {
        found("aws").and(found("jq"))?;
        let stack = Stack::new();
        stack.ok(["setup"]);
        let server = Server::start(&stack);
        let mut analyzer = stack.spawn(["analyzer", "--listen", "127.0.0.1:0"]);
        let analyzer_url = analyzer.line("the analyzer says where it listens", |line| {
            let rest = &line[line.find("http://")?..];
            Some(rest.split([' ', ';']).next()?.to_owned())
        });
        Some(Self { stack, server, analyzer, analyzer_url })
    }

    fn start(&self, shell: &[&str], script: &str, environment: &[(&str, &str)]) -> Running {
        let aws = found("aws").expect("looked for above");
        let path =
            env::join_paths(env::split_paths(&env::var_os("PATH").expect("PATH")).chain([aws.parent().expect("a folder").to_owned()]));
        let mut command = self.stack.program(shell[0], shell[1..].iter().copied().chain([script]));
        command
            .env("PATH", path.expect("no colon in it"))
            .env("QUEUE_URL", format!("{}/123456789012/test-queue", self.server.url))
            .env("AWS_ENDPOINT_URL", &self.server.url)
            .env("RESULT_ANALYZER_URL", &self.analyzer_url)
            .envs([
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("HOME", "/nonexistent"),
            ])
            .envs([("KEDACTL_JOB", "video-processor-x"), ("IDLE_TIMEOUT", "0"), ("PROCESS_SLEEP_TIME", "0"), ("no_proxy", "127.0.0.1")])
            .envs(environment.iter().copied());
        if let Some(root) = env::var_os("PYENV_ROOT").or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv").into())) {
            command.env("PYENV_ROOT", root);
        }
        Running::start(command, b"")
    }

    fn run(&self, shell: &[&str], script: &str, environment: &[(&str, &str)]) -> Output {
        self.start(shell, script, environment).wait()
    }

    fn produce(&self, count: u32) {
        self.stack.ok(["produce", "--count", &count.to_string()]);
    }

    /// The analyzer's lines, as the article reads them.
    fn counts(&self) -> String {
        let output = Running::start(self.stack.program("curl", ["--silent", &format!("{}/get/count", self.analyzer_url)]), b"").wait();
        output.stdout
    }
}

fn steps(output: &Output) -> Vec<String> {
    output.json_lines().iter().map(|event| event["event"].as_str().expect("an event").to_owned()).collect()
}

#[test]
fn every_shell_can_read_the_scripts_and_shellcheck_is_content() {
    for script in [CONSUMER, PRODUCER] {
        for shell in shells() {
            let read = Command::new(shell[0]).args(&shell[1..]).args(["-n", script]).output().expect("runs");
            assert!(read.status.success(), "{shell:?} {script}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
    let Some(shellcheck) = found("shellcheck") else { return skipped("no shellcheck") };
    let checked = Command::new(shellcheck).args(["--shell=sh", CONSUMER, PRODUCER]).output().expect("runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn kubernetes_leaves_the_producers_script_as_it_is() {
    let text = std::fs::read_to_string(PRODUCER).expect("readable");
    let names = ["QUEUE_URL", "AWS_REGION", "AWS_ENDPOINT_URL", "NUM_MESSAGES", "MESSAGE_GROUP", "KEDACTL_JOB", "HOME"];
    assert!(!text.contains("$$") && !names.iter().any(|name| text.contains(&format!("$({name})"))));
}

#[test]
fn the_consumer_script_processes_one_message_and_counts_it() {
    let Some(pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    let shells = shells();
    pod.produce(1 + u32::try_from(shells.len()).expect("few"));
    for shell in &shells {
        let output = pod.run(shell, CONSUMER, &[("PROCESS_SLEEP_TIME", "6"), ("VISIBILITY_TIMEOUT", "12")]);
        assert_eq!(output.code, Some(0), "{shell:?}: {output}");
        let steps = steps(&output);
        assert_eq!((steps[0].as_str(), steps[1].as_str()), ("received", "extended"), "{shell:?}: {output}");
        assert_eq!(steps[steps.len() - 3..], ["worked", "deleted", "counted"], "{shell:?}: {output}");
        for event in output.json_lines() {
            let event: kedactl::core::event::Event = serde_json::from_value(event).expect("an event of ours");
            assert!(event.at.as_second() > 0);
        }
    }
    assert_eq!(pod.counts().matches("processed count").count(), shells.len());
    let depth = &pod.stack.json(["status"]);
    assert!(depth.to_string().contains("\"visible\":1"), "one is left: {depth}");
}

#[test]
fn the_consumer_script_gives_the_message_back_on_sigterm_and_counts_the_kill() {
    let Some(pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    pod.produce(1);
    for shell in shells() {
        let mut running = pod.start(&shell, CONSUMER, &[("PROCESS_SLEEP_TIME", "300"), ("KEDACTL_JOB", shell[0])]);
        running.line("a message was received", |line| line.contains("\"received\"").then_some(()));
        running.signal(Signal::SIGTERM);
        let output = running.wait();
        assert_eq!(output.code, Some(143), "{shell:?}: {output}");
        assert_eq!(steps(&output), ["received", "released-message"], "{shell:?}: {output}");
        assert_eq!(output.json_lines()[1]["reason"], "signal");
    }
    assert_eq!(pod.counts().matches("kill count").count(), shells().len());
    let output = pod.run(&["sh"], CONSUMER, &[]);
    assert_eq!(steps(&output)[0], "received", "it can be received at once: {output}");
}

#[test]
fn the_consumer_script_ends_well_when_there_is_nothing_to_do() {
    let Some(pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    for shell in shells() {
        let begun = std::time::Instant::now();
        let output = pod.run(&shell, CONSUMER, &[("IDLE_TIMEOUT", "1")]);
        assert_eq!((output.code, steps(&output)), (Some(0), vec!["idle".to_owned()]), "{shell:?}: {output}");
        assert!(begun.elapsed() > Duration::from_secs(1) && begun.elapsed() < PATIENCE);
    }
}

#[test]
fn an_analyzer_that_is_down_does_not_fail_the_consumer_script() {
    let Some(mut pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    pod.analyzer.kill();
    pod.produce(1);
    let output = pod.run(&["sh"], CONSUMER, &[]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(steps(&output).last().map(String::as_str), Some("deleted"));
    assert!(output.stderr.contains("could not reach the analyzer"), "{output}");
}

#[test]
fn the_consumer_script_says_that_it_cannot_receive() {
    let Some(pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    let elsewhere = format!("{}/123456789012/nowhere", pod.server.url);
    let output = pod.run(&["sh"], CONSUMER, &[("QUEUE_URL", &elsewhere)]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("could not receive from") && output.stderr.contains("NonExistentQueue"), "{output}");
}

#[test]
fn the_producer_script_sends_every_message_once() {
    let Some(pod) = Pod::new() else { return skipped("no AWS CLI or no jq") };
    for shell in shells() {
        let output = pod.run(&shell, PRODUCER, &[("NUM_MESSAGES", "12")]);
        assert_eq!(output.code, Some(0), "{shell:?}: {output}");
        let events = output.json_lines();
        let mut ids: Vec<&str> =
            events.iter().filter(|event| event["event"] == "sent").filter_map(|event| event["message_id"].as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), steps(&output).iter().filter(|step| *step == "sending").count()), (12, 2), "{shell:?}: {output}");
        assert_eq!(events.last().expect("one")["sent"], 12);
    }
}
