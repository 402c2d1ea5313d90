//! Strict rendering of `templates/`: an unknown variable is an error, and every value is written as JSON.
//!
//! JSON strings are YAML strings too, so no value can break out of its place, whatever it is called.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::{
    error::{Error, Result},
    settings::Settings,
    stack::{AUDIENCE, KEDA_SERVICE_ACCOUNT, subject},
};

/// Port of the result analyzer's service.
pub const ANALYZER_PORT: u16 = 8080;

/// One file of `templates/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Who may become the operator role.
    OperatorTrust,
    /// Who may become the workload role.
    WorkloadTrust,
    /// What the scaler may do.
    ScalerPolicy,
    /// What the producer may do.
    ProducerPolicy,
    /// What the consumer may do.
    ConsumerPolicy,
    /// The workload's service account.
    ServiceAccount,
    /// KEDA's credentials.
    TriggerAuthentication,
    /// KEDA's ScaledJob.
    ScaledJob,
    /// The result analyzer's Deployment and Service.
    ResultAnalyzer,
    /// The producer's Job.
    Producer,
}

impl Template {
    /// All templates.
    pub const ALL: [Self; 10] = [
        Self::OperatorTrust,
        Self::WorkloadTrust,
        Self::ScalerPolicy,
        Self::ProducerPolicy,
        Self::ConsumerPolicy,
        Self::ServiceAccount,
        Self::TriggerAuthentication,
        Self::ScaledJob,
        Self::ResultAnalyzer,
        Self::Producer,
    ];

    /// The file below `templates/`, and its text.
    fn source(self) -> (&'static str, &'static str) {
        macro_rules! file {
            ($path:literal) => {
                ($path, include_str!(concat!("../../templates/", $path)))
            };
        }
        match self {
            Self::OperatorTrust => file!("iam/keda-operator-trust-policy.json"),
            Self::WorkloadTrust => file!("iam/trust-policy.json"),
            Self::ScalerPolicy => file!("iam/keda-operator-policy.json"),
            Self::ProducerPolicy => file!("iam/sqs-producer-policy.json"),
            Self::ConsumerPolicy => file!("iam/sqs-consumer-policy.json"),
            Self::ServiceAccount => file!("k8s/service-account.yaml"),
            Self::TriggerAuthentication => file!("k8s/trigger-authentication.yaml"),
            Self::ScaledJob => file!("k8s/scaled-job.yaml"),
            Self::ResultAnalyzer => file!("k8s/result-analyzer.yaml"),
            Self::Producer => file!("k8s/producer.yaml"),
        }
    }

    /// The template filled in with `facts`, with a line end at its end.
    ///
    /// # Errors
    /// When the template names something that `facts` do not have.
    pub fn render(self, facts: &Facts) -> Result<String> {
        let (path, text) = self.source();
        render(path, text, facts)
    }
}

fn render(path: &str, text: &str, facts: &impl Serialize) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let text = environment
        .render_named_str(path, text, minijinja::value::Serde(facts))
        .map_err(|error| Error::failed(format!("could not fill in the template `{path}`"), error))?;
    Ok(text + "\n")
}

/// Everything that a template may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is named as the object whose name, ARN or URL it is")]
pub struct Facts {
    pub stack: String,
    pub namespace: String,
    pub region: String,
    pub audience: &'static str,
    /// The cluster's issuer without `https://`, as conditions and ARNs have it.
    pub issuer_host: String,
    pub provider_arn: String,
    pub operator_subject: String,
    pub workload_subject: String,
    pub workload_role_arn: String,
    pub queue_arn: String,
    pub queue_url: String,
    pub service_account: String,
    pub trigger_auth: String,
    pub scaled_job: String,
    pub queue_length: i64,
    pub polling_interval: i32,
    pub min_replica_count: i32,
    pub max_replica_count: i32,
    pub strategy: String,
    pub work_seconds: u32,
    pub active_deadline_seconds: u32,
    pub analyzer: String,
    pub analyzer_service: String,
    pub analyzer_url: String,
    pub image: String,
}

impl Facts {
    /// The facts of the stack that `settings` describe, on the cluster whose OIDC issuer is `issuer` (with `https://`).
    #[must_use]
    pub fn new(settings: &Settings, issuer: &str) -> Self {
        let Settings { names, place, scaling, .. } = settings;
        let issuer_host = issuer.strip_prefix("https://").unwrap_or(issuer).to_owned();
        Self {
            stack: settings.stack.to_string(),
            namespace: names.namespace.clone(),
            region: place.region.clone(),
            audience: AUDIENCE,
            provider_arn: place.iam_arn(&format!("oidc-provider/{issuer_host}")),
            issuer_host,
            operator_subject: subject(&names.keda_namespace, KEDA_SERVICE_ACCOUNT),
            workload_subject: subject(&names.namespace, &names.service_account),
            workload_role_arn: place.iam_arn(&format!("role/{}", names.workload_role)),
            queue_arn: place.queue_arn(&names.queue),
            queue_url: settings.queue_url(&names.queue),
            service_account: names.service_account.clone(),
            trigger_auth: names.trigger_auth.clone(),
            scaled_job: names.scaled_job.clone(),
            queue_length: scaling.queue_length,
            polling_interval: scaling.polling_interval,
            min_replica_count: scaling.min_replica_count,
            max_replica_count: scaling.max_replica_count,
            strategy: scaling.strategy.clone(),
            work_seconds: scaling.work_seconds,
            // Twice the work, and ten minutes for the pod to start and for the idle poll.
            active_deadline_seconds: scaling.work_seconds * 2 + 600,
            analyzer: settings.stack.derive("result-analyzer"),
            analyzer_service: settings.stack.derive("result-analyzer-service"),
            analyzer_url: analyzer_url(settings),
            image: concat!("kedactl:", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Where the consumers of a stack reach its result analyzer.
#[must_use]
pub fn analyzer_url(settings: &Settings) -> String {
    format!("http://{}:{ANALYZER_PORT}", settings.stack.derive("result-analyzer-service"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::core::stack::StackName;

    fn facts() -> Facts {
        let settings = Settings::resolve(StackName::default(), "/s".into(), "123456789012", &[]).expect("defaults are valid");
        Facts::new(&settings, "https://oidc.example/id/A")
    }

    #[test]
    fn every_template_renders_to_valid_json_or_yaml() {
        for template in Template::ALL {
            let text = template.render(&facts()).expect("renders");
            assert!(!text.contains("{{") && !text.contains("replace-with"), "{text}");
            for document in text.split("\n---\n") {
                let value: serde_json::Value = serde_saphyr::from_str(document).expect("valid YAML");
                assert!(value.is_object(), "{template:?}");
            }
        }
    }

    #[test]
    fn no_template_is_unused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let used: BTreeSet<String> = Template::ALL.iter().map(|template| template.source().0.to_owned()).collect();
        let mut found = BTreeSet::new();
        for folder in ["iam", "k8s"] {
            for entry in fs::read_dir(root.join(folder)).expect("templates/") {
                found.insert(format!("{folder}/{}", entry.expect("entry").file_name().to_string_lossy()));
            }
        }
        assert_eq!(found, used);
    }

    #[test]
    fn an_unknown_variable_is_an_error_that_names_the_template() {
        let error = render("iam/x.json", "{{ nobody }}", &facts()).expect_err("strict");
        assert!(error.to_string().contains("iam/x.json"), "{error}");
    }

    #[test]
    fn no_value_breaks_out_of_its_place() {
        let mut facts = facts();
        for nasty in ["a\"b", "a: b # c", "x\n- y", "{{ y }}", "'", "true", "1", "ü\u{2028}", "\\", "<&>"] {
            facts.queue_url = nasty.to_owned();
            facts.queue_arn = nasty.to_owned();
            let manifest: serde_json::Value = serde_saphyr::from_str(&Template::ScaledJob.render(&facts).expect("renders")).expect("YAML");
            assert_eq!(manifest["spec"]["triggers"][0]["metadata"]["queueURL"], nasty);
            let policy: serde_json::Value = serde_json::from_str(&Template::ScalerPolicy.render(&facts).expect("renders")).expect("JSON");
            assert_eq!(policy["Statement"][0]["Resource"], nasty);
        }
    }

    #[test]
    fn every_trust_policy_names_subject_and_audience() {
        for template in [Template::OperatorTrust, Template::WorkloadTrust] {
            let trust: serde_json::Value = serde_json::from_str(&template.render(&facts()).expect("renders")).expect("JSON");
            let condition = &trust["Statement"][0]["Condition"]["StringEquals"];
            assert_eq!(condition["oidc.example/id/A:aud"], "sts.amazonaws.com");
            assert!(condition["oidc.example/id/A:sub"].as_str().expect("text").starts_with("system:serviceaccount:"));
        }
    }

    #[test]
    fn trigger_metadata_are_strings() {
        let manifest: serde_json::Value = serde_saphyr::from_str(&Template::ScaledJob.render(&facts()).expect("renders")).expect("YAML");
        let metadata = manifest["spec"]["triggers"][0]["metadata"].as_object().expect("map");
        assert!(metadata.values().all(serde_json::Value::is_string), "{metadata:?}");
    }
}
