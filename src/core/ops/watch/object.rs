//! One ScaledObject being scaled: KEDA's own half at each poll, the HPA's at each sync, and what becomes of its replicas.

mod ear;
mod follow;
mod pool;
mod record;
mod scale;

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Ports, Scaling, Tenure, Watched, Watching,
    beside::beside,
    clock::Clock,
    scale as run,
    triggers::{Backlog, Origin, Triggers, depths_of},
};
use crate::core::{
    error::{Error, Kind, Result},
    event::{ScaledBy, What},
    hpa,
    keda::{
        decision::TriggerReading,
        manifest::{self, ScaledObject, Trigger},
        pause::{Pauses, paused_replicas},
    },
    ports::{Held, ScaleTarget},
    work::paced,
};
pub(super) use ear::Ear;
pub(super) use follow::follow;
use pool::Pool;
use record::Record;
pub use scale::ObjectOutlook;

/// Kinds whose pod template is where a Deployment has it.
const TEMPLATED: [&str; 3] = ["Deployment", "ReplicaSet", "StatefulSet"];

/// Watches a ScaledObject, and looks after the replicas of its target meanwhile.
///
/// # Errors
/// Those of [`super::watch`].
pub(super) async fn watch(ports: Ports<'_>, how: &Watching, cancel: &CancellationToken, tenure: &mut Tenure) -> Result<Watched> {
    let ear = Ear::new(ports.reporter);
    let ports = Ports { reporter: &ear, ..ports };
    let mut object = ObjectWatch::load(ports, how, &ear).await?;
    object.check_target().await?;
    let target = Mutex::new(object.target.clone());
    object.attended = Some(&target);
    beside(ports.workloads, &target, (how.refresh, &ear), run(&mut object, ports, how, cancel, tenure)).await
}

/// What was reconciled; when any of it changes, KEDA reconciles again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reconciled {
    generation: i64,
    pauses: Pauses,
    /// The replicas at which it is paused; `Err` when the annotation says no number.
    paused_at: std::result::Result<Option<i32>, ()>,
    acts: bool,
}

/// A ScaledObject as it was last read, what reads its triggers, its HPA, and what was seen of its target.
pub(super) struct ObjectWatch<'a> {
    ports: Ports<'a>,
    how: &'a Watching,
    ear: &'a Ear<'a>,
    clock: Clock,
    object: ScaledObject,
    target: ScaleTarget,
    /// Whose replicas are looked after beside this.
    attended: Option<&'a Mutex<ScaleTarget>>,
    /// The pod template's spec of the target.
    pod: Option<Value>,
    triggers: Triggers<'a>,
    /// Whether the triggers are to be built anew before they are read, as KEDA does after each failure.
    stale: bool,
    /// What the last poll read of each trigger, for those whose values the HPA is given from there.
    cached: Vec<(usize, TriggerReading)>,
    /// The HPA; none while it is paused.
    hpa: Option<hpa::State>,
    record: Record,
    reconciled: Option<Reconciled>,
    polled: bool,
    next_poll: Instant,
    /// When the next poll is due, a whole interval after the last one began.
    expected: Option<Instant>,
    next_sync: Instant,
    /// When the first poll is due, before there was any.
    first: Option<Instant>,
    pool: Pool,
    backlog: Option<Backlog>,
    /// Whether the last look found everything done.
    was_drained: bool,
    /// What stands in the way, said once.
    complaint: Option<String>,
}

impl<'a> ObjectWatch<'a> {
    /// Reads the ScaledObject; it must exist and be valid.
    pub(super) async fn load(ports: Ports<'a>, how: &'a Watching, ear: &'a Ear<'a>) -> Result<Self> {
        let Some(value) = ports.objects.get("ScaledObject", &how.object).await? else {
            return Err(missing(&how.object, "nothing is set up in this stack"));
        };
        let object = manifest::scaled_object(&value)?;
        let triggers = Triggers::unbuilt(ports, object.identifier());
        Ok(Self {
            ports,
            how,
            ear,
            clock: Clock::new(Timestamp::now(), how.pace),
            target: object.spec.target(),
            attended: None,
            object,
            pod: None,
            triggers,
            stale: false,
            cached: Vec::new(),
            hpa: None,
            record: Record::of(&value),
            reconciled: None,
            polled: false,
            next_poll: Instant::now(),
            expected: None,
            next_sync: Instant::now(),
            first: how.first,
            pool: Pool::default(),
            backlog: None,
            was_drained: false,
            complaint: None,
        })
    }

    /// Checks that there is something to scale.
    async fn check_target(&self) -> Result<()> {
        let ScaleTarget { kind, name, .. } = &self.target;
        if self.ports.workloads.scale(&self.target).await?.is_some() {
            return Ok(());
        }
        let what = format!("could not scale {kind} `{name}`, which the ScaledObject `{}` names", self.how.object);
        Err(Error::new(Kind::NotFound, what, "it does not exist")
            .hint("run `kedactl setup --kind scaled-object`, or pass its manifest with `kedactl watch -f FILE`"))
    }

    /// The pauses as they are now.
    fn pauses(&self) -> Pauses {
        self.object.pauses()
    }

    /// Time from one poll to the next.
    fn interval(&self) -> Duration {
        paced(Duration::from_secs(self.object.spec.polling_interval_seconds()), self.how.pace)
    }

    /// Time from one sync of the HPA to the next.
    fn period(&self) -> Duration {
        paced(Duration::from_secs(hpa::SYNC_SECONDS), self.how.pace)
    }

    /// Builds what reads the triggers, with the environment of the target's pods as it is now.
    async fn build(&mut self) {
        let ScaleTarget { kind, name, .. } = &self.target;
        self.pod = None;
        if TEMPLATED.contains(&kind.as_str()) {
            let read = self.ports.objects.get(kind, name).await;
            self.pod = read.ok().flatten().map(|mut target| target["spec"]["template"]["spec"].take());
        }
        let origin = Origin::of_object(&self.object.spec, self.pod.as_ref());
        self.triggers.build(origin).await;
        self.stale = false;
    }

    /// Says what stands in the way, once until it is another thing or nothing.
    fn complain(&mut self, why: Option<String>) {
        if let Some(message) = why.clone().filter(|why| self.complaint.as_ref() != Some(why)) {
            self.ports.reporter.tell(What::Warning { message });
        }
        self.complaint = why;
    }

    /// Reads the object again. A ScaledObject that cannot be read stays as it was.
    async fn reload(&mut self) -> Result<bool> {
        let read = self.ports.objects.get("ScaledObject", &self.how.object).await;
        match read.and_then(|value| value.map(|value| manifest::scaled_object(&value).map(|object| (object, value))).transpose()) {
            Ok(Some((object, value))) => {
                // Whoever scaled last knows best when it was active.
                if self.reconciled.is_none_or(|before| !before.acts) {
                    self.record.take(&value);
                }
                self.target = object.spec.target();
                if let Some(attended) = self.attended {
                    self.target.clone_into(&mut attended.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
                }
                self.object = object;
                Ok(true)
            }
            Ok(None) => Err(missing(&self.how.object, "it was deleted while it was watched")),
            Err(error) => {
                self.complain(Some(format!("the ScaledObject is left as it was: {error}")));
                Ok(false)
            }
        }
    }

    /// What KEDA does when the object is paused, resumed or changed.
    async fn apply_pause(&mut self, before: Option<Reconciled>, now: Reconciled) -> Result<()> {
        let is_paused = now.pauses.all;
        if before.is_some_and(|before| before.pauses.all) != is_paused {
            self.ports.reporter.tell(What::Paused { paused: is_paused });
        }
        if !is_paused {
            if self.hpa.is_none() {
                // An HPA that is new is first looked at one period later.
                self.hpa = Some(hpa::State::default());
                self.next_sync = self.next_poll + self.period();
            }
            return Ok(());
        }
        self.hpa = None;
        if !now.acts {
            return Ok(());
        }
        match paused_replicas(&self.object.metadata.annotations) {
            Ok(Some(replicas)) => {
                if let Some(scale) = self.ports.workloads.scale(&self.target).await?.filter(|scale| scale.wanted != replicas) {
                    self.set(scale.wanted, replicas, ScaledBy::Pause).await;
                }
            }
            Ok(None) => {}
            Err(error) => self.ports.reporter.tell(What::Warning { message: error.to_string() }),
        }
        self.record.pause(&self.object, true);
        self.write().await;
        Ok(())
    }

    /// Kind and name of the target.
    fn named(&self) -> String {
        format!("{}/{}", self.target.kind, self.target.name)
    }

    /// Sets what is wanted, and says so; whether that was possible.
    async fn set(&self, from: i32, to: i32, by: ScaledBy) -> bool {
        let target = self.named();
        match self.ports.workloads.set_replicas(&self.target, to).await {
            Ok(()) => {
                self.ports.reporter.tell(What::Scaled { target, from, to, by });
                true
            }
            Err(error) => {
                self.ports.reporter.tell(What::Warning { message: error.to_string() });
                false
            }
        }
    }

    /// Keeps on the object what must outlast this process.
    async fn write(&mut self) {
        let Some(patch) = self.record.patch(&self.clock) else { return };
        if let Err(error) = self.ports.objects.patch_status("ScaledObject", &self.how.object, &patch).await
            && self.record.fails()
        {
            let message = format!("the ScaledObject's status is not kept, so that a later watch begins its cooldown anew: {error}");
            self.ports.reporter.tell(What::Warning { message });
        }
    }

    /// Replicas that may run when everything is done.
    fn floor(&self) -> i32 {
        let (pauses, rules) = (self.pauses(), self.object.spec.rules());
        match () {
            // Nobody scales in: how many run says nothing.
            () if pauses.all || pauses.scale_in => i32::MAX,
            () if pauses.forced => rules.awake(),
            () => rules.resting(),
        }
    }
}

#[async_trait]
impl Scaling for ObjectWatch<'_> {
    fn triggers(&self) -> &[Trigger] {
        &self.object.spec.triggers
    }

    async fn reconcile(&mut self, acts: bool) -> Result<()> {
        if !self.reload().await? {
            return Ok(());
        }
        let paused_at = paused_replicas(&self.object.metadata.annotations).map_err(|_| ());
        let now = Reconciled { generation: self.object.metadata.generation, pauses: self.pauses(), paused_at, acts };
        let before = self.reconciled.replace(now);
        if before == Some(now) {
            return Ok(());
        }
        if before.is_none_or(|before| before.generation != now.generation) {
            self.build().await;
        }
        match before {
            None => {
                if let Some(error) = self.triggers.refusal() {
                    return Err(error.clone());
                }
                self.warn_of_pods();
            }
            Some(before) if before.generation != now.generation => {
                self.ports.reporter.tell(What::RolledOut { generation: now.generation, deleted: 0 });
            }
            Some(_) => {}
        }
        self.next_poll = self.first.take().unwrap_or_else(Instant::now);
        self.apply_pause(before, now).await?;
        self.polled = now.pauses.all;
        self.expected = None;
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.hpa.as_ref().map(|_| self.next_poll.min(self.next_sync))
    }

    async fn act(&mut self, held: &dyn Held) -> Result<()> {
        if Instant::now() >= self.next_poll {
            let next = self.next_poll + self.interval();
            let polled = self.poll(held).await;
            self.next_poll = next.max(Instant::now());
            polled?;
        }
        if Instant::now() >= self.next_sync {
            let next = self.next_sync + self.period();
            let synced = self.sync(held).await;
            self.next_sync = next.max(Instant::now());
            synced?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        // Replicas first: a message that is done in between still counts as queued, and drained is not said too early.
        if let Some(scale) = self.ports.workloads.scale(&self.target).await? {
            let replicas = self.ports.workloads.replicas(&self.target).await?;
            self.pool.take(scale, replicas, self.ports.reporter);
        }
        let origin = Origin::of_object(&self.object.spec, self.pod.as_ref());
        let interval = self.interval();
        let backlog = self.triggers.backlog(origin, interval).await;
        Backlog::tell(self.backlog.as_ref(), backlog.as_ref(), self.ports.reporter);
        self.backlog = backlog;
        Ok(())
    }

    /// It must be so at two looks in a row: what replicas have still to say of their last messages is heard in between.
    fn is_drained(&mut self, acts: bool) -> bool {
        let is_empty = self.backlog.as_ref().is_some_and(Backlog::is_empty);
        let is_now = (self.polled || !acts) && is_empty && self.pool.rests_at(self.floor());
        std::mem::replace(&mut self.was_drained, is_now) && is_now
    }

    fn done(&self) -> u64 {
        self.ear.done()
    }
}

fn missing(name: &str, why: &str) -> Error {
    Error::new(Kind::NotFound, format!("no ScaledObject `{name}`"), why)
        .hint("run `kedactl setup --kind scaled-object`, or pass a manifest with `kedactl watch -f FILE`")
}

#[cfg(test)]
mod tests;
