//! What the person may do on a cluster, as its API server says.

use futures_util::{StreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, api::PostParams, client::Body};

use super::{client::Cluster, error::fault};
use crate::core::error::Result;

/// Questions asked at once.
const CONCURRENCY: usize = 8;
/// What setup, watch and teardown do in the stack's namespace: group, plural, verbs. Applying what is new takes `create`.
const NEEDED: &[(&str, &str, &[&str])] = &[
    ("", "serviceaccounts", &["get", "create", "patch", "delete"]),
    ("", "configmaps", &["get", "list", "create", "patch", "delete"]),
    ("", "secrets", &["get", "list", "create", "patch", "delete"]),
    ("", "services", &["get", "create", "patch", "delete"]),
    ("", "pods", &["list", "watch"]),
    ("apps", "deployments", &["get", "list", "create", "patch", "delete"]),
    ("apps", "deployments/scale", &["get", "patch"]),
    ("autoscaling", "horizontalpodautoscalers", &["list", "watch"]),
    ("batch", "jobs", &["get", "list", "watch", "create", "delete"]),
    ("coordination.k8s.io", "leases", &["get", "create", "update", "delete"]),
    ("keda.sh", "scaledjobs", &["get", "list", "create", "patch", "delete"]),
    ("keda.sh", "scaledobjects", &["get", "list", "create", "patch", "delete"]),
    ("keda.sh", "scaledobjects/status", &["patch"]),
    ("keda.sh", "triggerauthentications", &["get", "create", "patch", "delete"]),
];

/// What of the demo's needs in `namespace` the API server refuses, as `verb resource.group`, and how much was asked.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn refused(cluster: &Cluster, namespace: &str) -> Result<(usize, Vec<String>)> {
    let mut questions = Vec::new();
    for (group, plural, verbs) in NEEDED {
        questions.extend(verbs.iter().map(|verb| ask(cluster, namespace, Question { verb, group, plural })));
    }
    let count = questions.len();
    let answers: Vec<Result<Option<String>>> = stream::iter(questions).buffered(CONCURRENCY).collect().await;
    let refused = answers.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>>>()?;
    Ok((count, refused))
}

struct Question {
    verb: &'static str,
    group: &'static str,
    plural: &'static str,
}

/// The question in words when the answer is no.
async fn ask(cluster: &Cluster, namespace: &str, question: Question) -> Result<Option<String>> {
    let Question { verb, group, plural } = question;
    let name = if group.is_empty() { format!("{verb} {plural}") } else { format!("{verb} {plural}.{group}") };
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(plural.split('/').next().unwrap_or_default().to_owned()),
        subresource: plural.split_once('/').map(|(_, subresource)| subresource.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = Api::<SelfSubjectAccessReview>::all(cluster.client()).create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| fault(format!("could not ask whether `{verb} {plural}` is allowed"), &error))?;
    Ok((!answer.status.is_some_and(|status| status.allowed)).then_some(name))
}

/// How far this machine's clock is ahead of the API server's, in seconds; `None` when it does not say.
///
/// # Errors
/// When the API server cannot be asked.
pub async fn skew(cluster: &Cluster) -> Result<Option<i64>> {
    let what = "could not read the API server's clock";
    let request = http::Request::get("/version").body(Body::empty()).map_err(|error| fault(what, &kube::Error::HttpError(error)))?;
    let answer = cluster.client().send(request).await.map_err(|error| fault(what, &error))?;
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp().as_second());
    Ok(theirs.map(|theirs| jiff::Timestamp::now().as_second() - theirs))
}
