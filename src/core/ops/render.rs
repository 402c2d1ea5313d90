//! `render`: every policy and manifest of a stack as files, named as the article's repository names them.

use serde::Serialize;

use crate::core::{
    error::Result,
    template::{Facts, Template},
};

/// One file to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Its name.
    pub file: &'static str,
    /// Its text.
    #[serde(skip)]
    pub text: String,
}

/// Every file, filled in with `facts`.
///
/// # Errors
/// When a template cannot be filled in.
pub fn documents(facts: &Facts) -> Result<Vec<Document>> {
    let files: [(&'static str, &[Template]); 11] = [
        ("keda-operator-trust-policy.json", &[Template::OperatorTrust]),
        ("keda-operator-policy.json", &[Template::ScalerPolicy]),
        ("trust-policy.json", &[Template::WorkloadTrust]),
        ("sqs-producer-policy.json", &[Template::ProducerPolicy]),
        ("sqs-consumer-policy.json", &[Template::ConsumerPolicy]),
        ("namespace.yaml", &[Template::Namespace]),
        ("service-account.yaml", &[Template::ServiceAccount]),
        (
            facts.consumer_file(),
            &[Template::TriggerAuthentication, Template::ConsumerScript, Template::ScaledJob, Template::Deployment, Template::ScaledObject],
        ),
        ("result-analyzer.yaml", &[Template::ResultAnalyzer, Template::ResultAnalyzerService]),
        ("producer.yaml", &[Template::Producer]),
        ("keda-values.yaml", &[Template::KedaValues]),
    ];
    let document = |(file, templates): (&'static str, &[Template])| {
        let needed = templates.iter().filter(|template| facts.needs(**template));
        let parts = needed.map(|template| template.render(facts)).collect::<Result<Vec<_>>>()?;
        Ok(Document { file, text: parts.join("---\n") })
    };
    let documents = files.into_iter().map(document).collect::<Result<Vec<_>>>()?;
    Ok(documents.into_iter().filter(|document| !document.text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{settings::Settings, stack::StackName};

    #[test]
    fn every_template_is_in_some_file() {
        let settings = Settings::resolve(StackName::default(), "/s".into(), "123456789012", &[]).expect("valid");
        let facts = Facts::new(&settings, "https://oidc.example/id/A");
        let documents = documents(&facts).expect("rendered");
        for template in Template::ALL.into_iter().filter(|template| facts.needs(*template)) {
            let text = template.render(&facts).expect("rendered");
            assert!(documents.iter().any(|document| document.text.contains(&text)), "{template:?}");
        }
    }
}
