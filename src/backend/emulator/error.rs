//! Error answers in each wire's own form.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{cloudwatch, json, request::Service};

/// A typed refusal, as the service would give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// HTTP status: 4xx for the caller's fault, 5xx for ours.
    pub status: u16,
    /// The code on the JSON wire, for example `QueueDoesNotExist`.
    pub code: String,
    /// The code on the query wire, where it differs, for example `AWS.SimpleQueueService.NonExistentQueue`.
    pub query_code: Option<String>,
    /// The text.
    pub message: String,
    /// What the refusal says beside its text, where the JSON wire has a place for it: reasons, the item that stood in the way.
    pub details: Option<Map<String, Value>>,
}

impl ServiceError {
    /// A refusal for which the caller is to blame (400).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), query_code: None, message: message.into(), details: None }
    }

    /// With another HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With another code on the query wire.
    #[must_use]
    pub fn query_code(mut self, code: impl Into<String>) -> Self {
        self.query_code = Some(code.into());
        self
    }

    /// With one more field beside the text.
    #[must_use]
    pub fn detail(mut self, name: &str, value: Value) -> Self {
        self.details.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// The answer on `service`'s wire.
    #[must_use]
    pub fn respond(&self, service: Service) -> Response<Bytes> {
        let id = Uuid::new_v4().to_string();
        let query_code = self.query_code.as_deref().unwrap_or(&self.code);
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        let builder = Response::builder().status(self.status).header("x-amzn-requestid", &id);
        let built = match service {
            Service::SqsJson | Service::CloudWatchJson | Service::CloudWatchCbor => {
                let package = if service == Service::SqsJson { "sqs" } else { "cloudwatch" };
                let body = serde_json::json!({ "__type": format!("com.amazonaws.{package}#{}", self.code), "message": self.message });
                let builder = builder.header("x-amzn-query-error", format!("{query_code};{fault}"));
                if service == Service::CloudWatchCbor {
                    let builder = builder.header("content-type", "application/cbor").header("smithy-protocol", "rpc-v2-cbor");
                    builder.body(Bytes::from(cloudwatch::cbor(&body)))
                } else {
                    builder.header("content-type", "application/x-amz-json-1.0").body(Bytes::from(body.to_string()))
                }
            }
            Service::Eks => {
                let body = serde_json::json!({ "message": self.message, "__type": self.code });
                builder
                    .header("content-type", "application/json")
                    .header("x-amzn-errortype", &self.code)
                    .body(Bytes::from(body.to_string()))
            }
            Service::Kinesis | Service::DynamoDb | Service::DynamoDbStreams => return json::refuse(service, self),
            Service::SqsQuery | Service::Iam | Service::Sts | Service::CloudWatchQuery => {
                let escape = quick_xml::escape::escape;
                let body = format!(
                    "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                    service.namespace(),
                    escape(query_code),
                    escape(self.message.as_str()),
                );
                builder.header("content-type", "text/xml").body(Bytes::from(body))
            }
        };
        built.unwrap_or_default()
    }
}

impl From<rusqlite::Error> for ServiceError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new("InternalFailure", format!("the embedded service's file could not be used: {error}"))
            .query_code("InternalFailure")
            .status(500)
    }
}
