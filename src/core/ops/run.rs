//! Many objects at once: each has its own loop, as KEDA runs them; what happens is one stream that says which object it is about.

mod about;
mod assumed;
mod bounded;
mod mine;
mod shared;
pub mod sources;
pub mod spread;

use std::time::Duration;

use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::watch::{End, Outlook, Ports, Watched, Watching, forecast, watch};
use crate::core::{
    error::{Error, Result},
    event::{Reporter, What},
};

use about::About;
pub use assumed::AssumedScalers;
pub use bounded::BoundedScalers;
pub use mine::Mine;
pub use shared::{Answers, SharedScalers};

/// Objects that are looked at, at the same time, where each is looked at once.
const AT_ONCE: usize = 16;
/// How often somebody looks at some object between polls.
const GLANCE: Duration = Duration::from_millis(200);
/// The longest time between two looks at one object.
const LONGEST_GLANCE: Duration = Duration::from_secs(10);

/// One object that is run.
#[derive(Clone)]
pub struct Member<'a> {
    /// `namespace/name`.
    pub about: String,
    /// What its loop needs from the world; its reporter is told which object an event is about.
    pub ports: Ports<'a>,
    /// How it is watched.
    pub watching: Watching,
    /// When it is first polled, since the start.
    pub offset: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ran {
    /// Objects that were run.
    pub objects: usize,
    /// Whether each was drained; false when it was stopped before.
    pub drained: bool,
    /// Seconds it took.
    pub seconds: f64,
    /// The objects whose loop could not go on, and why.
    pub refused: Vec<Refused>,
    /// The objects with a trigger that could not be read at the end.
    pub unread: Vec<String>,
}

/// An object whose loop could not go on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refused {
    /// `namespace/name`.
    pub about: String,
    /// Why.
    #[serde(skip)]
    pub error: Error,
    /// The same in words.
    pub why: String,
}

/// What KEDA would do with one object at this moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// `namespace/name`.
    pub object: String,
    /// The arithmetic in one line; why there is none, otherwise.
    pub explained: String,
    /// The decision, with every input; absent when the object cannot be run.
    pub decision: Option<Outlook>,
}

impl Forecast {
    /// Whether a trigger could not be read, or the object cannot be run at all.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.decision.as_ref().is_none_or(Outlook::is_error)
    }
}

/// How often each of `objects` is looked at between polls: the more there are, the rarer.
#[must_use]
pub fn refresh(objects: usize) -> Duration {
    GLANCE.saturating_mul(u32::try_from(objects.max(1)).unwrap_or(u32::MAX)).min(LONGEST_GLANCE)
}

/// Runs every member until each is drained, `span` is over, or `cancel` is set. One whose loop cannot go on does not stop the others.
pub async fn run(members: &[Member<'_>], span: Option<Duration>, cancel: &CancellationToken) -> Ran {
    let started = Instant::now();
    let stop = cancel.child_token();
    let mut loops: FuturesUnordered<_> = members.iter().map(|member| looped(member, started, &stop)).collect();
    let mut over = std::pin::pin!(async {
        match span {
            Some(span) => sleep(span).await,
            None => std::future::pending().await,
        }
    });
    let mut ran = Ran { objects: members.len(), drained: true, seconds: 0.0, refused: Vec::new(), unread: Vec::new() };
    loop {
        tokio::select! {
            ended = loops.next() => match ended {
                None => break,
                Some((member, is_failing, Ok(watched))) => {
                    ran.drained &= watched.end == End::Drained;
                    ran.unread.extend(is_failing.then(|| member.about.clone()));
                }
                Some((member, _, Err(error))) => {
                    About::new(&member.about, member.ports.reporter).tell(What::Warning { message: error.to_string() });
                    ran.refused.push(Refused { about: member.about.clone(), why: error.to_string(), error });
                }
            },
            () = &mut over, if !stop.is_cancelled() => stop.cancel(),
        }
    }
    ran.drained &= ran.refused.is_empty();
    ran.seconds = started.elapsed().as_secs_f64();
    ran
}

/// Runs one loop to its end: how that was, and whether a trigger could not be read then.
async fn looped<'m>(member: &'m Member<'_>, started: Instant, stop: &CancellationToken) -> (&'m Member<'m>, bool, Result<Watched>) {
    let first = started + member.offset;
    let reporter = About::new(&member.about, member.ports.reporter);
    tokio::select! {
        () = stop.cancelled() => return (member, false, Ok(Watched { end: End::Cancelled, done: 0, seconds: 0.0 })),
        () = sleep_until(first) => {}
    }
    let ports = Ports { reporter: &reporter, ..member.ports };
    let watching = Watching { first: Some(first), ..member.watching.clone() };
    let watched = watch(ports, &watching, stop).await;
    (member, reporter.is_failing(), watched)
}

/// Looks at each member once, in order. Creates and deletes nothing.
pub async fn once(members: &[Member<'_>]) -> Vec<Forecast> {
    stream::iter(members.iter().map(foretell)).buffered(AT_ONCE).collect().await
}

async fn foretell(member: &Member<'_>) -> Forecast {
    let reporter = About::new(&member.about, member.ports.reporter);
    let ports = Ports { reporter: &reporter, ..member.ports };
    let decision = forecast(ports, &member.watching).await;
    let explained = match &decision {
        Ok(decision) => decision.explain(),
        Err(error) => error.to_string(),
    };
    Forecast { object: member.about.clone(), explained, decision: decision.ok() }
}
