//! The configurations of AWS that triggers share: one for each identity and region, forgotten when its last user is.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::keda::authorization::AwsAuthorization;

/// What tells configurations apart. May hold secrets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedKey {
    /// The operator's own identity.
    Own {
        /// The region.
        region: String,
    },
    /// A role that the operator assumes.
    Role {
        /// The role.
        role_arn: String,
        /// Sent with `AssumeRole`.
        external_id: Option<String>,
        /// The region.
        region: String,
    },
    /// Static keys.
    Keys {
        /// The key's id.
        access_key_id: String,
        /// The key itself.
        secret_access_key: String,
        /// Its session's token; empty for none.
        session_token: String,
        /// The region.
        region: String,
    },
}

impl SharedKey {
    /// The key of what `authorization` gives in `region`; `None` for the legacy ways, whose configuration is made anew each time.
    #[must_use]
    pub fn of(authorization: &AwsAuthorization, region: &str) -> Option<Self> {
        let region = region.to_owned();
        Some(match authorization.clone() {
            AwsAuthorization::PodIdentity { role_arn: None, .. } => Self::Own { region },
            AwsAuthorization::PodIdentity { role_arn: Some(role_arn), external_id } => Self::Role { role_arn, external_id, region },
            AwsAuthorization::Keys { access_key_id, secret_access_key, session_token } => {
                Self::Keys { access_key_id, secret_access_key, session_token, region }
            }
            AwsAuthorization::Role(_) | AwsAuthorization::Operator => return None,
        })
    }
}

/// The configurations in use, and by whom.
pub struct SharedConfigs<T> {
    entries: BTreeMap<SharedKey, Entry<T>>,
}

struct Entry<T> {
    config: T,
    users: BTreeSet<String>,
}

impl<T> Default for SharedConfigs<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<T: Clone> SharedConfigs<T> {
    /// The configuration of `key`, made if nobody uses it yet; `user` uses it from now on.
    pub fn get(&mut self, key: &SharedKey, user: &str, make: impl FnOnce() -> T) -> T {
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry { config: make(), users: BTreeSet::new() });
        entry.users.insert(user.to_owned());
        entry.config.clone()
    }

    /// `user` does not use the configuration of `key` any more. One that nobody uses is forgotten: whoever still holds it keeps
    /// it, and who asks next gets a new one.
    ///
    /// A user counts once, however often it asked. A trigger that is built anew before its old self goes is thereby forgotten
    /// with it, so that the next failure makes everything anew: that is how KEDA comes to try web identity again.
    pub fn remove(&mut self, key: &SharedKey, user: &str) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.users.remove(user);
        if entry.users.is_empty() {
            self.entries.remove(key);
        }
    }

    /// The users of each configuration.
    pub fn users(&self) -> impl Iterator<Item = &BTreeSet<String>> {
        self.entries.values().map(|entry| &entry.users)
    }
}
