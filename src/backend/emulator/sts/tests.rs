//! The identity chain, driven by the official SDK in process.

use std::{sync::atomic::Ordering, time::Duration};

use aws_credential_types::Credentials;

use crate::{
    backend::emulator::world::{World, admin, fault},
    core::stack::AUDIENCE,
};

const KEDA: &str = "system:serviceaccount:keda:keda-operator";
const READ_ROLES: &str = r#"{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::123456789012:role/keda-operator"}"#;

#[tokio::test]
async fn administrator_keys_are_the_accounts_root() {
    let world = World::empty();
    let who = world.sts(admin()).get_caller_identity().send().await.expect("answered");
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:root"));
}

#[tokio::test]
async fn a_service_account_becomes_its_role_and_may_what_its_policies_allow() {
    let world = World::new().await;
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let session = world.web_identity("keda-operator", &world.token("keda-operator", AUDIENCE).await).await.expect("trusted");
    let who = world.sts(session.clone()).get_caller_identity().send().await.expect("answered");
    assert_eq!(who.arn(), Some("arn:aws:sts::123456789012:assumed-role/keda-operator/session"));
    let iam = world.iam(session);
    let role = iam.get_role().role_name("keda-operator").send().await.expect("allowed");
    assert!(role.role().and_then(|role| role.role_last_used()).is_some_and(|used| used.last_used_date().is_some()));
    let refused = iam.delete_role().role_name("keda-operator").send().await.expect_err("not allowed");
    let (code, message) = fault(&refused);
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        message,
        "User: arn:aws:sts::123456789012:assumed-role/keda-operator/session is not authorized to perform: iam:DeleteRole \
         on resource: arn:aws:iam::123456789012:role/keda-operator because no identity-based policy allows the iam:DeleteRole action"
    );
}

#[tokio::test]
async fn another_service_account_is_not_trusted() {
    let world = World::new().await;
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let (code, message) = world.web_identity("keda-operator", &world.token("other", AUDIENCE).await).await.expect_err("not trusted");
    assert_eq!((code.as_str(), message.as_str()), ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"));
    let (code, _) = world.web_identity("missing", &world.token("keda-operator", AUDIENCE).await).await.expect_err("no such role");
    assert_eq!(code, "AccessDenied");
}

#[tokio::test]
async fn a_token_must_be_whole_fresh_and_for_a_known_audience_and_issuer() {
    let world = World::new().await;
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let good = world.token("keda-operator", AUDIENCE).await;
    let (head, _) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{head}.{}", world.token("other", AUDIENCE).await.rsplit_once('.').expect("three parts").1);
    let foreign = world.token("keda-operator", "vault").await;
    for (token, words) in [(forged.as_str(), "signature"), (foreign.as_str(), "Incorrect token audience"), ("nonsense", "not a valid JWT")]
    {
        let (code, message) = world.web_identity("keda-operator", token).await.expect_err(words);
        assert_eq!(code, "InvalidIdentityToken", "{message}");
        assert!(message.contains(words), "{message}");
    }
    world.time.fetch_add(601, Ordering::SeqCst);
    let (code, _) = world.web_identity("keda-operator", &good).await.expect_err("expired");
    assert_eq!(code, "ExpiredTokenException");
    world.create_cluster("second").await;
    let stranger = world.emulator.issue_token("second", "us-east-1", "keda", "keda-operator", AUDIENCE, Duration::from_mins(1)).await;
    let (code, message) = world.web_identity("keda-operator", &stranger.expect("a token")).await.expect_err("no provider");
    assert!(code == "InvalidIdentityToken" && message.starts_with("No OpenIDConnect provider found"), "{message}");
}

#[tokio::test]
async fn a_token_of_a_missing_cluster_is_refused() {
    let world = World::empty();
    let error = world.emulator.issue_token("none", "us-east-1", "a", "b", AUDIENCE, Duration::from_mins(1)).await.expect_err("no cluster");
    assert_eq!(error.code.as_deref(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn session_credentials_end_and_need_their_token() {
    let world = World::new().await;
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let session = world.web_identity("keda-operator", &world.token("keda-operator", AUDIENCE).await).await.expect("trusted");
    let wrong = Credentials::new(session.access_key_id(), session.secret_access_key(), Some("x".into()), None, "test");
    for credentials in [wrong, Credentials::new("ASIAUNKNOWN", "x", Some("y".into()), None, "test")] {
        let refused = world.sts(credentials).get_caller_identity().send().await.expect_err("not issued");
        assert_eq!(fault(&refused).0, "InvalidClientTokenId");
    }
    world.time.fetch_add(3601, Ordering::SeqCst);
    let refused = world.sts(session).get_caller_identity().send().await.expect_err("expired");
    assert_eq!(fault(&refused).0, "ExpiredToken");
}

#[tokio::test]
async fn a_chained_role_checks_both_sides_and_the_external_id() {
    let world = World::new().await;
    let may_assume = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/by-account"}"#;
    world.role("keda-operator", KEDA, may_assume).await;
    let trust = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole",
                "Condition":{{"StringEquals":{{"sts:ExternalId":"e"}}}}}}]}}"#
        )
    };
    world.role_trusting("by-account", &trust("123456789012"), READ_ROLES).await;
    world.role_trusting("unlisted", &trust("123456789012"), READ_ROLES).await;
    world.role_trusting("by-role", &trust("arn:aws:iam::123456789012:role/keda-operator"), READ_ROLES).await;
    let session = world.web_identity("keda-operator", &world.token("keda-operator", AUDIENCE).await).await.expect("trusted");
    for (role, id, wanted) in [
        ("by-account", Some("e"), true),
        ("by-account", Some("x"), false),
        ("by-account", None, false),
        ("unlisted", Some("e"), false),
        ("by-role", Some("e"), true),
    ] {
        let answer = world.assume(session.clone(), role, id).await;
        assert_eq!(answer.is_ok(), wanted, "{role} {id:?}: {:?}", answer.err());
    }
}

#[tokio::test]
async fn a_role_made_again_is_not_the_one_that_was_trusted() {
    let world = World::new().await;
    let iam = world.iam(admin());
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/keda-operator"},
        "Action":"sts:AssumeRole"}}"#;
    let early = iam.create_role().role_name("x").assume_role_policy_document(trust.replace("keda-operator", "nobody")).send().await;
    let (code, message) = fault(&early.expect_err("nobody does not exist"));
    assert_eq!(code, "MalformedPolicyDocument");
    assert_eq!(message, r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/nobody""#);
    world.role_trusting("target", trust, READ_ROLES).await;
    let shown = || async {
        let role = world.iam(admin()).get_role().role_name("target").send().await.expect("exists");
        role.role().and_then(|role| role.assume_role_policy_document()).expect("a trust policy").to_owned()
    };
    assert!(shown().await.contains("role%2Fkeda-operator"));
    iam.delete_role_policy().role_name("keda-operator").policy_name("p").send().await.expect("deleted");
    iam.delete_role().role_name("keda-operator").send().await.expect("deleted");
    world.role("keda-operator", KEDA, READ_ROLES).await;
    assert!(shown().await.contains("AROA"));
    let session = world.web_identity("keda-operator", &world.token("keda-operator", AUDIENCE).await).await.expect("trusted");
    assert_eq!(world.assume(session, "target", None).await.expect_err("someone else").0, "AccessDenied");
}

#[tokio::test]
async fn a_queue_refuses_a_session_in_the_words_of_sqs() {
    let world = World::new().await;
    world.role("keda-operator", KEDA, READ_ROLES).await;
    let made = world.sqs(admin()).create_queue().queue_name("q").send().await.expect("made");
    let session = world.web_identity("keda-operator", &world.token("keda-operator", AUDIENCE).await).await.expect("trusted");
    let refused = world.sqs(session).get_queue_attributes().queue_url(made.queue_url().expect("a URL")).send().await;
    let (code, message) = fault(&refused.expect_err("not allowed"));
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        message,
        "User: arn:aws:sts::123456789012:assumed-role/keda-operator/session is not authorized to perform: sqs:getqueueattributes \
         on resource: arn:aws:sqs:us-east-1:123456789012:q because no identity-based policy allows the sqs:getqueueattributes action"
    );
}
