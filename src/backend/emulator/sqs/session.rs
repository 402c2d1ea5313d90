//! What an action may touch while it runs: one transaction, one caller, one moment.

use std::sync::Arc;

use rusqlite::Connection;

use super::{error, move_task, queue::Queue};
use crate::{
    backend::emulator::{ACCOUNT, Emulator, NameReuse, error::ServiceError, iam, request::Call},
    core::stack::Place,
};

/// One action under way.
pub(super) struct Session<'a> {
    /// The transaction or snapshot.
    pub(super) connection: &'a Connection,
    /// The request.
    pub(super) call: &'a Call,
    /// The time, in milliseconds since 1970.
    pub(super) now: i64,
    /// Whether a deleted queue's name is free at once.
    pub(super) reuse: NameReuse,
}

impl Session<'_> {
    /// The queue at `url`, if the caller may do `action` (`sqs:SendMessage`) on it.
    ///
    /// A bare name is taken as a queue of the caller's account, as AWS does.
    pub(super) fn open(&self, url: Option<&str>, action: &str) -> Result<Queue, ServiceError> {
        let url = match url {
            Some(url) if !url.is_empty() => url,
            _ if self.call.path.matches('/').count() >= 2 => &self.call.path,
            _ => return Err(error::missing("QueueUrl")),
        };
        let (account, name) = split(url)?;
        self.authorize(action, name)?;
        if account.is_some_and(|account| account != ACCOUNT) {
            return Err(error::no_such_queue());
        }
        Queue::find(self.connection, &self.call.region, name)?.ok_or_else(error::no_such_queue)
    }

    /// Whether the caller may do `action` on the queue called `name`; `*` stands for all.
    pub(super) fn authorize(&self, action: &str, name: &str) -> Result<(), ServiceError> {
        iam::authorize_at(self.connection, self.call, self.now / 1000, action, &self.arn(name))
    }

    /// The caller's id, as receivers see it: `AROA..:SESSION` for a role's session, `AIDA..` for a user, else the account.
    pub(super) fn sender(&self) -> Result<String, ServiceError> {
        let caller = iam::authenticate(self.connection, self.call, self.now / 1000)?;
        Ok(caller.user_id(&Place::new(&self.call.region, ACCOUNT)))
    }

    /// ARN of the queue called `name` in the caller's region.
    pub(super) fn arn(&self, name: &str) -> String {
        Place::new(&self.call.region, ACCOUNT).queue_arn(name)
    }

    /// URL of the queue called `name`, under the origin that the client used.
    pub(super) fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.call.origin)
    }
}

/// Account and name at the end of a queue URL, or a bare name.
fn split(url: &str) -> Result<(Option<&str>, &str), ServiceError> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    let mut parts = path.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(name), account) if !name.is_empty() => Ok((account.filter(|account| !account.is_empty()), name)),
        _ => Err(error::invalid_address(url)),
    }
}

/// Runs `action` in a transaction of its own, after the move tasks that are due.
pub(super) async fn change<T, F>(emulator: &Emulator, call: &Arc<Call>, action: F) -> Result<T, ServiceError>
where
    T: Send + 'static,
    F: FnOnce(&Session<'_>) -> Result<T, ServiceError> + Send + 'static,
{
    let (call, clock, reuse) = (call.clone(), emulator.clock.clone(), emulator.reuse);
    emulator
        .store
        .write(move |transaction| {
            let now = clock.now_ms();
            move_task::advance(transaction, now)?;
            action(&Session { connection: transaction, call: &call, now, reuse })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_by_url_path_or_bare_name() {
        assert_eq!(split("http://127.0.0.1:4566/123456789012/q").expect("url"), (Some("123456789012"), "q"));
        assert_eq!(split("/123456789012/q/").expect("path"), (Some("123456789012"), "q"));
        assert_eq!(split("q").expect("name"), (None, "q"));
        assert!(split("http://").is_err());
    }
}
