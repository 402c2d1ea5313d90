//! Policies and trust of the identities that are needed: the least that lets each trigger be read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Needs, RoleNeed};
use crate::core::{
    iam::{Comparison, Condition, Document, Effect, Operator, Patterns, Principal, Right, Statement, Version},
    stack::{AUDIENCE, KEDA_SERVICE_ACCOUNT, subject},
};

/// KEDA's operator, as roles know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keda {
    /// The ARN of its role.
    pub role_arn: String,
    /// The ARN of the provider that makes AWS believe its tokens.
    pub provider_arn: String,
    /// Who issues its tokens, without `https://`.
    pub issuer_host: String,
    /// Its namespace.
    pub namespace: String,
}

impl Needs {
    /// What KEDA's operator must be allowed; `None` where that is nothing.
    #[must_use]
    pub fn operator_policy(&self) -> Option<Document> {
        let assumed = self.roles.iter().filter(|role| role.is_assumed());
        let assume = assumed.map(|role| Right::new("sts:AssumeRole", role.arn.clone()));
        policy(&self.operator.iter().cloned().chain(assume).collect())
    }
}

impl RoleNeed {
    /// What it must be allowed; `None` where that is nothing.
    #[must_use]
    pub fn policy(&self) -> Option<Document> {
        policy(&self.rights)
    }

    /// Who may become it: `keda` in the ways in which the triggers ask for it, and nobody else.
    #[must_use]
    pub fn trust(&self, keda: &Keda) -> Document {
        let mut statements = Vec::new();
        if self.by_web_identity {
            let host = &keda.issuer_host;
            let conditions = vec![
                equals(format!("{host}:aud"), [AUDIENCE.to_owned()]),
                equals(format!("{host}:sub"), [subject(&keda.namespace, KEDA_SERVICE_ACCOUNT)]),
            ];
            statements.push(trusts(
                "KedaToken",
                Principal::Federated(keda.provider_arn.clone()),
                "sts:AssumeRoleWithWebIdentity",
                conditions,
            ));
        }
        let operator = || Principal::Aws(keda.role_arn.clone());
        if self.by_assumption {
            statements.push(trusts("KedaRole", operator(), "sts:AssumeRole", Vec::new()));
        } else if !self.external_ids.is_empty() {
            let conditions = vec![equals("sts:ExternalId".to_owned(), self.external_ids.iter().cloned())];
            statements.push(trusts("KedaExternalId", operator(), "sts:AssumeRole", conditions));
        }
        document(statements)
    }
}

/// One statement for each action.
fn policy(rights: &BTreeSet<Right>) -> Option<Document> {
    let mut actions = BTreeMap::<&str, Vec<String>>::new();
    for right in rights {
        actions.entry(right.action).or_default().push(right.resource.clone());
    }
    let statement = |(action, resources): (&str, Vec<String>)| Statement {
        sid: None,
        effect: Effect::Allow,
        principals: Vec::new(),
        actions: Patterns::Any(vec![action.to_owned()]),
        resources: Some(Patterns::Any(resources)),
        conditions: Vec::new(),
    };
    let statements: Vec<Statement> = actions.into_iter().map(statement).collect();
    (!statements.is_empty()).then(|| document(statements))
}

fn trusts(sid: &str, principal: Principal, action: &str, conditions: Vec<Condition>) -> Statement {
    Statement {
        sid: Some(sid.to_owned()),
        effect: Effect::Allow,
        principals: vec![principal],
        actions: Patterns::Any(vec![action.to_owned()]),
        resources: None,
        conditions,
    }
}

fn equals(key: String, values: impl IntoIterator<Item = String>) -> Condition {
    let operator = Operator { quantifier: None, comparison: Comparison::StringEquals, if_exists: false };
    Condition { operator, key, values: values.into_iter().collect() }
}

fn document(statements: Vec<Statement>) -> Document {
    Document { version: Version::V2012, id: None, statements }
}
