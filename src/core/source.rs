//! What a trigger watches, as it is to be made.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::table::TableShape;

/// Something that a trigger reads, with what must be known to make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// A queue of SQS.
    Queue {
        /// Its name.
        name: String,
    },
    /// A stream of Kinesis.
    Stream {
        /// Its name.
        name: String,
        /// Shards that it begins with.
        shards: i32,
    },
    /// A table of DynamoDB.
    Table {
        /// Its name.
        name: String,
        /// Its keys, its indexes, and whether its changes are a stream.
        shape: TableShape,
    },
}

impl Source {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Queue { name } | Self::Stream { name, .. } | Self::Table { name, .. } => name,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { name } => write!(f, "queue {name}"),
            Self::Stream { name, .. } => write!(f, "stream {name}"),
            Self::Table { name, .. } => write!(f, "table {name}"),
        }
    }
}
