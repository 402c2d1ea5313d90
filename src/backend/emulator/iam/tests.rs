//! IAM, driven by the official SDK in process.

use aws_sdk_iam::types::Tag;

use crate::backend::emulator::world::{World, admin, fault, place};

const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#;

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("both given")
}

async fn policy(iam: &aws_sdk_iam::Client, name: &str) -> String {
    let made = iam.create_policy().policy_name(name).policy_document(POLICY).send().await.expect("policy");
    made.policy().and_then(|policy| policy.arn()).expect("an ARN").to_owned()
}

#[tokio::test]
async fn a_role_is_shown_as_it_was_made() {
    let world = World::empty();
    let iam = world.iam(admin());
    let call = iam.create_role().role_name("Worker").path("/a/b/").assume_role_policy_document(TRUST).description("d & e");
    call.max_session_duration(7200).tags(tag("k", "v+1")).send().await.expect("made");
    let role = iam.get_role().role_name("worker").send().await.expect("names have no case");
    let role = role.role().expect("answered");
    assert_eq!(role.arn(), "arn:aws:iam::123456789012:role/a/b/Worker");
    assert_eq!((role.description(), role.max_session_duration()), (Some("d & e"), Some(7200)));
    assert_eq!(role.tags(), [tag("k", "v+1")]);
    assert!(role.role_id().starts_with("AROA") && role.role_id().len() == 21);
    let trust = role.assume_role_policy_document().expect("a trust policy");
    assert!(trust.starts_with("%7B%22") && trust.contains("arn%3Aaws%3Aiam%3A%3A123456789012%3Aroot"), "{trust}");
    let again = iam.create_role().role_name("WORKER").assume_role_policy_document(TRUST).send().await.expect_err("taken");
    assert_eq!(fault(&again).0, "EntityAlreadyExists");
}

#[tokio::test]
async fn a_role_with_policies_cannot_be_deleted() {
    let world = World::empty();
    let iam = world.iam(admin());
    let arn = policy(&iam, "p").await;
    iam.create_role().role_name("r").assume_role_policy_document(TRUST).send().await.expect("made");
    for _ in 0..2 {
        iam.attach_role_policy().role_name("r").policy_arn(&arn).send().await.expect("attaching twice is once");
    }
    assert_eq!(fault(&iam.delete_role().role_name("r").send().await.expect_err("attached")).0, "DeleteConflict");
    assert_eq!(fault(&iam.delete_policy().policy_arn(&arn).send().await.expect_err("attached")).0, "DeleteConflict");
    let count =
        iam.get_policy().policy_arn(&arn).send().await.expect("found").policy().and_then(aws_sdk_iam::types::Policy::attachment_count);
    assert_eq!(count, Some(1));
    let entities = iam.list_entities_for_policy().policy_arn(&arn).send().await.expect("listed");
    assert_eq!(entities.policy_roles()[0].role_name(), Some("r"));
    iam.detach_role_policy().role_name("r").policy_arn(&arn).send().await.expect("detached");
    assert_eq!(fault(&iam.detach_role_policy().role_name("r").policy_arn(&arn).send().await.expect_err("gone")).0, "NoSuchEntity");
    iam.delete_role().role_name("r").send().await.expect("deleted");
    iam.delete_policy().policy_arn(&arn).send().await.expect("deleted");
    assert_eq!(fault(&iam.get_role().role_name("r").send().await.expect_err("gone")).0, "NoSuchEntity");
}

#[tokio::test]
async fn a_policy_has_at_most_five_versions_and_their_numbers_are_never_used_again() {
    let world = World::empty();
    let iam = world.iam(admin());
    let arn = policy(&iam, "p").await;
    let create = || iam.create_policy_version().policy_arn(&arn).policy_document(POLICY).set_as_default(true).send();
    for _ in 0..4 {
        create().await.expect("room");
    }
    assert_eq!(fault(&create().await.expect_err("full")).0, "LimitExceeded");
    let delete = |version: &'static str| iam.delete_policy_version().policy_arn(&arn).version_id(version).send();
    assert_eq!(fault(&delete("v5").await.expect_err("default")).0, "DeleteConflict");
    delete("v2").await.expect("deleted");
    create().await.expect("room again");
    let list = iam.list_policy_versions().policy_arn(&arn).send().await.expect("listed");
    let ids: Vec<_> = list.versions().iter().filter_map(|version| version.version_id()).collect();
    assert_eq!(ids, ["v6", "v5", "v4", "v3", "v1"]);
    assert_eq!(list.versions().iter().filter(|version| version.is_default_version()).count(), 1);
}

#[tokio::test]
async fn lists_come_in_pages_that_leave_nothing_out() {
    let world = World::empty();
    let iam = world.iam(admin());
    for n in 0..7 {
        policy(&iam, &format!("p{n}")).await;
    }
    let pages = iam.list_policies().max_items(3).into_paginator().send();
    let pages = pages.try_collect().await.expect("listed");
    assert_eq!(pages.iter().map(|page| page.policies().len()).collect::<Vec<_>>(), [3, 3, 1]);
}

#[tokio::test]
async fn malformed_documents_are_refused_and_nothing_is_made() {
    let world = World::empty();
    let iam = world.iam(admin());
    let refused = iam.create_policy().policy_name("p").policy_document(POLICY.replace("sqs:SendMessage", "SendMessage")).send().await;
    assert_eq!(fault(&refused.expect_err("no vendor")).0, "MalformedPolicyDocument");
    let refused = iam.create_role().role_name("r").assume_role_policy_document("{}").send().await;
    assert_eq!(fault(&refused.expect_err("no statement")).0, "MalformedPolicyDocument");
    assert_eq!(iam.list_policies().send().await.expect("listed").policies().len(), 0);
    assert_eq!(iam.list_roles().send().await.expect("listed").roles().len(), 0);
}

#[tokio::test]
async fn a_provider_is_one_with_or_without_its_scheme() {
    let world = World::empty();
    let iam = world.iam(admin());
    let url = place().embedded_issuer("demo");
    let made = iam.create_open_id_connect_provider().url(&url).client_id_list("a").thumbprint_list("b".repeat(40)).send().await;
    let arn = made.expect("made").open_id_connect_provider_arn().expect("an ARN").to_owned();
    assert_eq!(arn, place().iam_arn(&format!("oidc-provider/{}", url.replacen("https://", "", 1))));
    let again = iam.create_open_id_connect_provider().url(&url).send().await.expect_err("taken");
    assert_eq!(fault(&again).0, "EntityAlreadyExists");
    iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(&arn).client_id("c").send().await.expect("added");
    iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(&arn).client_id("a").send().await.expect("removed");
    let found = iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send().await.expect("found");
    assert_eq!((found.client_id_list(), found.url()), (&["c".to_owned()][..], url.strip_prefix("https://")));
    iam.delete_open_id_connect_provider().open_id_connect_provider_arn(&arn).send().await.expect("deleted");
    let gone = iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send().await.expect_err("gone");
    assert_eq!(fault(&gone).0, "NoSuchEntity");
}

#[tokio::test]
async fn tags_are_replaced_by_key_and_removed_by_key() {
    let world = World::empty();
    let iam = world.iam(admin());
    let arn = policy(&iam, "p").await;
    iam.tag_policy().policy_arn(&arn).tags(tag("a", "1")).tags(tag("b", "2")).send().await.expect("tagged");
    iam.tag_policy().policy_arn(&arn).tags(tag("A", "3")).send().await.expect("replaced");
    let tags = iam.list_policy_tags().policy_arn(&arn).send().await.expect("listed");
    assert_eq!(tags.tags(), [tag("A", "3"), tag("b", "2")]);
    iam.untag_policy().policy_arn(&arn).tag_keys("b").tag_keys("none").send().await.expect("untagged");
    assert_eq!(iam.get_policy().policy_arn(&arn).send().await.expect("found").policy().map(|p| p.tags().len()), Some(1));
}
