//! Contract of the journal: both implementations; torn, damaged and unwritable files.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::core::{
    event::{Depth, JobState, Released, What},
    ports::Journal as _,
};

fn event(second: i64, what: What) -> Event {
    Event { at: Timestamp::from_second(second).expect("in range"), about: None, what }
}

fn idle(second: i64, job: &str) -> Event {
    event(second, What::Idle { job: job.into() })
}

/// What was reported by two writers comes back as one stream in order of time, the same event each time.
fn contract(first: &dyn Reporter, second: &dyn Reporter, journal: &dyn ports::Journal) {
    assert_eq!(journal.events().expect("empty"), []);
    first.report(&idle(1, "a"));
    second.report(&idle(2, "b"));
    first.report(&idle(3, "c"));
    let expected = [idle(1, "a"), idle(2, "b"), idle(3, "c")];
    assert_eq!(journal.events().expect("read"), expected);
    assert_eq!(journal.events().expect("read again"), expected);
}

#[test]
fn both_journals_give_one_stream_in_order_of_time() {
    let dir = tempfile::tempdir().expect("tempdir");
    let journal = Journal::open(dir.path());
    let (first, second) = (Writer::create(dir.path(), "a").expect("made"), Writer::create(dir.path(), "b").expect("made"));
    contract(&first, &second, &journal);
    let memory = Memory::default();
    contract(&memory, &memory, &memory);
}

#[test]
fn a_journal_that_was_never_written_is_empty() {
    assert_eq!(Journal::open(Path::new("/nonexistent/journal")).events().expect("empty"), []);
}

#[test]
fn a_line_that_is_completed_later_is_read_later() {
    let dir = tempfile::tempdir().expect("tempdir");
    let line = format!("{}\n", serde_json::to_string(&idle(1, "a")).expect("json"));
    let path = dir.path().join("x.jsonl");
    let journal = Journal::open(dir.path());
    fs::write(&path, &line[..9]).expect("written");
    assert_eq!(journal.events().expect("torn"), []);
    fs::write(&path, &line).expect("written");
    assert_eq!(journal.events().expect("whole"), [idle(1, "a")]);
}

#[test]
fn damage_names_the_file_and_the_line() {
    let dir = tempfile::tempdir().expect("tempdir");
    let line = serde_json::to_string(&idle(1, "a")).expect("json");
    fs::write(dir.path().join("x.jsonl"), format!("{line}\nnonsense\n{line}\n")).expect("written");
    let error = Journal::open(dir.path()).events().expect_err("damaged");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("x.jsonl`, line 2"), "{error}");
}

#[test]
fn a_full_disk_is_remembered_and_does_not_panic() {
    let path = PathBuf::from("/dev/full");
    let file = fs::OpenOptions::new().append(true).open(&path).expect("Linux has /dev/full");
    let writer = Writer { path, state: Mutex::new(Output { file, length: 0, fault: None, torn: false }) };
    assert_eq!(writer.fault(), None);
    writer.report(&idle(1, "a"));
    let fault = writer.fault().expect("remembered");
    assert!(fault.to_string().contains("disk is full"), "{fault}");
    assert_eq!(fault.exit_code(), 2);
}

#[test]
fn an_unusable_folder_is_an_error_before_anything_is_written() {
    let dir = tempfile::tempdir().expect("tempdir");
    fs::write(dir.path().join("journal"), "a file").expect("written");
    assert_eq!(Writer::create(&dir.path().join("journal"), "watch").expect_err("a file is in the way").exit_code(), 2);
}

#[test]
fn files_are_private_and_named_after_the_run() {
    let dir = tempfile::tempdir().expect("tempdir");
    let writer = Writer::create(dir.path(), "consume").expect("made");
    assert_eq!(fs::metadata(writer.path()).expect("there").permissions().mode() & 0o777, 0o600);
    let name = writer.path().file_name().expect("named").to_string_lossy().into_owned();
    assert!(name.ends_with(&format!("Z-consume-{}.jsonl", std::process::id())), "{name}");
}

fn any_event() -> impl Strategy<Value = Event> {
    let text = || any::<String>();
    let depth = (any::<i64>(), any::<i64>(), any::<i64>()).prop_map(|(visible, in_flight, delayed)| Depth { visible, in_flight, delayed });
    let what = prop_oneof![
        text().prop_map(|job| What::Idle { job }),
        (text(), text(), any::<u32>()).prop_map(|(message_id, job, seconds)| What::Extended { message_id, job, seconds }),
        (text(), text(), 0.0..1e6).prop_map(|(message_id, job, seconds)| What::Worked { message_id, job, seconds }),
        (text(), text()).prop_map(|(message_id, job)| What::ReleasedMessage { message_id, job, reason: Released::Signal }),
        (text(), proptest::option::of(text())).prop_map(|(job, reason)| What::JobChanged {
            job,
            state: JobState::Failed,
            reason,
            message_id: None,
            created_at: Timestamp::UNIX_EPOCH
        }),
        proptest::collection::vec((text(), depth), 0..3).prop_map(|depths| What::DepthChanged { depths }),
        (proptest::collection::vec(any::<u64>(), 0..4), text()).prop_map(|(numbers, run)| What::Sending { numbers, run, to: None }),
        text().prop_map(|message| What::Warning { message }),
    ];
    (0_i64..4_000_000_000, what).prop_map(|(second, what)| event(second, what))
}

proptest! {
    #[test]
    fn torn_at_any_byte_all_whole_lines_are_read(events in proptest::collection::vec(any_event(), 1..12), cut in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().expect("tempdir");
        let writer = Writer::create(dir.path(), "test").expect("made");
        for event in &events {
            writer.report(event);
        }
        let bytes = fs::read(writer.path()).expect("read");
        let kept = &bytes[..cut.index(bytes.len() + 1)];
        fs::write(writer.path(), kept).expect("torn");
        let whole = kept.split(|byte| *byte == b'\n').count() - 1;
        let mut expected = events[..whole].to_vec();
        expected.sort_by_key(|event| event.at);
        prop_assert_eq!(Journal::open(dir.path()).events().expect("read"), expected);
    }
}
