//! The shards of a table's stream: one is open, and every four hours the next one takes over.

use sha2::{Digest, Sha256};

/// How long a shard takes records, and how long it is kept when it is closed, in milliseconds.
const LIFE: i64 = 4 * 3_600_000;
pub(super) const KEPT: i64 = 24 * 3_600_000;
/// Sequence numbers of one millisecond.
const STEPS: i128 = 100_000_000;

/// One shard, and when it was open, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) index: i64,
    pub(super) opened: i64,
    pub(super) closed: Option<i64>,
}

/// When a stream was begun, and ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) created: i64,
    pub(super) disabled: Option<i64>,
}

impl Span {
    /// The shards that are still there at `now`, oldest first.
    pub(super) fn shards(self, now: i64) -> Vec<Shard> {
        let end = self.disabled.unwrap_or(now).max(self.created);
        let last = (end - self.created) / LIFE;
        let first = ((now - KEPT - self.created) / LIFE).clamp(0, last);
        let shards = (first..=last).map(|index| {
            let opened = self.created + index * LIFE;
            Shard { index, opened, closed: if index < last { Some(opened + LIFE) } else { self.disabled } }
        });
        shards.filter(|shard| shard.closed.is_none_or(|closed| closed > now - KEPT)).collect()
    }
}

impl Shard {
    /// `shardId-00000001800000000000-0a1b2c3d`, of the stream with this label.
    pub(super) fn id(self, label: &str) -> String {
        id(self.index, self.opened, label)
    }

    /// The id of the shard before, which may be gone.
    pub(super) fn parent(self, label: &str) -> Option<String> {
        (self.index > 0).then(|| id(self.index - 1, self.opened - LIFE, label))
    }

    /// The first sequence number, and the last one of a closed shard.
    pub(super) fn sequences(self) -> (String, Option<String>) {
        let last = self.closed.map(|closed| sequence(i128::from(closed) * STEPS - 1));
        (first_sequence(self.opened), last)
    }
}

fn id(index: i64, opened: i64, label: &str) -> String {
    let digest = Sha256::digest(format!("{label}/{index}"));
    format!("shardId-{opened:020}-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
}

/// The first sequence number of a millisecond; 21 digits, so that they sort as text.
pub(super) fn first_sequence(at: i64) -> String {
    sequence(i128::from(at) * STEPS)
}

/// The sequence number behind `last`.
pub(super) fn next_sequence(last: &str) -> String {
    sequence(last.parse::<i128>().unwrap_or_default() + 1)
}

fn sequence(number: i128) -> String {
    format!("{number:021}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_800_000_000_000;

    fn open(created: i64, disabled: Option<i64>, now: i64) -> Vec<Shard> {
        Span { created, disabled }.shards(now)
    }

    #[test]
    fn a_new_stream_has_one_open_shard() {
        assert_eq!(open(NOON, None, NOON), [Shard { index: 0, opened: NOON, closed: None }]);
    }

    #[test]
    fn shards_roll_every_four_hours_and_are_kept_for_a_day() {
        assert_eq!(open(NOON, None, NOON + LIFE - 1).len(), 1);
        assert_eq!(open(NOON, None, NOON + LIFE).len(), 2);
        assert_eq!(open(NOON, None, NOON + 6 * LIFE).len(), 7);
        assert_eq!(open(NOON, None, NOON + 600 * LIFE + 1).len(), 7);
    }

    #[test]
    fn a_stopped_stream_has_no_open_shard_and_then_none() {
        let stopped = open(NOON, Some(NOON + LIFE / 2), NOON + LIFE);
        assert_eq!(stopped, [Shard { index: 0, opened: NOON, closed: Some(NOON + LIFE / 2) }]);
        assert!(open(NOON, Some(NOON + 1), NOON + 1 + KEPT).is_empty());
    }

    proptest! {
        #[test]
        fn each_shard_begins_where_the_one_before_ends(age in 0i64..400 * LIFE, label in "[a-z]{1,8}") {
            let shards = open(NOON, None, NOON + age);
            prop_assert!((1..=7).contains(&shards.len()));
            prop_assert_eq!(shards.iter().filter(|shard| shard.closed.is_none()).count(), 1);
            for pair in shards.windows(2) {
                prop_assert_eq!(pair[0].closed, Some(pair[1].opened));
                prop_assert_eq!(Some(pair[0].id(&label)), pair[1].parent(&label));
                let (_, last) = pair[0].sequences();
                let (first, _) = pair[1].sequences();
                prop_assert_eq!(last.map(|last| next_sequence(&last)), Some(first));
            }
        }
    }
}
