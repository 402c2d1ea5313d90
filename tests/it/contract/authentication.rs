//! Authentication end to end: each way to an identity, allowed and refused, against a real IAM and STS.

use std::{collections::BTreeMap, sync::Arc};

use kedactl::{
    backend::{
        aws::scalers::AwsScalers,
        journal::Memory,
        manifests::overlay::{Catalog, Key, Overlay},
    },
    core::{
        error::{Error, Result},
        keda::manifest::{AuthenticationRef, Trigger},
        ports::{Asked, Metric, Outgoing, Scalers},
    },
};
use serde_json::{Value, json};

use super::{World, worlds};

/// The namespaces of the table: the trigger's, and KEDA's.
const WORK: &str = "work";
const KEDA: &str = "keda";

/// One way to authenticate, and what comes of it.
struct Row {
    name: &'static str,
    /// The spec that the trigger refers to, and whether the cluster's kind holds it; null for no reference.
    spec: Value,
    cluster: bool,
    /// What the trigger's metadata says besides.
    metadata: &'static [(&'static str, &'static str)],
    /// The role that the workload's service account names.
    account: Option<&'static str>,
    /// What a refusal names; nothing where the queue is read.
    refusal: &'static [&'static str],
}

impl Row {
    fn allowed(name: &'static str, spec: Value) -> Self {
        Self { name, spec, cluster: false, metadata: &[], account: None, refusal: &[] }
    }

    fn refused(name: &'static str, spec: Value, refusal: &'static [&'static str]) -> Self {
        Self { refusal, ..Self::allowed(name, spec) }
    }
}

/// The ways, with ARNs of roles that [`Cast::make`] makes.
fn table(arn: impl Fn(&str) -> String) -> Vec<Row> {
    let aws = |role: &str| json!({"podIdentity": {"provider": "aws", "roleArn": arn(role)}});
    let outsider = |id: &str| json!({"podIdentity": {"provider": "aws", "roleArn": arn("external"), "externalID": id}});
    let workload = || json!({"podIdentity": {"provider": "aws", "identityOwner": "workload"}});
    let eks = || json!({"podIdentity": {"provider": "aws-eks"}});
    let keys = |field: &str, name: &str| {
        json!({field: [
            {"parameter": "awsAccessKeyID", "name": name, "key": "id"}, {"parameter": "awsSecretAccessKey", "name": name, "key": "secret"},
        ]})
    };
    let env = |container: &str| {
        json!({"env": [
            {"parameter": "awsAccessKeyID", "name": "ID", "containerName": container},
            {"parameter": "awsSecretAccessKey", "name": "SECRET", "containerName": container},
        ]})
    };
    let nobody = &["awsAccessKeyID not found"][..];
    vec![
        Row::allowed("the operator itself", json!({"podIdentity": {"provider": "aws"}})),
        Row::allowed("a role by web identity", aws("web")),
        Row::allowed("a role that refuses web identity, by AssumeRole", aws("assume")),
        Row::allowed("a role that asks for an external id", outsider("right")),
        Row::refused("a wrong external id", outsider("wrong"), &["external", "sts:AssumeRole", "web identity was refused"]),
        Row::refused("no external id", aws("external"), &["external", "sts:AssumeRole"]),
        Row::refused("a role that may nothing", aws("powerless"), &["sqs:getqueueattributes"]),
        Row { account: Some("assume"), ..Row::allowed("the workload's role", workload()) },
        Row::refused("a workload without service account", workload(), &["service account `app`", "namespace `work`"]),
        Row { account: Some(""), ..Row::refused("a service account without role", workload(), &["eks.amazonaws.com/role-arn", "`app`"]) },
        Row { account: Some("assume"), ..Row::allowed("aws-eks", eks()) },
        // The legacy way never tries web identity.
        Row { account: Some("web"), ..Row::refused("aws-eks into a role of web identity", eks(), &["web", "sts:AssumeRole"]) },
        Row::refused("aws-eks without service account", eks(), &["service account `app`"]),
        Row::allowed("keys of a Secret", keys("secretTargetRef", "keys")),
        Row::allowed("keys of a ConfigMap", keys("configMapTargetRef", "keys")),
        Row::allowed("keys of a container's environment", env("second")),
        Row::refused("keys of the wrong container", env("first"), &["awsAccessKeyID not found", "container `first` has no variable `ID`"]),
        Row::refused("keys that may nothing", keys("secretTargetRef", "powerless"), &["sqs:getqueueattributes"]),
        Row::refused("no such Secret", keys("secretTargetRef", "nowhere"), &["no Secret `nowhere` in namespace `work`"]),
        Row::refused("no such ConfigMap", keys("configMapTargetRef", "nowhere"), &["no ConfigMap `nowhere`"]),
        Row { cluster: true, ..Row::allowed("the cluster's kind", keys("secretTargetRef", "kedas")) },
        Row {
            cluster: true,
            ..Row::refused(
                "the cluster's kind with a Secret beside the trigger",
                keys("secretTargetRef", "keys"),
                &["no Secret `keys` in namespace `keda`"],
            )
        },
        Row::allowed(
            "a role of a Secret, the legacy way",
            json!({"secretTargetRef": [{"parameter": "awsRoleArn", "name": "role", "key": "arn"}]}),
        ),
        Row {
            metadata: &[("awsAccessKeyIDFromEnv", "ID"), ("awsSecretAccessKeyFromEnv", "SECRET")],
            ..Row::allowed("keys in the trigger's metadata", Value::Null)
        },
        Row { metadata: &[("identityOwner", "operator")], ..Row::allowed("the operator by the trigger's metadata", Value::Null) },
        Row { metadata: &[("identityOwner", "workload")], ..Row::allowed("any other owner is the operator", Value::Null) },
        Row { metadata: &[("identityOwner", "pod")], ..Row::refused("the pod without anything", Value::Null, nobody) },
        Row::refused("nothing at all", Value::Null, nobody),
        Row::refused(
            "a vault",
            json!({"hashiCorpVault": {"address": "https://vault", "authentication": "token", "credential": {"token": "vau1t"},
            "secrets": [{"parameter": "awsAccessKeyID", "path": "p", "key": "k"}]}}),
            &["spec.hashiCorpVault", "cannot be read from here"],
        ),
    ]
}

/// The roles and keys of the table, and the objects that name them.
struct Cast {
    catalog: Catalog,
    secrets: Vec<String>,
    env: BTreeMap<String, String>,
}

/// A role of the table in `world`.
fn role(world: &World, name: &str) -> String {
    format!("{}-{name}", world.settings().names.operator_role)
}

impl Cast {
    async fn make(world: &World) -> Self {
        for resource in world.backend.resources().await.expect("listed") {
            resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()));
        }
        let iam = aws_sdk_iam::Client::new(&world.sdk);
        let operator = &world.settings().names.operator_role;
        let policy = |actions: &str| {
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}).to_string()
        };
        iam.put_role_policy()
            .role_name(operator)
            .policy_name("assume")
            .policy_document(policy("sts:AssumeRole"))
            .send()
            .await
            .expect("put");
        let reads = policy("sqs:GetQueueAttributes");
        let web = iam.get_role().role_name(operator).send().await.expect("read").role.expect("there").assume_role_policy_document;
        let web = percent_encoding::percent_decode_str(&web.expect("it has one")).decode_utf8().expect("text").into_owned();
        let principal = json!({"AWS": world.settings().place.iam_arn(&format!("role/{operator}"))});
        let trust = |condition: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
            if !condition.is_null() {
                statement["Condition"] = condition;
            }
            json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
        };
        let external = trust(json!({"StringEquals": {"sts:ExternalId": "right"}}));
        for (name, trust, may) in [
            ("web", web, true),
            ("assume", trust(Value::Null), true),
            ("external", external, true),
            ("powerless", trust(Value::Null), false),
        ] {
            let name = role(world, name);
            iam.create_role().role_name(&name).assume_role_policy_document(trust).send().await.expect("made");
            if may {
                iam.put_role_policy().role_name(&name).policy_name("reads").policy_document(&reads).send().await.expect("put");
            }
        }
        let mut catalog = Catalog::default();
        let mut secrets = vec!["vau1t".to_owned()];
        let mut env = BTreeMap::new();
        for (name, may) in [("keys", true), ("powerless", false)] {
            let user = role(world, name);
            iam.create_user().user_name(&user).send().await.expect("made");
            if may {
                iam.put_user_policy().user_name(&user).policy_name("reads").policy_document(&reads).send().await.expect("put");
            }
            let key = iam.create_access_key().user_name(&user).send().await.expect("made").access_key.expect("a key");
            let data = json!({"id": key.access_key_id, "secret": key.secret_access_key});
            let map = json!({"kind": "ConfigMap", "metadata": {"name": name}, "data": data});
            let secret = json!({"kind": "Secret", "metadata": {"name": name}, "stringData": data});
            catalog.put(Key::new("ConfigMap", WORK, name), map);
            catalog.put(Key::new("Secret", WORK, name), secret.clone());
            if may {
                catalog.put(Key::new("Secret", KEDA, "kedas"), secret);
                env = BTreeMap::from([("ID".to_owned(), key.access_key_id), ("SECRET".to_owned(), key.secret_access_key.clone())]);
            }
            secrets.push(key.secret_access_key);
        }
        let arn = world.settings().place.iam_arn(&format!("role/{}", role(world, "assume")));
        catalog.put(Key::new("Secret", WORK, "role"), json!({"kind": "Secret", "metadata": {"name": "role"}, "stringData": {"arn": arn}}));
        Self { catalog, secrets, env }
    }

    /// The scalers of the table's namespace, with the objects of `row` beside the others.
    async fn scalers(&self, world: &World, row: &Row) -> AwsScalers {
        let mut catalog = self.catalog.clone();
        let kind = kind(row);
        if !row.spec.is_null() {
            let object = json!({"apiVersion": "keda.sh/v1alpha1", "kind": kind, "metadata": {"name": "ta"}, "spec": row.spec});
            catalog.put(Key::new(kind, WORK, "ta"), object);
        }
        if let Some(name) = row.account {
            let arn = world.settings().place.iam_arn(&format!("role/{}", role(world, name)));
            let annotations = if name.is_empty() { json!({}) } else { json!({"eks.amazonaws.com/role-arn": arn}) };
            catalog.put(Key::new("ServiceAccount", WORK, "app"), json!({"metadata": {"name": "app", "annotations": annotations}}));
        }
        let catalog = Arc::new(catalog);
        let overlay = |namespace| Arc::new(Overlay::new(catalog.clone(), namespace, None));
        AwsScalers {
            identities: world.backend.identities().await.expect("identities"),
            namespace: WORK.to_owned(),
            objects: overlay(WORK),
            keda_namespace: KEDA.to_owned(),
            keda_objects: overlay(KEDA),
        }
    }

    async fn build(&self, world: &World, row: &Row, owner: &str) -> Result<Arc<dyn Metric>> {
        let settings = world.settings();
        let texts = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut metadata: BTreeMap<String, String> = texts(row.metadata);
        metadata.insert("queueURL".to_owned(), settings.queue_url(&settings.names.queue));
        metadata.insert("awsRegion".to_owned(), settings.place.region.clone());
        let reference = AuthenticationRef { name: "ta".to_owned(), kind: Some(kind(row).to_owned()) };
        let authentication_ref = Some(reference).filter(|_| !row.spec.is_null());
        let trigger = Trigger { kind: "aws-sqs-queue".to_owned(), metadata, authentication_ref, ..Trigger::default() };
        let from = |key: &str| json!({"valueFrom": {"secretKeyRef": {"name": "keys", "key": key}}});
        let mut env = [from("id"), from("secret")];
        (env[0]["name"], env[1]["name"]) = ("ID".into(), "SECRET".into());
        let pod = json!({"serviceAccountName": "app", "containers": [{"name": "first"}, {"name": "second", "env": env}]});
        let asked = Asked { owner, index: 0, trigger: &trigger, env: &self.env, pod: &pod, reporter: &Memory::default() };
        Ok(self.scalers(world, row).await.build(asked).await?.expect("a metric"))
    }

    async fn outcome(&self, world: &World, row: &Row) -> Result<f64> {
        Ok(self.build(world, row, row.name).await?.read().await?.value)
    }

    /// `error` shows no secret, however it is shown.
    fn check_secrecy(&self, name: &str, error: &Error) {
        let shown = format!("{error} {error:?} {}", error.hint.as_deref().unwrap_or_default());
        assert!(self.secrets.iter().all(|secret| !shown.contains(secret.as_str())), "{name} shows a secret");
    }
}

fn kind(row: &Row) -> &'static str {
    if row.cluster { "ClusterTriggerAuthentication" } else { "TriggerAuthentication" }
}

#[tokio::test]
async fn every_way_to_an_identity_leads_where_kedas_leads() {
    for world in worlds().await {
        let cast = Cast::make(&world).await;
        let message = Outgoing { number: 1, body: "x".to_owned(), delay_seconds: None, group: None, deduplication: None };
        let queue = world.backend.queue(kedactl::backend::Identity::Administrator, None).await.expect("reached");
        queue.send(&[message]).await.expect("sent");
        let arn = |name: &str| world.settings().place.iam_arn(&format!("role/{}", role(&world, name)));
        for row in table(arn) {
            // moto lets everybody do everything: what is refused for want of a right is not refused there.
            let needs_iam = row.refusal.iter().any(|part| part.contains("sts:") || part.contains("sqs:"));
            if world.name == "moto" && needs_iam {
                continue;
            }
            match cast.outcome(&world, &row).await {
                Ok(value) => assert!(row.refusal.is_empty() && (value - 1.0).abs() < f64::EPSILON, "{}: {}: {value}", world.name, row.name),
                Err(error) => {
                    let said = error.to_string();
                    assert!(!row.refusal.is_empty(), "{}: {}: {error}", world.name, row.name);
                    assert!(row.refusal.iter().all(|part| said.contains(part)), "{}: {}: {error}", world.name, row.name);
                    cast.check_secrecy(row.name, &error);
                }
            }
        }
        assert_eq!(world.backend.identities().await.expect("identities").in_use(), Vec::<usize>::new(), "nobody reads any more");
    }
}

#[tokio::test]
async fn two_hundred_triggers_of_one_identity_share_one() {
    let world = World::embedded();
    let cast = Cast::make(&world).await;
    let row = Row::allowed("own", json!({"podIdentity": {"provider": "aws"}}));
    let mut metrics = Vec::new();
    for number in 0..200 {
        metrics.push(cast.build(&world, &row, &format!("scaledjob.work.{number}")).await.expect("built"));
    }
    let identities = world.backend.identities().await.expect("identities");
    assert_eq!(identities.in_use(), [200]);
    metrics.truncate(50);
    assert_eq!(identities.in_use(), [50]);
    drop(metrics);
    assert_eq!(identities.in_use(), Vec::<usize>::new());
}

/// The choice stays with the shared identity; a trigger that is built anew beside its old self still has it, and the next one not.
#[tokio::test]
async fn web_identity_is_tried_again_once_the_shared_identity_is_forgotten() {
    let world = World::embedded();
    let cast = Cast::make(&world).await;
    let arn = world.settings().place.iam_arn(&format!("role/{}", role(&world, "external")));
    let row = Row::allowed("late", json!({"podIdentity": {"provider": "aws", "roleArn": arn}}));
    let first = cast.build(&world, &row, "scaledjob.work.late").await.expect("built");
    first.read().await.expect_err("nobody may");
    let iam = aws_sdk_iam::Client::new(&world.sdk);
    let web = iam.get_role().role_name(role(&world, "web")).send().await.expect("read").role.expect("there").assume_role_policy_document;
    let web = percent_encoding::percent_decode_str(&web.expect("it has one")).decode_utf8().expect("text").into_owned();
    iam.update_assume_role_policy().role_name(role(&world, "external")).policy_document(web).send().await.expect("changed");
    let second = cast.build(&world, &row, "scaledjob.work.late").await.expect("built");
    drop(first);
    second.read().await.expect_err("AssumeRole was chosen");
    let third = cast.build(&world, &row, "scaledjob.work.late").await.expect("built");
    drop(second);
    third.read().await.expect("web identity works now");
}
