//! An access key of a user, kept in a Kubernetes Secret and nowhere else.
//!
//! AWS shows a key's secret once. A process that ends between making the key and writing the Secret leaves a key that
//! nobody can use; the next run removes it, and every other key of the user that the Secret does not name.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_iam::types::StatusType;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    super::error::{fault, is_absent},
    Shared, iam_value, soon,
};
use crate::core::{
    error::{Error, Result},
    managed::{Managed, drifted, not_ours},
    plan::{Difference, Observed, ResourceId},
    ports::Objects,
    stack::{MANAGED_BY, MANAGED_BY_LABEL, STACK_LABEL, STACK_TAG},
    template::{Facts, Template},
};

/// The key of one user, in one Secret.
pub(super) struct AccessKey {
    pub(super) shared: Arc<Shared>,
    pub(super) user: String,
    /// The Secret without its values.
    pub(super) template: Template,
    /// What the Secret calls the key's id and the key's secret.
    pub(super) fields: [&'static str; 2],
    /// Where the Secret is: the namespace of whom reads it.
    pub(super) objects: Arc<dyn Objects>,
    pub(super) secret: String,
}

/// One key as IAM lists it.
struct Listed {
    id: String,
    is_active: bool,
}

impl AccessKey {
    fn what(&self, verb: &str) -> String {
        format!("could not {verb} the access key of user `{}`", self.user)
    }

    /// The user's keys; `None` when there is no such user.
    async fn listed(&self) -> Result<Option<Vec<Listed>>> {
        let mut pages = self.shared.iam.list_access_keys().user_name(&self.user).into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(key) = pages.next().await {
            match key {
                Ok(key) => keys.push(Listed {
                    id: key.access_key_id().unwrap_or_default().to_owned(),
                    is_active: key.status() == Some(&StatusType::Active),
                }),
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(fault(self.what("look at"), &error)),
            }
        }
        Ok(Some(keys))
    }

    /// Why the user is not ours, if it is not; `Absent` when there is none.
    async fn owner(&self) -> Result<Option<Observed>> {
        match self.shared.iam.get_user().user_name(&self.user).send().await {
            Ok(answer) => {
                let tags = answer.user.and_then(|user| user.tags).unwrap_or_default();
                let foreign = not_ours(&self.shared.settings.stack, iam_value(&tags, STACK_TAG));
                Ok(foreign.map(|_| Observed::Foreign { why: format!("the user `{}` is not ours", self.user) }))
            }
            Err(error) if is_absent(&error) => Ok(Some(Observed::Absent)),
            Err(error) => Err(fault(self.what("look at"), &error)),
        }
    }

    async fn stored(&self) -> Result<Option<Value>> {
        self.objects.get("Secret", &self.secret).await
    }

    /// The id of the key in `secret`, when its secret half is there too.
    fn id_in(&self, secret: &Value) -> Option<String> {
        let read = |field: &str| {
            let bytes = STANDARD.decode(secret["data"][field].as_str()?).ok()?;
            String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
        };
        let [id, half] = self.fields;
        read(half).and(read(id))
    }

    async fn delete_key(&self, id: &str) -> Result<()> {
        match self.shared.iam.delete_access_key().user_name(&self.user).access_key_id(id).send().await {
            Err(error) if !is_absent(&error) => Err(fault(self.what("delete"), &error)),
            _ => Ok(()),
        }
    }

    /// The Secret with a new key in it. Nothing that holds it can be printed.
    async fn renewed(&self) -> Result<Value> {
        let rendered = self.template.render(&Facts::new(&self.shared.settings, ""))?;
        let read = |error: serde_saphyr::Error| Error::failed(self.what("store"), error);
        let mut secret: Value = serde_saphyr::from_str(&rendered).map_err(read)?;
        let made = self.shared.iam.create_access_key().user_name(&self.user).send().await;
        let made = made.map_err(|error| soon(fault(self.what("create"), &error), &["NoSuchEntity"]))?;
        let key = made.access_key.ok_or_else(|| Error::failed(self.what("create"), "IAM gave none"))?;
        for (field, value) in self.fields.into_iter().zip([key.access_key_id(), key.secret_access_key()]) {
            secret["data"][field] = STANDARD.encode(value).into();
        }
        Ok(secret)
    }
}

#[async_trait]
impl Managed for AccessKey {
    fn id(&self) -> ResourceId {
        ResourceId::new("access key", format!("of {} in secret {}", self.user, self.secret))
    }

    fn replaces(&self) -> Vec<String> {
        let (user, secret, [id, half]) = (&self.user, &self.secret, self.fields);
        vec![
            format!("aws iam create-access-key --user-name {user}"),
            format!("kubectl create secret generic {secret} --from-literal={id}=... --from-literal={half}=..."),
        ]
    }

    async fn look(&self) -> Result<Observed> {
        let secret = self.stored().await?;
        if let Some(secret) = &secret {
            let labels = &secret["metadata"]["labels"];
            if labels[MANAGED_BY_LABEL].as_str() != Some(MANAGED_BY) {
                return Ok(Observed::Foreign { why: format!("the Secret has no label {MANAGED_BY_LABEL}={MANAGED_BY}") });
            }
            if let Some(foreign) = not_ours(&self.shared.settings.stack, labels[STACK_LABEL].as_str()) {
                return Ok(foreign);
            }
        }
        let differs = |actual: &str| {
            let field = "AccessKeyId".to_owned();
            drifted(vec![Difference { field, actual: actual.to_owned(), wanted: "an active key of the user, and no other".to_owned() }])
        };
        match (self.owner().await?, &secret) {
            (Some(foreign @ Observed::Foreign { .. }), _) => return Ok(foreign),
            (Some(_), None) => return Ok(Observed::Absent),
            (Some(_), Some(_)) => return Ok(differs("the key of a user who is gone")),
            (None, _) => {}
        }
        let keys = self.listed().await?.unwrap_or_default();
        let named = secret.as_ref().and_then(|secret| self.id_in(secret));
        let good = |key: &Listed| key.is_active && named.as_deref() == Some(key.id.as_str());
        Ok(match (&secret, &keys[..]) {
            (None, []) => Observed::Absent,
            (None, _) => differs("a key that no Secret has"),
            (Some(_), [one]) if good(one) => Observed::Ready,
            (Some(_), all) if all.iter().any(good) => differs("another key beside it"),
            (Some(_), _) => differs("no active key"),
        })
    }

    async fn create(&self) -> Result<()> {
        let named = self.stored().await?.as_ref().and_then(|secret| self.id_in(secret));
        let mut kept = false;
        for key in self.listed().await?.unwrap_or_default() {
            if key.is_active && named.as_deref() == Some(key.id.as_str()) {
                kept = true;
            } else {
                self.delete_key(&key.id).await?;
            }
        }
        if kept { Ok(()) } else { self.objects.apply(&self.renewed().await?).await }
    }

    async fn repair(&self, _differences: &[Difference]) -> Result<()> {
        self.create().await
    }

    async fn remove(&self) -> Result<()> {
        for key in self.listed().await?.unwrap_or_default() {
            self.delete_key(&key.id).await?;
        }
        self.objects.delete("Secret", &self.secret).await
    }
}
