//! What happens around one ScaledJob or ScaledObject, followed by watch streams that reconnect, and begin anew when the server forgot.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use futures_util::{
    FutureExt, Stream, StreamExt,
    stream::{self, BoxStream},
};
use kube::{
    Api,
    core::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event, watcher},
    },
};
use serde_json::{Value, json};

use super::{client::Cluster, jobs};
use crate::core::{
    error::{Error, Kind, Result},
    keda::job::SCALED_JOB_LABEL,
    ports::{Sight, Sights},
    settings::ScalingKind,
};

/// Changes that come together are told together: at most this many.
const TOGETHER: usize = 1000;
/// Answers that do not get better by asking again.
const REFUSED: [u16; 3] = [401, 403, 404];
/// The answer to who wants to go on from what the server has forgotten.
const GONE: u16 = 410;
/// How often in a row a stream may be refused before that is the end of it.
const REFUSALS: u32 = 5;

/// The watch streams of one namespace.
#[derive(Clone)]
pub struct KubeSights {
    cluster: Cluster,
    namespace: String,
}

impl KubeSights {
    /// What happens in `namespace` of `cluster`.
    #[must_use]
    pub fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self { cluster: cluster.clone(), namespace: namespace.to_owned() }
    }

    fn stream(&self, source: Source, config: Config) -> BoxStream<'static, (Source, watcher::Result<Event<DynamicObject>>)> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.cluster.client(), &self.namespace, &source.resource());
        renewed(api, config).default_backoff().map(move |event| (source, event)).boxed()
    }
}

/// A watcher that begins anew whichever way the server says that it forgot: the crate's own goes on asking for what is
/// forgotten when that is the answer to a request, and not a word within a stream.
fn renewed(api: Api<DynamicObject>, config: Config) -> impl Stream<Item = watcher::Result<Event<DynamicObject>>> + Send {
    let begin = move || watcher(api.clone(), config.clone()).boxed();
    stream::unfold((begin(), begin), |(mut events, begin)| async move {
        let event = events.next().await?;
        if event.as_ref().is_err_and(is_forgotten) {
            events = begin();
        }
        Some((event, (events, begin)))
    })
    .boxed()
}

/// Whether the server no longer knows what came after what was seen last.
fn is_forgotten(error: &watcher::Error) -> bool {
    let ((watcher::Error::WatchError(status), _) | (_, Some(kube::Error::Api(status)))) = (error, cause(error)) else { return false };
    status.code == GONE
}

impl Sights for KubeSights {
    fn follow(&self, kind: ScalingKind, name: &str) -> BoxStream<'static, Result<Sight>> {
        let named = Config::default().fields(&format!("metadata.name={name}"));
        let mut streams = vec![self.stream(Source::Events, Config::default())];
        match kind {
            ScalingKind::ScaledJob => {
                let labelled = || Config::default().labels(&format!("{SCALED_JOB_LABEL}={name}"));
                streams.push(self.stream(Source::Jobs, labelled()));
                streams.push(self.stream(Source::Pods, labelled()));
                streams.push(self.stream(Source::ScaledJob, named));
            }
            ScalingKind::ScaledObject => {
                streams.push(self.stream(Source::Hpa, Config::default().labels(&format!("{SCALED_OBJECT_LABEL}={name}"))));
                streams.push(self.stream(Source::ScaledObject, named));
            }
        }
        tell(stream::select_all(streams).boxed(), kind, name.to_owned()).boxed()
    }
}

/// The label of the HPA that KEDA makes for a ScaledObject.
const SCALED_OBJECT_LABEL: &str = "scaledobject.keda.sh/name";

/// The things that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Jobs,
    Pods,
    Events,
    ScaledJob,
    ScaledObject,
    Hpa,
}

impl Source {
    fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::Jobs => ("batch", "v1", "Job", "jobs"),
            Self::Pods => ("", "v1", "Pod", "pods"),
            Self::Events => ("", "v1", "Event", "events"),
            Self::ScaledJob => ("keda.sh", "v1alpha1", "ScaledJob", "scaledjobs"),
            Self::ScaledObject => ("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
            // Every Kubernetes serves v1; it has the conditions in an annotation.
            Self::Hpa => ("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

/// Takes in everything that is ready, and tells what came of it.
fn tell(
    streams: BoxStream<'static, (Source, watcher::Result<Event<DynamicObject>>)>,
    kind: ScalingKind,
    name: String,
) -> impl Stream<Item = Result<Sight>> + Send {
    let scene = Scene { name, of_object: kind == ScalingKind::ScaledObject, ..Scene::default() };
    stream::unfold((streams, scene), |(mut streams, mut scene)| async move {
        let (source, event) = streams.next().await?;
        scene.take(source, event);
        for _ in 0..TOGETHER {
            let Some(Some((source, event))) = streams.next().now_or_never() else { break };
            scene.take(source, event);
        }
        let told = scene.told();
        Some((stream::iter(told), (streams, scene)))
    })
    .flatten()
}

/// What was seen last.
#[derive(Default)]
struct Scene {
    /// The object that is followed.
    name: String,
    /// Whether that is a ScaledObject.
    of_object: bool,
    jobs: Kept,
    pods: Kept,
    /// How often each event was said, by its uid; nothing before the first list of old ones.
    events: HashMap<String, i64>,
    old_events: bool,
    changed: bool,
    /// How often in a row each stream was refused.
    refusals: HashMap<Source, u32>,
    news: Vec<Result<Sight>>,
}

/// Objects by name, and those of a list that is not complete yet.
#[derive(Default)]
struct Kept {
    now: BTreeMap<String, Value>,
    listed: Option<BTreeMap<String, Value>>,
    complete: bool,
}

impl Kept {
    /// Takes in one step; returns whether the picture changed.
    fn take(&mut self, event: Event<DynamicObject>) -> bool {
        match event {
            Event::Apply(object) => {
                if let Some((name, value)) = plain(object) {
                    self.now.insert(name, value);
                }
                true
            }
            Event::Delete(object) => {
                self.now.remove(object.metadata.name.as_deref().unwrap_or_default());
                true
            }
            Event::Init => {
                self.listed = Some(BTreeMap::new());
                false
            }
            Event::InitApply(object) => {
                if let (Some(listed), Some((name, value))) = (&mut self.listed, plain(object)) {
                    listed.insert(name, value);
                }
                false
            }
            Event::InitDone => {
                self.now = self.listed.take().unwrap_or_default();
                self.complete = true;
                true
            }
        }
    }
}

fn plain(mut object: DynamicObject) -> Option<(String, Value)> {
    object.metadata.managed_fields = None;
    let name = object.metadata.name.clone()?;
    serde_json::to_value(object).ok().map(|value| (name, value))
}

impl Scene {
    fn take(&mut self, source: Source, event: watcher::Result<Event<DynamicObject>>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.fault(source, &error),
        };
        self.refusals.remove(&source);
        match source {
            Source::Jobs => self.changed |= self.jobs.take(event),
            Source::Pods => self.changed |= self.pods.take(event),
            Source::Events => self.take_event(event),
            Source::Hpa => {
                if let Event::Apply(object) | Event::InitApply(object) = event {
                    self.news.extend(plain(object).map(|(name, object)| Ok(hpa(name, &object))));
                }
            }
            Source::ScaledJob | Source::ScaledObject => match event {
                Event::Apply(object) | Event::InitApply(object) => {
                    if let Some((_, object)) = plain(object) {
                        self.news.push(Ok(conditions(&object)));
                    }
                }
                Event::Delete(_) => self.news.push(Ok(Sight::Gone)),
                Event::Init | Event::InitDone => {}
            },
        }
    }

    /// Faults pass by themselves, as the streams try again; only what is refused again and again does not.
    fn fault(&mut self, source: Source, error: &watcher::Error) {
        let what = format!("could not watch {source:?}").to_lowercase();
        if is_forgotten(error) {
            let why = "the API server has forgotten what came next; what came and went meanwhile was not seen";
            return self.news.push(Ok(Sight::Broken(format!("{what}: {why}"))));
        }
        if let Some(kube::Error::Api(status)) =
            cause(error).filter(|error| matches!(error, kube::Error::Api(status) if REFUSED.contains(&status.code)))
            // The HPA only adds to what is seen.
            && source != Source::Hpa
        {
            let refusals = self.refusals.entry(source).or_default();
            *refusals += 1;
            if *refusals >= REFUSALS || status.code == 403 {
                let kind = if status.code == 404 { Kind::NotFound } else { Kind::Denied };
                let error = Error::new(kind, what, status.message.clone());
                self.news.push(Err(error.hint("run `kedactl doctor` to see which permissions are missing")));
                return;
            }
        }
        let why = cause(error).map_or_else(|| error.to_string(), |error| super::error::fault("", error).why);
        self.news.push(Ok(Sight::Broken(format!("{what}: {why}"))));
    }

    fn take_event(&mut self, event: Event<DynamicObject>) {
        let (object, is_old) = match event {
            Event::Apply(object) => (object, false),
            Event::InitApply(object) => (object, !self.old_events),
            Event::InitDone => {
                self.old_events = true;
                return;
            }
            Event::Init | Event::Delete(_) => return,
        };
        let Some(uid) = object.metadata.uid.clone() else { return };
        let Some((_, value)) = plain(object) else { return };
        let times = value["count"].as_i64().unwrap_or(1);
        let before = self.events.insert(uid, times);
        if is_old || before.is_some_and(|before| before >= times) {
            return;
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, name, warning) = (text("/involvedObject/kind"), text("/involvedObject/name"), text("/type") == "Warning");
        let ours = if self.of_object { self.is_of_object(kind, name, warning) } else { self.is_of_job(kind, name, warning) };
        if ours {
            self.news.push(Ok(Sight::Said {
                object: format!("{kind}/{name}"),
                reason: text("/reason").to_owned(),
                note: text("/message").trim().to_owned(),
                warning,
            }));
        }
    }

    fn is_of_job(&self, kind: &str, name: &str, warning: bool) -> bool {
        let of_job = name.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('-'));
        match kind {
            "ScaledJob" => name == self.name,
            "Job" | "Pod" => warning && of_job,
            _ => false,
        }
    }

    /// The target may have another name; what KEDA makes bears the object's.
    fn is_of_object(&self, kind: &str, name: &str, warning: bool) -> bool {
        match kind {
            "ScaledObject" => name == self.name,
            "HorizontalPodAutoscaler" => name == format!("keda-hpa-{}", self.name),
            "Deployment" | "ReplicaSet" | "Pod" => warning && name.starts_with(&self.name),
            _ => false,
        }
    }

    fn told(&mut self) -> Vec<Result<Sight>> {
        let mut told = std::mem::take(&mut self.news);
        if self.changed && self.jobs.complete && self.pods.complete {
            self.changed = false;
            told.insert(0, Ok(Sight::Jobs(jobs::joined(self.jobs.now.values(), self.pods.now.values()))));
        }
        told
    }
}

/// The object's conditions as `Status/Reason: message`.
fn conditions(object: &Value) -> Sight {
    let said = |kind: &str| condition(object, kind);
    Sight::Conditions { ready: said("Ready"), active: said("Active"), paused: said("Paused") }
}

/// The HPA called `name`, as it is.
fn hpa(name: String, object: &Value) -> Sight {
    let conditions = object["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/conditions"].as_str();
    let conditions: Value = conditions.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let told = json!({ "status": { "conditions": conditions } });
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    Sight::Hpa {
        name,
        current: number("/status/currentReplicas").unwrap_or_default(),
        desired: number("/status/desiredReplicas").unwrap_or_default(),
        condition: condition(&told, "ScalingActive"),
    }
}

fn condition(object: &Value, kind: &str) -> String {
    let all = object["status"]["conditions"].as_array();
    let Some(condition) = all.into_iter().flatten().find(|condition| condition["type"] == kind) else { return "Unknown".to_owned() };
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    let (status, reason, message) = (text("status"), text("reason"), text("message"));
    let head = if reason.is_empty() { status.to_owned() } else { format!("{status}/{reason}") };
    if message.is_empty() { head } else { format!("{head}: {message}") }
}

fn cause(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            Some(error)
        }
        _ => None,
    }
}
