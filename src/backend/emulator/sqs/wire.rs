//! The two wires: AWS JSON 1.0, and the legacy query protocol translated to and from the same shapes.

mod form;
mod xml;

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::error;
use crate::backend::emulator::{
    error::ServiceError,
    request::{Call, Service},
};

/// Reads the input of an action from whichever wire brought it.
pub(super) fn read<I: DeserializeOwned>(call: &Call) -> Result<I, ServiceError> {
    match call.service {
        Service::SqsJson if call.body.is_empty() => serde_json::from_slice(b"{}").map_err(error::unreadable),
        Service::SqsJson => serde_json::from_slice(&call.body).map_err(error::unreadable),
        _ => serde_json::from_value(form::to_json(&call.fields)?).map_err(error::unreadable),
    }
}

/// Answers on the wire of the call. An empty object means that the action has no result.
pub(super) fn respond(call: &Call, value: &Value) -> Result<Response<Bytes>, ServiceError> {
    let id = Uuid::new_v4().to_string();
    let (content_type, body) = match call.service {
        Service::SqsJson => ("application/x-amz-json-1.0", value.to_string()),
        _ => ("text/xml", xml::document(&call.action, call.service.namespace(), &id, value)),
    };
    let response = Response::builder().header("content-type", content_type).header("x-amzn-requestid", id).body(Bytes::from(body));
    response.map_err(error::unreadable)
}

/// A whole number, which the query wire gives as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) i64);

/// Reads a number given as such or as text.
pub(super) fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(Number(number))),
        Some(Either::Text(text)) => match text.trim().parse() {
            Ok(number) => Ok(Some(Number(number))),
            Err(_) => Err(serde::de::Error::custom(format!("`{text}` is not a whole number"))),
        },
    }
}
