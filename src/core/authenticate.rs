//! A trigger's credentials from the objects that hold them: reads what is named, each object once, and resolves it as KEDA does.

use serde_json::Value;

use super::{
    error::Result,
    keda::{
        authentication::{self, Question, Resolved},
        manifest::{AuthenticationRef, trigger_authentication},
    },
    ports::Objects,
    stores::Stores,
};

/// Where objects are.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The objects in the namespace of the trigger's object.
    pub own: &'a dyn Objects,
    /// That namespace.
    pub namespace: &'a str,
    /// The objects in KEDA's namespace, where a `ClusterTriggerAuthentication` reads.
    pub keda: &'a dyn Objects,
    /// That namespace.
    pub keda_namespace: &'a str,
}

/// What the scaler of a trigger with this `reference` is given; `pod` is the spec of its workload's pods, or null.
///
/// # Errors
/// As [`Question::resolve`]; and where an object is there but cannot be read, of which KEDA would only log.
pub async fn authenticate(reference: Option<&AuthenticationRef>, pod: &Value, places: Places<'_>) -> Result<Resolved> {
    let pod = Some(pod).filter(|pod| !pod.is_null());
    let Places { namespace, keda_namespace, .. } = places;
    let question = Question { reference, spec: None, pod, namespace, keda_namespace };
    let found = match reference {
        Some(reference) => places.own.get(question.kind(), &reference.name).await?,
        None => None,
    };
    let found = found.map(|object| trigger_authentication(&object)).transpose()?;
    let question = Question { spec: found.as_ref().map(|found| &found.spec), ..question };
    let named = question.named();
    let account = match &named.service_account {
        Some(name) => places.own.get("ServiceAccount", name).await?,
        None => None,
    };
    let own = Stores::read(places.own, named.own).await;
    let referenced = Stores::read(if question.is_cluster_wide() { places.keda } else { places.own }, named.referenced).await;
    if let Some(error) = own.unread().iter().chain(referenced.unread()).next() {
        return Err(error.clone());
    }
    question.resolve(authentication::Objects {
        own: &|store, name| own.get(store, name),
        referenced: &|store, name| referenced.get(store, name),
        service_account: account.as_ref(),
        token: &|_| None,
    })
}
