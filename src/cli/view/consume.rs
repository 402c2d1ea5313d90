//! What a consumer says: a remark for each step, and its outcome in one line.

use kedactl::core::{
    event::{Event, Released, What},
    ops::consume::Consumed,
};

use super::lines::stamp;

/// How it ended, for people.
pub(crate) fn human(consumed: &Consumed) -> String {
    match consumed {
        Consumed::Done { message_id, location } => format!("Processed message {message_id}: {location}"),
        Consumed::Idle => "No message came: nothing to do".to_owned(),
        Consumed::Interrupted { message_id: Some(id) } => format!("Interrupted: message {id} was not processed"),
        Consumed::Interrupted { message_id: None } => "Interrupted before a message came".to_owned(),
    }
}

/// The step that `event` reports; none when the outcome says it.
pub(crate) fn remark(event: &Event) -> Option<String> {
    let text = match &event.what {
        What::Received { message_id, receive_count: 1, .. } => format!("received {message_id}"),
        What::Received { message_id, receive_count, .. } => format!("received {message_id}, for the {} time", ordinal(*receive_count)),
        What::Extended { seconds, .. } => format!("hidden for another {seconds} s"),
        What::Worked { seconds, .. } => format!("worked for {seconds:.1} s"),
        What::Stored { location, bytes, .. } => format!("stored {bytes} bytes in {location}"),
        What::Deleted { message_id, .. } => format!("deleted {message_id}"),
        What::Counted { .. } => "counted".to_owned(),
        What::ReleasedMessage { message_id, reason: Released::Signal, .. } => format!("gave {message_id} back: a signal came"),
        What::ReleasedMessage { message_id, reason: Released::Failure, .. } => format!("gave {message_id} back: it could not be finished"),
        What::Warning { message } => format!("warning: {message}"),
        _ => return None,
    };
    Some(format!("{} {text}", stamp(event.at)))
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_english() {
        let spoken = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal);
        assert_eq!(spoken, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }
}
