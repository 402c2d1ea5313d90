//! Contract of commands as work, with real processes.

use super::*;

fn message(body: &str) -> Received {
    Received { message_id: "m1".into(), receipt: "secret".into(), body: body.into(), receive_count: 1, sent_at: None }
}

fn work(dir: &Path, script: &str) -> CommandWork {
    CommandWork::new(vec!["sh".into(), "-c".into(), script.into()], dir.join("scratch")).expect("there is a sh")
}

async fn run(script: &str, body: &str) -> Result<Artifact> {
    let dir = tempfile::tempdir().expect("tempdir");
    let outcome = work(dir.path(), script).run(&message(body), &CancellationToken::new()).await;
    assert!(!dir.path().join("scratch").exists(), "no scratch is left");
    outcome
}

#[tokio::test]
async fn the_message_arrives_on_stdin_and_in_the_environment() {
    let body = r#"{"video":"clip.mp4","quality":"720p"}"#;
    let script = r#"test "$(cat)" = "$KEDACTL_MESSAGE_BODY" && printf '%s' "$KEDACTL_MESSAGE_ID $VIDEO $QUALITY" > "$KEDACTL_OUTPUT""#;
    let artifact = run(script, body).await.expect("worked");
    assert_eq!((artifact.extension.as_str(), artifact.content.as_slice()), ("mp4", b"m1 clip.mp4 720p".as_slice()));
}

#[tokio::test]
async fn a_body_too_long_for_a_variable_is_on_stdin_only() {
    let script = r#"test -z "${KEDACTL_MESSAGE_BODY+set}" && wc -c | tr -d ' \n' > "$KEDACTL_OUTPUT""#;
    assert_eq!(run(script, &"x".repeat(1 << 20)).await.expect("worked").content, b"1048576");
}

#[tokio::test]
async fn a_command_that_reads_and_writes_nothing_leaves_a_summary() {
    let artifact = run("exit 0", &"x".repeat(1 << 20)).await.expect("worked");
    assert_eq!(artifact.extension, "json");
    let summary: serde_json::Value = serde_json::from_slice(&artifact.content).expect("json");
    assert_eq!((&summary["message_id"], &summary["encoder"]), (&"m1".into(), &"sh".into()));
}

#[tokio::test]
async fn the_exit_code_decides() {
    let error = run("exit 3", "{}").await.expect_err("failed");
    assert_eq!(error.to_string(), "`sh` failed: exit status: 3");
}

#[tokio::test]
async fn nothing_is_passed_through_a_shell() {
    let dir = tempfile::tempdir().expect("tempdir");
    let words = ["test", "$(echo a)", "!=", "a"].map(str::to_owned).to_vec();
    let work = CommandWork::new(words, dir.path().join("scratch")).expect("there is a test");
    work.run(&message("{}"), &CancellationToken::new()).await.expect("worked");
}

#[tokio::test]
async fn stopping_ends_the_whole_process_group() {
    let dir = tempfile::tempdir().expect("tempdir");
    let script = format!("sleep 60 & echo $! > {0}/.pid; mv {0}/.pid {0}/pid; wait", dir.path().display());
    let (work, stop) = (work(dir.path(), &script), CancellationToken::new());
    let when_started = async {
        while !dir.path().join("pid").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    };
    let message = message("{}");
    let (outcome, ()) = tokio::join!(work.run(&message, &stop), when_started);
    assert_eq!(outcome.expect_err("stopped").kind, Kind::Interrupted);
    let pid = fs::read_to_string(dir.path().join("pid")).expect("read");
    let stat = format!("/proc/{}/stat", pid.trim());
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "the command's own child lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_program_that_is_not_there_is_refused_before_any_message() {
    for missing in ["./no-such-file", "no-such-program-on-the-path", "/etc/passwd"] {
        let error = CommandWork::new(vec![missing.into()], PathBuf::from("/nonexistent")).expect_err(missing);
        assert_eq!(error.exit_code(), 2);
    }
    assert_eq!(CommandWork::new(vec![], PathBuf::new()).expect_err("no words").exit_code(), 2);
}
