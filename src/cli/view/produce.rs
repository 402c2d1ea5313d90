//! What `produce` came to, in one line.

use kedactl::core::ops::produce::Sent;

use super::figures::counted;

/// What was sent, one of them: `message`, or what the destination calls it.
pub(crate) fn noun(sent: &Sent) -> &'static str {
    match sent.to.as_deref().and_then(|to| to.split_once("://")) {
        Some(("kinesis", _)) => "record",
        Some(("dynamodb", _)) => "item",
        Some(("cloudwatch", _)) => "value",
        _ => "message",
    }
}

/// `Sent 10 messages in 0.12 s (83 msg/s)`, and what was not sent.
pub(crate) fn summary(sent: &Sent) -> String {
    let Sent { sent: accepted, failed, unsent, seconds, per_second, .. } = sent;
    let refused = if *failed > 0 { format!(", {failed} refused") } else { String::new() };
    let untried = if *unsent > 0 { format!(", {unsent} not tried") } else { String::new() };
    let (what, pace) = match &sent.to {
        Some(to) => (format!("{} to {to}", counted(*accepted, noun(sent))), "/s"),
        None => (counted(*accepted, "message"), " msg/s"),
    };
    format!("Sent {what} in {seconds:.2} s ({per_second:.0}{pace}){refused}{untried}")
}
