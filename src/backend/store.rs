//! One SQLite file: WAL, durable, private to its owner, safe for many processes at once.

mod place;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::core::error::{Error, Kind, Result};
use writer::Writer;

/// How long a process waits for another one's transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Version of the tables, kept in `PRAGMA user_version`.
    pub version: i64,
    /// The statements that make those of version 1.
    pub tables: &'static [&'static str],
    /// The statements that bring version 1 to 2, 2 to 3, and so on; a new file runs them all.
    pub upgrades: &'static [&'static str],
}

/// The file. Cheap to clone; one process uses one `Store`.
#[derive(Debug, Clone)]
pub struct Store {
    reader: Arc<Mutex<Connection>>,
    writer: Writer,
    path: PathBuf,
}

impl Store {
    /// Opens or creates the file, readable by its owner only; missing folders above it are made the same way.
    ///
    /// # Errors
    /// `State` when the file cannot be opened or written, lies on a network file system, or when a newer version made it.
    pub fn open(path: &Path, schema: Schema) -> Result<Self> {
        let failed = |why: String| Error::new(Kind::State, format!("could not open `{}`", path.display()), why);
        place::prepare(path).map_err(|why| failed(why).hint("pass a `--state-dir` on a local disk that you may write to"))?;
        let fault = |error: rusqlite::Error| failed(error.to_string());
        let mut connection = connect(path).map_err(fault)?;
        let version = migrate(&mut connection, schema).map_err(fault)?;
        if version > schema.version {
            let why = format!("it was written by a newer kedactl (format {version}, this one knows {})", schema.version);
            return Err(failed(why).hint("use the newer kedactl, or another `--state-dir`"));
        }
        let reader = connect(path).map_err(fault)?;
        reader.execute_batch("PRAGMA query_only=ON").map_err(fault)?;
        let writer = Writer::start(connection).map_err(|error| failed(error.to_string()))?;
        Ok(Self { reader: Arc::new(Mutex::new(reader)), writer, path: path.to_owned() })
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `look` on a consistent snapshot. It cannot write.
    ///
    /// # Errors
    /// Whatever `look` returns.
    pub async fn read<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let reader = self.reader.clone();
        let work = move || {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let snapshot = reader.unchecked_transaction()?;
            look(&snapshot)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(value) => value,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Runs `change` in a transaction of its own, on disk before this returns; undone on an error.
    /// Changes that wait at the same time share one commit. Dropping the future before its turn changes nothing.
    ///
    /// # Errors
    /// Whatever `change` returns, and faults of the file.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.writer.write(change).await
    }

    /// A number that differs once any process has changed the file; `None` while a reader is busy. Takes microseconds.
    #[must_use]
    pub fn pulse(&self) -> Option<i64> {
        let reader = self.reader.try_lock().ok()?;
        reader.prepare_cached("PRAGMA data_version").and_then(|mut pulse| pulse.query_row([], |row| row.get(0))).ok()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(128);
    let begun = Instant::now();
    loop {
        // Of many processes that open a new file at once, SQLite refuses some without waiting.
        match connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;")
        {
            Err(error) if is_busy(&error) && begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            done => return done.map(|()| connection),
        }
    }
}

/// Makes the tables where they are missing, or brings older ones up to date; returns the file's version.
fn migrate(connection: &mut Connection, schema: Schema) -> rusqlite::Result<i64> {
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let found = version(connection)?;
    if found >= schema.version {
        return Ok(found);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found >= schema.version {
        return Ok(found);
    }
    let done = usize::try_from(found).unwrap_or_default();
    let tables = if done == 0 { schema.tables } else { &[] };
    for statements in tables.iter().chain(schema.upgrades.get(done.saturating_sub(1)..).unwrap_or_default()) {
        transaction.execute_batch(statements)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version={}", schema.version))?;
    transaction.commit()?;
    Ok(schema.version)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LATER: Schema = Schema { version: 3, upgrades: &["CREATE TABLE u (n)", "INSERT INTO t VALUES (2)"], ..SCHEMA };
    const SCHEMA: Schema = Schema { version: 1, tables: &["CREATE TABLE t (n INTEGER PRIMARY KEY)"], upgrades: &[] };

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("new/folder/file.db"), SCHEMA).expect("opens");
        (dir, store)
    }

    async fn insert(store: &Store, number: i64) -> rusqlite::Result<()> {
        store.write(move |t| t.execute("INSERT INTO t VALUES (?1)", [number]).map(drop)).await
    }

    async fn count(store: &Store) -> i64 {
        store.read(|c| c.query_row("SELECT count(*) FROM t", [], |row| row.get(0))).await.unwrap_or_else(|e: rusqlite::Error| panic!("{e}"))
    }

    #[tokio::test]
    async fn folder_and_file_are_their_owners_alone() {
        let (_dir, store) = store();
        let mode = |path: &Path| std::fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(store.path()), mode(store.path().parent().expect("has one"))), (0o600, 0o700));
    }

    #[tokio::test]
    async fn one_failing_change_of_a_group_takes_no_other_with_it() {
        let (_dir, store) = store();
        let all = futures_util::future::join_all((0..100).map(|n| insert(&store, n / 2))).await;
        assert_eq!(all.iter().filter(|done| done.is_ok()).count(), 50);
        assert_eq!(count(&store).await, 50);
    }

    #[tokio::test]
    async fn a_read_cannot_write() {
        let (_dir, store) = store();
        let refused: rusqlite::Result<usize> = store.read(|c| c.execute("INSERT INTO t VALUES (1)", [])).await;
        assert!(refused.is_err());
    }

    #[tokio::test]
    async fn a_change_by_another_connection_moves_the_pulse() {
        let (_dir, store) = store();
        let before = store.pulse();
        let other = Store::open(store.path(), SCHEMA).expect("opens twice");
        insert(&other, 7).await.expect("inserted");
        assert_ne!(before, store.pulse());
    }

    #[tokio::test]
    async fn a_full_file_fails_its_changes_and_keeps_what_it_had() {
        let (_dir, store) = store();
        insert(&store, 1).await.expect("inserted");
        let full = store
            .write(|t| {
                t.execute_batch("CREATE TABLE fat (body BLOB); PRAGMA max_page_count=10")?;
                t.execute("INSERT INTO fat VALUES (zeroblob(1000000))", []).map(drop)
            })
            .await;
        let error: rusqlite::Error = full.expect_err("ten pages cannot hold it");
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull), "{error}");
        assert_eq!(count(&store).await, 1);
    }

    #[tokio::test]
    async fn an_older_file_is_brought_up_to_date_and_keeps_what_it_had() {
        let (_dir, store) = store();
        insert(&store, 1).await.expect("inserted");
        for _ in 0..2 {
            let later = Store::open(store.path(), LATER).expect("opens");
            assert_eq!(count(&later).await, 2);
        }
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let (_dir, store) = store();
        Connection::open(store.path()).and_then(|c| c.execute_batch("PRAGMA user_version=9")).expect("marked");
        let error = Store::open(store.path(), SCHEMA).expect_err("newer");
        assert_eq!((error.kind, error.why.contains("format 9")), (Kind::State, true));
    }
}
