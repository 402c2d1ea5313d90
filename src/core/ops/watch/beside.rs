//! What goes on beside a watch of replicas: they are looked after, and what they log goes into the journal.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use tokio::time::sleep;

use crate::core::{
    error::Result,
    event::{Reporter, What},
    log,
    ports::{ScaleTarget, Workloads},
};

/// Watches by `watching`; beside it looks after all replicas, as a cluster's own controllers do, and tells what those of `target`, which
/// may become another, log or write into the journal. A fault of that is a warning, said once.
///
/// # Errors
/// Those of `watching`.
pub(super) async fn beside<T>(
    workloads: &dyn Workloads,
    target: &Mutex<ScaleTarget>,
    (refresh, reporter): (Duration, &dyn Reporter),
    watching: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut attendance = Attendance { workloads, reporter, followed: BTreeSet::new(), logs: SelectAll::new(), said: None };
    // One that never yields anything, so that the set is never empty.
    attendance.logs.push(stream::pending().boxed());
    tokio::select! {
        biased;
        outcome = watching => outcome,
        outcome = attendance.attend(target, refresh) => outcome,
    }
}

struct Attendance<'a> {
    workloads: &'a dyn Workloads,
    reporter: &'a dyn Reporter,
    followed: BTreeSet<String>,
    logs: SelectAll<BoxStream<'static, (String, Result<String>)>>,
    said: Option<String>,
}

impl Attendance<'_> {
    /// Goes on without an end.
    async fn attend<T>(&mut self, target: &Mutex<ScaleTarget>, refresh: Duration) -> T {
        loop {
            let target = target.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let outcome = self.look(&target).await;
            self.note(outcome);
            self.listen(refresh).await;
        }
    }

    /// Looks after all, tells what they wrote, and takes up the logs of those that are new.
    async fn look(&mut self, target: &ScaleTarget) -> Result<()> {
        for event in self.workloads.news().await? {
            if log::consumer(&event.what).is_some() {
                self.reporter.relay(&event);
            }
        }
        self.workloads.keep().await?;
        for replica in self.workloads.replicas(target).await? {
            if self.followed.insert(replica.name.clone()) {
                let name = replica.name;
                self.logs.push(self.workloads.lines(&name).map(move |line| (name.clone(), line)).boxed());
            }
        }
        Ok(())
    }

    /// Tells what is logged, for as long as `time`.
    async fn listen(&mut self, time: Duration) {
        let over = sleep(time);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                Some((replica, line)) = self.logs.next() => match line {
                    Ok(line) => {
                        if let Some(event) = log::event(&line, &replica) {
                            self.reporter.report(&event);
                        }
                    }
                    Err(error) => self.note(Err(error)),
                },
            }
        }
    }

    fn note(&mut self, outcome: Result<()>) {
        let Err(error) = outcome else { return };
        let message = error.to_string();
        if self.said.as_ref() != Some(&message) {
            self.reporter.tell(What::Warning { message: message.clone() });
            self.said = Some(message);
        }
    }
}
