//! Bad input: exit code 2, one clear message that names the field, the value and the way out, and nothing half done.

use std::{
    fs,
    io::Read,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{Output, Stack, skipped};

/// Asserts that `output` refuses with exit code 2 and one error that contains every one of `words`.
fn refuses(output: &Output, words: &[&str]) {
    assert_eq!(output.code, Some(2), "{output}");
    assert_eq!(output.stdout, "", "an error writes nothing to stdout: {output}");
    assert_eq!(output.stderr.matches("error:").count(), 1, "one error, once: {output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "the message does not say `{word}`: {output}");
    }
}

/// Asserts that nothing was made in the state directory of `stack`.
fn made_nothing(stack: &Stack) {
    let made: Vec<_> = fs::read_dir(stack.dir()).expect("readable").flatten().map(|entry| entry.path()).collect();
    assert!(made.is_empty(), "made {made:?}");
}

/// Messages in the queue of `stack`, by the state that `status` shows.
fn depth(stack: &Stack) -> i64 {
    let status = stack.json(["status"]);
    let visible = status.pointer("/queue/depth/visible").and_then(serde_json::Value::as_i64);
    visible.unwrap_or_else(|| panic!("status gives no depth: {status:#}"))
}

#[test]
fn an_illegal_stack_name_is_refused() {
    let stack = Stack::new();
    refuses(&stack.run(["setup", "--stack", "Not_Legal"]), &["--stack", "Not_Legal", "lower-case"]);
    made_nothing(&stack);
}

#[test]
fn an_illegal_queue_name_is_refused() {
    for name in ["no spaces", "ünder", "a.b", &"a".repeat(81)] {
        let stack = Stack::new();
        refuses(&stack.run(["setup", "--queue", name]), &["--queue", name, "letters"]);
        made_nothing(&stack);
    }
}

#[test]
fn an_illegal_value_of_the_environment_says_where_it_came_from() {
    let stack = Stack::new().with("KEDACTL_QUEUE", "no spaces");
    refuses(&stack.run(["setup"]), &["--queue", "no spaces", "from the environment"]);
    made_nothing(&stack);
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (flag, value) in [
        ("--queue-length", "0"),
        ("--polling-interval", "0"),
        ("--polling-interval", "soon"),
        ("--max-replica-count", "0"),
        ("--visibility-timeout", "43201"),
        ("--work-seconds", "43201"),
        ("--strategy", "greedy"),
    ] {
        let stack = Stack::new();
        refuses(&stack.run(["setup", flag, value]), &[flag, value]);
        made_nothing(&stack);
    }
}

#[test]
fn a_count_of_zero_or_a_billion_is_refused() {
    for count in ["0", "1000000000", "-1", "many"] {
        let stack = Stack::new();
        refuses(&stack.run(["produce", "--count", count]), &["--count", count]);
        made_nothing(&stack);
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_anything_is_sent() {
    let stack = Stack::ready();
    let path = stack.dir().join("body");
    fs::write(&path, "a".repeat((1 << 20) + 1)).expect("writable");
    let output = stack.run(["produce", "--count", "2", "--body-file", path.to_str().expect("UTF-8")]);
    refuses(&output, &["1048577", "1048576"]);
    assert_eq!(depth(&stack), 0);
}

#[test]
fn an_absent_body_file_is_refused() {
    let stack = Stack::ready();
    refuses(&stack.run(["produce", "--count", "2", "--body-file", "/absent/body"]), &["/absent/body"]);
    assert_eq!(depth(&stack), 0);
}

/// A manifest that is right, as lines.
const MANIFEST: &str = r#"apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata:
  name: video-processor
spec:
  jobTargetRef:
    template:
      spec:
        containers:
          - name: consumer
            image: example
        restartPolicy: Never
  scalingStrategy:
    strategy: default
  triggers:
    - type: aws-sqs-queue
      metadata:
        queueURL: test-queue
        queueLength: "1"
        awsRegion: us-east-1
"#;

/// Watches [`MANIFEST`] with `right` replaced by `wrong`, which must be refused with `words`.
fn refuses_manifest(right: &str, wrong: &str, words: &[&str]) {
    assert!(MANIFEST.contains(right), "`{right}` is in the manifest");
    let stack = Stack::ready();
    let path = stack.dir().join("scaled-job.yaml");
    fs::write(&path, MANIFEST.replace(right, wrong)).expect("writable");
    let mut output = stack.run(["watch", "-f", path.to_str().expect("UTF-8")]);
    // Whether a trigger can be built shows when the scaler, which is then the only one, builds it: that line is no result.
    output.stdout = output.stdout.lines().filter(|line| !line.ends_with("this process scales")).collect();
    refuses(&output, words);
    assert!(stack.processes().is_empty(), "a refused manifest starts no job");
}

#[test]
fn a_malformed_manifest_is_refused_with_its_line() {
    refuses_manifest("    template:\n", "    template: [\n", &["scaled-job.yaml"]);
    refuses_manifest("spec:\n  jobTargetRef", "spec\n  jobTargetRef", &["scaled-job.yaml", "line"]);
}

#[test]
fn an_unknown_trigger_is_refused_by_name() {
    refuses_manifest("aws-sqs-queue", "aws-sqs-que", &["aws-sqs-que", "line 16", "aws-sqs-queue"]);
}

#[test]
fn an_unknown_strategy_is_refused_by_name() {
    refuses_manifest("strategy: default", "strategy: greedy", &["strategy", "greedy", "line 14", "accurate"]);
}

#[test]
fn a_trigger_value_that_is_not_a_string_is_refused() {
    refuses_manifest("queueLength: \"1\"", "queueLength: 1", &["queueLength", "line 19", "string"]);
}

#[test]
fn a_missing_field_is_named() {
    refuses_manifest("        queueURL: test-queue\n", "", &["queueURL"]);
}

#[test]
fn an_absent_manifest_is_refused() {
    let stack = Stack::ready();
    refuses(&stack.run(["watch", "-f", "/absent/manifest.yaml"]), &["/absent/manifest.yaml"]);
}

#[test]
fn a_file_in_the_place_of_the_state_directory_is_refused() {
    let stack = Stack::new();
    let path = stack.dir().join("a-file");
    fs::write(&path, "not a directory").expect("writable");
    let output = stack.run(["setup", "--state-dir", path.to_str().expect("UTF-8")]);
    refuses(&output, &["a-file", "--state-dir"]);
    assert_eq!(fs::read_to_string(&path).expect("still there"), "not a directory");
}

#[test]
fn an_unwritable_state_directory_is_refused() {
    let stack = Stack::new();
    let path = stack.dir().join("read-only");
    fs::create_dir(&path).expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).expect("ours");
    // The administrator may write anywhere, except where the kernel itself writes nothing.
    let is_administrator = fs::write(path.join("probe"), "").is_ok();
    let path = if is_administrator { PathBuf::from("/proc/kedactl") } else { path };
    let output = stack.run(["setup", "--state-dir", path.to_str().expect("UTF-8")]);
    refuses(&output, &[path.to_str().expect("UTF-8"), "--state-dir"]);
}

/// A file system of `size` at `path`; unmounted when dropped. Only the administrator can make one.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(path: &'a Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(path);
        let mounted = mount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(path))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_state_directory_is_refused_and_named() {
    let stack = Stack::new();
    let path = stack.dir().join("full");
    fs::create_dir(&path).expect("writable");
    let Some(mounted) = Mounted::tmpfs(&path, "64k") else { return skipped("no right to mount a small file system") };
    let output = stack.run(["setup", "--state-dir", path.to_str().expect("UTF-8")]);
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("full") && !output.stderr.contains("panicked"), "{output}");
    drop(mounted);
}

#[test]
fn a_state_directory_that_fills_up_loses_no_message_that_was_acknowledged() {
    let stack = Stack::new();
    let path = stack.dir().join("small");
    fs::create_dir(&path).expect("writable");
    let Some(mounted) = Mounted::tmpfs(&path, "2m") else { return skipped("no right to mount a small file system") };
    let on = |args: &[&str]| stack.run(args.iter().copied().chain(["--state-dir", path.to_str().expect("UTF-8")]));
    let ready = on(&["setup"]);
    assert_eq!(ready.code, Some(0), "{ready}");
    let body = stack.dir().join("body");
    fs::write(&body, "a".repeat(200_000)).expect("writable");
    let output = on(&["produce", "--count", "100", "--body-file", body.to_str().expect("UTF-8")]);
    assert!(matches!(output.code, Some(1 | 2)), "{output}");
    assert!(output.stderr.contains("full") && !output.stderr.contains("panicked"), "{output}");
    drop(mounted);
}

#[test]
fn a_state_file_of_a_newer_version_is_refused_and_left_alone() {
    let stack = Stack::ready();
    let path = stack.dir().join("aws.db");
    let file = rusqlite::Connection::open(&path).expect("an SQLite file");
    file.execute_batch("PRAGMA user_version=1000000").expect("writable");
    drop(file);
    for verb in ["setup", "status", "produce", "watch", "teardown"] {
        refuses(&stack.run([verb]), &["aws.db", "newer", "1000000"]);
    }
}

#[test]
fn a_state_file_that_is_none_is_refused() {
    let stack = Stack::new();
    fs::write(stack.dir().join("aws.db"), "this is no database, and long enough to be sure of that".repeat(100)).expect("writable");
    refuses(&stack.run(["setup"]), &["aws.db"]);
}

#[test]
fn settings_that_cannot_be_read_are_refused_by_path() {
    let stack = Stack::ready();
    let path = stack.stack_dir().join("settings.json");
    fs::write(&path, "{\"queue\": ").expect("writable");
    refuses(&stack.run(["status"]), &["settings.json", "line 1"]);
}

#[test]
fn a_port_in_use_is_refused_by_address() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = taken.local_addr().expect("bound").to_string();
    let stack = Stack::new();
    refuses(&stack.run(["local", "serve", "--listen", &address]), &[&address, "--listen"]);
    refuses(&stack.run(["analyzer", "--listen", &address]), &[&address, "--listen"]);
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_asked_for() {
    let stack = Stack::new();
    refuses(&stack.run(["local", "serve", "--listen", "0.0.0.0:0"]), &["0.0.0.0:0", "--allow-remote"]);
    refuses(&stack.run(["analyzer", "--listen", "0.0.0.0:0"]), &["0.0.0.0:0", "--allow-remote"]);
}

#[test]
fn an_unknown_command_is_refused_with_a_suggestion() {
    let stack = Stack::new();
    refuses(&stack.run(["prodcue"]), &["prodcue", "produce"]);
    made_nothing(&stack);
}

#[test]
fn a_pace_out_of_range_is_refused() {
    for pace in ["0", "-1", "fast", "1e9", "nan"] {
        let stack = Stack::new();
        refuses(&stack.run(["demo", "--pace", pace]), &["--pace", pace]);
        made_nothing(&stack);
    }
}

#[test]
fn verbs_that_need_a_setup_say_so() {
    for verb in ["produce", "watch"] {
        let output = Stack::new().run([verb]);
        assert_eq!(output.code, Some(1), "{verb}: {output}");
        assert!(output.stderr.contains("kedactl setup"), "{verb}: {output}");
    }
}

/// Runs `args` with a standard output that nobody reads.
fn with_closed_pipe(stack: &Stack, args: &[&str]) -> (Option<i32>, String) {
    let mut command = stack.command(args);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    (child.wait().expect("our own child").code(), stderr)
}

#[test]
fn a_closed_pipe_is_no_error_and_no_panic() {
    let stack = Stack::ready();
    for args in
        [&["--help"][..], &["completions", "bash"], &["man"], &["status"], &["status", "-o", "json"], &["setup", "--plan", "-o", "json"]]
    {
        let (code, stderr) = with_closed_pipe(&stack, args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("Broken pipe"), "{args:?}: {stderr}");
    }
}

#[test]
fn a_watch_ends_well_when_nobody_reads_it() {
    let stack = Stack::ready();
    stack.ok(["produce", "--count", "3"]);
    let (code, stderr) = with_closed_pipe(&stack, &["watch", "--pace", "30", "-o", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stack.ok(["watch", "--pace", "30"]);
    assert_eq!(stack.json(["report"])["verdict"], "proven");
}
