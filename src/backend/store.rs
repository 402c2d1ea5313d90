//! One SQLite file: WAL, durable, private to its owner, safe for many processes at once.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::core::error::{Error, Kind, Result};

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Version of the tables, kept in `PRAGMA user_version`.
    pub version: i64,
    /// The statements that make them.
    pub tables: &'static [&'static str],
}

/// The file. Cheap to clone; one process uses one `Store`.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Mutex<Connection>>,
    path: PathBuf,
}

impl Store {
    /// Opens or creates the file, readable by its owner only.
    ///
    /// # Errors
    /// `State` when the file cannot be opened or written, or when a newer version made it.
    pub fn open(path: &Path, schema: Schema) -> Result<Self> {
        let fault = |error: rusqlite::Error| Error::new(Kind::State, format!("could not open `{}`", path.display()), error.to_string());
        let connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(fault)?;
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;").map_err(fault)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
        if version > schema.version {
            return Err(Error::new(
                Kind::State,
                format!("could not open `{}`", path.display()),
                format!("it was written by a newer kedactl (format {version}, this one knows {})", schema.version),
            )
            .hint("use the newer kedactl, or another `--state-dir`"));
        }
        if version < schema.version {
            for tables in schema.tables {
                connection.execute_batch(tables).map_err(fault)?;
            }
            connection.execute_batch(&format!("PRAGMA user_version={}", schema.version)).map_err(fault)?;
        }
        Ok(Self { inner: Arc::new(Mutex::new(connection)), path: path.to_owned() })
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `look` on a consistent snapshot. It must not write.
    ///
    /// # Errors
    /// Whatever `look` returns.
    pub async fn read<T, E, F>(&self, look: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let inner = self.inner.clone();
        blocking(move || look(&*inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner))).await
    }

    /// Runs `change` in one immediate transaction, committed durably before this returns; rolled back on an error.
    ///
    /// # Errors
    /// Whatever `change` returns, and faults of the file.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let inner = self.inner.clone();
        blocking(move || {
            let mut connection = inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
