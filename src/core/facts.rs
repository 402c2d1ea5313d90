//! Everything that a template may name, as it follows from the settings.

use std::time::Duration;

use serde::Serialize;

use super::{
    settings::{Auth, AuthScope, Controller, ScalingKind, Settings, Target, TriggerKind},
    stack::{AUDIENCE, BACKLOG_DIMENSION, BACKLOG_METRIC, KEDA_SERVICE_ACCOUNT, TABLE_KEY, TABLE_PARTITION, subject},
    template::Template,
    work::idle_budget,
};

/// Port of the result analyzer's service.
pub const ANALYZER_PORT: u16 = 8080;
/// Messages that the producer's Job sends, as in the article.
const MESSAGES: u64 = 10;
/// POSIX sh; shellcheck is content.
const SCRIPTS: Scripts = Scripts {
    consumer: include_str!("../../templates/scripts/sqs-consumer.sh"),
    producer: include_str!("../../templates/scripts/sqs-producer.sh"),
};

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
    pub operator_role_arn: String,
    pub workload_role_arn: String,
    pub queue_arn: String,
    pub queue_url: String,
    pub trigger: TriggerKind,
    pub stream: String,
    pub stream_arn: String,
    pub table: String,
    pub table_arn: String,
    pub table_key: &'static str,
    /// Whose items count.
    pub table_partition: &'static str,
    pub metric_namespace: String,
    pub metric: &'static str,
    pub metric_dimension: &'static str,
    pub service_account: String,
    pub trigger_auth: String,
    pub kind: ScalingKind,
    pub scaled_job: String,
    pub scaled_object: String,
    pub deployment: String,
    pub queue_length: i64,
    pub polling_interval: i32,
    /// Seconds.
    pub cooldown_period: i32,
    pub min_replica_count: i32,
    pub max_replica_count: i32,
    pub strategy: String,
    pub work_seconds: u32,
    pub active_deadline_seconds: u32,
    /// Seconds.
    pub visibility_timeout: u64,
    /// Seconds for which a consumer looks for a message.
    pub idle_timeout: u64,
    pub target: Target,
    pub controller: Controller,
    pub auth: Auth,
    pub auth_scope: AuthScope,
    /// The kind of object that tells KEDA how to authenticate.
    pub trigger_auth_kind: &'static str,
    pub scaler_secret: String,
    /// Where whoever reads the scaler's keys looks for them.
    pub scaler_secret_namespace: String,
    pub workload_secret: String,
    pub account: String,
    pub cluster_arn: String,
    pub keda_namespace: String,
    pub keda_service_account: &'static str,
    pub endpoint_url: Option<String>,
    /// RFC 3339, UTC.
    pub expires_at: Option<String>,
    pub runner: Runner,
    pub images: Images,
    pub scripts: Scripts,
    pub consumer_script: String,
    pub analyzer: String,
    pub analyzer_service: String,
    pub analyzer_url: String,
    pub producer: String,
    /// How many the producer's Job sends.
    pub messages: u64,
}

/// What the containers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// The scripts of `templates/scripts`, in the article's images.
    Script,
    /// This program, in its own image.
    Kedactl,
}

/// The image of each container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is named as the container")]
pub struct Images {
    pub consumer: String,
    pub producer: String,
    pub analyzer: String,
}

/// The text of each script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is named as who runs it")]
pub struct Scripts {
    pub consumer: &'static str,
    pub producer: &'static str,
}

impl Images {
    /// The images that the article uses.
    fn article() -> Self {
        Self {
            consumer: "pebbletech/docker-aws-cli:add-jq".to_owned(),
            producer: "amazon/aws-cli:2.15.23".to_owned(),
            analyzer: "ghcr.io/kedify/blog05-result-analyzer-program:latest".to_owned(),
        }
    }

    /// One image for all.
    fn all(image: &str) -> Self {
        Self { consumer: image.to_owned(), producer: image.to_owned(), analyzer: image.to_owned() }
    }
}

impl Facts {
    /// The facts of the stack that `settings` describe, on the cluster whose OIDC issuer is `issuer` (with `https://`).
    #[must_use]
    pub fn new(settings: &Settings, issuer: &str) -> Self {
        let Settings { names, place, scaling, .. } = settings;
        let (runner, images) = match (&settings.image, settings.target) {
            (Some(image), _) => (Runner::Kedactl, Images::all(image)),
            (None, Target::Local) => (Runner::Kedactl, Images::all(concat!("kedactl:", env!("CARGO_PKG_VERSION")))),
            (None, Target::Cluster | Target::Eks) => (Runner::Script, Images::article()),
        };
        let polling = Duration::from_secs(scaling.polling_interval.unsigned_abs().into());
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
            operator_role_arn: place.iam_arn(&format!("role/{}", names.operator_role)),
            workload_role_arn: place.iam_arn(&format!("role/{}", names.workload_role)),
            queue_arn: place.queue_arn(&names.queue),
            queue_url: settings.queue_url(&names.queue),
            trigger: settings.trigger,
            stream: names.stream.clone(),
            stream_arn: place.stream_arn(&names.stream),
            table: names.table.clone(),
            table_arn: place.table_arn(&names.table),
            table_key: TABLE_KEY,
            table_partition: TABLE_PARTITION,
            metric_namespace: names.metric_namespace.clone(),
            metric: BACKLOG_METRIC,
            metric_dimension: BACKLOG_DIMENSION,
            service_account: names.service_account.clone(),
            trigger_auth: names.trigger_auth.clone(),
            kind: settings.kind,
            scaled_job: names.scaled_job.clone(),
            scaled_object: names.scaled_object.clone(),
            deployment: names.deployment.clone(),
            queue_length: scaling.queue_length,
            polling_interval: scaling.polling_interval,
            cooldown_period: scaling.cooldown_period,
            min_replica_count: scaling.min_replica_count,
            max_replica_count: scaling.max_replica_count,
            strategy: scaling.strategy.clone(),
            work_seconds: scaling.work_seconds,
            // Twice the work, and ten minutes for the pod to start and for the idle poll.
            active_deadline_seconds: scaling.work_seconds * 2 + 600,
            visibility_timeout: settings.visibility_timeout.as_secs().max(1),
            idle_timeout: idle_budget(polling, 1.0).as_secs(),
            target: settings.target,
            controller: settings.controller,
            auth: settings.auth,
            auth_scope: settings.auth_scope,
            trigger_auth_kind: trigger_auth_kind(settings.auth_scope),
            scaler_secret: names.scaler_secret.clone(),
            scaler_secret_namespace: scaler_secret_namespace(settings).to_owned(),
            workload_secret: names.workload_secret.clone(),
            account: place.account.clone(),
            cluster_arn: place.cluster_arn(&names.cluster),
            keda_namespace: names.keda_namespace.clone(),
            keda_service_account: KEDA_SERVICE_ACCOUNT,
            endpoint_url: settings.endpoint_url.clone(),
            expires_at: settings.expires_at.map(|at| at.to_string()),
            runner,
            images,
            scripts: SCRIPTS,
            consumer_script: names.consumer_script.clone(),
            analyzer: names.analyzer.clone(),
            analyzer_service: names.analyzer_service.clone(),
            analyzer_url: analyzer_url(settings),
            producer: names.producer.clone(),
            messages: MESSAGES,
        }
    }

    /// What setup makes of the stack's Kubernetes objects, in order: nothing is made before what it needs.
    #[must_use]
    pub fn objects(&self) -> Vec<Template> {
        let all = [
            Template::Namespace,
            Template::ServiceAccount,
            Template::TriggerAuthentication,
            Template::ConsumerScript,
            Template::ResultAnalyzer,
            Template::ResultAnalyzerService,
            Template::ScaledJob,
            Template::Deployment,
            Template::ScaledObject,
        ];
        // On this machine the analyzer is part of the program.
        let is_here =
            |template| self.target == Target::Local && matches!(template, Template::ResultAnalyzer | Template::ResultAnalyzerService);
        all.into_iter().filter(|template| self.needs(*template) && !is_here(*template)).collect()
    }

    /// The file of the consumer and of what scales it.
    #[must_use]
    pub fn consumer_file(&self) -> &'static str {
        match self.kind {
            ScalingKind::ScaledJob => "scaled-job-consumer.yaml",
            ScalingKind::ScaledObject => "scaled-object-consumer.yaml",
        }
    }

    /// Whether the stack has a use for what `template` makes.
    #[must_use]
    pub fn needs(&self, template: Template) -> bool {
        match template {
            Template::Namespace => self.target != Target::Local && self.namespace != "default",
            Template::ConsumerScript => self.runner == Runner::Script,
            Template::ScaledJob => self.kind == ScalingKind::ScaledJob,
            Template::Deployment | Template::ScaledObject => self.kind == ScalingKind::ScaledObject,
            Template::KedaValues => self.target != Target::Local && self.controller != Controller::InProcess,
            Template::OperatorTrust | Template::WorkloadTrust => self.auth != Auth::Secret,
            // Their values are in no file.
            Template::ScalerSecret | Template::WorkloadSecret => false,
            _ => true,
        }
    }
}

/// The namespace of the Secret of the scaler's keys: KEDA reads those of a `ClusterTriggerAuthentication` in its own.
#[must_use]
pub fn scaler_secret_namespace(settings: &Settings) -> &str {
    let names = &settings.names;
    if settings.auth_scope == AuthScope::Cluster { &names.keda_namespace } else { &names.namespace }
}

/// The kind of object that tells KEDA how to authenticate.
#[must_use]
pub fn trigger_auth_kind(scope: AuthScope) -> &'static str {
    match scope {
        AuthScope::Namespace => "TriggerAuthentication",
        AuthScope::Cluster => "ClusterTriggerAuthentication",
    }
}

/// Where the consumers of a stack reach its result analyzer.
#[must_use]
pub fn analyzer_url(settings: &Settings) -> String {
    format!("http://{}:{ANALYZER_PORT}", settings.names.analyzer_service)
}
