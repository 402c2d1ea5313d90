//! Pods: which there are, and what their containers logged.

use std::time::Duration;

use futures_util::{
    AsyncBufReadExt, StreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use kube::{
    Client,
    api::{GetParams, ListParams, LogParams},
    core::Request,
};
use serde_json::Value;

use super::error::{fault, is_absent};
use crate::core::error::{Error, Kind, Result};

/// How many objects one answer of a list holds.
const PAGE: u32 = 500;
/// Bytes of a log that are read: a consumer writes less than 1 KiB for a message.
const LOG_LIMIT: i64 = 1 << 20;
/// The API server forgot the page that a list was at: it is begun anew, at most this often.
const LISTS: u32 = 3;

/// How soon to look again for a pod, or for a log that broke off.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a pod may take until it logs.
const START_LIMIT: Duration = Duration::from_mins(5);

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

    /// The lines that the pod logs, until its container has ended or it is gone. A stream that breaks off is taken up where it
    /// was.
    pub(super) fn lines(self, which: Which) -> BoxStream<'static, Result<String>> {
        let reading = Reading { workload: self, which, pod: None, mark: Mark::default(), ended: false };
        stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(lines)) => Some((lines.into_iter().map(Ok).collect(), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((vec![Err(error)], None)),
            }
        })
        .flat_map(stream::iter)
        .boxed()
    }
}

/// Which pod's log is followed.
pub(super) enum Which {
    /// The first one with these labels, once there is one.
    Labelled(String),
    /// The one of this name, which is there.
    Named(String),
}

/// A log that is being followed.
struct Reading {
    workload: Workload,
    which: Which,
    pod: Option<(String, Box<dyn futures_util::AsyncBufRead + Send + Unpin>)>,
    mark: Mark,
    ended: bool,
}

impl Reading {
    /// The next line, with an empty list when the stream was only taken up again; nothing when the log is complete.
    async fn next(&mut self) -> Result<Option<Vec<String>>> {
        if let Some((_, reader)) = &mut self.pod {
            let mut line = String::new();
            match reader.read_line(&mut line).await {
                Ok(1..) => return Ok(Some(self.mark.take(line.trim_end()).into_iter().collect())),
                Ok(0) | Err(_) => self.pod = None,
            }
        }
        if self.ended {
            return Ok(None);
        }
        self.open().await?;
        Ok(Some(Vec::new()))
    }

    /// Opens the log where it was left. Whether the container has ended is asked first: what is read after that is all.
    async fn open(&mut self) -> Result<()> {
        let begun = tokio::time::Instant::now();
        loop {
            let pod = match self.workload.find(&self.which).await {
                Ok(None) if matches!(self.which, Which::Named(_)) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(pod) => pod,
                Err(error) if error.is_passing() => None,
                Err(error) => return Err(error),
            };
            if let Some(pod) = pod {
                self.ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
                let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                match self.workload.stream(&name, self.mark.last).await {
                    Ok(reader) => {
                        self.mark.resume();
                        self.pod = Some((name, reader));
                        tokio::time::sleep(if self.ended { Duration::ZERO } else { AGAIN }).await;
                        return Ok(());
                    }
                    Err(_) if self.ended => return Ok(()),
                    Err(_) => {}
                }
            }
            if begun.elapsed() > START_LIMIT {
                let why = format!("no log within {} s", START_LIMIT.as_secs());
                let (what, one) = match &self.which {
                    Which::Labelled(selector) => (format!("the pod labelled `{selector}`"), format!("-l {selector}")),
                    Which::Named(name) => (format!("pod `{name}`"), name.clone()),
                };
                let error = Error::new(Kind::Failed, format!("could not follow {what}"), why);
                return Err(error.hint(format!("see `kubectl describe pods --namespace {} {one}`", self.workload.namespace)));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Workload {
    async fn find(&self, which: &Which) -> Result<Option<Value>> {
        let name = match which {
            Which::Labelled(selector) => return Ok(self.list(&self.pods(), selector).await?.into_iter().next()),
            Which::Named(name) => name,
        };
        let what = || format!("could not read pod `{name}`");
        let request = self.pods().get(name, &GetParams::default()).map_err(|error| fault(what(), &kube::Error::BuildRequest(error)))?;
        match self.client.request::<Value>(request).await {
            Ok(pod) => Ok(Some(pod)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(fault(what(), &error)),
        }
    }

    async fn stream(&self, pod: &str, since: Option<Timestamp>) -> Result<Box<dyn futures_util::AsyncBufRead + Send + Unpin>, kube::Error> {
        let params = LogParams { follow: true, timestamps: true, since_time: since, ..LogParams::default() };
        let request = self.pods().logs(pod, &params).map_err(kube::Error::BuildRequest)?;
        Ok(Box::new(Box::pin(self.client.request_stream(request).await?)))
    }
}

/// How far a log with timestamps was read.
#[derive(Debug, Default)]
struct Mark {
    last: Option<Timestamp>,
    /// Lines with just that timestamp.
    lines: usize,
    /// Those among them that were read again since the stream was taken up.
    again: usize,
}

impl Mark {
    /// The text of `line` unless it was read before.
    fn take(&mut self, line: &str) -> Option<String> {
        let (stamp, text) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(at) = stamp.parse::<Timestamp>() else { return Some(line.to_owned()) };
        match self.last {
            Some(last) if at < last => return None,
            Some(last) if at == last && self.again < self.lines => {
                self.again += 1;
                return None;
            }
            Some(last) if at == last => self.lines += 1,
            _ => (self.last, self.lines) = (Some(at), 1),
        }
        self.again = self.lines;
        Some(text.to_owned())
    }

    /// The stream is taken up again.
    fn resume(&mut self) {
        self.again = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_taken_up_again_repeats_no_line_and_leaves_none_out() {
        let lines = ["2026-01-17T05:50:45.1Z a", "2026-01-17T05:50:45.2Z b", "2026-01-17T05:50:45.2Z b", "2026-01-17T05:50:45.3Z c"];
        let mut mark = Mark::default();
        let mut read: Vec<String> = lines[..2].iter().filter_map(|line| mark.take(line)).collect();
        mark.resume();
        read.extend(lines.iter().filter_map(|line| mark.take(line)));
        assert_eq!(read, ["a", "b", "b", "c"]);
    }
}
