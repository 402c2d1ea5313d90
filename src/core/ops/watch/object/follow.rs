//! Watching KEDA scale a ScaledObject: follows what it and its HPA do on a cluster, and says beside it what the rules would have done.

use std::sync::Mutex;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Ear, ObjectWatch, Ports, Scaling, Watched, Watching, beside, hpa};
use crate::core::{
    error::{Error, Kind, Result},
    event::{ScaledBy, What},
    hpa::HpaDecision,
    keda::compare::replicas::{Expected, Seen, compare},
    ops::watch::{
        End, Until,
        follow::{KEDA, UNWRITTEN},
    },
    ports::{Sight, Sights},
    settings::ScalingKind,
};

/// Follows until drained or cancelled, or for as long as it may. Scales nothing.
///
/// At each polling interval KEDA's own rules are evaluated on what is there, at each sync period the HPA's; what was expected is
/// then compared with how many replicas are wanted since.
///
/// # Errors
/// When the ScaledObject does not exist, is deleted, or asks for what cannot be read; when the cluster refuses to be watched.
pub(in super::super) async fn follow(ports: Ports<'_>, sights: &dyn Sights, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
    let ear = Ear::new(ports.reporter);
    let ports = Ports { reporter: &ear, ..ports };
    let mut object = ObjectWatch::load(ports, how, &ear).await?;
    let target = Mutex::new(object.target.clone());
    object.attended = Some(&target);
    how.warn_of_shards(object.triggers(), ports.reporter);
    object.reconcile(false).await?;
    ports.reporter.tell(What::Lease { held: false, holder: KEDA.to_owned() });
    let following = Following { object, seen: Seen::default(), expected: None, wanted: None };
    beside(ports.workloads, &target, (how.refresh, &ear), following.run(ports, sights, how, cancel)).await
}

struct Following<'a> {
    object: ObjectWatch<'a>,
    /// What was seen since the last comparison.
    seen: Seen,
    /// What the rules said then.
    expected: Option<Expected>,
    /// Replicas that were wanted at the last look.
    wanted: Option<i32>,
}

impl Following<'_> {
    async fn run(mut self, ports: Ports<'_>, sights: &dyn Sights, how: &Watching, cancel: &CancellationToken) -> Result<Watched> {
        let started = Instant::now();
        let deadline = how.deadline(started);
        let mut sights = sights.follow(ScalingKind::ScaledObject, &how.object);
        let (mut next_look, mut next_poll, mut next_sync) = (started, started, started);
        loop {
            if how.until == Until::Drained && self.expected.is_some() && self.object.was_drained {
                return Ok(Watched::now(End::Drained, self.object.done(), started).told(ports.reporter));
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(Watched::now(End::Cancelled, self.object.done(), started)),
                () = sleep_until(deadline.unwrap_or(started)), if deadline.is_some() => {
                    return Ok(Watched::now(End::Lasted, self.object.done(), started));
                }
                sight = sights.next() => match sight {
                    None => return Err(Error::new(Kind::Unavailable, "could not follow the cluster", "its streams ended")),
                    Some(sight) => self.take(sight?).await?,
                },
                () = sleep_until(next_look) => {
                    self.look().await?;
                    next_look = Instant::now() + how.refresh;
                }
                () = sleep_until(next_poll), if self.wanted.is_some() => {
                    next_poll = Instant::now() + self.object.interval();
                    self.poll().await?;
                }
                () = sleep_until(next_sync), if self.wanted.is_some() => {
                    next_sync = Instant::now() + self.object.period();
                    self.sync().await?;
                }
            }
        }
    }

    /// Looks at the target, and tells when somebody scaled it.
    async fn look(&mut self) -> Result<()> {
        match self.object.look().await {
            Err(error) if error.is_passing() => {
                self.object.complain(Some(format!("{error}; trying again")));
                return Ok(());
            }
            looked => looked?,
        }
        let now = self.object.pool.wanted();
        if let (Some(from), Some(to)) = (self.wanted, now)
            && from != to
        {
            let target = self.object.named();
            self.object.ports.reporter.tell(What::Scaled { target, from, to, by: ScaledBy::Cluster });
        }
        self.wanted = now.or(self.wanted);
        self.object.is_drained(false);
        Ok(())
    }

    async fn take(&mut self, sight: Sight) -> Result<()> {
        let reporter = self.object.ports.reporter;
        match sight {
            Sight::Jobs(_) => {}
            Sight::Conditions { ready, active, paused } => {
                reporter.tell(What::Conditions { ready: ready.clone(), active, paused });
                self.seen.ready = (ready != UNWRITTEN).then_some(ready);
                self.object.reconcile(false).await?;
            }
            Sight::Hpa { name, current, desired, condition } => {
                reporter.tell(What::HpaSeen { name, current, desired, condition });
            }
            Sight::Gone => self.object.reconcile(false).await?,
            Sight::Said { object, reason, note, warning } => {
                if reason == "KEDAScalerFailed" {
                    self.seen.scaler_failed = Some(note.clone());
                }
                reporter.tell(What::ClusterEvent { object, reason, note, warning });
            }
            Sight::Broken(why) => reporter.tell(What::Warning { message: format!("{why}; trying again") }),
        }
        Ok(())
    }

    /// What KEDA's own half would do now.
    async fn poll(&mut self) -> Result<()> {
        if self.object.pauses().all {
            return Ok(());
        }
        let Some(decision) = self.object.foresee().await? else { return Ok(()) };
        let why = decision.explain();
        let next = decision.activation.replicas.unwrap_or(decision.current);
        self.object.ports.reporter.tell(What::ObjectForecast { decision: Box::new(decision), why });
        self.expect(next);
        Ok(())
    }

    /// What the HPA would do now.
    async fn sync(&mut self) -> Result<()> {
        let Some(decision): Option<HpaDecision> = self.object.foresee_hpa().await? else { return Ok(()) };
        let (why, next) = (decision.explain(), decision.result);
        let asleep = decision.reason == hpa::Reason::Disabled;
        self.object.ports.reporter.tell(What::HpaForecast { decision: Box::new(decision), why });
        if !asleep {
            self.expect(next);
        }
        Ok(())
    }

    /// Compares what was expected with what is wanted now, and expects `next` from here on.
    fn expect(&mut self, next: i32) {
        let Some(wanted) = self.wanted else { return };
        self.seen.is_paused = self.object.pauses().all;
        if let Some(expected) = &self.expected {
            let (cause, why) = compare(expected, wanted, next, &self.seen);
            self.object.ports.reporter.tell(What::ReplicasCompared { expected: expected.next, wanted, cause, why });
        }
        self.expected = Some(Expected { from: wanted, next });
        self.seen.scaler_failed = None;
    }
}
