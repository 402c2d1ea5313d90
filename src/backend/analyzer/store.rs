//! The counts in one SQLite file.

use std::{collections::HashMap, path::Path};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::CountKind;
use crate::{
    backend::{
        files,
        store::{Schema, Store},
    },
    core::{
        error::{Error, Kind, Result},
        ports::CountRecord,
    },
};

const SCHEMA: Schema = Schema {
    version: 1,
    tables: &["CREATE TABLE counts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        message_id TEXT,
        job TEXT,
        at INTEGER NOT NULL,
        once TEXT UNIQUE
    ) STRICT;"],
    upgrades: &[],
};

/// The counts of one stack.
#[derive(Debug, Clone)]
pub struct AnalyzerStore {
    store: Store,
}

impl AnalyzerStore {
    /// Opens or creates the file at `path`, and its folder.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(dir) = path.parent() {
            files::private_dir(dir)?;
        }
        Ok(Self { store: Store::open(path, SCHEMA)? })
    }

    /// Adds one count. A message is counted once as processed, and once as killed in each job; a count that names no message is
    /// always added.
    ///
    /// # Errors
    /// `State` when the file cannot be written.
    pub async fn add(&self, kind: CountKind, message_id: Option<String>, job: Option<String>, at: Timestamp) -> Result<()> {
        let once = message_id.as_deref().map(|message| match kind {
            CountKind::Processed => format!("{} {message}", kind.word()),
            CountKind::Kill => format!("{} {message} {}", kind.word(), job.as_deref().unwrap_or_default()),
        });
        let added = self.store.write(move |transaction| {
            let insert = "INSERT INTO counts (kind, message_id, job, at, once) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (once) DO NOTHING";
            transaction.execute(insert, params![kind.word(), message_id, job, at.as_microsecond(), once]).map(|_| ())
        });
        added.await.map_err(|error: rusqlite::Error| self.fault("write", &error))
    }

    /// One record for each count, in order.
    ///
    /// # Errors
    /// `State` when the file cannot be read.
    pub async fn records(&self) -> Result<Vec<CountRecord>> {
        self.store.read(all).await.map_err(|error: rusqlite::Error| self.fault("read", &error))
    }

    /// The article's lines: one for each count, with the count so far of its kind.
    ///
    /// # Errors
    /// `State` when the file cannot be read.
    pub async fn lines(&self) -> Result<Vec<String>> {
        Ok(lines(&self.records().await?))
    }

    /// Forgets all counts.
    ///
    /// # Errors
    /// `State` when the file cannot be written.
    pub async fn reset(&self) -> Result<()> {
        let deleted = self.store.write(|transaction| transaction.execute("DELETE FROM counts", []).map(|_| ()));
        deleted.await.map_err(|error: rusqlite::Error| self.fault("write", &error))
    }

    fn fault(&self, verb: &str, error: &rusqlite::Error) -> Error {
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        let why = if full { "the disk is full".to_owned() } else { error.to_string() };
        Error::new(Kind::State, format!("could not {verb} `{}`", self.store.path().display()), why)
    }
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<CountRecord>> {
    let mut statement = connection.prepare_cached("SELECT kind, message_id, job, at FROM counts ORDER BY seq")?;
    let records = statement.query_map([], |row| {
        let at = Timestamp::from_microsecond(row.get(3)?).unwrap_or_default();
        Ok(CountRecord { kind: row.get(0)?, message_id: row.get(1)?, job: row.get(2)?, at })
    })?;
    records.collect()
}

fn lines(records: &[CountRecord]) -> Vec<String> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut lines = Vec::with_capacity(records.len());
    for CountRecord { kind, at, .. } in records {
        let count = counts.entry(kind).or_default();
        *count += 1;
        lines.push(format!("{} - {kind} count {count}", at.strftime("%Y-%m-%d %H:%M:%S")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_running_count() {
        let record = |kind: &str, second| CountRecord {
            kind: kind.into(),
            message_id: None,
            job: None,
            at: Timestamp::from_second(second).expect("in range"),
        };
        let records = [record("processed", 1_768_629_045), record("kill", 1_768_629_046), record("processed", 1_768_629_047)];
        assert_eq!(
            lines(&records),
            ["2026-01-17 05:50:45 - processed count 1", "2026-01-17 05:50:46 - kill count 1", "2026-01-17 05:50:47 - processed count 2"]
        );
    }

    #[tokio::test]
    async fn counts_outlive_the_process_and_a_message_counts_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("stack/analyzer.db");
        let id = |text: &str| Some(text.to_owned());
        let store = AnalyzerStore::open(&path).expect("opened");
        for (kind, message, job) in [
            (CountKind::Processed, id("m1"), id("j1")),
            (CountKind::Processed, id("m1"), id("j2")),
            (CountKind::Kill, id("m1"), id("j1")),
            (CountKind::Kill, id("m1"), id("j2")),
            (CountKind::Kill, id("m1"), id("j2")),
            (CountKind::Processed, None, None),
            (CountKind::Processed, None, None),
        ] {
            store.add(kind, message, job, Timestamp::now()).await.expect("added");
        }
        drop(store);
        let store = AnalyzerStore::open(&path).expect("opened again");
        let kinds: Vec<String> = store.records().await.expect("read").into_iter().map(|record| record.kind).collect();
        assert_eq!(kinds, ["processed", "kill", "kill", "processed", "processed"]);
        store.reset().await.expect("reset");
        assert_eq!(store.lines().await.expect("read"), Vec::<String>::new());
    }
}
