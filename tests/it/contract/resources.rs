//! Every resource: made once however often it is applied, repaired when it drifts, left alone when it is foreign.

use aws_sdk_iam::types::Tag;
use aws_sdk_sqs::types::QueueAttributeName;
use kedactl::core::{
    error::Kind,
    plan::{Observed, Scope},
    ports::Resource,
};
use serde_json::json;

use super::{World, worlds};

/// A document that allows everything, to everyone.
const WIDE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const OPEN: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn resources(world: &World) -> Vec<Box<dyn Resource>> {
    world.backend.resources().await.expect("listed")
}

async fn apply_all(world: &World) -> Vec<Box<dyn Resource>> {
    let resources = resources(world).await;
    for resource in &resources {
        resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()));
    }
    resources
}

async fn observe(world: &World, resource: &dyn Resource) -> Observed {
    resource.observe().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()))
}

#[tokio::test]
async fn applying_twice_is_applying_once_and_deleting_twice_is_deleting_once() {
    for world in worlds().await {
        let resources = resources(&world).await;
        for resource in &resources {
            let place = format!("{}: {}", world.name, resource.id());
            assert_eq!(observe(&world, &**resource).await, Observed::Absent, "{place}");
            for _ in 0..2 {
                resource.apply().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(observe(&world, &**resource).await, Observed::Ready, "{place}");
            }
        }
        for resource in resources.iter().rev() {
            let place = format!("{}: {}", world.name, resource.id());
            for _ in 0..2 {
                resource.delete().await.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(observe(&world, &**resource).await, Observed::Absent, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn every_resource_says_which_command_it_replaces() {
    for resource in resources(&World::embedded()).await {
        let commands = resource.replaces();
        assert!(commands.iter().all(|command| command.starts_with("aws ") || command.starts_with("kubectl ")), "{commands:?}");
        assert!(!commands.is_empty(), "{}", resource.id());
    }
}

#[tokio::test]
async fn drift_is_found_field_by_field_and_repaired() {
    for world in worlds().await {
        let resources = apply_all(&world).await;
        drift(&world).await;
        let mut drifted = Vec::new();
        for resource in &resources {
            if let Observed::Drifted { differences } = observe(&world, &**resource).await {
                drifted.extend(differences.iter().map(|difference| format!("{}: {}", resource.id().kind, difference.field)));
                resource.apply().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()));
            }
            assert_eq!(observe(&world, &**resource).await, Observed::Ready, "{}: {}", world.name, resource.id());
        }
        for expected in [
            "sqs queue: VisibilityTimeout",
            "sqs queue: RedrivePolicy",
            "iam policy: Statement[0].Action",
            "iam role: Statement[0].Action",
            "scaledjob: spec.maxReplicaCount",
        ] {
            assert!(drifted.iter().any(|found| found == expected), "{}: no `{expected}` in {drifted:#?}", world.name);
        }
        assert_eq!(drifted.iter().any(|found| found == "oidc provider: ClientIDList"), world.name == "embedded", "{drifted:#?}");
    }
}

/// Changes one thing of each kind, behind the backend's back.
async fn drift(world: &World) {
    let (sqs, iam) = (aws_sdk_sqs::Client::new(&world.sdk), aws_sdk_iam::Client::new(&world.sdk));
    let (names, place) = (&world.settings().names, &world.settings().place);
    let attributes = sqs.set_queue_attributes().queue_url(world.settings().queue_url(&names.queue));
    let attributes = attributes.attributes(QueueAttributeName::VisibilityTimeout, "7");
    let redrive = json!({ "deadLetterTargetArn": place.queue_arn(&names.dead_letter_queue), "maxReceiveCount": 2 }).to_string();
    attributes.attributes(QueueAttributeName::RedrivePolicy, redrive).send().await.expect("changed");
    let policy = place.iam_arn(&format!("policy/{}", names.consumer_policy));
    iam.create_policy_version().policy_arn(policy).policy_document(WIDE).set_as_default(true).send().await.expect("changed");
    iam.update_assume_role_policy().role_name(&names.operator_role).policy_document(OPEN).send().await.expect("changed");
    if world.name == "embedded" {
        // moto has neither this action nor the one that repairs it.
        let issuer = place.embedded_issuer(&names.cluster).replace("https://", "");
        let request = iam.remove_client_id_from_open_id_connect_provider();
        let request = request.open_id_connect_provider_arn(place.iam_arn(&format!("oidc-provider/{issuer}")));
        request.client_id("sts.amazonaws.com").send().await.expect("changed");
    }
    let objects = world.backend.objects().await.expect("objects");
    let mut scaled_job = objects.get("ScaledJob", &names.scaled_job).await.expect("read").expect("there");
    scaled_job["spec"]["maxReplicaCount"] = json!(3);
    objects.apply(&scaled_job).await.expect("changed");
}

#[tokio::test]
async fn a_policy_is_repaired_more_often_than_iam_keeps_versions() {
    for world in worlds().await {
        let resources = apply_all(&world).await;
        let arn = world.settings().place.iam_arn(&format!("policy/{}", world.settings().names.producer_policy));
        let producer = resources.iter().find(|resource| resource.id().name == world.settings().names.producer_policy).expect("there");
        let iam = aws_sdk_iam::Client::new(&world.sdk);
        for _ in 0..4 {
            let versions = iam.list_policy_versions().policy_arn(&arn).send().await.expect("listed").versions.unwrap_or_default();
            if versions.len() == 5 {
                let spare = versions.iter().find(|version| !version.is_default_version()).and_then(|version| version.version_id());
                iam.delete_policy_version().policy_arn(&arn).version_id(spare.expect("four")).send().await.expect("pruned");
            }
            let change = iam.create_policy_version().policy_arn(&arn).policy_document(WIDE).set_as_default(true);
            change.send().await.expect("changed");
            producer.apply().await.unwrap_or_else(|error| panic!("{}: {error}", world.name));
            assert_eq!(observe(&world, &**producer).await, Observed::Ready, "{}", world.name);
        }
    }
}

#[tokio::test]
async fn a_role_goes_with_whatever_else_was_put_on_it() {
    for world in worlds().await {
        let resources = apply_all(&world).await;
        let iam = aws_sdk_iam::Client::new(&world.sdk);
        let role = &world.settings().names.workload_role;
        iam.put_role_policy().role_name(role).policy_name("extra").policy_document(WIDE).send().await.expect("put");
        for resource in resources.iter().rev() {
            resource.delete().await.unwrap_or_else(|error| panic!("{}: {}: {error}", world.name, resource.id()));
        }
    }
}

#[tokio::test]
async fn what_nobody_tagged_is_left_alone() {
    Box::pin(left_alone(None)).await;
}

#[tokio::test]
async fn what_another_stack_made_is_left_alone() {
    Box::pin(left_alone(Some("another"))).await;
}

async fn left_alone(owner: Option<&str>) {
    for world in worlds().await {
        occupy(&world, owner).await;
        for resource in resources(&world).await {
            let (id, before) = (resource.id(), observe(&world, &*resource).await);
            let place = format!("{}: {id}", world.name);
            if id.kind == "scaledjob" || id.kind == "triggerauthentication" {
                continue;
            }
            let Observed::Foreign { why } = &before else { panic!("{place}: {before:?}") };
            assert!(owner.is_none_or(|owner| why.contains(owner) || why.contains("role")), "{place}: {why}");
            let applied = resource.apply().await;
            if resource.scope() == Scope::Shared {
                applied.unwrap_or_else(|error| panic!("{place}: what is shared serves as it is: {error}"));
            } else {
                assert_eq!(applied.expect_err(&place).kind, Kind::Foreign, "{place}");
            }
            let error = resource.delete().await.expect_err(&place);
            assert_eq!(error.kind, Kind::Foreign, "{place}");
            assert!(error.to_string().contains(&id.name), "{place}: {error}");
            assert_eq!(observe(&world, &*resource).await, before, "{place}");
        }
    }
}

/// Makes objects under the stack's names, tagged as `owner`'s.
async fn occupy(world: &World, owner: Option<&str>) {
    let settings = world.settings();
    let names = &settings.names;
    let tags = World::tags(owner);
    let iam_tags: Vec<Tag> = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build().expect("a tag")).collect();
    let iam_tags = (!iam_tags.is_empty()).then_some(iam_tags);
    let (sqs, iam, eks) =
        (aws_sdk_sqs::Client::new(&world.sdk), aws_sdk_iam::Client::new(&world.sdk), aws_sdk_eks::Client::new(&world.sdk));
    let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
    let cluster = eks.create_cluster().name(&names.cluster).role_arn(settings.place.iam_arn("role/eks")).resources_vpc_config(vpc);
    let cluster = cluster.set_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect())).send().await.expect("made").cluster;
    let described = eks.describe_cluster().name(&names.cluster).send().await.expect("there").cluster.or(cluster).expect("there");
    let issuer = described.identity.and_then(|identity| identity.oidc?.issuer).expect("an issuer");
    let provider = iam.create_open_id_connect_provider().url(issuer).client_id_list("sts.amazonaws.com").set_tags(iam_tags.clone());
    provider.send().await.expect("made");
    for queue in [&names.queue, &names.dead_letter_queue] {
        let queue = sqs.create_queue().queue_name(queue);
        queue.set_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect())).send().await.expect("made");
    }
    for policy in [&names.scaler_policy, &names.producer_policy, &names.consumer_policy] {
        iam.create_policy().policy_name(policy).policy_document(WIDE).set_tags(iam_tags.clone()).send().await.expect("made");
    }
    for role in [&names.operator_role, &names.workload_role] {
        let role = iam.create_role().role_name(role).assume_role_policy_document(OPEN);
        role.set_tags(iam_tags.clone()).send().await.expect("made");
    }
    let labels = match owner {
        Some(owner) => json!({ "app.kubernetes.io/managed-by": "kedactl", "kedactl.dev/stack": owner }),
        None => json!({}),
    };
    let account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": names.service_account, "namespace": names.namespace, "labels": labels },
    });
    world.backend.objects().await.expect("objects").apply(&account).await.expect("made");
}
