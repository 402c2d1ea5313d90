//! Shards: which keys each one takes, whether it is open, and the sequence numbers in it.

use md5::{Digest, Md5};
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::{not_found, stream::Stream};
use crate::backend::emulator::{
    ACCOUNT,
    constraints::{Constraints, Name},
    error::ServiceError,
};

/// What a shard's id may look like.
pub(super) const ID: Name =
    Name { length: (1, 128), allowed: |c| c.is_ascii_alphanumeric() || "_.-".contains(c), pattern: "[a-zA-Z0-9_.-]+" };

/// The keys that a shard takes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashRange {
    pub(super) low: u128,
    pub(super) high: u128,
}

impl HashRange {
    /// All keys, cut into `count` ranges of the same length; the last takes what is over.
    pub(super) fn uniform(count: u32) -> Vec<Self> {
        let width = u128::MAX / u128::from(count.max(1)) + u128::from(count.is_power_of_two() && count > 1);
        let last = count.max(1) - 1;
        let high = |n: u32| if n == last { u128::MAX } else { width * u128::from(n + 1) - 1 };
        (0..=last).map(|n| Self { low: width * u128::from(n), high: high(n) }).collect()
    }

    pub(super) fn contains(&self, key: u128) -> bool {
        (self.low..=self.high).contains(&key)
    }
}

/// The hash key of a partition key: its MD5, as a number.
pub(super) fn hash(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// Notes that `key` is not written as hash keys are.
pub(super) fn written_as_key(constraints: Constraints, key: &str, field: &str) -> Constraints {
    let matches = key == "0" || (key.len() <= 39 && !key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    constraints.like(key, field, "0|([1-9]\\d{0,38})", matches)
}

/// One shard.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) number: i64,
    pub(super) range: HashRange,
    parent: Option<i64>,
    adjacent: Option<i64>,
    opening: i64,
    pub(super) ending: Option<i64>,
    pub(super) created: i64,
    pub(super) closed: Option<i64>,
}

/// `shardId-000000000007`.
pub(super) fn id(number: i64) -> String {
    format!("shardId-{number:012}")
}

/// The number in a shard's id.
pub(super) fn number(id: &str) -> Option<i64> {
    let digits = id.strip_prefix("shardId-")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl Shard {
    const COLUMNS: &'static str = "number, low, high, parent, adjacent, opening, ending, created, closed";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let key = |index: usize| Ok::<_, rusqlite::Error>(u128::from_be_bytes(row.get(index)?));
        Ok(Self {
            number: row.get(0)?,
            range: HashRange { low: key(1)?, high: key(2)? },
            parent: row.get(3)?,
            adjacent: row.get(4)?,
            opening: row.get(5)?,
            ending: row.get(6)?,
            created: row.get(7)?,
            closed: row.get(8)?,
        })
    }

    /// All shards of `stream` that may still have records at `now`: the closed ones go when their last record is trimmed.
    pub(super) fn all(connection: &Connection, stream: &Stream, now: i64) -> Result<Vec<Self>, ServiceError> {
        let sql =
            format!("SELECT {} FROM kinesis_shard WHERE stream = ?1 AND (closed IS NULL OR closed > ?2) ORDER BY number", Self::COLUMNS);
        let mut query = connection.prepare_cached(&sql)?;
        let rows = query.query_map((stream.id, stream.horizon(now)), Self::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The open shards of `stream`, in the order of their keys.
    pub(super) fn open(connection: &Connection, stream: &Stream) -> Result<Vec<Self>, ServiceError> {
        let sql = format!("SELECT {} FROM kinesis_shard WHERE stream = ?1 AND closed IS NULL ORDER BY low", Self::COLUMNS);
        let mut query = connection.prepare_cached(&sql)?;
        let rows = query.query_map([stream.id], Self::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The shard with this id, if it is still there at `now`.
    pub(super) fn look(connection: &Connection, stream: &Stream, id: &str, now: i64) -> Result<Option<Self>, ServiceError> {
        let shards = Self::all(connection, stream, now)?;
        Ok(number(id).and_then(|number| shards.into_iter().find(|shard| shard.number == number)))
    }

    /// The same, which must be there.
    pub(super) fn find(connection: &Connection, stream: &Stream, id: &str, now: i64) -> Result<Self, ServiceError> {
        let found = Self::look(connection, stream, id, now)?;
        found.ok_or_else(|| not_found(format!("Shard {id} in stream {} under account {ACCOUNT} does not exist", stream.name)))
    }

    /// Opens a shard for `range`; its parents are the shards that it takes over from.
    pub(super) fn add(
        connection: &Connection,
        stream: &mut Stream,
        range: HashRange,
        (parent, adjacent): (Option<i64>, Option<i64>),
        now: i64,
    ) -> Result<(), ServiceError> {
        let opening = stream.advance();
        let sql = "INSERT INTO kinesis_shard (stream, number, low, high, parent, adjacent, opening, created)
                   SELECT ?1, coalesce((SELECT max(number) + 1 FROM kinesis_shard WHERE stream = ?1), 0), ?2, ?3, ?4, ?5, ?6, ?7";
        let (low, high) = (range.low.to_be_bytes(), range.high.to_be_bytes());
        connection.prepare_cached(sql)?.execute(params![stream.id, low, high, parent, adjacent, opening, now])?;
        Ok(())
    }

    /// Closes the shard: it takes no more records, and keeps those that it has.
    pub(super) fn close(&self, connection: &Connection, stream: &mut Stream, now: i64) -> Result<(), ServiceError> {
        let ending = stream.advance();
        connection
            .prepare_cached("UPDATE kinesis_shard SET ending = ?3, closed = ?4 WHERE stream = ?1 AND number = ?2")?
            .execute(params![stream.id, self.number, ending, now])?;
        Ok(())
    }

    /// As the API writes it.
    pub(super) fn to_value(&self, stream: &Stream) -> Value {
        let mut sequences = json!({ "StartingSequenceNumber": stream.sequence(self.opening, self.number) });
        if let Some(ending) = self.ending {
            sequences["EndingSequenceNumber"] = stream.sequence(ending, self.number).into();
        }
        let mut value = json!({
            "ShardId": id(self.number),
            "HashKeyRange": { "StartingHashKey": self.range.low.to_string(), "EndingHashKey": self.range.high.to_string() },
            "SequenceNumberRange": sequences,
        });
        for (name, parent) in [("ParentShardId", self.parent), ("AdjacentParentShardId", self.adjacent)] {
            if let Some(parent) = parent {
                value[name] = id(parent).into();
            }
        }
        value
    }

    /// Whether this shard took over from `parent`.
    pub(super) fn is_child_of(&self, parent: &Self) -> bool {
        [self.parent, self.adjacent].contains(&Some(parent.number))
    }

    /// The parents, as the API lists them beside a child.
    pub(super) fn parents(&self) -> Vec<String> {
        [self.parent, self.adjacent].into_iter().flatten().map(id).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_shards_have_the_ranges_that_aws_gives_them() {
        let lows: Vec<String> = HashRange::uniform(4).iter().map(|range| range.low.to_string()).collect();
        let wanted = ["0", "85070591730234615865843651857942052864", "170141183460469231731687303715884105728"];
        assert_eq!(lows[..3], wanted);
        assert_eq!(HashRange::uniform(1), [HashRange { low: 0, high: u128::MAX }]);
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is() {
        assert_eq!(number(&id(7)), Some(7));
        assert_eq!((number("shardId-"), number("shardId--7"), number("7")), (None, None, None));
    }

    proptest! {
        #[test]
        fn ranges_leave_no_key_out_and_share_none(count in 1u32..3000, key: u128) {
            let ranges = HashRange::uniform(count);
            prop_assert_eq!(ranges.len(), count as usize);
            prop_assert_eq!((ranges[0].low, ranges[ranges.len() - 1].high), (0, u128::MAX));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].high.checked_add(1) == Some(pair[1].low)));
            prop_assert_eq!(ranges.iter().filter(|range| range.contains(key)).count(), 1);
        }
    }
}
