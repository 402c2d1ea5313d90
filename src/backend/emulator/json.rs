//! The services on AWS JSON: how an action's input reaches it, and how its answer or refusal goes back.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::Response;
use rusqlite::Connection;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ACCOUNT, Emulator,
    error::ServiceError,
    iam,
    request::{Call, Service},
};
use crate::core::stack::Place;

/// One action under way: one transaction, one caller, one moment.
pub(crate) struct Session<'a> {
    /// The transaction or snapshot.
    pub(crate) connection: &'a Connection,
    /// The request.
    pub(crate) call: &'a Call,
    /// Where the caller's objects live.
    pub(crate) place: Place,
    /// The time, in milliseconds since 1970.
    pub(crate) now: i64,
}

impl Session<'_> {
    /// Whether the caller may do `action` (`kinesis:PutRecord`) on `resource`, an ARN.
    pub(crate) fn authorize(&self, action: &str, resource: &str) -> Result<(), ServiceError> {
        iam::authorize_at(self.connection, self.call, self.now / 1000, action, resource)
    }
}

/// An action: its input to its answer.
pub(crate) type Action<I> = fn(&Session<'_>, I) -> Result<Value, ServiceError>;

/// Brings an action's input to it, in the kind of transaction that it needs.
pub(crate) struct Port<'a> {
    pub(crate) emulator: &'a Emulator,
    pub(crate) call: &'a Arc<Call>,
}

impl Port<'_> {
    /// Runs an action that only reads.
    pub(crate) async fn looking<I: DeserializeOwned + Send + 'static>(&self, action: Action<I>) -> Result<Value, ServiceError> {
        let run = self.prepare(action)?;
        self.emulator.store.read(run).await
    }

    /// Runs an action that writes.
    pub(crate) async fn changing<I: DeserializeOwned + Send + 'static>(&self, action: Action<I>) -> Result<Value, ServiceError> {
        let run = self.prepare(action)?;
        self.emulator.store.write(move |transaction| run(transaction)).await
    }

    fn prepare<I: DeserializeOwned + Send + 'static>(
        &self,
        action: Action<I>,
    ) -> Result<impl FnOnce(&Connection) -> Result<Value, ServiceError> + Send + 'static, ServiceError> {
        let body: &[u8] = if self.call.body.is_empty() { b"{}" } else { &self.call.body };
        let input: I = serde_json::from_slice(body).map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
        let (call, clock) = (self.call.clone(), self.emulator.clock.clone());
        Ok(move |connection: &Connection| {
            let place = Place::new(&call.region, ACCOUNT);
            action(&Session { connection, call: &call, place, now: clock.now_ms() }, input)
        })
    }
}

/// An action that the service does not have here.
pub(crate) fn unknown_action(call: &Call) -> ServiceError {
    ServiceError::new("UnknownOperationException", format!("the embedded service has no operation {}", call.action))
}

/// A time in milliseconds as these wires write it: seconds, with three places behind the point.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
pub(crate) fn seconds(ms: i64) -> Value {
    json!(ms as f64 / 1000.0)
}

/// The answer of an action; `null` stands for the empty body of Kinesis's actions without a result.
pub(crate) fn respond(service: Service, value: &Value) -> Response<Bytes> {
    let body = if value.is_null() { Bytes::new() } else { Bytes::from(value.to_string()) };
    answer(service, 200, body)
}

/// A refusal, with the code's namespace and the status that the service has for it.
pub(super) fn refuse(service: Service, error: &ServiceError) -> Response<Bytes> {
    // What IAM and STS have in common for all services is called otherwise on these wires.
    let code = match error.code.as_str() {
        "AccessDenied" => "AccessDeniedException",
        "ExpiredToken" => "ExpiredTokenException",
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "InternalFailure" if service != Service::Kinesis => "InternalServerError",
        code => code,
    };
    let namespace = match (service, code) {
        (Service::Kinesis, _) => "",
        (_, "ValidationException") => "com.amazon.coral.validate#",
        (
            _,
            "AccessDeniedException"
            | "ExpiredTokenException"
            | "UnrecognizedClientException"
            | "SerializationException"
            | "UnknownOperationException",
        ) => "com.amazon.coral.service#",
        _ => "com.amazonaws.dynamodb.v20120810#",
    };
    let mut body = error.details.clone().unwrap_or_default();
    body.insert("__type".to_owned(), format!("{namespace}{code}").into());
    let field = if namespace == "com.amazon.coral.service#" { "Message" } else { "message" };
    body.insert(field.to_owned(), error.message.clone().into());
    let status = if error.status < 500 { 400 } else { error.status };
    answer(service, status, Bytes::from(Value::Object(body).to_string()))
}

fn answer(service: Service, status: u16, body: Bytes) -> Response<Bytes> {
    let version = if service == Service::Kinesis { "1.1" } else { "1.0" };
    Response::builder()
        .status(status)
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header("x-amzn-requestid", Uuid::new_v4().to_string())
        .body(body)
        .unwrap_or_default()
}

/// A position as clients carry it from one page to the next, without looking into it.
pub(crate) fn seal(position: &impl Serialize) -> String {
    BASE64_STANDARD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// What was sealed; `None` when `token` is none of ours.
pub(crate) fn unseal<T: DeserializeOwned>(token: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_STANDARD.decode(token).ok()?).ok()
}
