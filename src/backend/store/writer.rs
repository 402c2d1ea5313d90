//! The one writer of a file: changes that wait while the disk is busy share the next commit.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};
use tokio::sync::oneshot;

/// Most changes in one commit.
const GROUP: usize = 256;

/// How long a group may keep the file's lock before it commits.
const HOLD: Duration = Duration::from_millis(10);

/// How a change ended, or how it panicked.
type Outcome<T, E> = Result<Result<T, E>, Box<dyn Any + Send>>;

/// The way to the writer's thread, which ends with the last of these.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: Sender<Box<dyn Job>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (queue, jobs) = channel();
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || write_all(connection, &jobs))?;
        Ok(Self { queue })
    }

    /// Runs `change` in a transaction; returns once it is on disk, or undone. A caller that stops waiting before its turn changes nothing.
    pub(super) async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Pending { change: Some(change), outcome: None, reply };
        let gone = || E::from(fault(ffi::SQLITE_ABORT, "the writer of the file has ended"));
        self.queue.send(Box::new(job)).map_err(|_| gone())?;
        match answer.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Err(gone()),
        }
    }
}

/// A change whose types the thread need not know.
trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// Does it; true when it is to be kept.
    fn run(&mut self, transaction: &Transaction<'_>) -> bool;
    /// Tells whoever waits. With a fault, nothing was kept.
    fn answer(self: Box<Self>, fault: Option<rusqlite::Error>);
}

struct Pending<T, E, F> {
    change: Option<F>,
    outcome: Option<Outcome<T, E>>,
    reply: oneshot::Sender<Outcome<T, E>>,
}

impl<T, E, F> Job for Pending<T, E, F>
where
    T: Send,
    E: From<rusqlite::Error> + Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        let Some(change) = self.change.take() else { return false };
        let outcome = catch_unwind(AssertUnwindSafe(|| change(transaction)));
        let keep = matches!(outcome, Ok(Ok(_)));
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, fault: Option<rusqlite::Error>) {
        let outcome = match (self.outcome, fault) {
            (Some(Ok(Ok(_))) | None, Some(fault)) => Ok(Err(fault.into())),
            (Some(outcome), _) => outcome,
            (None, None) => return,
        };
        // Nobody may be waiting any more; the change is as it is.
        let _ = self.reply.send(outcome);
    }
}

fn write_all(mut connection: Connection, jobs: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut done = Vec::new();
        let fault = write_group(&mut connection, first, jobs, &mut done).err();
        for job in done {
            job.answer(fault.as_ref().map(copy));
        }
    }
}

/// Runs `first` and what waits behind it in one transaction. What it ran, or failed to begin, is in `done`.
fn write_group(
    connection: &mut Connection,
    first: Box<dyn Job>,
    jobs: &Receiver<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> rusqlite::Result<()> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            done.push(first);
            return Err(error);
        }
    };
    let begun = Instant::now();
    let mut next = Some(first);
    while let Some(mut job) = next {
        if !job.is_abandoned() {
            let ran = run_in_savepoint(&transaction, job.as_mut());
            done.push(job);
            ran?;
        }
        next = if done.len() < GROUP && begun.elapsed() < HOLD { jobs.try_recv().ok() } else { None };
    }
    transaction.commit()
}

/// Keeps or undoes one change without touching the others of its group. An error means that the whole group is lost.
fn run_in_savepoint(transaction: &Transaction<'_>, job: &mut dyn Job) -> rusqlite::Result<()> {
    transaction.prepare_cached("SAVEPOINT change")?.execute([])?;
    let keep = job.run(transaction);
    if transaction.is_autocommit() {
        return Err(fault(ffi::SQLITE_IOERR, "the file could not take the change: the disk may be full or failing"));
    }
    if !keep {
        transaction.prepare_cached("ROLLBACK TO change")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE change")?.execute([])?;
    Ok(())
}

fn fault(code: i32, why: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(why.to_owned()))
}

/// The same fault for one more of those who wait.
fn copy(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, why) => rusqlite::Error::SqliteFailure(*code, why.clone()),
        other => fault(ffi::SQLITE_ERROR, &other.to_string()),
    }
}
