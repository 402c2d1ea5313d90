//! What KEDA's operator needs so that AWS knows it: the annotation on its service account, and pods that were started after it.

use serde_json::Value;

use super::matrix::Refusal;
pub use crate::core::keda::authentication::ROLE_ANNOTATION;
use crate::core::{plan::Difference, settings::Auth};

/// The pod template's annotation that restarts the operator, once for each identity.
pub const RESTART_ANNOTATION: &str = "kedactl.dev/restarted-for";
/// What the EKS webhook puts into pods that start with the annotation on their service account.
const IRSA_VARIABLES: &[&str] = &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
/// What EKS puts into pods that start after their service account's association was made.
const POD_IDENTITY_VARIABLES: &[&str] = &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];

/// The identity that the operator is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// How it proves itself.
    pub auth: Auth,
    /// The role's ARN.
    pub role_arn: String,
    /// The service account that the role trusts.
    pub service_account: String,
}

impl Identity {
    /// The variables that a pod with this identity has.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        match self.auth {
            Auth::Irsa => IRSA_VARIABLES,
            Auth::PodIdentity => POD_IDENTITY_VARIABLES,
            Auth::Secret => &[],
        }
    }

    /// The annotations that the service account must have.
    #[must_use]
    pub fn annotation(&self) -> Option<(&'static str, &str)> {
        (self.auth == Auth::Irsa).then_some((ROLE_ANNOTATION, self.role_arn.as_str()))
    }

    /// The value of [`RESTART_ANNOTATION`]: it changes with the identity, so that a restart happens once for each.
    #[must_use]
    pub fn restart(&self) -> String {
        let way = match self.auth {
            Auth::Irsa => "irsa",
            Auth::PodIdentity => "pod-identity",
            Auth::Secret => "secret",
        };
        format!("{way} {}", self.role_arn)
    }

    /// What must change on the operator's `account`, and on its `deployment` whose pods are `pods`.
    ///
    /// # Errors
    /// When the operator has another role already, or runs as a service account that the role does not trust.
    pub fn differences(&self, account: Option<&Value>, deployment: &Value, pods: &[Value]) -> Result<Vec<Difference>, Refusal> {
        let runs_as = deployment.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
        if self.auth == Auth::Secret {
            return Ok(Vec::new());
        }
        if runs_as != self.service_account {
            return Err(Refusal {
                why: format!("KEDA's operator runs as the service account `{runs_as}`, and the role trusts `{}`", self.service_account),
                hint: "use `--auth secret`, or install KEDA with that service account".to_owned(),
            });
        }
        let mut found = Vec::new();
        if let Some((key, wanted)) = self.annotation() {
            let actual = account.and_then(|account| account["metadata"]["annotations"][key].as_str()).unwrap_or_default();
            if !actual.is_empty() && actual != wanted {
                return Err(self.taken(actual));
            }
            if actual != wanted {
                found.push(Difference { field: format!("serviceaccount {key}"), actual: actual.to_owned(), wanted: wanted.to_owned() });
            }
        }
        let restarted = deployment["spec"]["template"]["metadata"]["annotations"][RESTART_ANNOTATION].as_str().unwrap_or_default();
        if (pods.is_empty() || pods.iter().any(|pod| !self.is_known_to(pod))) && restarted != self.restart() {
            let field = format!("deployment {RESTART_ANNOTATION}");
            found.push(Difference { field, actual: restarted.to_owned(), wanted: self.restart() });
        }
        Ok(found)
    }

    /// Whether `pod` was given this identity when it started.
    #[must_use]
    pub fn is_known_to(&self, pod: &Value) -> bool {
        let value = |name: &str| variable(pod, name);
        let right_role = self.auth != Auth::Irsa || value("AWS_ROLE_ARN").is_some_and(|role| role == self.role_arn);
        right_role && self.variables().iter().all(|name| value(name).is_some())
    }

    fn taken(&self, actual: &str) -> Refusal {
        Refusal {
            why: format!("KEDA's service account has the role {actual} already, and this stack's is {}", self.role_arn),
            hint: format!(
                "use `--auth secret`; or give that role the stack's scaler policy and name it yourself (`podIdentity.roleArn` or \
                 `identityOwner: workload` of a TriggerAuthentication); or take it away: `kubectl annotate serviceaccount {} \
                 {ROLE_ANNOTATION}- --namespace KEDA_NAMESPACE`",
                self.service_account
            ),
        }
    }
}

/// The value of the environment variable `name` of the pod's containers; empty when it comes from elsewhere.
fn variable<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut variables = containers.flat_map(|container| container["env"].as_array().into_iter().flatten());
    variables.find(|variable| variable["name"] == name).map(|variable| variable["value"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/keda-operator";

    fn identity(auth: Auth) -> Identity {
        Identity { auth, role_arn: ROLE.into(), service_account: "keda-operator".into() }
    }

    fn deployment() -> Value {
        json!({"spec": {"template": {"spec": {"serviceAccountName": "keda-operator"}}}})
    }

    fn pod(variables: &[(&str, &str)]) -> Value {
        let env: Vec<Value> = variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        json!({"spec": {"containers": [{"env": env}]}})
    }

    fn account(role: &str) -> Value {
        json!({"metadata": {"annotations": {ROLE_ANNOTATION: role}}})
    }

    fn fields(found: &[Difference]) -> Vec<&str> {
        found.iter().map(|difference| difference.field.as_str()).collect()
    }

    #[test]
    fn a_fresh_keda_gets_annotation_and_restart() {
        let found = identity(Auth::Irsa).differences(Some(&json!({})), &deployment(), &[pod(&[])]).expect("free");
        assert_eq!(fields(&found), ["serviceaccount eks.amazonaws.com/role-arn", "deployment kedactl.dev/restarted-for"]);
    }

    #[test]
    fn pods_that_know_their_role_are_not_restarted() {
        let knows = pod(&[("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")]);
        assert_eq!(identity(Auth::Irsa).differences(Some(&account(ROLE)), &deployment(), &[knows]), Ok(vec![]));
        let old = pod(&[("AWS_ROLE_ARN", "arn:old"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")]);
        let found = identity(Auth::Irsa).differences(Some(&account(ROLE)), &deployment(), &[old]).expect("free");
        assert_eq!(fields(&found), ["deployment kedactl.dev/restarted-for"]);
    }

    #[test]
    fn one_restart_is_enough_even_when_no_webhook_is_there() {
        let mut restarted = deployment();
        restarted["spec"]["template"]["metadata"]["annotations"][RESTART_ANNOTATION] = identity(Auth::PodIdentity).restart().into();
        assert_eq!(identity(Auth::PodIdentity).differences(None, &restarted, &[pod(&[])]), Ok(vec![]));
        let found = identity(Auth::PodIdentity).differences(None, &deployment(), &[pod(&[])]).expect("free");
        assert_eq!(fields(&found), ["deployment kedactl.dev/restarted-for"]);
    }

    #[test]
    fn another_role_is_never_taken_away() {
        let refusal = identity(Auth::Irsa).differences(Some(&account("arn:theirs")), &deployment(), &[]).expect_err("taken");
        assert!(refusal.why.contains("arn:theirs") && refusal.why.contains(ROLE), "{refusal:?}");
        assert!(refusal.hint.contains("--auth secret") && refusal.hint.contains("identityOwner"), "{refusal:?}");
        assert_eq!(identity(Auth::Secret).differences(Some(&account("arn:theirs")), &deployment(), &[]), Ok(vec![]));
    }

    #[test]
    fn a_service_account_that_the_role_does_not_trust_is_refused() {
        let other = json!({"spec": {"template": {"spec": {"serviceAccountName": "scaler"}}}});
        let refusal = identity(Auth::Irsa).differences(None, &other, &[]).expect_err("not trusted");
        assert!(refusal.why.contains("`scaler`"), "{refusal:?}");
    }
}
