//! What is made so that triggers can be read: the needs with names and documents, as it is kept on disk while it is there.

use serde::{Deserialize, Serialize};

use super::{Keda, Located, Needs, RoleNeed};
use crate::core::{iam::Document, stack::StackName};

/// What is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The roles, the operator's first.
    pub roles: Vec<RoleOrder>,
    /// What triggers read.
    pub sources: Vec<Located>,
}

/// A role, and the one policy that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleOrder {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/of/it/`.
    pub path: String,
    /// Who may become it.
    pub trust: Document,
    /// The name of its policy, and what that allows; `None` where it needs none.
    pub policy: Option<(String, Document)>,
}

impl Needs {
    /// What `stack` makes of these needs; `operator` is the name of KEDA's own role, which is `keda`'s.
    #[must_use]
    pub fn order(&self, stack: &StackName, operator: &str, keda: &Keda) -> Order {
        let named = |role: &str, document: Document| (format!("{stack}-{role}"), document);
        let own = RoleNeed::of_operator(operator, &keda.role_arn);
        let own = RoleOrder {
            name: own.name.clone(),
            path: own.path.clone(),
            trust: own.trust(keda),
            policy: self.operator_policy().map(|document| (operator.to_owned(), document)),
        };
        let others = self.roles.iter().map(|role| RoleOrder {
            name: role.name.clone(),
            path: role.path.clone(),
            trust: role.trust(keda),
            policy: role.policy().map(|document| named(&role.name, document)),
        });
        Order { roles: std::iter::once(own).chain(others).collect(), sources: self.sources.clone() }
    }
}

impl Order {
    /// Whether nothing is made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.sources.is_empty()
    }

    /// What is in this one and not in `other`, by name.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.roles.retain(|role| other.roles.iter().all(|known| known.name != role.name));
        self.sources.retain(|located| !other.sources.iter().any(|known| known.is_same_as(located)));
        self
    }

    /// Both; of what is in both, as this one has it.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let Self { roles, sources } = other.without(&self);
        self.roles.extend(roles);
        self.sources.extend(sources);
        self
    }
}

impl Located {
    /// Whether both are one thing, whatever it is made like.
    fn is_same_as(&self, other: &Self) -> bool {
        self.region == other.region && self.source.to_string() == other.source.to_string()
    }
}
