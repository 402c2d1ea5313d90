//! What `produce` came to, in one line.

use kedactl::core::ops::produce::Sent;

use super::figures::counted;

/// `Sent 10 messages in 0.12 s (83 msg/s)`, and what was not sent.
pub(crate) fn summary(sent: &Sent) -> String {
    let Sent { sent, failed, unsent, seconds, per_second, .. } = sent;
    let mut text = format!("Sent {} in {seconds:.2} s ({per_second:.0} msg/s)", counted(*sent, "message"));
    if *failed > 0 {
        text.push_str(&format!(", {failed} refused"));
    }
    if *unsent > 0 {
        text.push_str(&format!(", {unsent} not tried"));
    }
    text
}
