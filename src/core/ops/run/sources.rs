//! What a run makes so that its triggers can be read, and removes at its end: only what it made itself.

use serde::Serialize;

use crate::core::{
    error::{Error, Result},
    event::{Reporter, What},
    plan::{Action, Observed, ResourceId},
    ports::Resource,
};

/// One thing that the triggers need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// Its kind and name.
    #[serde(flatten)]
    pub id: ResourceId,
    /// How it came to be there.
    pub state: State,
}

/// How something came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// This run made it.
    Created,
    /// An earlier run made it and was told to keep it.
    Kept,
    /// Somebody else made it: it is used as it is.
    Existing,
}

impl State {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Kept => "kept from before",
            Self::Existing => "was there",
        }
    }
}

/// Makes what is absent of `resources`, in order. What is not ours is left as it is.
///
/// # Errors
/// The first fault; what was made before it is removed again.
pub async fn prepare(resources: &[Box<dyn Resource>], reporter: &dyn Reporter) -> Result<Vec<Prepared>> {
    let mut prepared = Vec::new();
    for resource in resources {
        match prepare_one(resource.as_ref(), reporter).await {
            Ok(state) => prepared.push(Prepared { id: resource.id(), state }),
            Err(error) => {
                let left = remove(resources, &prepared, reporter).await;
                return Err(match left.first() {
                    Some(other) => Error { why: format!("{}; and what was made before could not be removed: {other}", error.why), ..error },
                    None => error,
                });
            }
        }
    }
    Ok(prepared)
}

async fn prepare_one(resource: &dyn Resource, reporter: &dyn Reporter) -> Result<State> {
    Ok(match resource.observe().await? {
        Observed::Absent => {
            resource.apply().await?;
            reporter.tell(What::StepDone { resource: resource.id().to_string(), action: Action::Create.word().to_owned() });
            State::Created
        }
        Observed::Ready => State::Kept,
        Observed::Drifted { .. } => {
            resource.apply().await?;
            State::Kept
        }
        Observed::Foreign { .. } | Observed::Borrowed { .. } => State::Existing,
        Observed::Refused { why, hint } => return Err(Error::failed(format!("{} cannot be made", resource.id()), why).hint(hint)),
    })
}

/// Removes what of `prepared`, which was made of `resources`, this run created; the last first. Gives what went wrong.
pub async fn remove(resources: &[Box<dyn Resource>], prepared: &[Prepared], reporter: &dyn Reporter) -> Vec<Error> {
    let mut faults = Vec::new();
    for (resource, _) in resources.iter().zip(prepared).rev().filter(|(_, one)| one.state == State::Created) {
        match resource.delete().await {
            Ok(()) => reporter.tell(What::StepDone { resource: resource.id().to_string(), action: Action::Delete.word().to_owned() }),
            Err(error) => faults.push(error),
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::core::event::Fanout;

    type World = Arc<Mutex<Vec<String>>>;

    /// Something that is there when the world has its name; `foreign` ones are, and are nobody's.
    struct Thing {
        name: &'static str,
        world: World,
    }

    #[async_trait]
    impl Resource for Thing {
        fn id(&self) -> ResourceId {
            ResourceId::new("thing", self.name)
        }

        fn replaces(&self) -> Vec<String> {
            Vec::new()
        }

        async fn observe(&self) -> Result<Observed> {
            if self.name == "foreign" {
                return Ok(Observed::Foreign { why: "it has no tag".to_owned() });
            }
            let is_there = self.world.lock().expect("one thread").iter().any(|name| name == self.name);
            Ok(if is_there { Observed::Ready } else { Observed::Absent })
        }

        async fn apply(&self) -> Result<()> {
            if self.name == "broken" {
                return Err(Error::failed("could not make it", "it is broken"));
            }
            self.world.lock().expect("one thread").push(self.name.to_owned());
            Ok(())
        }

        async fn delete(&self) -> Result<()> {
            self.world.lock().expect("one thread").retain(|name| name != self.name);
            Ok(())
        }
    }

    fn things(world: &World, names: &[&'static str]) -> Vec<Box<dyn Resource>> {
        names.iter().map(|name| -> Box<dyn Resource> { Box::new(Thing { name, world: world.clone() }) }).collect()
    }

    #[tokio::test]
    async fn only_what_was_made_is_removed() {
        let world = World::new(Mutex::new(vec!["old".to_owned()]));
        let (resources, nobody) = (things(&world, &["old", "foreign", "new"]), Fanout(Vec::new()));
        let prepared = prepare(&resources, &nobody).await.expect("made");
        let states: Vec<State> = prepared.iter().map(|one| one.state).collect();
        assert_eq!(states, [State::Kept, State::Existing, State::Created]);
        assert!(remove(&resources, &prepared, &nobody).await.is_empty());
        assert_eq!(*world.lock().expect("one thread"), ["old"]);
    }

    #[tokio::test]
    async fn what_fails_half_way_leaves_nothing_new() {
        let world = World::new(Mutex::new(vec!["old".to_owned()]));
        let error = prepare(&things(&world, &["new", "broken", "never"]), &Fanout(Vec::new())).await.expect_err("broken");
        assert_eq!((error.why.as_str(), world.lock().expect("one thread").as_slice()), ("it is broken", ["old".to_owned()].as_slice()));
    }
}
