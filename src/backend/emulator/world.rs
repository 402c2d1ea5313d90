//! For the services' tests: one embedded AWS with a clock that moves by hand, and the official SDK as its client.

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

use super::{Emulator, clock::Clock};
use crate::core::stack::{AUDIENCE, Place};

const START: i64 = 1_800_000_000;

/// A service with one cluster, its provider, and a clock that moves by hand.
pub(super) struct World {
    _dir: tempfile::TempDir,
    pub(super) emulator: Emulator,
    pub(super) time: Arc<AtomicI64>,
}

pub(super) fn place() -> Place {
    Place::new("us-east-1", "123456789012")
}

pub(super) fn admin() -> Credentials {
    Credentials::new("AKIAADMIN", "secret", None, None, "test")
}

impl World {
    pub(super) fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let time = Arc::new(AtomicI64::new(START));
        let clock = {
            let time = time.clone();
            Clock::new(move || Timestamp::from_second(time.load(Ordering::SeqCst)).expect("in range"))
        };
        let emulator = Emulator::open(&dir.path().join("aws.db")).expect("opens").with_clock(clock);
        Self { _dir: dir, emulator, time }
    }

    pub(super) async fn new() -> Self {
        let world = Self::empty();
        let issuer = world.create_cluster("demo").await;
        assert_eq!(issuer, place().embedded_issuer("demo"));
        let iam = world.iam(admin());
        iam.create_open_id_connect_provider().url(issuer).client_id_list(AUDIENCE).send().await.expect("provider");
        world
    }

    pub(super) fn config(&self, credentials: Credentials) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .http_client(self.emulator.http_client())
            .endpoint_url("http://localhost")
            .build()
    }

    pub(super) fn iam(&self, credentials: Credentials) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config(credentials))
    }

    pub(super) fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config(credentials))
    }

    pub(super) fn sqs(&self, credentials: Credentials) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config(credentials))
    }

    pub(super) fn kinesis(&self, credentials: Credentials) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.config(credentials))
    }

    pub(super) fn cloudwatch(&self, credentials: Credentials) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.config(credentials))
    }

    pub(super) fn dynamodb(&self, credentials: Credentials) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config(credentials))
    }

    pub(super) fn dynamodb_streams(&self, credentials: Credentials) -> aws_sdk_dynamodbstreams::Client {
        aws_sdk_dynamodbstreams::Client::new(&self.config(credentials))
    }

    pub(super) fn eks(&self, credentials: Credentials) -> aws_sdk_eks::Client {
        aws_sdk_eks::Client::new(&self.config(credentials))
    }

    pub(super) async fn create_cluster(&self, name: &str) -> String {
        let eks = self.eks(admin());
        let vpc = aws_sdk_eks::types::VpcConfigRequest::builder().build();
        let role = place().iam_arn("role/eks");
        let made = eks.create_cluster().name(name).role_arn(role).resources_vpc_config(vpc).tags("k", "v").send().await.expect("cluster");
        let cluster = made.cluster().expect("answered");
        assert_eq!(cluster.status(), Some(&aws_sdk_eks::types::ClusterStatus::Active));
        assert_eq!(cluster.tags().and_then(|tags| tags.get("k")).map(String::as_str), Some("v"));
        cluster.identity().and_then(|identity| identity.oidc()).and_then(|oidc| oidc.issuer()).expect("an issuer").to_owned()
    }

    /// A role that trusts one service account, with one inline policy.
    pub(super) async fn role(&self, name: &str, subject: &str, policy: &str) {
        let provider = place().embedded_issuer("demo").replacen("https://", "", 1);
        let arn = place().iam_arn(&format!("oidc-provider/{provider}"));
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{arn}"}},
                "Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{
                "{provider}:sub":"{subject}","{provider}:aud":"{AUDIENCE}"}}}}}}]}}"#
        );
        self.role_trusting(name, &trust, policy).await;
    }

    pub(super) async fn role_trusting(&self, name: &str, trust: &str, policy: &str) {
        let iam = self.iam(admin());
        iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.expect("role");
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{policy}]}}"#);
        iam.put_role_policy().role_name(name).policy_name("p").policy_document(document).send().await.expect("policy");
    }

    pub(super) async fn token(&self, account: &str, audience: &str) -> String {
        self.emulator.issue_token("demo", "us-east-1", "keda", account, audience, Duration::from_mins(10)).await.expect("a token")
    }

    pub(super) async fn web_identity(&self, role: &str, token: &str) -> Result<Credentials, (String, String)> {
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

    pub(super) async fn assume(&self, caller: Credentials, role: &str, external_id: Option<&str>) -> Result<Credentials, (String, String)> {
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

pub(super) fn fault(error: &impl ProvideErrorMetadata) -> (String, String) {
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}
