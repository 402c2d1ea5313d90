//! One request for all who ask the same at the same time: an answer serves every poll that was due when it was asked for, or before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

use crate::core::{
    error::{Error, Result},
    event::Depth,
    keda::{
        decision::TriggerReading,
        trigger::question::{Answer, Question},
    },
    ports::{Asked, Metric, Scalers},
};

/// Whether the answer to a question that was asked at `asked_at` serves a poll that was due at `due`. KEDA asks when a poll is due:
/// whoever asked then or later knows no less.
#[must_use]
fn serves(asked_at: Instant, due: Instant) -> bool {
    asked_at >= due
}

/// Scalers whose equal questions are asked once for all polls of the same moment.
pub struct SharedScalers {
    inner: Arc<dyn Scalers>,
    answers: Arc<Answers>,
}

impl SharedScalers {
    /// `inner`, whose answers are kept in `answers`; several may share them.
    #[must_use]
    pub fn new(inner: Arc<dyn Scalers>, answers: Arc<Answers>) -> Self {
        Self { inner, answers }
    }
}

#[async_trait]
impl Scalers for SharedScalers {
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let built = self.inner.build(asked).await?;
        Ok(built.map(|inner| -> Arc<dyn Metric> { Arc::new(SharedMetric { inner, answers: self.answers.clone() }) }))
    }
}

/// The newest answer to each question, or the request that is under way.
#[derive(Default)]
pub struct Answers(Mutex<HashMap<Question, Asking>>);

/// A question that was asked.
#[derive(Clone)]
struct Asking {
    at: Instant,
    answer: Shared<BoxFuture<'static, Result<Arc<Answer>>>>,
}

impl Answers {
    /// The answer to the question of `metric` for a poll that was due at `due`: one that serves, else a new one.
    async fn get(&self, metric: &Arc<dyn Metric>, question: &Question, due: Instant) -> Result<Arc<Answer>> {
        let asking = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let serving = known.get(question).filter(|asking| asking.can_serve(due)).cloned();
            serving.unwrap_or_else(|| {
                let asking = Asking::begin(metric.clone());
                known.insert(question.clone(), asking.clone());
                asking
            })
        };
        asking.answer.await
    }
}

impl Asking {
    fn begin(metric: Arc<dyn Metric>) -> Self {
        let ask = async move {
            let inquiry = metric.inquiry().ok_or_else(|| Error::failed("could not ask for a metric", "it asks nobody"))?;
            inquiry.ask().await.map(Arc::new)
        };
        Self { at: Instant::now(), answer: ask.boxed().shared() }
    }

    /// A failure serves those who wait for it, and nobody later.
    fn can_serve(&self, due: Instant) -> bool {
        serves(self.at, due) && !matches!(self.answer.peek(), Some(Err(_)))
    }
}

struct SharedMetric {
    inner: Arc<dyn Metric>,
    answers: Arc<Answers>,
}

#[async_trait]
impl Metric for SharedMetric {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn target(&self) -> f64 {
        self.inner.target()
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.inner.read().await
    }

    async fn read_due(&self, due: Instant) -> Result<TriggerReading> {
        let Some(inquiry) = self.inner.inquiry() else { return self.inner.read_due(due).await };
        inquiry.measure(&*self.answers.get(&self.inner, inquiry.question(), due).await?)
    }

    async fn depth(&self) -> Result<Option<Depth>> {
        self.inner.depth().await
    }
}

#[cfg(test)]
mod tests;
