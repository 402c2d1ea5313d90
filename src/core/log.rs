//! Events that a container wrote to its log, one as JSON on each line, among whatever else it says there.

use super::{
    event::{Event, JobState, What},
    ports::Job,
};

/// The events in `log` that speak of the job called `job`, or of sending, in their order. All else is left out: a log is
/// written by whatever image runs there.
#[must_use]
pub fn events(log: &str, job: &str) -> Vec<Event> {
    log.lines().filter_map(|line| event(line, job)).collect()
}

/// The event that `line` is, if it is one that the job called `job` may tell.
#[must_use]
pub fn event(line: &str, job: &str) -> Option<Event> {
    let event: Event = serde_json::from_str(line.trim()).ok()?;
    let is_own = match &event.what {
        What::ProduceStarted { .. } | What::Sending { .. } | What::Sent { .. } | What::SendFailed { .. } | What::ProduceFinished { .. } => {
            true
        }
        what => consumer(what) == Some(job),
    };
    is_own.then_some(event)
}

/// The consumer that tells of its own work by `what`; none where it is not a consumer's word.
#[must_use]
pub fn consumer(what: &What) -> Option<&str> {
    match what {
        What::Received { job, .. }
        | What::Extended { job, .. }
        | What::Worked { job, .. }
        | What::Stored { job, .. }
        | What::Deleted { job, .. }
        | What::Counted { job, .. }
        | What::ReleasedMessage { job, .. }
        | What::Idle { job } => Some(job),
        _ => None,
    }
}

/// Takes over what an event of its own says of `job`: its message, and how it ended.
pub fn note(job: &mut Job, what: &What) {
    let reason = match what {
        What::Received { message_id, .. } => {
            job.message_id = Some(message_id.clone());
            return;
        }
        What::Deleted { .. } => "done",
        What::Idle { .. } => "idle",
        _ => return,
    };
    if job.state == JobState::Complete {
        job.reason = Some(reason.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_of_the_jobs_own_are_taken_from_a_log() {
        let log = concat!(
            "starting\n",
            r#"{"at":"2026-01-17T05:50:45Z","event":"received","message_id":"m","job":"video-1","receive_count":1,"sent_at":null}"#,
            "\n",
            r#"{"at":"2026-01-17T05:50:46Z","event":"deleted","message_id":"m","job":"video-2"}"#,
            "\n",
            r#"{"at":"2026-01-17T05:50:46Z","event":"job-created","job":"video-1","generation":1}"#,
            "\n{\"at\":\"2026\n",
            r#"{"at":"2026-01-17T05:50:47Z","event":"idle","job":"video-1"}"#,
        );
        let told: Vec<String> = events(log, "video-1").iter().map(|event| format!("{:?}", event.what)).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("Received") && told[1].starts_with("Idle"));
    }
}
