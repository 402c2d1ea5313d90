//! The right to scale a stack, as a Lease of the cluster: renewed while it is held, guarded by its version.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api,
    api::{DeleteParams, PostParams, Preconditions},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    client::Cluster,
    error::{fault, is_absent},
};
use crate::core::{
    error::Result,
    lease::{Record, Rival, Standing, Tenure, Terms},
    ports::{self, Claim, Held},
    stack::{MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL, StackName},
};

/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long giving it back may take; it lapses by itself otherwise.
const RELEASE_LIMIT: Duration = Duration::from_secs(3);

/// The lease on one stack.
#[derive(Clone)]
pub struct KubeLease {
    api: Api<Lease>,
    name: String,
    stack: StackName,
    me: String,
    terms: Terms,
    rival: Arc<Mutex<Rival>>,
}

impl KubeLease {
    /// The lease on `stack`, kept in `namespace` of `cluster`, with its usual times.
    #[must_use]
    pub fn new(cluster: &Cluster, namespace: &str, stack: &StackName) -> Self {
        Self {
            api: Api::namespaced(cluster.client(), namespace),
            name: lease_name(stack),
            stack: stack.clone(),
            me: identity(),
            terms: Terms::default(),
            rival: Arc::default(),
        }
    }

    /// The same lease with other times.
    #[must_use]
    pub fn with_terms(self, terms: Terms) -> Self {
        Self { terms, ..self }
    }

    /// The record that says it is ours, over `before`.
    fn ours(&self, before: Option<&Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let spec = before.and_then(|lease| lease.spec.as_ref());
        let was_ours = spec.and_then(|spec| spec.holder_identity.as_deref()) == Some(&self.me);
        let acquired = spec.and_then(|spec| spec.acquire_time.clone()).filter(|_| was_ours);
        let transitions = spec.and_then(|spec| spec.lease_transitions).unwrap_or(0) + i32::from(before.is_some() && !was_ours);
        let labels = [(MANAGED_BY_LABEL, MANAGED_BY), (STACK_LABEL, self.stack.as_str())];
        let metadata = before.map_or_else(
            || ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                ..ObjectMeta::default()
            },
            |lease| lease.metadata.clone(),
        );
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(self.me.clone()),
                lease_duration_seconds: Some(i32::try_from(self.terms.duration.as_secs()).unwrap_or(i32::MAX).max(1)),
                acquire_time: acquired.or_else(|| Some(now.clone())),
                renew_time: Some(now),
                lease_transitions: Some(transitions),
                ..LeaseSpec::default()
            }),
        }
    }

    fn fault(&self, error: &kube::Error) -> crate::core::error::Error {
        fault(format!("could not use the Lease `{}`", self.name), error)
    }

    fn record(&self, lease: &Lease) -> Record {
        let spec = lease.spec.as_ref();
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
        Record {
            holder: spec.and_then(|spec| spec.holder_identity.clone()),
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
            duration: seconds.map_or(self.terms.duration, Duration::from_secs).max(self.terms.duration),
        }
    }
}

#[async_trait]
impl ports::Lease for KubeLease {
    async fn claim(&self) -> Result<Claim> {
        let found = self.api.get_opt(&self.name).await.map_err(|error| self.fault(&error))?;
        if let Some(lease) = &found {
            let standing = self.rival.lock().unwrap_or_else(PoisonError::into_inner).look(&self.record(lease), &self.me, Instant::now());
            if let Standing::HeldBy(holder) = standing {
                return Ok(Claim::HeldBy(holder));
            }
        }
        let asked = Instant::now();
        let ours = self.ours(found.as_ref());
        let written = match found {
            Some(_) => self.api.replace(&self.name, &PostParams::default(), &ours).await,
            None => self.api.create(&PostParams::default(), &ours).await,
        };
        match written {
            Ok(lease) => Ok(Claim::Held(Box::new(Tenant::begin(self.clone(), lease, asked)))),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Claim::HeldBy("another process, just now".to_owned())),
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn holder(&self) -> Result<Option<String>> {
        let found = self.api.get_opt(&self.name).await.map_err(|error| self.fault(&error))?;
        // Who only looks once cannot see it lapse, and takes the holder's clock for its own.
        let Some(spec) = found.and_then(|lease| lease.spec) else { return Ok(None) };
        let lapsed = spec.renew_time.is_some_and(|MicroTime(renewed)| {
            let age = Timestamp::now().duration_since(renewed).as_secs();
            age > i64::from(spec.lease_duration_seconds.unwrap_or(0))
        });
        Ok(spec.holder_identity.filter(|holder| !holder.is_empty() && !lapsed))
    }
}

/// The lease while it is ours.
struct Tenant {
    tenure: Arc<Mutex<Option<Tenure>>>,
    stop: CancellationToken,
    renewing: Option<JoinHandle<()>>,
}

impl Tenant {
    fn begin(lease: KubeLease, written: Lease, asked: Instant) -> Self {
        let tenure = Arc::new(Mutex::new(Some(Tenure::from(asked, lease.terms))));
        let stop = CancellationToken::new();
        let renewing = tokio::spawn(renew(lease, written, tenure.clone(), stop.clone()));
        Self { tenure, stop, renewing: Some(renewing) }
    }
}

#[async_trait]
impl Held for Tenant {
    fn is_held(&self) -> bool {
        self.tenure.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|tenure| tenure.acts(Instant::now()))
    }

    async fn release(mut self: Box<Self>) {
        self.stop.cancel();
        if let Some(renewing) = self.renewing.take() {
            // Given back or not, it is no longer used; what is not given back lapses.
            let _ = tokio::time::timeout(RELEASE_LIMIT, renewing).await;
        }
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Renews the lease until it is stopped, and then gives it back; or until it is lost.
async fn renew(lease: KubeLease, mut current: Lease, tenure: Arc<Mutex<Option<Tenure>>>, stop: CancellationToken) {
    let set = |value| *tenure.lock().unwrap_or_else(PoisonError::into_inner) = value;
    let mut pause = lease.terms.renew_every;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
        let asked = Instant::now();
        match lease.api.replace(&lease.name, &PostParams::default(), &lease.ours(Some(&current))).await {
            Ok(written) => {
                current = written;
                set(Some(Tenure::from(asked, lease.terms)));
                pause = lease.terms.renew_every;
            }
            // Somebody wrote it: another holder, or an earlier renewal of ours whose answer was lost.
            Err(kube::Error::Api(status)) if status.code == 409 => match lease.api.get_opt(&lease.name).await {
                Ok(Some(found)) if lease.record(&found).holder.as_deref() == Some(&lease.me) => {
                    current = found;
                    pause = Duration::ZERO;
                }
                Ok(_) => return set(None),
                Err(_) => pause = RETRY,
            },
            Err(error) if is_absent(&error) => return set(None),
            // It stops acting when its time is over, and may get it back after that only if nobody took it.
            Err(_) => pause = RETRY,
        }
    }
    set(None);
    let preconditions = Preconditions { resource_version: current.metadata.resource_version.clone(), uid: current.metadata.uid.clone() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let _ = lease.api.delete(&lease.name, &params).await;
}

/// The name of the lease on `stack`.
#[must_use]
pub(crate) fn lease_name(stack: &StackName) -> String {
    format!("kedactl-{stack}")
}

/// This process, as others are shown it; no other has the same.
fn identity() -> String {
    let host = nix::unistd::gethostname().map(|host| host.to_string_lossy().into_owned());
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("process {} on {} ({})", std::process::id(), host.as_deref().unwrap_or("this machine"), &random[..8])
}
