//! EKS, driven by the official SDK in process.

use crate::backend::emulator::world::{World, admin, fault, place};

#[tokio::test]
async fn a_cluster_lives_from_create_to_delete() {
    let world = World::empty();
    let eks = world.eks(admin());
    world.create_cluster("demo").await;
    let found = eks.describe_cluster().name("demo").send().await.expect("found");
    let cluster = found.cluster().expect("answered");
    assert_eq!(cluster.arn(), Some(place().cluster_arn("demo").as_str()));
    assert!(cluster.endpoint().is_some_and(|url| url.starts_with("https://")));
    assert!(cluster.certificate_authority().and_then(|authority| authority.data()).is_some());
    assert!(cluster.created_at().is_some());
    assert_eq!(eks.list_clusters().send().await.expect("listed").clusters(), ["demo"]);
    let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
    let again = eks.create_cluster().name("demo").role_arn(place().iam_arn("role/x")).resources_vpc_config(vpc).send().await;
    assert_eq!(fault(&again.expect_err("taken")).0, "ResourceInUseException");
    eks.delete_cluster().name("demo").send().await.expect("deleted");
    assert_eq!(fault(&eks.describe_cluster().name("demo").send().await.expect_err("gone")).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn clusters_are_tagged_by_their_arn() {
    let world = World::empty();
    let eks = world.eks(admin());
    world.create_cluster("demo").await;
    let arn = place().cluster_arn("demo");
    eks.tag_resource().resource_arn(&arn).tags("a", "1").send().await.expect("tagged");
    eks.untag_resource().resource_arn(&arn).tag_keys("k").send().await.expect("untagged");
    let tags = eks.list_tags_for_resource().resource_arn(&arn).send().await.expect("listed");
    assert_eq!(tags.tags().map(|tags| (tags.len(), tags.get("a").cloned())), Some((1, Some("1".to_owned()))));
    let none = eks.tag_resource().resource_arn(place().cluster_arn("none")).tags("a", "1").send().await.expect_err("none");
    assert_eq!(fault(&none).0, "NotFoundException");
}

#[tokio::test]
async fn pod_identity_associations_are_one_per_service_account() {
    let world = World::empty();
    let eks = world.eks(admin());
    world.create_cluster("demo").await;
    let create = || {
        let call = eks.create_pod_identity_association().cluster_name("demo").namespace("default").service_account("aws-sqs");
        call.role_arn(place().iam_arn("role/r")).send()
    };
    let made = create().await.expect("made");
    let id = made.association().and_then(|association| association.association_id()).expect("an id").to_owned();
    assert_eq!(fault(&create().await.expect_err("taken")).0, "ResourceInUseException");
    let listed = eks.list_pod_identity_associations().cluster_name("demo").namespace("other").send().await.expect("listed");
    assert!(listed.associations().is_empty());
    let found = eks.describe_pod_identity_association().cluster_name("demo").association_id(&id).send().await.expect("found");
    assert_eq!(found.association().and_then(|one| one.service_account()), Some("aws-sqs"));
    let other = place().iam_arn("role/other");
    let update = eks.update_pod_identity_association().cluster_name("demo").association_id(&id).role_arn(&other);
    let updated = update.send().await.expect("updated");
    assert_eq!(updated.association().and_then(|one| one.role_arn()), Some(other.as_str()));
    eks.delete_pod_identity_association().cluster_name("demo").association_id(&id).send().await.expect("deleted");
    let gone = eks.describe_pod_identity_association().cluster_name("demo").association_id(&id).send().await.expect_err("gone");
    assert_eq!(fault(&gone).0, "ResourceNotFoundException");
}
