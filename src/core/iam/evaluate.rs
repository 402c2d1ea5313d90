//! The evaluator: an explicit deny wins, then an allow, else nothing is allowed; and which statement decided.

use std::fmt;

use serde::Serialize;

use super::{
    context::Context,
    document::{Document, Effect, Patterns, Principal, Statement, Version, is_account},
    pattern::Pattern,
};

/// A policy that applies to the caller, with the name by which a verdict calls it.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// For example the policy's ARN.
    pub name: &'a str,
    /// What it says.
    pub document: &'a Document,
}

/// Who asks to become a role.
#[derive(Debug, Clone, Copy)]
pub enum Caller<'a> {
    /// A web identity whose token the provider with this ARN vouches for.
    Federated(&'a str),
    /// An AWS identity, by every name that a trust policy may use for it: ARNs, unique ids, account.
    Aws(&'a [&'a str]),
    /// A service, for example `pods.eks.amazonaws.com`.
    Service(&'a str),
}

/// Points at one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementRef {
    /// The policy's name.
    pub policy: String,
    /// Position in the document, from 0.
    pub index: usize,
    /// Its Sid, if it has one.
    pub sid: Option<String>,
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(f, "statement `{sid}` of {}", self.policy),
            None => write!(f, "statement {} of {}", self.index + 1, self.policy),
        }
    }
}

/// A statement that would have allowed, but for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// The statement.
    pub statement: StatementRef,
    /// What does not fit, for people.
    pub why: String,
}

/// The answer, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// This statement allows, and none denies.
    Allowed {
        /// The first that allows.
        by: StatementRef,
    },
    /// This statement denies, whatever else allows.
    Denied {
        /// The first that denies.
        by: StatementRef,
    },
    /// Nothing allows and nothing denies.
    NotAllowed {
        /// The statements that name the action and fail on something else.
        misses: Vec<Miss>,
    },
}

impl Verdict {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// May a caller with these identity policies do `action` (`sqs:SendMessage`) on `resource` (an ARN)?
#[must_use]
pub fn is_allowed(policies: &[Policy<'_>], action: &str, resource: &str, context: &Context) -> Verdict {
    decide(policies, action, |statement, version| {
        let resources = statement.resources.as_ref();
        if resources.is_some_and(|list| covers(list, version, context, |pattern| pattern.matches(resource))) {
            unmet(statement, version, context)
        } else {
            Some(format!("it does not cover {resource}"))
        }
    })
}

/// Does this trust document let `caller` do `action` (`sts:AssumeRoleWithWebIdentity`)?
#[must_use]
pub fn trust_allows(trust: &Document, caller: Caller<'_>, action: &str, context: &Context) -> Verdict {
    decide(&[Policy { name: "the trust policy", document: trust }], action, |statement, version| {
        if statement.principals.iter().any(|principal| is_principal(principal, caller)) {
            unmet(statement, version, context)
        } else {
            Some("its principal is someone else".to_owned())
        }
    })
}

/// Walks every statement that names the action; `misfit` says why one does not apply.
fn decide(policies: &[Policy<'_>], action: &str, misfit: impl Fn(&Statement, Version) -> Option<String>) -> Verdict {
    let action = action.to_ascii_lowercase();
    let (mut allowed, mut misses) = (None, Vec::new());
    for policy in policies {
        for (index, statement) in policy.document.statements.iter().enumerate() {
            let names = |pattern: &String| Pattern::wild(&pattern.to_ascii_lowercase()).matches(&action);
            let applies = match &statement.actions {
                Patterns::Any(list) => list.iter().any(names),
                Patterns::AllBut(list) => !list.iter().any(names),
            };
            if !applies {
                continue;
            }
            let by = || StatementRef { policy: policy.name.to_owned(), index, sid: statement.sid.clone() };
            match (misfit(statement, policy.document.version), statement.effect) {
                (None, Effect::Deny) => return Verdict::Denied { by: by() },
                (None, Effect::Allow) => allowed = allowed.or_else(|| Some(by())),
                (Some(why), Effect::Allow) => misses.push(Miss { statement: by(), why }),
                (Some(_), Effect::Deny) => {}
            }
        }
    }
    match allowed {
        Some(by) => Verdict::Allowed { by },
        None => Verdict::NotAllowed { misses },
    }
}

fn covers(patterns: &Patterns, version: Version, context: &Context, fits: impl Fn(&Pattern) -> bool) -> bool {
    let fits = |text: &String| Pattern::resolve(text, version, context).is_some_and(|pattern| fits(&pattern));
    match patterns {
        Patterns::Any(list) => list.iter().any(fits),
        Patterns::AllBut(list) => !list.iter().any(fits),
    }
}

/// The first condition that is not met.
fn unmet(statement: &Statement, version: Version, context: &Context) -> Option<String> {
    let condition = statement.conditions.iter().find(|condition| !condition.is_met(version, context))?;
    let actual = match context.get(&condition.key) {
        [] => "nothing".to_owned(),
        values => format!("`{}`", values.join("`, `")),
    };
    Some(format!("its condition `{condition}` is not met: the request has {actual}"))
}

fn is_principal(principal: &Principal, caller: Caller<'_>) -> bool {
    match (principal, caller) {
        (Principal::Everyone, Caller::Aws(_)) => true,
        (Principal::Aws(name), Caller::Aws(names)) => names.iter().any(|is| *is == name || (is_account(name) && root_of(name, is))),
        (Principal::Federated(name), Caller::Federated(is)) | (Principal::Service(name), Caller::Service(is)) => name == is,
        _ => false,
    }
}

/// Whether `arn` is the root of `account`, in any partition.
fn root_of(account: &str, arn: &str) -> bool {
    arn.strip_suffix(":root").and_then(|rest| rest.strip_suffix(account)).is_some_and(|rest| rest.ends_with(":iam::"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:test-queue";
    const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/issuer";

    fn document(statements: &str) -> Document {
        Document::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).expect(statements)
    }

    fn ask(document: &Document, action: &str, resource: &str) -> Verdict {
        is_allowed(&[Policy { name: "p", document }], action, resource, &Context::new())
    }

    #[test]
    fn the_deciding_statement_is_named() {
        let policy = document(
            r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"},
               {"Sid":"NoPurge","Effect":"Deny","Action":"sqs:PurgeQueue","Resource":"*"}"#,
        );
        let Verdict::Denied { by } = ask(&policy, "sqs:purgequeue", QUEUE) else { panic!("not denied") };
        assert_eq!(by.to_string(), "statement `NoPurge` of p");
        let Verdict::Allowed { by } = ask(&policy, "SQS:SendMessage", QUEUE) else { panic!("not allowed") };
        assert_eq!(by.index, 0);
    }

    #[test]
    fn a_near_miss_says_what_does_not_fit() {
        let policy = document(r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:123456789012:other"}"#);
        let Verdict::NotAllowed { misses } = ask(&policy, "sqs:SendMessage", QUEUE) else { panic!("decided") };
        assert!(misses[0].why.contains(QUEUE));
    }

    #[test]
    fn not_action_and_not_resource_mean_everything_else() {
        let policy = document(r#"{"Effect":"Allow","NotAction":"sqs:Delete*","NotResource":"arn:aws:sqs:*:*:other"}"#);
        assert!(ask(&policy, "sqs:SendMessage", QUEUE).is_allowed());
        assert!(!ask(&policy, "sqs:DeleteMessage", QUEUE).is_allowed());
        assert!(!ask(&policy, "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:other").is_allowed());
    }

    #[test]
    fn web_identity_trust_needs_provider_subject_and_audience() {
        let trust = document(
            r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/issuer"},"Action":"sts:AssumeRoleWithWebIdentity",
                "Condition":{"StringEquals":{"issuer:sub":"system:serviceaccount:keda:keda-operator","issuer:aud":"sts.amazonaws.com"}}}"#,
        );
        let context = |sub: &str, aud: &str| Context::new().with("issuer:sub", sub).with("issuer:aud", aud);
        let ask = |caller, context: &Context| trust_allows(&trust, caller, "sts:AssumeRoleWithWebIdentity", context);
        let right = context("system:serviceaccount:keda:keda-operator", "sts.amazonaws.com");
        assert!(ask(Caller::Federated(PROVIDER), &right).is_allowed());
        assert!(!ask(Caller::Federated("arn:aws:iam::123456789012:oidc-provider/other"), &right).is_allowed());
        assert!(!ask(Caller::Aws(&["*"]), &right).is_allowed());
        let Verdict::NotAllowed { misses } =
            ask(Caller::Federated(PROVIDER), &context("system:serviceaccount:keda:other", "sts.amazonaws.com"))
        else {
            panic!("decided")
        };
        assert!(misses[0].why.contains("issuer:sub") && misses[0].why.contains("keda:other"), "{misses:?}");
    }

    #[test]
    fn an_account_is_its_number_and_its_root() {
        let by_number = document(r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}"#);
        let root = ["arn:aws:iam::123456789012:root"];
        assert!(trust_allows(&by_number, Caller::Aws(&root), "sts:AssumeRole", &Context::new()).is_allowed());
        let other = ["arn:aws:iam::123456789013:root"];
        assert!(!trust_allows(&by_number, Caller::Aws(&other), "sts:AssumeRole", &Context::new()).is_allowed());
    }

    fn statements() -> impl Strategy<Value = Vec<(bool, String, String)>> {
        let action =
            prop_oneof![Just("*"), Just("sqs:*"), Just("sqs:Send*"), Just("sqs:SendMessage"), Just("SQS:?endmessage"), Just("iam:GetRole")];
        let resource = prop_oneof![Just("*"), Just(QUEUE), Just("arn:aws:sqs:*:*:test-*"), Just("arn:aws:sqs:us-east-1:1:other")];
        prop::collection::vec((any::<bool>(), action.prop_map(str::to_owned), resource.prop_map(str::to_owned)), 1..6)
    }

    fn written(statements: &[(bool, String, String)]) -> Document {
        let one = |(allow, action, resource): &(bool, String, String)| {
            let effect = if *allow { "Allow" } else { "Deny" };
            format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
        };
        document(&statements.iter().map(one).collect::<Vec<_>>().join(","))
    }

    proptest! {
        #[test]
        fn an_explicit_deny_is_never_overridden(list in statements(), at in 0usize..6) {
            let mut list = list;
            list.insert(at.min(list.len()), (false, "sqs:Send*".into(), "*".into()));
            let verdict = ask(&written(&list), "sqs:SendMessage", QUEUE);
            prop_assert!(matches!(verdict, Verdict::Denied { .. }), "{:?}", verdict);
        }

        #[test]
        fn adding_an_allow_never_takes_permission_away(list in statements(), more in statements()) {
            let before = ask(&written(&list), "sqs:SendMessage", QUEUE).is_allowed();
            let mut longer = list;
            longer.extend(more.into_iter().map(|(_, action, resource)| (true, action, resource)));
            prop_assert!(!before || ask(&written(&longer), "sqs:SendMessage", QUEUE).is_allowed());
        }

        #[test]
        fn the_order_of_statements_does_not_matter(list in statements()) {
            let forward = ask(&written(&list), "sqs:SendMessage", QUEUE).is_allowed();
            let mut reversed = list;
            reversed.reverse();
            prop_assert_eq!(forward, ask(&written(&reversed), "sqs:SendMessage", QUEUE).is_allowed());
        }

        #[test]
        fn a_canonical_document_decides_the_same(list in statements()) {
            let document = written(&list);
            let canonical = document.canonical();
            prop_assert_eq!(ask(&document, "sqs:SendMessage", QUEUE).is_allowed(), ask(&canonical, "sqs:SendMessage", QUEUE).is_allowed());
            prop_assert_eq!(&canonical.canonical(), &canonical);
        }

        #[test]
        fn nothing_is_allowed_without_an_allow(list in statements()) {
            let denies: Vec<_> = list.into_iter().map(|(_, action, resource)| (false, action, resource)).collect();
            prop_assert!(!ask(&written(&denies), "sqs:SendMessage", QUEUE).is_allowed());
        }
    }
}
