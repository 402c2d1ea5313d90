//! Users and their keys, driven by the official SDK in process.

use aws_credential_types::Credentials;
use aws_sdk_iam::types::StatusType;

use crate::backend::emulator::world::{World, admin, fault, place};

const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:GetQueueAttributes","Resource":"*"}]}"#;

async fn key(world: &World, user: &str) -> Credentials {
    let made = world.iam(admin()).create_access_key().user_name(user).send().await.expect("a key");
    let key = made.access_key().expect("answered");
    Credentials::new(key.access_key_id(), key.secret_access_key(), None, None, "test")
}

async fn user(world: &World, name: &str) -> Credentials {
    world.iam(admin()).create_user().user_name(name).send().await.expect("made");
    key(world, name).await
}

#[tokio::test]
async fn a_users_key_says_who_it_is_and_may_what_its_policies_allow() {
    let world = World::empty();
    let keys = user(&world, "reader").await;
    let (iam, sqs) = (world.iam(admin()), world.sqs(admin()));
    let url = sqs.create_queue().queue_name("q").send().await.expect("made").queue_url.expect("answered");
    let identity = world.sts(keys.clone()).get_caller_identity().send().await.expect("known");
    assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:user/reader"));
    assert!(identity.user_id().is_some_and(|id| id.starts_with("AIDA") && id.len() == 21), "{identity:?}");

    let reader = world.sqs(keys);
    let read = || reader.get_queue_attributes().queue_url(&url).send();
    assert_eq!(fault(&read().await.expect_err("no policy yet")).0, "AccessDenied");
    let policy = iam.create_policy().policy_name("p").policy_document(READ).send().await.expect("made");
    let arn = policy.policy().and_then(|policy| policy.arn()).expect("answered").to_owned();
    iam.attach_user_policy().user_name("reader").policy_arn(&arn).send().await.expect("attached");
    read().await.expect("allowed");
    let (code, message) = fault(&reader.delete_queue().queue_url(&url).send().await.expect_err("not allowed"));
    assert_eq!(code, "AccessDenied");
    assert!(message.contains("arn:aws:iam::123456789012:user/reader"), "{message}");
    iam.detach_user_policy().user_name("reader").policy_arn(&arn).send().await.expect("detached");
    iam.put_user_policy().user_name("reader").policy_name("inline").policy_document(READ).send().await.expect("put");
    read().await.expect("allowed");
    let entities = iam.list_entities_for_policy().policy_arn(&arn).send().await.expect("listed");
    assert!(entities.policy_users().is_empty());
}

#[tokio::test]
async fn a_key_that_is_inactive_or_deleted_is_refused_for_ever() {
    let world = World::empty();
    let iam = world.iam(admin());
    let keys = user(&world, "u").await;
    let ask = || world.sts(keys.clone()).get_caller_identity().send();
    let switch = |to: StatusType| iam.update_access_key().user_name("u").access_key_id(keys.access_key_id()).status(to).send();
    switch(StatusType::Inactive).await.expect("switched off");
    assert_eq!(fault(&ask().await.expect_err("inactive")).0, "InvalidClientTokenId");
    switch(StatusType::Active).await.expect("switched on");
    ask().await.expect("known");
    iam.delete_access_key().user_name("u").access_key_id(keys.access_key_id()).send().await.expect("deleted");
    iam.delete_user().user_name("u").send().await.expect("deleted");
    iam.create_user().user_name("u").send().await.expect("someone else of the same name");
    assert_eq!(fault(&ask().await.expect_err("deleted")).0, "InvalidClientTokenId");
}

#[tokio::test]
async fn a_user_has_at_most_two_keys() {
    let world = World::empty();
    let iam = world.iam(admin());
    user(&world, "u").await;
    key(&world, "u").await;
    let third = iam.create_access_key().user_name("u").send().await.expect_err("full");
    assert_eq!(fault(&third), ("LimitExceeded".to_owned(), "Cannot exceed quota for AccessKeysPerUser: 2".to_owned()));
    let listed = iam.list_access_keys().user_name("u").send().await.expect("listed");
    assert_eq!(listed.access_key_metadata().len(), 2);
}

#[tokio::test]
async fn a_user_with_keys_or_policies_cannot_be_deleted() {
    let world = World::empty();
    let iam = world.iam(admin());
    let keys = user(&world, "u").await;
    let delete = || iam.delete_user().user_name("u").send();
    assert_eq!(fault(&delete().await.expect_err("it has a key")).0, "DeleteConflict");
    iam.delete_access_key().user_name("u").access_key_id(keys.access_key_id()).send().await.expect("deleted");
    iam.put_user_policy().user_name("u").policy_name("p").policy_document(READ).send().await.expect("put");
    assert_eq!(fault(&delete().await.expect_err("it has a policy")).0, "DeleteConflict");
    iam.delete_user_policy().user_name("u").policy_name("p").send().await.expect("deleted");
    delete().await.expect("deleted");
    assert_eq!(fault(&delete().await.expect_err("gone")).0, "NoSuchEntity");
}

#[tokio::test]
async fn a_role_may_trust_a_user_by_its_arn() {
    let world = World::empty();
    let keys = user(&world, "u").await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
        place().iam_arn("user/u")
    );
    world.role_trusting("r", &trust, r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#).await;
    world.assume(keys, "r", None).await.expect("trusted");
    let stranger = user(&world, "v").await;
    assert_eq!(world.assume(stranger, "r", None).await.expect_err("not trusted").0, "AccessDenied");
}
