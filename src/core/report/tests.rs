//! What the fold makes of journals: one test per verdict.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("in range")
}

fn event(second: i64, what: What) -> Event {
    Event { at: at(second), about: None, what }
}

fn id(n: u64) -> String {
    format!("m{n}")
}

fn sending(n: u64) -> Event {
    event(0, What::Sending { numbers: vec![n], run: "r".into(), to: None })
}

fn sent(n: u64) -> Event {
    event(0, What::Sent { message_id: id(n), number: n, run: "r".into(), to: None })
}

fn received(n: u64, second: i64, job: &str) -> Event {
    event(second, What::Received { message_id: id(n), job: job.into(), receive_count: 1, sent_at: Some(at(0)) })
}

fn worked(n: u64, second: i64, job: &str) -> Event {
    event(second, What::Worked { message_id: id(n), job: job.into(), seconds: 3.0 })
}

fn deleted(n: u64, second: i64, job: &str) -> Event {
    event(second, What::Deleted { message_id: id(n), job: job.into() })
}

fn counted(n: u64) -> CountRecord {
    CountRecord { kind: "processed".into(), message_id: Some(id(n)), job: None, at: at(9) }
}

fn life(n: u64) -> Vec<Event> {
    vec![sending(n), sent(n), received(n, 2, "j"), worked(n, 5, "j"), deleted(n, 6, "j")]
}

fn report(events: Vec<Event>, counts: Vec<CountRecord>, visible: i64) -> Report {
    let queue = Depth { visible, in_flight: 0, delayed: 0 };
    Report::from(&Evidence { events, counts, queue, ..Evidence::default() })
}

#[test]
fn what_went_elsewhere_is_left_aside() {
    let to = || Some("kinesis://clicks".to_owned());
    let events = vec![
        event(0, What::Sending { numbers: vec![1, 2, 3], run: "k".into(), to: to() }),
        event(0, What::Sent { message_id: "shard:1".into(), number: 1, run: "k".into(), to: to() }),
        event(0, What::SendFailed { number: 2, run: "k".into(), code: "Odd".into(), attempts: 1, to: to() }),
    ];
    let report = Report::from(&Evidence { events, ..Evidence::default() });
    assert_eq!((&report.totals, report.messages.len()), (&Totals::default(), 0));
}

#[test]
fn a_receipt_that_nobody_wrote_down_is_known_by_the_queues_count() {
    let again = What::Received { message_id: id(1), job: "k".into(), receive_count: 3, sent_at: Some(at(0)) };
    let events = vec![sending(1), sent(1), event(4, again), worked(1, 5, "k"), deleted(1, 6, "k")];
    let report = report(events, vec![counted(1)], 0);
    assert_eq!((report.verdict, report.totals.received, report.totals.redelivered), (Verdict::Proven, 1, 2));
}

#[test]
fn ten_messages_done_and_counted_are_proven() {
    let events = (1..=10).flat_map(life).collect();
    let report = report(events, (1..=10).map(counted).collect(), 0);
    assert_eq!(report.verdict, Verdict::Proven, "{}", report.reason);
    assert_eq!((report.totals.sent, report.totals.deleted, report.totals.counted), (10, 10, 10));
    assert_eq!(report.drain_seconds, Some(6.0));
    assert_eq!(report.wait_seconds.map(|spread| spread.max), Some(2.0));
}

#[test]
fn nothing_sent_is_empty() {
    assert_eq!(report(vec![], vec![], 0).verdict, Verdict::Empty);
}

#[test]
fn a_waiting_message_is_unfinished_and_not_lost() {
    let report = report(vec![sending(1), sent(1)], vec![], 1);
    assert_eq!((report.verdict, report.totals.lost), (Verdict::Unfinished, 0));
}

#[test]
fn a_message_in_no_queue_and_never_worked_on_is_lost() {
    let report = report(vec![sending(1), sent(1), received(1, 2, "j")], vec![], 0);
    assert_eq!((report.verdict, report.totals.lost), (Verdict::Lost, 1));
}

#[test]
fn work_done_twice_is_duplicated_even_when_counted_once() {
    let mut events = life(1);
    events.extend([received(1, 7, "k"), worked(1, 10, "k"), deleted(1, 11, "k")]);
    let report = report(events, vec![counted(1)], 0);
    assert_eq!((report.verdict, report.totals.duplicated, report.totals.redelivered), (Verdict::Duplicated, 1, 1));
}

#[test]
fn a_redelivery_after_a_kill_is_not_a_duplicate() {
    let events = vec![sending(1), sent(1), received(1, 2, "j"), received(1, 40, "k"), worked(1, 43, "k"), deleted(1, 44, "k")];
    let report = report(events, vec![counted(1)], 0);
    assert_eq!((report.verdict, report.totals.redelivered), (Verdict::Proven, 1), "{}", report.reason);
}

#[test]
fn a_deletion_that_was_not_written_down_is_not_a_loss() {
    let report = report(vec![sending(1), sent(1), received(1, 2, "j"), worked(1, 5, "j")], vec![counted(1)], 0);
    assert_eq!((report.verdict, report.totals.lost, report.totals.unfinished), (Verdict::Proven, 0, 0), "{}", report.reason);
}

#[test]
fn work_whose_message_is_still_in_the_queue_is_unfinished() {
    let report = report(vec![sending(1), sent(1), received(1, 2, "j"), worked(1, 5, "j")], vec![], 1);
    assert_eq!((report.verdict, report.totals.unfinished), (Verdict::Unfinished, 1));
}

#[test]
fn an_uncounted_message_is_miscounted() {
    assert_eq!(report(life(1), vec![], 0).verdict, Verdict::Miscounted);
}

#[test]
fn an_id_that_only_a_consumer_knows_is_taken_for_a_cut_off_send() {
    let events = vec![sending(1), received(1, 2, "j"), worked(1, 5, "j"), deleted(1, 6, "j")];
    let cut = report(events.clone(), vec![counted(1)], 0);
    assert_eq!((cut.totals.sent, cut.totals.unconfirmed, cut.totals.strangers), (1, 0, 0));
    let strange = report(events[1..].to_vec(), vec![counted(1)], 0);
    assert_eq!((strange.totals.sent, strange.totals.strangers), (0, 1));
}

#[test]
fn exit_codes_of_verdicts_are_distinct_and_start_at_ten() {
    let codes: std::collections::BTreeSet<u8> = Verdict::ALL.iter().map(|verdict| verdict.exit_code()).collect();
    assert_eq!(codes.len(), Verdict::ALL.len());
    assert!(codes.iter().all(|code| *code == 0 || *code >= 10));
}

fn created(job: &str) -> Event {
    event(1, What::JobCreated { job: job.into(), generation: 1 })
}

fn told(n: u64) -> Event {
    event(7, What::Counted { message_id: id(n), job: "j".into() })
}

fn on_a_cluster(events: Vec<Event>, counts: Vec<CountRecord>, keeps: Keeps) -> Report {
    Report::from(&Evidence { witness: Witness::Logs, keeps, events, counts, ..Evidence::default() })
}

#[test]
fn a_message_is_not_called_lost_where_a_job_left_no_record() {
    let silent = on_a_cluster(vec![sending(1), sent(1), created("gone")], vec![], Keeps::Messages);
    assert_eq!((silent.verdict, silent.totals.silent), (Verdict::Unproven, 1), "{}", silent.reason);
    let mut events = life(1);
    events.extend([created("j"), sending(2), sent(2)]);
    let spoken = on_a_cluster(events, vec![counted(1)], Keeps::Messages);
    assert_eq!((spoken.verdict, spoken.totals.silent), (Verdict::Lost, 0), "{}", spoken.reason);
}

#[test]
fn consumers_word_proves_a_count_that_the_analyzer_keeps_as_a_number() {
    let anonymous = CountRecord { kind: "processed".into(), message_id: None, job: None, at: at(7) };
    let mut events = life(1);
    events.extend([created("j"), told(1)]);
    let both = on_a_cluster(events.clone(), vec![anonymous], Keeps::Numbers);
    assert_eq!(both.verdict, Verdict::Proven, "{}", both.reason);
    let alone = on_a_cluster(events, vec![], Keeps::Numbers);
    assert_eq!(alone.verdict, Verdict::Unproven, "{}", alone.reason);
}

#[test]
fn what_journal_and_log_both_tell_happened_once() {
    let events = join(life(1), life(1));
    assert_eq!(events.len(), life(1).len());
    assert!(events.is_sorted_by_key(|event| event.at));
}
