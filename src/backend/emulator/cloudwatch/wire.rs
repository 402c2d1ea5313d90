//! Three wires, one shape: CBOR, AWS JSON 1.0, and the query protocol.

pub(super) mod cbor;
mod form;
mod xml;

use bytes::Bytes;
use http::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::unreadable;
use crate::backend::emulator::{
    error::ServiceError,
    request::{Call, Service},
};

/// Fields that hold times, in seconds since 1970.
const TIMES: [&str; 2] = ["Timestamp", "Timestamps"];

/// Reads the input of an action from whichever wire brought it. Absent and null are the same.
pub(super) fn read<I: DeserializeOwned>(call: &Call) -> Result<I, ServiceError> {
    let value = match call.service {
        Service::CloudWatchQuery => form::read(&call.fields)?,
        _ if call.body.is_empty() => Value::Object(Map::new()),
        Service::CloudWatchCbor => cbor::read(&call.body)?,
        _ => serde_json::from_slice(&call.body).map_err(unreadable)?,
    };
    serde_json::from_value(without_nulls(value)).map_err(unreadable)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(members) => members.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Answers on the wire of the call.
pub(super) fn respond(call: &Call, value: &Value) -> Result<Response<Bytes>, ServiceError> {
    if call.service == Service::CloudWatchQuery {
        return Ok(xml::document(value).respond(call));
    }
    let response = Response::builder().header("x-amzn-requestid", Uuid::new_v4().to_string());
    let response = if call.service == Service::CloudWatchCbor {
        let response = response.header("content-type", "application/cbor").header("smithy-protocol", "rpc-v2-cbor");
        response.body(cbor::write(value).into())
    } else {
        response.header("content-type", "application/x-amz-json-1.0").body(value.to_string().into())
    };
    response.map_err(unreadable)
}
