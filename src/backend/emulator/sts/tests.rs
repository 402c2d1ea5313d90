//! The identity chain, driven by the official SDK in process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use jiff::Timestamp;

use crate::{
    backend::emulator::{Emulator, clock::Clock},
    core::stack::{AUDIENCE, Place},
};

const START: i64 = 1_800_000_000;

/// A service with one cluster, its provider, and a clock that moves by hand.
struct World {
    _dir: tempfile::TempDir,
    emulator: Emulator,
    time: Arc<AtomicI64>,
}

fn place() -> Place {
    Place::new("us-east-1", "123456789012")
}

fn admin() -> Credentials {
    Credentials::new("AKIAADMIN", "secret", None, None, "test")
}

impl World {
    fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let time = Arc::new(AtomicI64::new(START));
        let clock = {
            let time = time.clone();
            Clock::new(move || Timestamp::from_second(time.load(Ordering::SeqCst)).expect("in range"))
        };
        let emulator = Emulator::open(&dir.path().join("aws.db")).expect("opens").with_clock(clock);
        Self { _dir: dir, emulator, time }
    }

    async fn new() -> Self {
        let world = Self::empty();
        let issuer = world.create_cluster("demo").await;
        assert_eq!(issuer, place().embedded_issuer("demo"));
        let iam = world.iam(admin());
        iam.create_open_id_connect_provider().url(issuer).client_id_list(AUDIENCE).send().await.expect("provider");
        world
    }

    fn config(&self, credentials: Credentials) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .http_client(self.emulator.http_client())
            .endpoint_url("http://localhost")
            .build()
    }

    fn iam(&self, credentials: Credentials) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config(credentials))
    }

    fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config(credentials))
    }

    async fn create_cluster(&self, name: &str) -> String {
        let eks = aws_sdk_eks::Client::new(&self.config(admin()));
        let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
        let role = place().iam_arn("role/eks");
        let made = eks.create_cluster().name(name).role_arn(role).resources_vpc_config(vpc).tags("k", "v").send().await.expect("cluster");
        let cluster = made.cluster().expect("answered");
        assert_eq!(cluster.status(), Some(&aws_sdk_eks::types::ClusterStatus::Active));
        assert_eq!(cluster.tags().and_then(|tags| tags.get("k")).map(String::as_str), Some("v"));
        cluster.identity().and_then(|identity| identity.oidc()).and_then(|oidc| oidc.issuer()).expect("an issuer").to_owned()
    }

    /// A role that trusts one service account, with one inline policy.
    async fn role(&self, name: &str, subject: &str, policy: &str) {
        let provider = place().embedded_issuer("demo").replacen("https://", "", 1);
        let arn = place().iam_arn(&format!("oidc-provider/{provider}"));
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{arn}"}},
                "Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{
                "{provider}:sub":"{subject}","{provider}:aud":"{AUDIENCE}"}}}}}}]}}"#
        );
        self.role_trusting(name, &trust, policy).await;
    }

    async fn role_trusting(&self, name: &str, trust: &str, policy: &str) {
        let iam = self.iam(admin());
        iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.expect("role");
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{policy}]}}"#);
        iam.put_role_policy().role_name(name).policy_name("p").policy_document(document).send().await.expect("policy");
    }

    async fn token(&self, account: &str, audience: &str) -> String {
        self.emulator.issue_token("demo", "us-east-1", "keda", account, audience, Duration::from_secs(600)).await.expect("a token")
    }

    async fn web_identity(&self, role: &str, token: &str) -> Result<Credentials, (String, String)> {
        let answer = self
            .sts(admin())
            .assume_role_with_web_identity()
            .role_arn(place().iam_arn(&format!("role/{role}")))
            .role_session_name("session")
            .web_identity_token(token)
            .send()
            .await
            .map_err(|error| fault(&error))?;
        Ok(keys(answer.credentials().expect("credentials")))
    }

    async fn assume(&self, caller: Credentials, role: &str, external_id: Option<&str>) -> Result<Credentials, (String, String)> {
        let arn = place().iam_arn(&format!("role/{role}"));
        let call =
            self.sts(caller).assume_role().role_arn(arn).role_session_name("chained").set_external_id(external_id.map(str::to_owned));
        let answer = call.send().await.map_err(|error| fault(&error))?;
        Ok(keys(answer.credentials().expect("credentials")))
    }
}

fn keys(credentials: &aws_sdk_sts::types::Credentials) -> Credentials {
    let token = credentials.session_token().to_owned();
    Credentials::new(credentials.access_key_id(), credentials.secret_access_key(), Some(token), None, "test")
}

fn fault(error: &impl ProvideErrorMetadata) -> (String, String) {
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

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
    let stranger = world.emulator.issue_token("second", "us-east-1", "keda", "keda-operator", AUDIENCE, Duration::from_secs(60)).await;
    let (code, message) = world.web_identity("keda-operator", &stranger.expect("a token")).await.expect_err("no provider");
    assert!(code == "InvalidIdentityToken" && message.starts_with("No OpenIDConnect provider found"), "{message}");
}

#[tokio::test]
async fn a_token_of_a_missing_cluster_is_refused() {
    let world = World::empty();
    let error = world.emulator.issue_token("none", "us-east-1", "a", "b", AUDIENCE, Duration::from_secs(60)).await.expect_err("no cluster");
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
