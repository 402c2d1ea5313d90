//! The verdicts of a report, and their exit codes.

use serde::Serialize;

use super::{Evidence, Fate, Keeps, Lineage, Totals, Witness};

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
    /// Nothing speaks against it, but not every message can be accounted for.
    Unproven,
}

impl Verdict {
    /// Every verdict, in the order of their exit codes.
    pub const ALL: [Self; 8] =
        [Self::Proven, Self::Lost, Self::Duplicated, Self::Unfinished, Self::Miscounted, Self::DeadLettered, Self::Empty, Self::Unproven];

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
            Self::Unproven => 16,
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
            Self::Unproven => "unproven",
        }
    }

    /// The gravest verdict that `totals` and `messages` allow, and why.
    pub(super) fn judge(totals: &Totals, messages: &[Lineage], evidence: &Evidence) -> (Self, String) {
        let unproven = |message: &&Lineage| message.fate == Fate::Miscounted || (message.fate == Fate::Worked && message.counted != 1);
        let miscounted = messages.iter().filter(unproven).count();
        let inferred = messages.iter().filter(|message| message.fate == Fate::Worked).count();
        let of = |count: u64, what: &str| format!("{count} of {} {what}", plural(totals.sent + totals.strangers));
        if messages.is_empty() && totals.unconfirmed == 0 {
            return (Self::Empty, "no message was sent".to_owned());
        }
        // A message that no record shows was lost only if no record is missing.
        if totals.lost > 0 && evidence.witness == Witness::Logs && (totals.silent > 0 || totals.jobs == 0) {
            let gone = of(totals.lost, "in no queue, and in no record of a job");
            return (Self::Unproven, format!("{gone}; {} of {} jobs left no record", totals.silent, totals.jobs));
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
        if evidence.keeps == Keeps::Numbers && (miscounted > 0 || totals.anonymous < totals.counted) {
            let counts = format!("the analyzer shows {} counts and keeps no message ids", totals.anonymous);
            return (Self::Unproven, format!("{}; {counts}", of(totals.counted, "counted, by their consumers' word")));
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
