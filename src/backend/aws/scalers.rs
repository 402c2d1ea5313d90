//! Builds what reads a trigger, under the identity that KEDA would use for it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    metric::{metric, sourceless},
    shared::{Lease, SharedIdentities},
};
use crate::core::{
    authenticate::{Places, authenticate},
    error::{Error, Result},
    event::Depth,
    keda::{
        authorization::AwsAuthorization,
        decision::TriggerReading,
        metadata::Sources,
        trigger::{AwsSource, TriggerMetadata},
    },
    ports::{Asked, Inquiry, Metric, Objects, Scalers},
};

/// The scalers of a process that stands in for KEDA's operator, for the objects of one namespace.
pub struct AwsScalers {
    /// The identities of this process.
    pub identities: Arc<SharedIdentities>,
    /// The namespace.
    pub namespace: String,
    /// Its objects.
    pub objects: Arc<dyn Objects>,
    /// KEDA's own namespace.
    pub keda_namespace: String,
    /// Its objects.
    pub keda_objects: Arc<dyn Objects>,
}

/// What a trigger comes to before anything is asked of AWS.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Its parameters.
    pub metadata: TriggerMetadata,
    /// What it reads, and as whom; `None` where it needs no AWS.
    pub access: Option<Access>,
    /// What KEDA passes over, each with the way out.
    pub notes: Vec<String>,
}

/// What is read in AWS, and as whom.
#[derive(Debug, Clone)]
pub struct Access {
    /// What is read, in which region and at which endpoint.
    pub source: AwsSource,
    /// As whom.
    pub authorization: AwsAuthorization,
}

impl AwsScalers {
    /// What the trigger reads, where, and as whom. Reads objects; asks nothing of AWS.
    ///
    /// # Errors
    /// As [`Scalers::build`], and `Denied` where its authentication cannot be used.
    pub async fn resolve(&self, asked: Asked<'_>) -> Result<Resolution> {
        let Asked { index, trigger, env, .. } = asked;
        let places =
            Places { own: &*self.objects, namespace: &self.namespace, keda: &*self.keda_objects, keda_namespace: &self.keda_namespace };
        let resolved = authenticate(trigger.authentication_ref.as_ref(), asked.pod, places).await?;
        let explained = |error: Error| match resolved.notes.as_slice() {
            [] => error,
            notes => Error { why: format!("{} ({})", error.why, notes.join("; ")), ..error },
        };
        let sources = Sources { trigger: &trigger.metadata, auth: &resolved.parameters, env };
        let parsed = TriggerMetadata::parse(&trigger.kind, trigger.metric_type, sources);
        let metadata = parsed.map_err(|error| explained(at(index, error)))?;
        // What needs no AWS needs no identity either: KEDA's scaler never decides for one.
        let access = match metadata.source() {
            Some(source) => {
                let authorization = AwsAuthorization::decide(&resolved.identity, sources).map_err(explained)?;
                Some(Access { source, authorization })
            }
            None => None,
        };
        Ok(Resolution { metadata, access, notes: resolved.notes })
    }
}

#[async_trait]
impl Scalers for AwsScalers {
    async fn build(&self, asked: Asked<'_>) -> Result<Option<Arc<dyn Metric>>> {
        let Resolution { metadata, access, notes } = self.resolve(asked).await?;
        let user = format!("{}-{}", asked.owner, asked.index);
        self.identities.tell(&user, notes, asked.reporter);
        let Some(Access { source, authorization }) = access else { return Ok(sourceless(asked.index, metadata)) };
        let (account, lease) = self.identities.account(&authorization, &source.place.region, &user).await;
        let clients = account.clients(&source.place.endpoint);
        let built = metric(asked.index, metadata, authorization, &clients).await?;
        Ok(built.map(|inner| -> Arc<dyn Metric> { Arc::new(Leased { inner, _lease: lease }) }))
    }
}

/// A metric, and its share in an identity.
struct Leased {
    inner: Arc<dyn Metric>,
    _lease: Option<Lease>,
}

#[async_trait]
impl Metric for Leased {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn target(&self) -> f64 {
        self.inner.target()
    }

    async fn read(&self) -> Result<TriggerReading> {
        self.inner.read().await
    }

    fn inquiry(&self) -> Option<&dyn Inquiry> {
        self.inner.inquiry()
    }

    async fn depth(&self) -> Result<Option<Depth>> {
        self.inner.depth().await
    }
}

/// The error, with the trigger that it is of.
fn at(index: usize, error: Error) -> Error {
    Error { what: error.what.replacen("invalid ", &format!("invalid triggers[{index}]."), 1), ..error }
}
