//! Pods: which there are, and what their containers logged.

use kube::{
    Client,
    api::{ListParams, LogParams},
    core::Request,
};
use serde_json::Value;

use super::error::{fault, is_absent};
use crate::core::error::Result;

/// How many objects one answer of a list holds.
const PAGE: u32 = 500;
/// Bytes of a log that are read: a consumer writes less than 1 KiB for a message.
const LOG_LIMIT: i64 = 1 << 20;
/// The API server forgot the page that a list was at: it is begun anew, at most this often.
const LISTS: u32 = 3;

/// Objects of one namespace, as the API server keeps them: `batch/v1` Jobs and pods.
#[derive(Clone)]
pub(super) struct Workload {
    pub(super) client: Client,
    pub(super) namespace: String,
}

impl Workload {
    /// Where Jobs are.
    pub(super) fn jobs(&self) -> Request {
        Request::new(format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace))
    }

    /// Where pods are.
    pub(super) fn pods(&self) -> Request {
        Request::new(format!("/api/v1/namespaces/{}/pods", self.namespace))
    }

    /// All objects at `place` that `selector` selects, page by page.
    pub(super) async fn list(&self, place: &Request, selector: &str) -> Result<Vec<Value>> {
        let what = || format!("could not list what is labelled `{selector}`");
        let mut lists = 1;
        let mut page = ListParams::default().labels(selector).limit(PAGE);
        let mut found: Vec<Value> = Vec::new();
        loop {
            let request = place.list(&page).map_err(|error| fault(what(), &kube::Error::BuildRequest(error)))?;
            let mut list = match self.client.request::<Value>(request).await {
                Ok(list) => list,
                Err(kube::Error::Api(status)) if status.code == 410 && lists < LISTS => {
                    lists += 1;
                    found.clear();
                    page.continue_token = None;
                    continue;
                }
                Err(error) => return Err(fault(what(), &error)),
            };
            if let Value::Array(items) = list["items"].take() {
                found.extend(items);
            }
            match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => page.continue_token = Some(token.to_owned()),
                None => return Ok(found),
            }
        }
    }

    /// What the first container of the pod called `name` logged; nothing when pod or log are gone.
    pub(super) async fn log(&self, name: &str) -> Result<String> {
        let what = || format!("could not read the log of pod `{name}`");
        let params = LogParams { limit_bytes: Some(LOG_LIMIT), ..LogParams::default() };
        let request = self.pods().logs(name, &params).map_err(|error| fault(what(), &kube::Error::BuildRequest(error)))?;
        match self.client.request_text(request).await {
            Ok(log) => Ok(log),
            Err(error) if is_absent(&error) => Ok(String::new()),
            // The container has not started: there is no log yet.
            Err(kube::Error::Api(status)) if status.code == 400 => Ok(String::new()),
            Err(error) => Err(fault(what(), &error)),
        }
    }
}
