//! What a run needs for each of its objects: the files over the stack's own objects, scalers, and jobs as processes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    Backend, Identity,
    absent::NoCluster,
    aws::{
        credentials::token_file,
        scalers::{AwsScalers, Resolution},
        shared::SharedIdentities,
    },
    manifests::{
        Manifests,
        overlay::{Catalog, Key, Overlay},
    },
    process::{AsWanted, Launch, Trial, TrialMakings, replica_spec, wanted},
};
use crate::core::{
    error::{Error, Kind, Result},
    event::Fanout,
    keda::{
        admission,
        manifest::{self, Trigger},
        trigger::assumed::{Assumed, Assumption},
    },
    needs::{Needs, Reader},
    ops::{
        run::{Answers, AssumedScalers, BoundedScalers, SharedScalers, spread::Seat},
        watch::container_environment,
    },
    ports::{Asked, Jobs, Objects, Scalers, Workloads},
    settings::{Aws, ScalingKind, Target},
};

/// Requests that are made at the same time, however many objects there are.
const TURNS: usize = 32;
/// How long a job has to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// One object that can be run, and its world.
pub struct Post {
    /// Its kind, namespace and name.
    pub key: Key,
    /// What it is called in events: `namespace/name`, with the kind where another object is called the same.
    pub about: String,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    /// Time from one poll to the next.
    pub interval: Duration,
    /// The objects of its namespace.
    pub objects: Arc<dyn Objects>,
    /// What reads its triggers.
    pub scalers: Arc<dyn Scalers>,
    resolver: Arc<AwsScalers>,
    /// Where its jobs run.
    pub jobs: Arc<dyn Jobs>,
    /// Where its target runs.
    pub workloads: Arc<dyn Workloads>,
}

/// A namespace's objects, and what reads the triggers of those in it.
type World = (Arc<dyn Objects>, Arc<AwsScalers>, Arc<dyn Scalers>);

impl Post {
    /// What is scaled of it.
    #[must_use]
    pub fn scaling(&self) -> ScalingKind {
        if self.key.kind == "ScaledObject" { ScalingKind::ScaledObject } else { ScalingKind::ScaledJob }
    }

    /// Its place among others.
    #[must_use]
    pub fn seat(&self) -> Seat {
        Seat::new(&self.key.namespace, &self.key.name, &self.triggers, self.interval)
    }

    /// Its triggers as they are resolved, but for those of which something is assumed from the start on. What cannot be resolved is
    /// left out: its loop says why.
    async fn readers(&self, assumptions: &[Assumption]) -> Vec<Reader> {
        let Ok((pod, container)) = self.pod().await else { return Vec::new() };
        let Ok(env) = container_environment(&pod, container.as_deref(), &*self.objects).await else { return Vec::new() };
        let (owner, nobody) = (self.key.path(), Fanout(Vec::new()));
        let mut readers = Vec::new();
        for (index, trigger) in self.triggers.iter().enumerate() {
            let assumed = Assumed::of(index, trigger, assumptions).ok().flatten();
            if assumed.is_some_and(|assumed| assumed.reading(Duration::ZERO).is_some()) {
                continue;
            }
            let asked = Asked { owner: &owner, index, trigger, env: &env, pod: &pod, reporter: &nobody };
            if let Ok(Resolution { metadata, access: Some(access), .. }) = self.resolver.resolve(asked).await {
                let about = format!("{} triggers[{index}]", self.key.path());
                readers.push(Reader { about, metadata, authorization: access.authorization });
            }
        }
        readers
    }

    /// The spec of the pods that it makes, and the container whose environment its triggers may read.
    async fn pod(&self) -> Result<(Value, Option<String>)> {
        let Key { kind, name, .. } = &self.key;
        let value = self.objects.get(kind, name).await?.unwrap_or_default();
        if kind == "ScaledJob" {
            let spec = manifest::scaled_job(&value)?.spec;
            let pod = spec.job_target_ref.pointer("/template/spec").cloned().unwrap_or_default();
            return Ok((pod, spec.env_source_container_name));
        }
        let target = manifest::scaled_object(&value)?.spec.scale_target_ref;
        let kind = target.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("Deployment");
        let absent = || Error::new(Kind::NotFound, format!("no {kind} `{}`", target.name), "spec.scaleTargetRef names it");
        let object = self.objects.get(kind, &target.name).await?.ok_or_else(absent)?;
        Ok((object.pointer("/spec/template/spec").cloned().unwrap_or_default(), target.env_source_container_name))
    }
}

/// The objects of `manifests` that can be run, with their triggers and polling intervals.
///
/// # Errors
/// `Input` when there is none, and when KEDA's webhook would refuse one beside the others.
pub fn runnable(manifests: &Manifests) -> Result<Vec<(Key, Vec<Trigger>, Duration)>> {
    let mut found = Vec::new();
    for (key, value) in manifests.catalog.of_kind("ScaledJob") {
        let spec = manifest::scaled_job(value)?.spec;
        let interval = Duration::from_secs(spec.polling_interval_seconds());
        found.push((key.clone(), spec.triggers, interval));
    }
    let mut scaled = Vec::new();
    for (key, value) in manifests.catalog.of_kind("ScaledObject") {
        let object = manifest::scaled_object(value)?;
        let interval = Duration::from_secs(object.spec.polling_interval_seconds());
        found.push((key.clone(), object.spec.triggers.clone(), interval));
        scaled.push((key.namespace.clone(), object));
    }
    let autoscalers: Vec<_> = manifests.catalog.of_kind("HorizontalPodAutoscaler").map(|(_, value)| value).collect();
    admission::check(&scaled, &autoscalers, &|namespace, target| manifests.catalog.get(&target.kind, namespace, &target.name))?;
    if found.is_empty() {
        let error = Error::input("--filename", "the manifests", "they hold neither a ScaledJob nor a ScaledObject");
        return Err(error.hint("name one that does: kedactl run -f examples/01-sqs.yaml"));
    }
    Ok(found)
}

impl Backend {
    /// A folder for the jobs and replicas of one run, `pace` times faster than real time. A job runs the first command, a replica
    /// the second, each with the program first.
    ///
    /// # Errors
    /// `Input` when there is no such program; `State` when the folder cannot be made.
    pub async fn trial(&self, [job, replica]: [Vec<String>; 2], pace: f64) -> Result<Trial> {
        let launch = |command| -> Result<Launch> {
            Ok(Launch { grace: GRACE, ..Launch::new(&self.settings.state_dir, &self.settings.stack, pace)?.plain(command)? })
        };
        Trial::begin(&self.settings.state_dir.join("runs"), launch(job)?, launch(replica)?).await
    }

    /// The world of each object: scalers that read what nothing is assumed of, as the operator of `reader`, once for all
    /// who ask the same at the same time.
    ///
    /// Jobs and replicas are those of `trial`; without one there are no jobs, and as many replicas as the files say.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub async fn posts(
        &self,
        manifests: &Manifests,
        assumptions: &[Assumption],
        trial: Option<&Trial>,
        reader: &Self,
    ) -> Result<Vec<Post>> {
        let catalog = Arc::new(manifests.catalog.clone());
        let keda = self.over(&catalog, &self.settings.names.keda_namespace).await?;
        let turns = Arc::new(Semaphore::new(TURNS));
        let answers = Arc::new(Answers::default());
        let mut worlds = BTreeMap::<String, World>::new();
        let mut posts = Vec::new();
        for (key, triggers, interval) in runnable(manifests)? {
            if !worlds.contains_key(&key.namespace) {
                let objects = self.over(&catalog, &key.namespace).await?;
                let real = Arc::new(reader.scalers_over(&key.namespace, objects.clone(), keda.clone()).await?);
                let shared = Arc::new(SharedScalers::new(real.clone(), answers.clone()));
                let bounded = Arc::new(BoundedScalers::new(shared, turns.clone()));
                let scalers: Arc<dyn Scalers> = Arc::new(AssumedScalers::new(bounded, assumptions.to_vec()));
                worlds.insert(key.namespace.clone(), (objects, real, scalers));
            }
            let (objects, resolver, scalers) = worlds[&key.namespace].clone();
            let folder = format!("{}.{}.{}", key.namespace, key.kind.to_lowercase(), key.name);
            let (mut jobs, mut workloads): (Arc<dyn Jobs>, Arc<dyn Workloads>) = (Arc::new(NoCluster), Arc::new(NoCluster));
            match (makings(&key, &*objects).await?, trial) {
                (Some(makings), Some(trial)) => workloads = Arc::new(trial.pool(&folder, makings)),
                (Some(makings), None) => workloads = Arc::new(AsWanted(makings)),
                (None, Some(trial)) if key.kind == "ScaledJob" => jobs = Arc::new(trial.jobs(&folder)),
                (None, _) => {}
            }
            let twin = if key.kind == "ScaledJob" { "ScaledObject" } else { "ScaledJob" };
            let is_alone = manifests.catalog.get(twin, &key.namespace, &key.name).is_none();
            let about = if is_alone { key.path() } else { key.to_string() };
            posts.push(Post { key, about, triggers, interval, objects, scalers, resolver, jobs, workloads });
        }
        Ok(posts)
    }

    /// What the triggers of `posts` need in AWS, but for those of which something is assumed from the start on.
    ///
    /// # Errors
    /// `Input`, when what a trigger says does not tell what it needs.
    pub async fn needs(&self, posts: &[Post], assumptions: &[Assumption]) -> Result<Needs> {
        let mut readers = Vec::new();
        for post in posts {
            readers.extend(post.readers(assumptions).await);
        }
        Needs::of(&readers, &self.settings.place.account)
    }

    /// The scalers of `namespace`, whose objects are `objects`; `keda_objects` are those of KEDA's own.
    pub(super) async fn scalers_over(
        &self,
        namespace: &str,
        objects: Arc<dyn Objects>,
        keda_objects: Arc<dyn Objects>,
    ) -> Result<AwsScalers> {
        let (namespace, keda_namespace) = (namespace.to_owned(), self.settings.names.keda_namespace.clone());
        Ok(AwsScalers { identities: self.identities().await?, namespace, objects, keda_namespace, keda_objects })
    }

    /// Whom this process is to AWS in the place of KEDA's operator: found once, shared by all that it scales.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub async fn identities(&self) -> Result<Arc<SharedIdentities>> {
        let find = async || {
            let wire = self.wire().await?;
            let mint = if self.settings.aws() == Aws::Embedded { Some(self.mint(Identity::Operator).await?) } else { token_file() };
            let operator = self.credentials(&wire, Identity::Operator).await?;
            Ok(Arc::new(SharedIdentities::new(wire, operator, mint)))
        };
        self.identities.get_or_try_init(find).await.cloned()
    }

    /// What files have in `namespace`, over the stack's own objects where it is set up on this machine.
    async fn over(&self, catalog: &Arc<Catalog>, namespace: &str) -> Result<Arc<dyn Objects>> {
        let names = &self.settings.names;
        let is_own = namespace == names.namespace || namespace == names.keda_namespace;
        let below = if is_own && self.settings.target == Target::Local { Some(self.objects_in(namespace).await?) } else { None };
        Ok(Arc::new(Overlay::new(catalog.clone(), namespace, below)))
    }
}

/// What the replicas of a ScaledObject are made from; nothing for other kinds, and where its target is neither in the files nor below.
async fn makings(key: &Key, objects: &dyn Objects) -> Result<Option<TrialMakings>> {
    let Some(value) = objects.get("ScaledObject", &key.name).await?.filter(|_| key.kind == "ScaledObject") else { return Ok(None) };
    let target = manifest::scaled_object(&value)?.spec.target();
    let Some(object) = objects.get(&target.kind, &target.name).await? else { return Ok(None) };
    let spec = replica_spec((&target.kind, &target.name), &object, objects).await;
    Ok(Some(TrialMakings { wanted: wanted(&object), target, spec }))
}
