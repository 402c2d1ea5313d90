//! A role that triggers name: what it must be allowed, and how KEDA's operator becomes it.

use std::collections::BTreeSet;

use crate::core::{
    error::{Error, Result},
    iam::Right,
};

/// One role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleNeed {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/of/it/`.
    pub path: String,
    /// Its ARN.
    pub arn: String,
    /// Whether KEDA's operator becomes it with its own token.
    pub by_web_identity: bool,
    /// Whether it is assumed without an external id.
    pub by_assumption: bool,
    /// The external ids that it is assumed with.
    pub external_ids: BTreeSet<String>,
    /// What it must be allowed.
    pub rights: BTreeSet<Right>,
}

impl RoleNeed {
    /// The role of the ARN `arn`, which the trigger `about` names; or why none is made: it is of another account than `account`.
    ///
    /// # Errors
    /// `Input`, when that is no role's ARN.
    pub(super) fn parse(arn: &str, account: &str, about: &str) -> Result<std::result::Result<Self, String>> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let (owner, place) = match parts[..] {
            ["arn", _, "iam", "", owner, path] => {
                (owner, path.strip_prefix("role/").filter(|place| !place.is_empty() && !place.ends_with('/')))
            }
            _ => ("", None),
        };
        let Some(place) = place else {
            let why = format!("it is no role's ARN, which {about} needs");
            return Err(Error::input("role", arn, why).hint("write it as arn:aws:iam::123456789012:role/NAME"));
        };
        if owner != account {
            return Ok(Err(format!("{about}: the role `{arn}` is of the account {owner}, and nothing is made outside of {account}")));
        }
        let (path, name) = place.rsplit_once('/').map_or(("/".to_owned(), place), |(path, name)| (format!("/{path}/"), name));
        Ok(Ok(Self { path, ..Self::new(name, arn) }))
    }

    /// The role of KEDA's operator itself.
    pub(super) fn of_operator(name: &str, arn: &str) -> Self {
        Self { by_web_identity: true, ..Self::new(name, arn) }
    }

    fn new(name: &str, arn: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: "/".to_owned(),
            arn: arn.to_owned(),
            by_web_identity: false,
            by_assumption: false,
            external_ids: BTreeSet::new(),
            rights: BTreeSet::new(),
        }
    }

    /// KEDA tries its own token first. With an external id that would pass the id by, so that the trust asks for the id alone.
    pub(super) fn by_pod_identity(&mut self, external_id: Option<&str>) {
        match external_id.filter(|id| !id.is_empty()) {
            Some(id) => {
                self.external_ids.insert(id.to_owned());
            }
            None => self.by_web_identity = true,
        }
    }

    /// The legacy way knows no other.
    pub(super) fn by_assumption(&mut self) {
        self.by_assumption = true;
    }

    /// Whether KEDA's operator must be allowed to assume it.
    #[must_use]
    pub fn is_assumed(&self) -> bool {
        self.by_assumption || !self.external_ids.is_empty()
    }
}
