//! What `produce` came to, in one line.

use kedactl::core::ops::produce::Sent;

use super::figures::counted;

/// `Sent 10 messages in 0.12 s (83 msg/s)`, and what was not sent.
pub(crate) fn summary(sent: &Sent) -> String {
    let Sent { sent, failed, unsent, seconds, per_second, .. } = sent;
    let refused = if *failed > 0 { format!(", {failed} refused") } else { String::new() };
    let untried = if *unsent > 0 { format!(", {unsent} not tried") } else { String::new() };
    format!("Sent {} in {seconds:.2} s ({per_second:.0} msg/s){refused}{untried}", counted(*sent, "message"))
}
