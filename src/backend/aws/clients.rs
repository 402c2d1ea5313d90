//! The clients of one identity in one region: each service's is made once, however many triggers ask.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::config::{Network, Wire, configure};

/// One identity in one region.
pub struct Account {
    config: SdkConfig,
    network: Arc<Network>,
    by_endpoint: Mutex<BTreeMap<String, Arc<Clients>>>,
}

impl Account {
    /// Who has `credentials`, in `region` over `wire`; other endpoints are reached over `network`.
    #[must_use]
    pub(super) fn new(wire: &Wire, network: Arc<Network>, region: &str, credentials: SharedCredentialsProvider) -> Self {
        Self { config: configure(wire, region, Some(credentials)), network, by_endpoint: Mutex::default() }
    }

    /// The clients that ask at `endpoint`; at the region's own where it is empty. They share one answer of STS.
    #[must_use]
    pub fn clients(&self, endpoint: &str) -> Arc<Clients> {
        let mut by_endpoint = self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        by_endpoint.entry(endpoint.to_owned()).or_insert_with(|| Arc::new(Clients::new(self.at(endpoint)))).clone()
    }

    fn at(&self, endpoint: &str) -> SdkConfig {
        if endpoint.is_empty() {
            return self.config.clone();
        }
        let region = self.config.region().map(AsRef::as_ref).unwrap_or_default();
        let config = configure(&self.network.to(endpoint), region, self.config.credentials_provider());
        let mut builder = config.into_builder();
        builder.set_identity_cache(self.config.identity_cache());
        builder.build()
    }
}

/// The clients of one identity, region and endpoint.
pub struct Clients {
    config: SdkConfig,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    kinesis: OnceLock<aws_sdk_kinesis::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    dynamodb_streams: OnceLock<aws_sdk_dynamodbstreams::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
}

impl Clients {
    /// Those that `config` describes.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self {
            config,
            sqs: OnceLock::new(),
            kinesis: OnceLock::new(),
            dynamodb: OnceLock::new(),
            dynamodb_streams: OnceLock::new(),
            cloudwatch: OnceLock::new(),
        }
    }

    /// What they are made from.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.config)).clone()
    }

    pub(super) fn kinesis(&self) -> aws_sdk_kinesis::Client {
        self.kinesis.get_or_init(|| aws_sdk_kinesis::Client::new(&self.config)).clone()
    }

    pub(super) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config)).clone()
    }

    pub(super) fn dynamodb_streams(&self) -> aws_sdk_dynamodbstreams::Client {
        self.dynamodb_streams.get_or_init(|| aws_sdk_dynamodbstreams::Client::new(&self.config)).clone()
    }

    pub(super) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config)).clone()
    }
}
