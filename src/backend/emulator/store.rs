//! The SQLite file behind the embedded services: WAL, durable, safe for many processes at once.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::ServiceError;
use crate::core::error::{Error, Kind, Result};

/// Version of the tables, kept in `PRAGMA user_version`.
const VERSION: i64 = 1;

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
    pub fn open(path: &Path) -> Result<Self> {
        let fault = |error: rusqlite::Error| Error::new(Kind::State, format!("could not open `{}`", path.display()), error.to_string());
        let connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(fault)?;
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;").map_err(fault)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
        if version > VERSION {
            return Err(Error::new(
                Kind::State,
                format!("could not open `{}`", path.display()),
                format!("it was written by a newer kedactl (format {version}, this one knows {VERSION})"),
            )
            .hint("use the newer kedactl, or another `--state-dir`"));
        }
        if version < VERSION {
            connection.execute_batch(super::sqs::SCHEMA).map_err(fault)?;
            connection.execute_batch(super::iam::SCHEMA).map_err(fault)?;
            connection.execute_batch(super::eks::SCHEMA).map_err(fault)?;
            connection.execute_batch(&format!("PRAGMA user_version={VERSION}")).map_err(fault)?;
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
    pub async fn read<T, F>(&self, look: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ServiceError> + Send + 'static,
    {
        let inner = self.inner.clone();
        blocking(move || look(&*inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner))).await
    }

    /// Runs `change` in one immediate transaction, committed durably before this returns; rolled back on an error.
    ///
    /// # Errors
    /// Whatever `change` returns, and faults of the file.
    pub async fn write<T, F>(&self, change: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, ServiceError> + Send + 'static,
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ServiceError::new("InternalFailure", error.to_string()).status(500)),
    }
}
