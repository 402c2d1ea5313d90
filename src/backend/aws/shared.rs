//! The identities of a process that stands in for KEDA's operator: one for each authorization and region, whoever asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use tokio::{sync::OnceCell, time::timeout};

use super::{
    clients::Account,
    config::{Network, Wire, configure},
    credentials::{AssumedRole, Mint, WebIdentity},
};
use crate::core::{
    error::Error,
    event::{Reporter, What},
    keda::{
        authentication::shared::{SharedConfigs, SharedKey},
        authorization::AwsAuthorization,
    },
};

/// The session name that KEDA gives itself.
const SESSION: &str = "KEDA";
/// How long web identity has to prove that it works.
const TRIAL: Duration = Duration::from_secs(5);

/// An account that is made by whoever needs it first.
type Pending = Arc<OnceCell<Arc<Account>>>;

/// Every identity in use. One process has one of these, however many namespaces and objects it scales.
pub struct SharedIdentities {
    wire: Wire,
    network: Arc<Network>,
    operator: SharedCredentialsProvider,
    mint: Option<Mint>,
    configs: Mutex<SharedConfigs<Pending>>,
    said: Mutex<BTreeMap<String, Vec<String>>>,
}

impl SharedIdentities {
    /// The identities that the `operator`'s credentials lead to over `wire`; `mint` makes its tokens, where somebody issues them.
    #[must_use]
    pub fn new(wire: Wire, operator: SharedCredentialsProvider, mint: Option<Mint>) -> Self {
        Self { wire, network: Arc::default(), operator, mint, configs: Mutex::default(), said: Mutex::default() }
    }

    /// Who `authorization` is in `region`, for the trigger called `user`, and what keeps it shared.
    ///
    /// The legacy way into a role makes a session of its own each time, as KEDA's does.
    pub async fn account(self: &Arc<Self>, authorization: &AwsAuthorization, region: &str, user: &str) -> (Arc<Account>, Option<Lease>) {
        let own = || SharedKey::Own { region: region.to_owned() };
        let shared = match authorization {
            AwsAuthorization::Operator => Some(own()),
            other => SharedKey::of(other, region),
        };
        let Some(key) = shared else { return (Arc::new(self.make(authorization, region).await), None) };
        let pending = lock(&self.configs).get(&key, user, Pending::default);
        let lease = Lease { identities: self.clone(), key, user: user.to_owned() };
        let account = pending.get_or_init(async || Arc::new(self.make(authorization, region).await)).await.clone();
        (account, Some(lease))
    }

    /// Identities in use, and how many triggers use each.
    #[must_use]
    pub fn in_use(&self) -> Vec<usize> {
        lock(&self.configs).users().map(std::collections::BTreeSet::len).collect()
    }

    /// Tells those of `notes` that were not told of the trigger called `user` the last time.
    pub(super) fn tell(&self, user: &str, notes: Vec<String>, reporter: &dyn Reporter) {
        let before = lock(&self.said).insert(user.to_owned(), notes.clone()).unwrap_or_default();
        for message in notes.into_iter().filter(|note| !before.contains(note)) {
            reporter.tell(What::Warning { message });
        }
    }

    async fn make(&self, authorization: &AwsAuthorization, region: &str) -> Account {
        Account::new(&self.wire, self.network.clone(), region, self.credentials(authorization, region).await)
    }

    async fn credentials(&self, authorization: &AwsAuthorization, region: &str) -> SharedCredentialsProvider {
        match authorization.clone() {
            AwsAuthorization::Operator | AwsAuthorization::PodIdentity { role_arn: None, .. } => self.operator.clone(),
            AwsAuthorization::Keys { access_key_id, secret_access_key, session_token } => {
                let token = Some(session_token).filter(|token| !token.is_empty());
                SharedCredentialsProvider::new(Credentials::new(access_key_id, secret_access_key, token, None, "trigger"))
            }
            AwsAuthorization::Role(role) => SharedCredentialsProvider::new(self.assumed(role, generated_session(), region)),
            AwsAuthorization::PodIdentity { role_arn: Some(role), external_id } => self.role(role, external_id, region).await,
        }
    }

    /// Web identity if it works now, or else `AssumeRole` once it is needed. The choice stays as long as the identity is shared.
    async fn role(&self, role: String, external_id: Option<String>, region: &str) -> SharedCredentialsProvider {
        let refusal = match self.by_web_identity(&role, region).await {
            Some(Ok(proven)) => return SharedCredentialsProvider::new(proven),
            Some(Err(refusal)) => Some(refusal),
            None => None,
        };
        let assumed = self.assumed(role, SESSION.to_owned(), region).with_external_id(external_id).after(refusal);
        SharedCredentialsProvider::new(assumed)
    }

    async fn by_web_identity(&self, role: &str, region: &str) -> Option<Result<WebIdentity, Error>> {
        let mint = self.mint.clone()?;
        let web_identity = WebIdentity::new(&configure(&self.wire, region, None), role, SESSION, mint);
        Some(match timeout(TRIAL, web_identity.assume()).await {
            Ok(answer) => answer.map(|_| web_identity),
            Err(_) => Err(Error::failed("could not try web identity", format!("no answer within {} s", TRIAL.as_secs()))),
        })
    }

    fn assumed(&self, role: String, session: String, region: &str) -> AssumedRole {
        AssumedRole::new(&configure(&self.wire, region, Some(self.operator.clone())), role, session)
    }
}

/// A trigger's share in an identity: given back when it is dropped.
pub struct Lease {
    identities: Arc<SharedIdentities>,
    key: SharedKey,
    user: String,
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.identities.configs).remove(&self.key, &self.user);
    }
}

/// The session name of whoever gives none, as AWS's SDK for Go makes it.
fn generated_session() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("aws-go-sdk-{}", since.as_nanos())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
