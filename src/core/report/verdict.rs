//! The verdicts of a report, and their exit codes.

use serde::Serialize;

use super::{Fate, Lineage, Totals};

/// What the evidence proves. The gravest one that applies is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every message was sent, received, worked on, deleted and counted exactly once.
    Proven,
    /// A message is in no queue and was never worked on.
    Lost,
    /// A message was worked on more than once.
    Duplicated,
    /// Messages wait, or are being worked on.
    Unfinished,
    /// A message was processed, and not counted exactly once.
    Miscounted,
    /// Messages ended in the dead-letter queue.
    DeadLettered,
    /// No message was ever sent.
    Empty,
}

impl Verdict {
    /// Every verdict, in the order of their exit codes.
    pub const ALL: [Self; 7] =
        [Self::Proven, Self::Lost, Self::Duplicated, Self::Unfinished, Self::Miscounted, Self::DeadLettered, Self::Empty];

    /// The exit code of `kedactl report`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Proven => 0,
            Self::Lost => 10,
            Self::Duplicated => 11,
            Self::Unfinished => 12,
            Self::Miscounted => 13,
            Self::DeadLettered => 14,
            Self::Empty => 15,
        }
    }

    /// The verdict in one word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Unfinished => "unfinished",
            Self::Miscounted => "miscounted",
            Self::DeadLettered => "dead-lettered",
            Self::Empty => "empty",
        }
    }

    /// The gravest verdict that `totals` and `messages` allow, and why.
    pub(super) fn judge(totals: &Totals, messages: &[Lineage]) -> (Self, String) {
        let unproven = |message: &&Lineage| message.fate == Fate::Miscounted || (message.fate == Fate::Worked && message.counted != 1);
        let miscounted = messages.iter().filter(unproven).count();
        let inferred = messages.iter().filter(|message| message.fate == Fate::Worked).count();
        let of = |count: u64, what: &str| format!("{count} of {} {what}", plural(totals.sent + totals.strangers));
        if messages.is_empty() && totals.unconfirmed == 0 {
            return (Self::Empty, "no message was sent".to_owned());
        }
        if totals.lost > 0 {
            return (Self::Lost, of(totals.lost, "in no queue and never worked on"));
        }
        if totals.duplicated > 0 {
            return (Self::Duplicated, of(totals.duplicated, "worked on more than once"));
        }
        if totals.dead_lettered > 0 {
            return (Self::DeadLettered, of(totals.dead_lettered, "in the dead-letter queue"));
        }
        if totals.unfinished > 0 {
            return (Self::Unfinished, of(totals.unfinished, "not processed yet"));
        }
        if miscounted > 0 {
            return (Self::Miscounted, of(miscounted.try_into().unwrap_or(u64::MAX), "not counted exactly once"));
        }
        let proven = format!("{} sent, received, deleted and counted exactly once", plural(totals.sent + totals.strangers));
        match inferred {
            0 => (Self::Proven, proven),
            _ => (Self::Proven, format!("{proven} ({inferred} deleted by a consumer that was killed before it could write that down)")),
        }
    }
}

fn plural(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}
