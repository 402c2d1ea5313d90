//! Walks an identity chain link by link: who a pod is to AWS, whether it may become that, whether that may use what it works with.
//!
//! Everything is decided from documents as AWS and Kubernetes show them; nobody is asked. The links after the first broken
//! one are not looked at: they would be about someone else.

use super::{
    context::Context,
    document::{Document, Principal},
    evaluate::{Caller, Policy, Verdict, is_allowed, trust_allows},
    evidence::{Assumed, Evidence, Named, Way, Who},
    right::Right,
};
use crate::core::{
    check::Check,
    stack::{AUDIENCE, subject},
};

/// The service that speaks for a pod in EKS Pod Identity.
const PODS: &str = "pods.eks.amazonaws.com";

impl Who {
    fn word(self) -> &'static str {
        match self {
            Self::Scaler => "scaler",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// What `kedactl render` calls the policy, and the trust policy.
    fn files(self) -> [&'static str; 2] {
        match self {
            Self::Scaler => ["keda-operator-policy.json", "keda-operator-trust-policy.json"],
            Self::Producer => ["sqs-producer-policy.json", "trust-policy.json"],
            Self::Consumer => ["sqs-consumer-policy.json", "trust-policy.json"],
        }
    }
}

/// The links of `evidence`'s chain, in order; after one that failed the others are skipped.
#[must_use]
pub fn chain(evidence: &Evidence) -> Vec<Check> {
    let mut links = match &evidence.way {
        Way::WebIdentity { .. } => evidence.web_identity(),
        Way::PodIdentity { .. } => evidence.pod_identity(),
        Way::Keys { .. } => evidence.keys(),
    };
    if let Some(assumed) = &evidence.then {
        links.push(evidence.assumes(assumed));
    }
    links.push(evidence.may_use());
    if let Some(broken) = links.iter().position(Check::is_failed) {
        let why = format!("`{}` is broken", links[broken].name);
        for link in &mut links[broken + 1..] {
            *link = Check::skipped(link.name.clone(), why.clone());
        }
    }
    links
}

impl Evidence {
    fn name(&self, what: &str) -> String {
        format!("{}: {what}", self.who.word())
    }

    fn role_arn(&self, role: &Named) -> String {
        self.place.iam_arn(&format!("role/{}", role.name))
    }

    fn account(&self) -> String {
        format!("{}/{}", self.namespace, self.service_account)
    }

    fn web_identity(&self) -> Vec<Check> {
        let Way::WebIdentity { annotation, issuer, audiences, role } = &self.way else { return Vec::new() };
        let host = issuer.strip_prefix("https://").unwrap_or(issuer);
        let provider = self.place.iam_arn(&format!("oidc-provider/{host}"));
        vec![self.annotated(annotation.as_deref(), role), self.provided(issuer, &provider, audiences.as_deref()), {
            let sub = subject(&self.namespace, &self.service_account);
            let context = |sub: &str, aud: &str| Context::new().with(&format!("{host}:sub"), sub).with(&format!("{host}:aud"), aud);
            let caller = Caller::Federated(&provider);
            self.trusted(role, "sts:AssumeRoleWithWebIdentity", caller, &context(&sub, AUDIENCE), |trust| {
                let asks = |context: &Context| trust_allows(trust, caller, "sts:AssumeRoleWithWebIdentity", context).is_allowed();
                if asks(&context("system:serviceaccount:another:one", AUDIENCE)) {
                    Some(format!("every service account of the cluster may assume it: no condition on `{host}:sub`"))
                } else if asks(&context(&sub, "another audience")) {
                    Some(format!("tokens for any audience are taken: no condition on `{host}:aud`"))
                } else {
                    None
                }
            })
        }]
    }

    fn annotated(&self, annotation: Option<&str>, role: &Named) -> Check {
        let (name, arn) = (self.name(&format!("service account {} names its role", self.account())), self.role_arn(role));
        let why = match annotation {
            Some(found) if found == arn => return Check::passed(name, arn),
            None => "it has no annotation eks.amazonaws.com/role-arn".to_owned(),
            Some(found) => format!("it names `{found}`{}", self.fault_of(found, "role/")),
        };
        let (namespace, account) = (&self.namespace, &self.service_account);
        let annotate =
            format!("kubectl annotate serviceaccount {account} --namespace {namespace} --overwrite eks.amazonaws.com/role-arn={arn}");
        let restart = match self.who {
            Who::Scaler => format!(" && kubectl rollout restart deployment keda-operator --namespace {namespace}"),
            _ => String::new(),
        };
        Check::failed(name, why).repair(annotate + &restart)
    }

    fn provided(&self, issuer: &str, provider: &str, audiences: Option<&[String]>) -> Check {
        let name = self.name("IAM takes the cluster's tokens");
        let audience_missing = |list: &[String]| !list.iter().any(|audience| audience == AUDIENCE);
        match audiences {
            None => Check::failed(name, format!("there is no OIDC provider for {issuer}"))
                .repair(format!("aws iam create-open-id-connect-provider --url {issuer} --client-id-list {AUDIENCE}")),
            Some(list) if audience_missing(list) => {
                Check::failed(name, format!("the provider's audiences are {}, without {AUDIENCE}", list.join(", "))).repair(format!(
                    "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {provider} --client-id {AUDIENCE}"
                ))
            }
            Some(_) => Check::passed(name, provider),
        }
    }

    fn pod_identity(&self) -> Vec<Check> {
        let Way::PodIdentity { cluster, has_agent, association, role } = &self.way else { return Vec::new() };
        let (arn, cluster_arn) = (self.role_arn(role), self.place.cluster_arn(cluster));
        let name = self.name("the agent of EKS Pod Identity is installed");
        let agent = if *has_agent {
            Check::passed(name, "eks-pod-identity-agent")
        } else {
            Check::failed(name, "the cluster has no add-on eks-pod-identity-agent")
                .repair(format!("aws eks create-addon --cluster-name {cluster} --addon-name eks-pod-identity-agent"))
        };
        let name = self.name(&format!("service account {} is associated with its role", self.account()));
        let (namespace, account) = (&self.namespace, &self.service_account);
        let associated = match association.as_deref() {
            Some(found) if found == arn => Check::passed(name, arn),
            Some(found) => {
                Check::failed(name, format!("its association names `{found}`{}", self.fault_of(found, "role/"))).repair(format!(
                    "aws eks update-pod-identity-association --cluster-name {cluster} --role-arn {arn} --association-id \
                 $(aws eks list-pod-identity-associations --cluster-name {cluster} --namespace {namespace} \
                 --service-account {account} --query associations[0].associationId --output text)"
                ))
            }
            None => Check::failed(name, "it has no association").repair(format!(
                "aws eks create-pod-identity-association --cluster-name {cluster} --namespace {namespace} \
                 --service-account {account} --role-arn {arn}"
            )),
        };
        let context = Context::new()
            .with("aws:SourceAccount", &self.place.account)
            .with("aws:SourceArn", cluster_arn)
            .with("aws:RequestTag/kubernetes-namespace", namespace)
            .with("aws:RequestTag/kubernetes-service-account", account)
            .with("aws:RequestTag/eks-cluster-name", cluster);
        let (assumed, tagged) = ("sts:AssumeRole", "sts:TagSession");
        let first = self.trusted(role, assumed, Caller::Service(PODS), &context, |_| None);
        let second = self.trusted(role, tagged, Caller::Service(PODS), &context, |_| None);
        vec![agent, associated, if first.is_failed() { first } else { second }]
    }

    fn keys(&self) -> Vec<Check> {
        let Way::Keys { secret, key, active, user } = &self.way else { return Vec::new() };
        let name = self.name(&format!("Secret {}/{secret} holds a key of user {}", self.namespace, user.name));
        let why = match (key, &user.found) {
            (_, None) => format!("there is no user `{}`", user.name),
            (None, _) => "there is no key in it".to_owned(),
            (Some(key), _) if !active.contains(key) => format!("its key {key} is no active key of that user"),
            (Some(key), _) => return vec![Check::passed(name, key.clone())],
        };
        vec![Check::failed(name, why).repair("kedactl setup")]
    }

    /// Whether the role's trust policy lets `caller` do `action`; `weakness` says what else it lets through.
    fn trusted(
        &self,
        role: &Named,
        action: &str,
        caller: Caller<'_>,
        context: &Context,
        weakness: impl Fn(&Document) -> Option<String>,
    ) -> Check {
        let name = self.name(&format!("role {} trusts {}", role.name, self.account()));
        let Some(entity) = &role.found else {
            return Check::failed(name, format!("there is no role `{}`", role.name)).repair("kedactl setup");
        };
        let [_, file] = self.who.files();
        let update =
            format!("kedactl render . && aws iam update-assume-role-policy --role-name {} --policy-document file://{file}", role.name);
        let trust = match Document::parse(&entity.trust) {
            Ok(trust) => trust,
            Err(fault) => return Check::failed(name, format!("its trust policy cannot be read: {}", fault.message)).repair(update),
        };
        match trust_allows(&trust, caller, action, context) {
            Verdict::Allowed { by } => match weakness(&trust) {
                Some(why) => Check::warned(name, why).repair(update),
                None => Check::passed(name, by.to_string()),
            },
            Verdict::Denied { by } => Check::failed(name, format!("{by} denies {action}")).repair(update),
            Verdict::NotAllowed { misses } => {
                let near = misses.iter().map(|miss| format!("{}: {}", miss.statement, miss.why));
                let strangers =
                    strangers(&trust).into_iter().map(|stranger| format!("it names `{stranger}`{}", self.fault_of(&stranger, "")));
                let why = near.chain(strangers).fold(format!("nothing lets it do {action}"), |all, one| format!("{all}; {one}"));
                Check::failed(name, why).repair(update)
            }
        }
    }

    /// Whether KEDA's own role becomes the one that the TriggerAuthentication names: by its token, or from itself.
    fn assumes(&self, assumed: &Assumed) -> Check {
        let target = self.role_arn(&assumed.role);
        let own = self.identity();
        let own_arn = self.role_arn(own);
        let names = [own_arn.as_str()];
        let context = match &assumed.external_id {
            Some(id) => Context::new().with("sts:ExternalId", id),
            None => Context::new(),
        };
        let by_token = match &self.way {
            Way::WebIdentity { issuer, .. } => {
                let host = issuer.strip_prefix("https://").unwrap_or(issuer);
                let provider = self.place.iam_arn(&format!("oidc-provider/{host}"));
                let sub = subject(&self.namespace, &self.service_account);
                let context = Context::new().with(&format!("{host}:sub"), sub).with(&format!("{host}:aud"), AUDIENCE);
                self.trusted(&assumed.role, "sts:AssumeRoleWithWebIdentity", Caller::Federated(&provider), &context, |_| None)
            }
            _ => Check::failed("", ""),
        };
        if !by_token.is_failed() {
            return by_token;
        }
        let trusted = self.trusted(&assumed.role, "sts:AssumeRole", Caller::Aws(&names), &context, |_| None);
        if trusted.is_failed() {
            return trusted;
        }
        // Named itself, it needs no more; but a policy that denies wins.
        match self.allowed(own, "sts:AssumeRole", &target) {
            Verdict::Denied { by } => Check::failed(trusted.name, format!("{by} denies sts:AssumeRole")).repair("kedactl setup"),
            _ => trusted,
        }
    }

    /// The role or user that calls AWS in the end.
    fn identity(&self) -> &Named {
        match &self.way {
            Way::WebIdentity { role, .. } | Way::PodIdentity { role, .. } => role,
            Way::Keys { user, .. } => user,
        }
    }

    fn allowed(&self, named: &Named, action: &str, resource: &str) -> Verdict {
        let entity = named.found.clone().unwrap_or_default();
        let read = |(name, text): &(String, String)| Document::parse(text).ok().map(|document| (name.clone(), document));
        let documents: Vec<(String, Document)> = entity.policies.iter().filter_map(read).collect();
        let policies: Vec<Policy<'_>> = documents.iter().map(|(name, document)| Policy { name, document }).collect();
        let context = Context::new()
            .with("aws:PrincipalAccount", &self.place.account)
            .with("aws:RequestedRegion", &self.place.region)
            .with("aws:SecureTransport", "true");
        is_allowed(&policies, action, resource, &context)
    }

    fn may_use(&self) -> Check {
        let (named, then) = (self.identity(), self.then.as_ref());
        let named = then.map_or(named, |assumed| &assumed.role);
        let kind = if then.is_none() && matches!(self.way, Way::Keys { .. }) { "user" } else { "role" };
        let name = self.name(&format!("{kind} {} may use the {}", named.name, self.uses));
        let [file, _] = self.who.files();
        let policy = file.trim_end_matches("-policy.json");
        let repair = format!(
            "kedactl render . && aws iam put-{kind}-policy --{kind}-name {} --policy-name {policy} --policy-document file://{file}",
            named.name
        );
        for Right { action, resource } in &self.rights {
            let why = match self.allowed(named, action, resource) {
                Verdict::Allowed { .. } => continue,
                Verdict::Denied { by } => format!("{by} denies {action}"),
                Verdict::NotAllowed { misses } => {
                    let near = misses.iter().map(|miss| format!("{}: {}", miss.statement, miss.why));
                    near.fold(format!("no policy allows {action} on {resource}"), |all, one| format!("{all}; {one}"))
                }
            };
            return Check::failed(name, why).repair(repair);
        }
        let actions: Vec<&str> = self.rights.iter().map(|right| right.action).collect();
        Check::passed(name, actions.join(", "))
    }

    /// What is wrong with a name that is not the one wanted, in brackets.
    fn fault_of(&self, name: &str, path: &str) -> String {
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        let why = match parts[..] {
            _ if name.starts_with("AROA") || name.starts_with("AIDA") => {
                "the id of a role or user that was deleted; one made again under its name is someone else".to_owned()
            }
            ["arn", partition, ..] if parts.len() < 6 || parts[5].is_empty() => format!("no whole ARN of the partition {partition}"),
            ["arn", partition, ..] if partition != self.place.partition => {
                format!("of the partition {partition}, and this is {}", self.place.partition)
            }
            ["arn", _, _, _, account, _] if account != self.place.account && account.len() == 12 => {
                format!("of account {account}, and this is {}", self.place.account)
            }
            ["arn", .., rest] if !path.is_empty() && !rest.starts_with(path) => format!("no {}", path.trim_end_matches('/')),
            _ => return String::new(),
        };
        format!(" ({why})")
    }
}

/// Everyone whom `trust` names.
fn strangers(trust: &Document) -> Vec<String> {
    let name = |principal: &Principal| match principal {
        Principal::Everyone => "*".to_owned(),
        Principal::Aws(name) | Principal::Federated(name) | Principal::Service(name) => name.clone(),
    };
    trust.statements.iter().flat_map(|statement| &statement.principals).map(name).collect()
}

#[cfg(test)]
mod tests;
