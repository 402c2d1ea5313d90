//! The identity modes of a real cluster: what each makes in AWS, made once, repaired, left alone when foreign, and gone at the end.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_iam::types::{StatusType, Tag};
use aws_sdk_sqs::types::QueueAttributeName;
use base64::{Engine, engine::general_purpose::STANDARD};
use kedactl::{
    backend::{
        aws::{
            config::{Wire, administrator, configure},
            resources::{Issuer, Secrets, keys, resources},
        },
        emulator::{ACCOUNT, Emulator},
        process::FileObjects,
    },
    core::{
        error::Kind,
        plan::{Observed, Scope},
        ports::{Objects, Resource},
        settings::{Auth, Choices, Key, Origin, Settings},
    },
};
use serde_json::{Value, json};

use crate::support::{moto_url, skipped};

const REGION: &str = "eu-west-1";

/// What setup makes in AWS, the keys last.
fn both(sdk: &SdkConfig, settings: &Settings, issuer: &Issuer, secrets: &Secrets) -> Vec<Box<dyn Resource>> {
    let mut all = resources(sdk, settings, issuer);
    all.extend(keys(sdk, settings, issuer, secrets));
    all
}

/// A cluster that was there before, and a stack that is to run on it.
pub(super) struct Mode {
    name: String,
    wire: Wire,
    pub(super) sdk: SdkConfig,
    pub(super) flags: Choices,
    stack: String,
    objects: Arc<dyn Objects>,
    state: tempfile::TempDir,
}

impl Mode {
    pub(super) async fn new(auth: &str, endpoint: Option<String>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let state = tempfile::tempdir().expect("the temporary directory is writable");
        // Unique, as moto's server is one for all tests.
        let stack = format!("m{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let cluster = format!("{stack}-cluster");
        let mut flags = Choices::from([
            (Key::Target, "eks".to_owned()),
            (Key::Cluster, cluster.clone()),
            (Key::Region, REGION.to_owned()),
            (Key::Auth, auth.to_owned()),
        ]);
        flags.extend(endpoint.clone().map(|url| (Key::EndpointUrl, url)));
        let (name, wire) = if let Some(url) = endpoint {
            (format!("moto, {auth}"), Wire::network(Some(url)))
        } else {
            let emulator = Emulator::open(&state.path().join("aws.db")).expect("opened");
            (format!("embedded, {auth}"), Wire::over(emulator.http_client()))
        };
        let sdk = configure(&wire, REGION, Some(administrator()));
        let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
        let create = aws_sdk_eks::Client::new(&sdk).create_cluster().name(cluster).resources_vpc_config(vpc);
        create.role_arn(format!("arn:aws:iam::{ACCOUNT}:role/eks")).send().await.expect("made");
        let objects = Arc::new(FileObjects::new(state.path().join("objects")));
        Self { name, wire, sdk, flags, stack, objects, state }
    }

    pub(super) fn settings(&self) -> Settings {
        let stack = self.stack.parse().expect("a legal name");
        Settings::resolve(stack, self.state.path().to_owned(), ACCOUNT, &[(Origin::Flag, self.flags.clone())]).expect("valid")
    }

    async fn resources(&self) -> Vec<Box<dyn Resource>> {
        let settings = self.settings();
        let issuer = Issuer::new(&self.sdk, &settings, None);
        if settings.auth == Auth::Irsa {
            issuer.url().await.expect("the cluster has one");
        }
        let secrets = Secrets { scaler: self.objects.clone(), workload: self.objects.clone() };
        both(&self.sdk, &settings, &issuer, &secrets)
    }

    pub(super) async fn apply_all(&self) -> Vec<Box<dyn Resource>> {
        let all = self.resources().await;
        for resource in &all {
            resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", self.name, resource.id()));
        }
        all
    }

    async fn observe(&self, resource: &dyn Resource) -> Observed {
        resource.observe().await.unwrap_or_else(|error| panic!("{}: {}: {error}", self.name, resource.id()))
    }

    /// Every resource is as it should be.
    async fn expect_ready(&self, all: &[Box<dyn Resource>]) {
        for resource in all {
            assert_eq!(self.observe(&**resource).await, Observed::Ready, "{}: {}", self.name, resource.id());
        }
    }

    fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.sdk)
    }

    async fn secret(&self, name: &str) -> Value {
        self.objects.get("Secret", name).await.expect("read").expect("there")
    }

    /// The keys in the Secret called `name`.
    pub(super) async fn keys(&self, name: &str, fields: [&str; 2]) -> Credentials {
        let secret = self.secret(name).await;
        let [id, half] = fields.map(|field| {
            let text = secret["data"][field].as_str().unwrap_or_else(|| panic!("{}: no {field}", self.name));
            String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text")
        });
        Credentials::new(id, half, None, None, "secret")
    }

    /// The way to this AWS with `credentials`.
    pub(super) fn sdk_of(&self, credentials: Credentials) -> SdkConfig {
        configure(&self.wire, REGION, Some(SharedCredentialsProvider::new(credentials)))
    }

    fn sqs(&self, credentials: Credentials) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk_of(credentials))
    }

    async fn expire(&mut self, at: Option<&str>) -> Vec<Box<dyn Resource>> {
        self.flags.remove(&Key::ExpiresAt);
        self.flags.extend(at.map(|at| (Key::ExpiresAt, at.to_owned())));
        self.resources().await
    }
}

/// The fields of the scaler's key.
pub(super) const SCALER: [&str; 2] = ["awsAccessKeyID", "awsSecretAccessKey"];
const WORKLOAD: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Every mode on every AWS that there is here.
async fn modes() -> Vec<Mode> {
    let mut modes = Vec::new();
    for auth in ["irsa", "pod-identity", "secret"] {
        modes.push(Mode::new(auth, None).await);
    }
    if let Some(url) = moto_url() {
        modes.push(Mode::new("secret", Some(url)).await);
        skipped("web identity on moto: every cluster there has the same issuer; the local target's contract holds it");
        skipped("pod identity on moto: it has no associations");
    } else {
        skipped("the same on moto: no KEDACTL_MOTO_URL");
    }
    modes
}

#[tokio::test]
async fn each_mode_is_made_once_and_gone_once_and_the_cluster_stays() {
    for mode in modes().await {
        let all = mode.resources().await;
        assert!(!all.iter().any(|resource| resource.id().kind == "eks cluster"), "{}", mode.name);
        for resource in &all {
            let place = format!("{}: {}", mode.name, resource.id());
            assert_eq!(mode.observe(&**resource).await, Observed::Absent, "{place}");
            for _ in 0..2 {
                resource.apply().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(mode.observe(&**resource).await, Observed::Ready, "{place}");
            }
            assert!(resource.replaces().iter().all(|command| command.starts_with("aws ") || command.starts_with("kubectl ")));
        }
        for resource in all.iter().rev() {
            let place = format!("{}: {}", mode.name, resource.id());
            for _ in 0..2 {
                resource.delete().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(mode.observe(&**resource).await, Observed::Absent, "{place}");
            }
        }
        let eks = aws_sdk_eks::Client::new(&mode.sdk);
        eks.describe_cluster().name(&mode.settings().names.cluster).send().await.expect("it is still there");
        assert_eq!(mode.objects.list("Secret").await.expect("listed"), [] as [Value; 0], "{}", mode.name);
    }
}

#[tokio::test]
async fn a_stack_can_be_removed_after_its_cluster_is_gone() {
    for auth in ["irsa", "pod-identity"] {
        let mode = Mode::new(auth, None).await;
        let names = mode.settings().names;
        mode.apply_all().await;
        aws_sdk_eks::Client::new(&mode.sdk).delete_cluster().name(&names.cluster).send().await.expect("deleted");
        let settings = mode.settings();
        let secrets = Secrets { scaler: mode.objects.clone(), workload: mode.objects.clone() };
        let all = both(&mode.sdk, &settings, &Issuer::new(&mode.sdk, &settings, None), &secrets);
        for resource in all.iter().rev() {
            resource.delete().await.unwrap_or_else(|error| panic!("{}: {}: {error}", mode.name, resource.id()));
        }
        let role = mode.iam().get_role().role_name(&names.operator_role).send().await;
        assert!(role.is_err_and(|error| error.into_service_error().is_no_such_entity_exception()), "{auth}");
        let error = both(&mode.sdk, &settings, &Issuer::new(&mode.sdk, &settings, None), &secrets);
        for resource in error.iter().filter(|resource| auth == "irsa" && resource.id().kind == "iam role") {
            let error = resource.apply().await.expect_err("no issuer");
            assert_eq!((error.kind, error.to_string().contains(&names.cluster)), (Kind::Input, true), "{error}");
        }
    }
}

#[tokio::test]
async fn an_expiry_is_stamped_on_what_is_ours_and_follows_what_is_wanted() {
    for mut mode in modes().await {
        mode.apply_all().await;
        for at in [Some("2030-01-02T15:04:05Z"), Some("2031-01-01T00:00:00Z"), None] {
            let all = mode.expire(at).await;
            let mut drifted = 0;
            for resource in &all {
                if let Observed::Drifted { differences } = mode.observe(&**resource).await {
                    assert!(differences.iter().all(|one| one.field == "tag kedactl:expires-at"), "{}: {differences:?}", mode.name);
                    drifted += 1;
                }
                resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", mode.name, resource.id()));
            }
            assert!(drifted >= 5, "{}: {drifted}", mode.name);
            mode.expect_ready(&all).await;
            let url = mode.settings().queue_url(&mode.settings().names.queue);
            let tags = aws_sdk_sqs::Client::new(&mode.sdk).list_queue_tags().queue_url(url).send().await.expect("listed").tags;
            assert_eq!(tags.unwrap_or_default().get("kedactl:expires-at").map(String::as_str), at, "{}", mode.name);
        }
    }
}

/// The modes with users.
async fn with_keys() -> Vec<Mode> {
    modes().await.into_iter().filter(|mode| mode.name.ends_with("secret")).collect()
}

#[tokio::test]
async fn each_key_may_do_its_own_work_and_nothing_else() {
    let mode = Mode::new("secret", None).await;
    mode.apply_all().await;
    let names = mode.settings().names;
    let url = mode.settings().queue_url(&names.queue);
    let scaler = mode.sqs(mode.keys(&names.scaler_secret, SCALER).await);
    let workload = mode.sqs(mode.keys(&names.workload_secret, WORKLOAD).await);
    scaler.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send().await.expect("the scaler reads");
    workload.send_message().queue_url(&url).message_body("m").send().await.expect("the producer sends");
    workload.receive_message().queue_url(&url).send().await.expect("the consumer receives");
    scaler.send_message().queue_url(&url).message_body("m").send().await.expect_err("the scaler does not send");
    workload.purge_queue().queue_url(&url).send().await.expect_err("nobody purges");
}

#[tokio::test]
async fn a_key_that_no_longer_works_is_replaced_and_no_other_is_left() {
    for mode in with_keys().await {
        let all = mode.apply_all().await;
        let (names, iam) = (mode.settings().names, mode.iam());
        let key = |credentials: Credentials| credentials.access_key_id().to_owned();
        let before = key(mode.keys(&names.scaler_secret, SCALER).await);
        let off = iam.update_access_key().user_name(&names.operator_role).access_key_id(&before).status(StatusType::Inactive);
        off.send().await.expect("switched off");
        let stray = iam.create_access_key().user_name(&names.workload_role).send().await.expect("made").access_key.expect("there");
        let kept = key(mode.keys(&names.workload_secret, WORKLOAD).await);
        for resource in all.iter().filter(|resource| resource.id().kind == "access key") {
            let observed = mode.observe(&**resource).await;
            assert!(matches!(&observed, Observed::Drifted { .. }), "{}: {}: {observed:?}", mode.name, resource.id());
            resource.apply().await.unwrap_or_else(|error| panic!("{}: {error}", mode.name));
        }
        mode.expect_ready(&all).await;
        assert_ne!(key(mode.keys(&names.scaler_secret, SCALER).await), before, "{}", mode.name);
        assert_eq!(key(mode.keys(&names.workload_secret, WORKLOAD).await), kept, "{}: a good key stays", mode.name);
        let left = iam.list_access_keys().user_name(&names.workload_role).send().await.expect("listed").access_key_metadata;
        assert!(left.iter().all(|key| key.access_key_id() != Some(stray.access_key_id())), "{}", mode.name);

        // A process that ended before it wrote the Secret leaves a key; both places are full of strays at worst.
        mode.objects.delete("Secret", &names.scaler_secret).await.expect("deleted");
        iam.create_access_key().user_name(&names.operator_role).send().await.expect("made");
        mode.apply_all().await;
        mode.expect_ready(&all).await;
        let left = iam.list_access_keys().user_name(&names.operator_role).send().await.expect("listed").access_key_metadata;
        assert_eq!(left.len(), 1, "{}", mode.name);
    }
}

#[tokio::test]
async fn a_secret_key_is_in_no_plan_and_no_error() {
    let mode = Mode::new("secret", None).await;
    let all = mode.apply_all().await;
    let names = mode.settings().names;
    let mut told = Vec::new();
    mode.objects.delete("Secret", &names.workload_secret).await.expect("deleted");
    let secret = mode.keys(&names.scaler_secret, SCALER).await.secret_access_key().to_owned();
    for resource in &all {
        told.push(format!("{} {:?} {:?}", resource.id(), resource.replaces(), mode.observe(&**resource).await));
    }
    assert!(!told.iter().any(|line| line.contains(&secret)), "{told:?}");
}

#[tokio::test]
async fn an_association_of_another_role_is_repaired() {
    let mode = Mode::new("pod-identity", None).await;
    let all = mode.apply_all().await;
    let (eks, cluster) = (aws_sdk_eks::Client::new(&mode.sdk), mode.settings().names.cluster);
    let listed = eks.list_pod_identity_associations().cluster_name(&cluster).send().await.expect("listed").associations;
    let ids: Vec<String> = listed.unwrap_or_default().into_iter().filter_map(|one| one.association_id).collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        let other = format!("arn:aws:iam::{ACCOUNT}:role/other");
        eks.update_pod_identity_association().cluster_name(&cluster).association_id(id).role_arn(other).send().await.expect("changed");
    }
    let mut drifted = 0;
    for resource in &all {
        drifted += u32::from(matches!(mode.observe(&**resource).await, Observed::Drifted { .. }));
        resource.apply().await.unwrap_or_else(|error| panic!("{}: {error}", resource.id()));
    }
    assert_eq!(drifted, 2);
    mode.expect_ready(&all).await;
}

#[tokio::test]
async fn what_nobody_or_another_stack_tagged_is_left_alone() {
    for owner in [None, Some("another")] {
        for mode in modes().await {
            occupy(&mode, owner).await;
            for resource in mode.resources().await {
                let (id, before) = (resource.id(), mode.observe(&*resource).await);
                let place = format!("{}: {id}", mode.name);
                if !matches!(id.kind, "iam user" | "access key" | "pod identity association" | "oidc provider") {
                    continue;
                }
                assert!(matches!(&before, Observed::Foreign { .. }), "{place}: {before:?}");
                let applied = resource.apply().await;
                if resource.scope() == Scope::Shared {
                    applied.unwrap_or_else(|error| panic!("{place}: what is shared serves as it is: {error}"));
                } else {
                    assert_eq!(applied.expect_err(&place).kind, Kind::Foreign, "{place}");
                }
                assert_eq!(resource.delete().await.expect_err(&place).kind, Kind::Foreign, "{place}");
                assert_eq!(mode.observe(&*resource).await, before, "{place}");
            }
        }
    }
}

/// Makes objects under the stack's names, tagged as `owner`'s.
async fn occupy(mode: &Mode, owner: Option<&str>) {
    let settings = mode.settings();
    let names = &settings.names;
    let tag = |owner: &str| Tag::builder().key("kedactl:stack").value(owner).build().expect("a tag");
    let iam_tags = owner.map(|owner| vec![tag(owner)]);
    let (iam, eks) = (mode.iam(), aws_sdk_eks::Client::new(&mode.sdk));
    match settings.auth {
        Auth::Irsa => {
            let issuer = Issuer::new(&mode.sdk, &settings, None).url().await.expect("there");
            let provider = iam.create_open_id_connect_provider().url(issuer).client_id_list("sts.amazonaws.com");
            provider.set_tags(iam_tags).send().await.expect("made");
        }
        Auth::PodIdentity => {
            let tags = owner.map(|owner| HashMap::from([("kedactl:stack".to_owned(), owner.to_owned())]));
            for (namespace, account) in [(&names.keda_namespace, "keda-operator"), (&names.namespace, names.service_account.as_str())] {
                let create = eks.create_pod_identity_association().cluster_name(&names.cluster).namespace(namespace);
                let create = create.service_account(account).role_arn(format!("arn:aws:iam::{ACCOUNT}:role/other"));
                create.set_tags(tags.clone()).send().await.expect("made");
            }
        }
        Auth::Secret => {
            for user in [&names.operator_role, &names.workload_role] {
                iam.create_user().user_name(user).set_tags(iam_tags.clone()).send().await.expect("made");
            }
            let labels =
                owner.map_or_else(|| json!({}), |owner| json!({ "app.kubernetes.io/managed-by": "kedactl", "kedactl.dev/stack": owner }));
            let metadata = json!({ "name": names.workload_secret, "namespace": names.namespace, "labels": labels });
            let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {} });
            mode.objects.apply(&secret).await.expect("made");
        }
    }
}
