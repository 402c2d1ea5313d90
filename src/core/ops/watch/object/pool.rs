//! The replicas as they were seen last, and what changed since.

use std::collections::BTreeMap;

use crate::core::{
    event::{ReplicaState, Reporter, What},
    ports::{Replica, Scale},
};

/// What was seen last; nothing before the first look.
#[derive(Default)]
pub(super) struct Pool {
    scale: Option<Scale>,
    replicas: BTreeMap<String, Replica>,
}

impl Pool {
    /// Replicas that are ready.
    pub(super) fn ready(replicas: &[Replica]) -> i32 {
        count(replicas.iter(), |replica| replica.is_ready)
    }

    /// Takes in what there is now, and tells what changed.
    pub(super) fn take(&mut self, scale: Scale, replicas: Vec<Replica>, reporter: &dyn Reporter) {
        let now: BTreeMap<String, Replica> = replicas.into_iter().map(|replica| (replica.name.clone(), replica)).collect();
        for replica in now.values().filter(|replica| self.replicas.get(&replica.name) != Some(*replica)) {
            reporter.tell(changed(replica, state(replica)));
        }
        for (_, replica) in self.replicas.iter().filter(|(name, _)| !now.contains_key(*name)) {
            reporter.tell(changed(replica, ReplicaState::Gone));
        }
        let (before, after) = (counts(self.scale, &self.replicas), counts(Some(scale), &now));
        if before != after {
            let [wanted, current, ready, ending] = after;
            reporter.tell(What::ReplicasChanged { wanted, current, ready, ending });
        }
        self.scale = Some(scale);
        self.replicas = now;
    }

    /// Replicas that are wanted, once the target was seen.
    pub(super) fn wanted(&self) -> Option<i32> {
        self.scale.map(|scale| scale.wanted)
    }

    /// Whether at most `floor` are wanted and there, those that are ending included, and none of them is seen at work.
    pub(super) fn rests_at(&self, floor: i32) -> bool {
        let there = count(self.replicas.values(), |_| true);
        self.scale.is_some_and(|scale| scale.wanted <= floor)
            && there <= floor
            && self.replicas.values().all(|replica| replica.message_id.is_none())
    }
}

/// Wanted, there, ready, ending.
fn counts(scale: Option<Scale>, replicas: &BTreeMap<String, Replica>) -> [i32; 4] {
    let Scale { wanted, current } = scale.unwrap_or(Scale { wanted: -1, current: 0 });
    [wanted, current, count(replicas.values(), |replica| replica.is_ready), count(replicas.values(), |replica| replica.is_ending)]
}

fn count<'a>(replicas: impl Iterator<Item = &'a Replica>, which: impl Fn(&Replica) -> bool) -> i32 {
    i32::try_from(replicas.filter(|replica| which(replica)).count()).unwrap_or(i32::MAX)
}

fn state(replica: &Replica) -> ReplicaState {
    match (replica.is_ending, replica.is_ready) {
        (true, _) => ReplicaState::Ending,
        (false, true) => ReplicaState::Ready,
        (false, false) => ReplicaState::Starting,
    }
}

fn changed(replica: &Replica, state: ReplicaState) -> What {
    What::ReplicaChanged { replica: replica.name.clone(), state, message_id: replica.message_id.clone(), created_at: replica.created_at }
}
