//! The idempotent half of every resource: look first, then do only what is missing, and never touch what is foreign.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    error::{Error, Kind, Result},
    plan::{Difference, Observed, ResourceId, Scope},
    ports::Resource,
    stack::{STACK_TAG, StackName},
};

/// What is particular to one kind of resource; [`Resource`] follows from it.
#[async_trait]
pub trait Managed: Send + Sync {
    /// Its kind and name.
    fn id(&self) -> ResourceId;
    /// Whose it is.
    fn scope(&self) -> Scope {
        Scope::Stack
    }
    /// How long setup may wait for it, where that is longer than for others.
    fn patience(&self) -> Option<Duration> {
        None
    }
    /// The commands that `create` replaces.
    fn replaces(&self) -> Vec<String>;
    /// Looks. Changes nothing.
    async fn look(&self) -> Result<Observed>;
    /// Makes it; it was absent a moment ago.
    async fn create(&self) -> Result<()>;
    /// Repairs `differences`.
    async fn repair(&self, differences: &[Difference]) -> Result<()>;
    /// Removes it; it was there, and ours, a moment ago.
    async fn remove(&self) -> Result<()>;
}

#[async_trait]
impl<T: Managed> Resource for T {
    fn id(&self) -> ResourceId {
        Managed::id(self)
    }

    fn scope(&self) -> Scope {
        Managed::scope(self)
    }

    fn patience(&self) -> Option<Duration> {
        Managed::patience(self)
    }

    fn replaces(&self) -> Vec<String> {
        Managed::replaces(self)
    }

    async fn observe(&self) -> Result<Observed> {
        self.look().await
    }

    async fn apply(&self) -> Result<()> {
        let done = match self.look().await? {
            Observed::Ready => return Ok(()),
            Observed::Foreign { .. } if Managed::scope(self).is_common() => return Ok(()),
            Observed::Borrowed { differences, .. } if differences.is_empty() => return Ok(()),
            Observed::Foreign { why } => return Err(is_foreign(&Managed::id(self), &why)),
            Observed::Absent => self.create().await,
            // Whoever carries out a plan has asked first.
            Observed::Drifted { differences } | Observed::Borrowed { differences, .. } => self.repair(&differences).await,
            Observed::Refused { why, hint } => {
                return Err(Error::failed(format!("{} cannot be made", Managed::id(self)), why).hint(hint));
            }
        };
        match done {
            Ok(()) => Ok(()),
            // Another process, or a first try whose answer was lost, may have done it.
            Err(error) => match self.look().await {
                Ok(Observed::Ready) => Ok(()),
                Ok(Observed::Foreign { .. }) if Managed::scope(self).is_common() => Ok(()),
                _ => Err(error),
            },
        }
    }

    async fn delete(&self) -> Result<()> {
        match self.look().await? {
            Observed::Absent | Observed::Refused { .. } => Ok(()),
            Observed::Foreign { why } | Observed::Borrowed { why, .. } => Err(is_foreign(&Managed::id(self), &why)),
            Observed::Ready | Observed::Drifted { .. } => match self.remove().await {
                Err(error) if error.kind != Kind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

fn is_foreign(id: &ResourceId, why: &str) -> Error {
    Error::new(Kind::Foreign, format!("{id} was left alone"), why)
}

/// What shows that an object whose stack tag is `tag` is not `stack`'s; `None` when it is.
#[must_use]
pub fn not_ours(stack: &StackName, tag: Option<&str>) -> Option<Observed> {
    let why = match tag {
        Some(owner) if owner == stack.as_str() => return None,
        Some(owner) => format!("it belongs to the stack `{owner}`"),
        None => format!("it has no tag {STACK_TAG}"),
    };
    Some(Observed::Foreign { why })
}

/// `Ready`, or `Drifted` when there are differences.
#[must_use]
pub fn drifted(differences: Vec<Difference>) -> Observed {
    if differences.is_empty() { Observed::Ready } else { Observed::Drifted { differences } }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Something that another process makes at the very moment at which this one tries to.
    struct Raced {
        scope: Scope,
        seen: Observed,
        made: AtomicBool,
    }

    #[async_trait]
    impl Managed for Raced {
        fn id(&self) -> ResourceId {
            ResourceId::new("thing", "raced")
        }

        fn scope(&self) -> Scope {
            self.scope
        }

        fn replaces(&self) -> Vec<String> {
            Vec::new()
        }

        async fn look(&self) -> Result<Observed> {
            Ok(if self.made.load(Ordering::SeqCst) { self.seen.clone() } else { Observed::Absent })
        }

        async fn create(&self) -> Result<()> {
            self.made.store(true, Ordering::SeqCst);
            Err(Error::failed("could not create it", "it exists already"))
        }

        async fn repair(&self, _differences: &[Difference]) -> Result<()> {
            Ok(())
        }

        async fn remove(&self) -> Result<()> {
            Err(Error::new(Kind::NotFound, "could not delete it", "it is gone"))
        }
    }

    fn raced(scope: Scope, seen: Observed) -> Raced {
        Raced { scope, seen, made: AtomicBool::new(false) }
    }

    #[tokio::test]
    async fn who_loses_the_race_to_make_it_is_content_with_what_the_other_made() {
        let foreign = || Observed::Foreign { why: "another stack's".into() };
        raced(Scope::Stack, Observed::Ready).apply().await.expect("it is as wanted");
        raced(Scope::Shared, foreign()).apply().await.expect("what is shared serves as it is");
        let error = raced(Scope::Stack, foreign()).apply().await.expect_err("not ours");
        assert_eq!(error.why, "it exists already");
    }

    #[tokio::test]
    async fn who_loses_the_race_to_remove_it_is_content() {
        let thing = raced(Scope::Stack, Observed::Ready);
        thing.made.store(true, Ordering::SeqCst);
        thing.delete().await.expect("gone is gone");
    }
}
