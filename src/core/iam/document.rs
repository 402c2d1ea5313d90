//! A policy or trust document, its canonical form, and how it is written.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value, json};

use super::condition::Condition;

/// A policy document: what may be done to what; or a trust document: who may become a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The language version.
    pub version: Version,
    /// An id of the author's.
    pub id: Option<String>,
    /// At least one.
    pub statements: Vec<Statement>,
}

/// The policy language's version. A document without one is of 2008, which has no variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `2008-10-17`.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The author's name for it.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Who; empty in identity policies.
    pub principals: Vec<Principal>,
    /// Which actions, for example `sqs:SendMessage`. Empty only in a document that IAM refuses.
    pub actions: Patterns,
    /// Which resources; absent in trust documents.
    pub resources: Option<Patterns>,
    /// All must be met.
    pub conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// A list of patterns, or everything but.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patterns {
    /// `Action`, `Resource`: any of these.
    Any(Vec<String>),
    /// `NotAction`, `NotResource`: none of these.
    AllBut(Vec<String>),
}

impl Patterns {
    /// The patterns, whichever way they count.
    #[must_use]
    pub fn list(&self) -> &[String] {
        match self {
            Self::Any(list) | Self::AllBut(list) => list,
        }
    }

    fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let changed = |list: &[String]| sorted(list.iter().map(|text| change(text)).collect());
        match self {
            Self::Any(list) => Self::Any(changed(list)),
            Self::AllBut(list) => Self::AllBut(changed(list)),
        }
    }
}

/// Who a statement of a trust document (or a queue's policy) speaks of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// `*`.
    Everyone,
    /// An account, a role, a session, or the unique id of one.
    Aws(String),
    /// The ARN of an OIDC or SAML provider.
    Federated(String),
    /// For example `pods.eks.amazonaws.com`.
    Service(String),
}

impl Document {
    /// The same meaning, written in one way: lists sorted, without repeats, what has no case in lower case, accounts as ARNs.
    ///
    /// Two documents mean the same when their canonical forms are equal (up to the names of statements, which are kept).
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self { version: self.version, id: self.id.clone(), statements: sorted(self.statements.iter().map(Statement::canonical).collect()) }
    }

    /// The document as IAM's JSON, lists of one written as plain text.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        let version = if self.version == Version::V2012 { "2012-10-17" } else { "2008-10-17" };
        object.insert("Version".into(), version.into());
        if let Some(id) = &self.id {
            object.insert("Id".into(), id.as_str().into());
        }
        object.insert("Statement".into(), self.statements.iter().map(Statement::to_value).collect());
        Value::Object(object)
    }
}

impl Statement {
    fn canonical(&self) -> Self {
        let condition = |condition: &Condition| Condition {
            operator: condition.operator,
            key: condition.key.to_ascii_lowercase(),
            values: sorted(condition.values.clone()),
        };
        Self {
            sid: self.sid.clone().filter(|sid| !sid.is_empty()),
            effect: self.effect,
            principals: sorted(self.principals.iter().map(Principal::canonical).collect()),
            actions: self.actions.map(str::to_ascii_lowercase),
            resources: self.resources.as_ref().map(|resources| resources.map(str::to_owned)),
            conditions: sorted(self.conditions.iter().map(condition).collect()),
        }
    }

    fn to_value(&self) -> Value {
        let mut object = Map::new();
        if let Some(sid) = &self.sid {
            object.insert("Sid".into(), sid.as_str().into());
        }
        object.insert("Effect".into(), format!("{:?}", self.effect).into());
        if !self.principals.is_empty() {
            object.insert("Principal".into(), principals_to_value(&self.principals));
        }
        let mut patterns = |name: &str, patterns: &Patterns| match patterns {
            Patterns::Any(list) => object.insert(name.to_owned(), one_or_many(list)),
            Patterns::AllBut(list) => object.insert(format!("Not{name}"), one_or_many(list)),
        };
        patterns("Action", &self.actions);
        if let Some(resources) = &self.resources {
            patterns("Resource", resources);
        }
        if !self.conditions.is_empty() {
            let mut operators = Map::new();
            for condition in &self.conditions {
                let keys = operators.entry(condition.operator.to_string()).or_insert_with(|| json!({}));
                keys[&condition.key] = one_or_many(&condition.values);
            }
            object.insert("Condition".into(), Value::Object(operators));
        }
        Value::Object(object)
    }
}

impl Principal {
    /// An account by its number and by its root's ARN are the same.
    fn canonical(&self) -> Self {
        match self {
            Self::Aws(name) if name == "*" => Self::Everyone,
            Self::Aws(name) if is_account(name) => Self::Aws(format!("arn:aws:iam::{name}:root")),
            other => other.clone(),
        }
    }
}

/// Whether `text` is an account's number: twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn principals_to_value(principals: &[Principal]) -> Value {
    if principals == [Principal::Everyone] {
        return "*".into();
    }
    let mut kinds = Map::new();
    let mut add = |kind: &str, name: &str| {
        let list = kinds.entry(kind).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(name.into());
        }
    };
    for principal in principals {
        match principal {
            Principal::Everyone => add("AWS", "*"),
            Principal::Aws(name) => add("AWS", name),
            Principal::Federated(name) => add("Federated", name),
            Principal::Service(name) => add("Service", name),
        }
    }
    for list in kinds.values_mut() {
        if let [only] = list.as_array().map_or(&[][..], Vec::as_slice) {
            *list = only.clone();
        }
    }
    Value::Object(kinds)
}

fn one_or_many(list: &[String]) -> Value {
    if let [only] = list { only.as_str().into() } else { json!(list) }
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
