//! The watch of a ScaledJob: polls when it is time, and looks in between.

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Ports, Scaling, Watching, look::Look, scaler::Scaler};
use crate::core::{error::Result, keda::manifest::Trigger, ports::Held};

/// A ScaledJob being scaled, and what was seen of its jobs.
pub(super) struct JobWatch<'a> {
    ports: Ports<'a>,
    scaler: Scaler<'a>,
    look: Look,
    next_poll: Instant,
    /// When the first poll is due, before there was any.
    first: Option<Instant>,
}

impl<'a> JobWatch<'a> {
    /// Reads the ScaledJob; it must exist and be valid.
    pub(super) async fn load(ports: Ports<'a>, how: &'a Watching) -> Result<Self> {
        let scaler = Scaler::load(ports, how).await?;
        Ok(Self { ports, scaler, look: Look::default(), next_poll: Instant::now(), first: how.first })
    }
}

#[async_trait]
impl Scaling for JobWatch<'_> {
    fn triggers(&self) -> &[Trigger] {
        self.scaler.triggers()
    }

    async fn reconcile(&mut self, acts: bool) -> Result<()> {
        if self.scaler.reconcile(acts).await? {
            self.next_poll = self.first.take().unwrap_or_else(Instant::now);
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        (!self.scaler.is_paused()).then_some(self.next_poll)
    }

    async fn act(&mut self, held: &dyn Held) -> Result<()> {
        let next = self.next_poll + self.scaler.interval();
        let polled = self.scaler.poll(&mut self.look, held, self.next_poll).await;
        self.next_poll = next.max(Instant::now());
        polled
    }

    async fn look(&mut self) -> Result<()> {
        self.look.refresh(self.ports, &mut self.scaler).await
    }

    fn is_drained(&mut self, acts: bool) -> bool {
        self.scaler.has_polled(acts) && self.look.is_drained(self.scaler.minimum())
    }

    fn done(&self) -> u64 {
        self.look.done()
    }
}
