//! The cluster's objects, written by server-side apply in the name of one field manager.

use std::time::Duration;

use async_trait::async_trait;
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, GetParams, ListParams, Patch, PatchParams},
    core::{DynamicObject, Request},
    runtime::{conditions, wait::await_condition},
};
use serde_json::{Value, json};

use super::{
    client::Cluster,
    error::{fault, is_absent},
    kinds::{self, KindEntry, Scope},
};
use crate::core::{
    error::{Error, Kind, Result},
    ports::Objects,
};

/// In whose name fields are set.
pub const FIELD_MANAGER: &str = "kedactl";
/// How many objects one answer of a list holds.
const PAGE: u32 = 500;

/// What to do with fields that another manager has set to something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conflicts {
    /// Leave them and fail, naming each.
    #[default]
    Refuse,
    /// Take them over.
    Force,
}

/// The objects of one namespace, and those of the whole cluster.
#[derive(Clone)]
pub struct KubeObjects {
    client: Client,
    namespace: String,
    conflicts: Conflicts,
    page: u32,
}

impl KubeObjects {
    /// The objects in `namespace` of `cluster`; a manifest that names another namespace is taken at its word.
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self { client: cluster.client(), namespace: namespace.to_owned(), conflicts: Conflicts::Refuse, page: PAGE }
    }

    /// The same objects with another answer to conflicts.
    #[must_use]
    pub fn on_conflict(self, conflicts: Conflicts) -> Self {
        Self { conflicts, ..self }
    }

    /// The same objects, listed by at most `page` in each answer.
    #[must_use]
    pub fn with_page(self, page: u32) -> Self {
        Self { page, ..self }
    }

    /// Removes the object of `kind` called `name` and waits until it is gone, which finalizers may put off.
    ///
    /// # Errors
    /// `Busy`, naming the finalizers that block it, when it is still there after `limit`.
    pub async fn delete_and_wait(&self, kind: &str, name: &str, limit: Duration) -> Result<()> {
        let Some(uid) = self.get(kind, name).await?.and_then(|object| object["metadata"]["uid"].as_str().map(str::to_owned)) else {
            return Ok(());
        };
        let Some(entry) = self.entry(kind, None).await? else { return Ok(()) };
        self.delete(kind, name).await?;
        let api: Api<DynamicObject> = match entry.scope {
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), &self.namespace, &entry.resource),
            Scope::Cluster => Api::all_with(self.client.clone(), &entry.resource),
        };
        let gone = await_condition(api, name, conditions::is_deleted(&uid));
        if tokio::time::timeout(limit, gone).await.is_ok_and(|outcome| outcome.is_ok()) {
            return Ok(());
        }
        match self.get(kind, name).await? {
            Some(object) if object["metadata"]["uid"] == uid.as_str() => Err(blocked(kind, name, &object, limit)),
            _ => Ok(()),
        }
    }

    /// Where objects of `entry` are, in `namespace` where the kind has any.
    fn place(&self, entry: &KindEntry, namespace: Option<&str>) -> Request {
        let namespace = (entry.scope == Scope::Namespaced).then(|| namespace.unwrap_or(&self.namespace));
        Request::new(DynamicObject::url_path(&entry.resource, namespace))
    }

    /// The entry of `kind`: from the table, or else by asking the API server. `None` when it does not serve the kind.
    pub(super) async fn entry(&self, kind: &str, api_version: Option<&str>) -> Result<Option<KindEntry>> {
        if let Some(entry) = kinds::known(kind, api_version) {
            return Ok(Some(entry));
        }
        let Some(api_version) = api_version else {
            return Err(Error::input("object kind", kind, "it is none of the kinds known here").hint("see `kubectl api-resources`"));
        };
        match kube::discovery::pinned_kind(&self.client, &kinds::gvk(api_version, kind)).await {
            Ok((resource, capabilities)) => {
                let namespaced = capabilities.scope == kube::discovery::Scope::Namespaced;
                Ok(Some(KindEntry { resource, scope: if namespaced { Scope::Namespaced } else { Scope::Cluster } }))
            }
            Err(kube::Error::Discovery(_)) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(format!("could not find the kind {kind} ({api_version})"), &error)),
        }
    }
}

/// `object` is still there, with what holds it.
fn blocked(kind: &str, name: &str, object: &Value, limit: Duration) -> Error {
    let finalizers: Vec<&str> = object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let why = match finalizers.as_slice() {
        [] => format!("it is still there after {} s", limit.as_secs()),
        names => format!("after {} s it still waits for its finalizers: {}", limit.as_secs(), names.join(", ")),
    };
    Error::new(Kind::Busy, format!("could not delete {kind} `{name}`"), why)
        .hint("see that the controller which owns the finalizers runs, then run this again")
}

/// A request that cannot even be built is the caller's mistake.
fn unbuildable(what: &str, error: impl std::fmt::Display) -> Error {
    Error::failed(what, error)
}

#[async_trait]
impl Objects for KubeObjects {
    async fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        let what = format!("could not read {kind} `{name}`");
        let Some(entry) = self.entry(kind, None).await? else { return Ok(None) };
        let request = self.place(&entry, None).get(name, &GetParams::default()).map_err(|error| unbuildable(&what, error))?;
        match self.client.request::<Value>(request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(what, &error)),
        }
    }

    async fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let what = format!("could not list objects of kind {kind}");
        let Some(entry) = self.entry(kind, None).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut page = ListParams::default().limit(self.page);
        loop {
            let request = self.place(&entry, None).list(&page).map_err(|error| unbuildable(&what, error))?;
            let mut list = match self.client.request::<Value>(request).await {
                Ok(list) => list,
                Err(error) if is_absent(&error) => return Ok(Vec::new()),
                Err(error) => return Err(fault(what, &error)),
            };
            // Items of a list do not say what they are.
            let Value::Array(items) = list["items"].take() else { break };
            found.extend(items.into_iter().map(|item| typed(item, &entry)));
            match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(token),
                None => break,
            }
        }
        found.sort_by(|one, other| name_of(one).cmp(&name_of(other)));
        Ok(found)
    }

    async fn apply(&self, manifest: &Value) -> Result<()> {
        let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str);
        let missing = |field: &str| Error::input("object", field, "it is missing or not a string");
        let kind = text("/kind").ok_or_else(|| missing("kind"))?;
        let name = text("/metadata/name").ok_or_else(|| missing("metadata.name"))?;
        let what = format!("could not apply {kind} `{name}`");
        let api_version = text("/apiVersion").ok_or_else(|| missing("apiVersion"))?;
        let Some(entry) = self.entry(kind, Some(api_version)).await? else {
            let why = format!("the API server does not serve {kind} of {api_version}");
            return Err(Error::new(Kind::NotFound, what, why).hint("see `kubectl api-resources`"));
        };
        let mut params = PatchParams::apply(FIELD_MANAGER);
        params.force = self.conflicts == Conflicts::Force;
        let request = self.place(&entry, text("/metadata/namespace")).patch(name, &params, &Patch::Apply(manifest));
        let request = request.map_err(|error| unbuildable(&what, error))?;
        self.client.request::<Value>(request).await.map(|_| ()).map_err(|error| fault(what, &error))
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let what = format!("could not delete {kind} `{name}`");
        let Some(entry) = self.entry(kind, None).await? else { return Ok(()) };
        // As kubectl: what the object owns goes too, and the call does not wait for it. The server's own default would
        // leave a Job's pods behind.
        let request = self.place(&entry, None).delete(name, &DeleteParams::background()).map_err(|error| unbuildable(&what, error))?;
        match self.client.request::<Value>(request).await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(fault(what, &error)),
        }
    }

    async fn patch_status(&self, kind: &str, name: &str, patch: &Value) -> Result<()> {
        let what = format!("could not write the status of {kind} `{name}`");
        let Some(entry) = self.entry(kind, None).await? else { return Ok(()) };
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({ "status": patch }));
        let request = self.place(&entry, None).patch_subresource("status", name, &params, &patch);
        let request = request.map_err(|error| unbuildable(&what, error))?;
        self.client.request::<Value>(request).await.map(drop).map_err(|error| fault(what, &error))
    }
}

fn name_of(object: &Value) -> Option<&str> {
    object["metadata"]["name"].as_str()
}

fn typed(mut object: Value, entry: &KindEntry) -> Value {
    object["apiVersion"] = entry.resource.api_version.clone().into();
    object["kind"] = entry.resource.kind.clone().into();
    object
}
