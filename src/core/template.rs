//! Strict rendering of `templates/`: an unknown variable is an error, and every value is written as JSON.
//!
//! JSON strings are YAML strings too, so no value can break out of its place, whatever it is called.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig};
use serde::Serialize;

use super::error::{Error, Result};
pub use super::facts::{ANALYZER_PORT, Facts, analyzer_url};

/// A file below `templates/`, and its text.
macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../templates/", $path)))
    };
}

/// What several templates have in common: `{% include "k8s/parts/triggers.yaml" %}`, moved to its place by the filter `indent`.
const PARTS: [(&str, &str); 2] = [file!("k8s/parts/triggers.yaml"), file!("k8s/parts/consumer-pod.yaml")];

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
    /// The workload's namespace.
    Namespace,
    /// The workload's service account.
    ServiceAccount,
    /// KEDA's credentials, for one namespace or for all.
    TriggerAuthentication,
    /// The Secret of the scaler's keys, without them.
    ScalerSecret,
    /// The Secret of the pods' keys, without them.
    WorkloadSecret,
    /// The `ConfigMap` of the script that the article's consumer image runs.
    ConsumerScript,
    /// KEDA's ScaledJob.
    ScaledJob,
    /// The Deployment that the ScaledObject scales.
    Deployment,
    /// KEDA's ScaledObject.
    ScaledObject,
    /// The result analyzer's Deployment.
    ResultAnalyzer,
    /// The result analyzer's Service.
    ResultAnalyzerService,
    /// The producer's Job.
    Producer,
    /// Values of KEDA's chart.
    KedaValues,
}

impl Template {
    /// All templates.
    pub const ALL: [Self; 18] = [
        Self::OperatorTrust,
        Self::WorkloadTrust,
        Self::ScalerPolicy,
        Self::ProducerPolicy,
        Self::ConsumerPolicy,
        Self::Namespace,
        Self::ServiceAccount,
        Self::TriggerAuthentication,
        Self::ScalerSecret,
        Self::WorkloadSecret,
        Self::ConsumerScript,
        Self::ScaledJob,
        Self::Deployment,
        Self::ScaledObject,
        Self::ResultAnalyzer,
        Self::ResultAnalyzerService,
        Self::Producer,
        Self::KedaValues,
    ];

    /// The file below `templates/`, and its text.
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::OperatorTrust => file!("iam/keda-operator-trust-policy.json"),
            Self::WorkloadTrust => file!("iam/trust-policy.json"),
            Self::ScalerPolicy => file!("iam/keda-operator-policy.json"),
            Self::ProducerPolicy => file!("iam/sqs-producer-policy.json"),
            Self::ConsumerPolicy => file!("iam/sqs-consumer-policy.json"),
            Self::Namespace => file!("k8s/namespace.yaml"),
            Self::ServiceAccount => file!("k8s/service-account.yaml"),
            Self::TriggerAuthentication => file!("k8s/trigger-authentication.yaml"),
            Self::ScalerSecret => file!("k8s/scaler-secret.yaml"),
            Self::WorkloadSecret => file!("k8s/workload-secret.yaml"),
            Self::ConsumerScript => file!("k8s/consumer-script.yaml"),
            Self::ScaledJob => file!("k8s/scaled-job.yaml"),
            Self::Deployment => file!("k8s/deployment.yaml"),
            Self::ScaledObject => file!("k8s/scaled-object.yaml"),
            Self::ResultAnalyzer => file!("k8s/result-analyzer.yaml"),
            Self::ResultAnalyzerService => file!("k8s/result-analyzer-service.yaml"),
            Self::Producer => file!("k8s/producer.yaml"),
            Self::KedaValues => file!("helm/keda-values.yaml"),
        }
    }

    /// Whether it makes a Kubernetes object, not a policy.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.source().0.starts_with("k8s/")
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
    // A line that is all tag leaves no line behind.
    let fault = |error| Error::failed(format!("could not fill in the template `{path}`"), error);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(fault)?);
    for (path, text) in PARTS {
        environment.add_template(path, text).map_err(fault)?;
    }
    let text = environment.render_named_str(path, text, minijinja::value::Serde(facts)).map_err(fault)?;
    Ok(text.trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::core::{settings::Settings, stack::StackName};

    fn facts() -> Facts {
        let settings = Settings::resolve(StackName::default(), "/s".into(), "123456789012", &[]).expect("defaults are valid");
        Facts::new(&settings, "https://oidc.example/id/A")
    }

    #[test]
    fn every_template_renders_to_valid_json_or_yaml() {
        for template in Template::ALL {
            let text = template.render(&facts()).expect("renders");
            assert!(!text.contains("{{") && !text.contains("replace-with"), "{text}");
            let value: serde_json::Value = serde_saphyr::from_str(&text).expect("valid YAML");
            assert!(value.is_object(), "{template:?}");
        }
    }

    #[test]
    fn no_template_is_unused() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut used: BTreeSet<String> = Template::ALL.iter().map(|template| template.source().0.to_owned()).collect();
        used.extend(["scripts/sqs-consumer.sh".to_owned(), "scripts/sqs-producer.sh".to_owned()]);
        used.extend(PARTS.map(|(path, _)| path.to_owned()));
        let mut found = BTreeSet::new();
        for folder in ["helm", "iam", "k8s", "k8s/parts", "scripts"] {
            for entry in fs::read_dir(root.join(folder)).expect("templates/") {
                let entry = entry.expect("entry");
                if entry.path().is_file() {
                    found.insert(format!("{folder}/{}", entry.file_name().to_string_lossy()));
                }
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
