//! The identity chains of the stack, link by link: who KEDA, the producer and the consumer really are to AWS.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Backend, Identity,
    aws::{self, identity::Identities},
};
use crate::core::{
    check::Check,
    error::Result,
    facts::scaler_secret_namespace,
    iam::{Evidence, Way, Who, chain},
    keda::authentication::role_of,
    ops::doctor::fault,
    ports::Objects,
    settings::{Auth, Controller, Settings, Target},
    stack::KEDA_SERVICE_ACCOUNT,
};

impl Backend {
    /// Each link of each chain; a chain that cannot be looked at is a failed check.
    pub(super) async fn examine_identities(&self) -> Vec<Check> {
        if !self.is_set_up() {
            return vec![Check::skipped("each identity is what it should be", "setup makes them")];
        }
        let mut checks = Vec::new();
        // Who scales from here is this person, unless the TriggerAuthentication holds keys.
        let by_hand = self.settings.controller == Controller::InProcess && self.settings.target != Target::Local;
        let scaler = (!by_hand || self.settings.auth == Auth::Secret).then_some(Who::Scaler);
        for who in scaler.into_iter().chain([Who::Producer, Who::Consumer]) {
            match self.evidence(who).await {
                Ok(evidence) => checks.extend(chain(&evidence)),
                Err(error) => checks.push(fault("the identity chain can be followed", &error)),
            }
        }
        checks
    }

    async fn evidence(&self, who: Who) -> Result<Evidence> {
        let Settings { names, place, .. } = &self.settings;
        let is_scaler = who == Who::Scaler;
        let secret_namespace = scaler_secret_namespace(&self.settings);
        let (namespace, service_account) = match (is_scaler, self.settings.auth) {
            // The key is where the TriggerAuthentication reads it.
            (true, Auth::Secret) => (secret_namespace, KEDA_SERVICE_ACCOUNT),
            (true, _) => (names.keda_namespace.as_str(), KEDA_SERVICE_ACCOUNT),
            (false, _) => (names.namespace.as_str(), names.service_account.as_str()),
        };
        let objects = self.objects_in(namespace).await?;
        Ok(Evidence {
            who,
            place: place.clone(),
            namespace: namespace.to_owned(),
            service_account: service_account.to_owned(),
            uses: self.settings.uses(who),
            rights: self.settings.rights(who),
            way: self.way(is_scaler, (namespace, service_account), &*objects).await?,
            then: None,
        })
    }

    async fn way(&self, is_scaler: bool, account: (&str, &str), objects: &dyn Objects) -> Result<Way> {
        let Settings { names, place, .. } = &self.settings;
        let config = self.sdk(Identity::Administrator).await?;
        let identities = Identities::new(&config, place);
        let name = if is_scaler { &names.operator_role } else { &names.workload_role };
        let (namespace, service_account) = account;
        Ok(match self.settings.auth {
            Auth::Irsa => {
                let issuer = self.issuer(&config).await?.url().await?;
                let annotation = if is_scaler && self.settings.target == Target::Local {
                    // The process that stands in for KEDA has no service account: it is told its role.
                    Some(place.iam_arn(&format!("role/{name}")))
                } else {
                    objects.get("ServiceAccount", service_account).await?.as_ref().and_then(role_of)
                };
                Way::WebIdentity { annotation, audiences: identities.audiences(&issuer).await?, issuer, role: identities.role(name).await? }
            }
            Auth::PodIdentity => Way::PodIdentity {
                cluster: names.cluster.clone(),
                has_agent: aws::eks::has_pod_identity_agent(&config, &names.cluster).await?,
                association: identities.association(&names.cluster, namespace, service_account).await?,
                role: identities.role(name).await?,
            },
            Auth::Secret => {
                let (secret, field) =
                    if is_scaler { (&names.scaler_secret, "awsAccessKeyID") } else { (&names.workload_secret, "AWS_ACCESS_KEY_ID") };
                let found = objects.get("Secret", secret).await?;
                let key = found.as_ref().and_then(|found| found["data"][field].as_str()).and_then(|text| STANDARD.decode(text).ok());
                let (user, active) = identities.user(name).await?;
                Way::Keys { secret: secret.clone(), key: key.and_then(|bytes| String::from_utf8(bytes).ok()), active, user }
            }
        })
    }
}
