//! SQS's typed refusals, with the code of each wire.

use std::fmt::Display;

use crate::backend::emulator::{
    error::ServiceError,
    request::{Call, Service},
};

/// A refusal whose query code has the legacy prefix.
fn legacy(code: &str, query: &str, message: impl Into<String>) -> ServiceError {
    ServiceError::new(code, message).query_code(format!("AWS.SimpleQueueService.{query}"))
}

pub(super) fn no_such_queue() -> ServiceError {
    legacy("QueueDoesNotExist", "NonExistentQueue", "The specified queue does not exist.")
}

pub(super) fn queue_exists(attribute: &str) -> ServiceError {
    let message = format!("A queue already exists with the same name and a different value for attribute {attribute}");
    ServiceError::new("QueueNameExists", message).query_code("QueueAlreadyExists")
}

pub(super) fn deleted_recently() -> ServiceError {
    let message = "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
    legacy("QueueDeletedRecently", "QueueDeletedRecently", message)
}

pub(super) fn purge_in_progress(name: &str) -> ServiceError {
    let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
    legacy("PurgeQueueInProgress", "PurgeQueueInProgress", message).status(403)
}

pub(super) fn invalid_address(url: &str) -> ServiceError {
    ServiceError::new("InvalidAddress", format!("The address {url} is not valid for this endpoint.")).status(404)
}

/// A parameter that must be there.
pub(super) fn missing(parameter: &str) -> ServiceError {
    let message = format!("The request must contain the parameter {parameter}.");
    ServiceError::new("MissingRequiredParameterException", message).query_code("MissingParameter")
}

/// A parameter whose value cannot be used, in the service's own words.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterValueException", message).query_code("InvalidParameterValue")
}

/// A parameter whose value cannot be used, and why.
pub(super) fn invalid_value(value: impl Display, parameter: &str, reason: &str) -> ServiceError {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(super) fn invalid_attribute_name(name: &str) -> ServiceError {
    ServiceError::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(super) fn invalid_attribute_value(name: &str) -> ServiceError {
    ServiceError::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

pub(super) fn invalid_attribute_value_because(name: &str, value: &str, reason: &str) -> ServiceError {
    ServiceError::new("InvalidAttributeValue", format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
}

pub(super) fn invalid_contents() -> ServiceError {
    let message =
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
    ServiceError::new("InvalidMessageContents", message)
}

/// Does not repeat the handle: it may be a good one of another queue, and a handle is a secret.
pub(super) fn invalid_receipt() -> ServiceError {
    ServiceError::new("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

pub(super) fn receipt_expired() -> ServiceError {
    invalid("The value for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
}

pub(super) fn message_gone() -> ServiceError {
    let reason = "Message does not exist or is not available for visibility timeout change.";
    invalid(format!("The value for parameter ReceiptHandle is invalid. Reason: {reason}"))
}

pub(super) fn not_in_flight() -> ServiceError {
    legacy("MessageNotInflight", "MessageNotInflight", "The message referred to isn't in flight.")
}

pub(super) fn unsupported(message: impl Into<String>) -> ServiceError {
    legacy("UnsupportedOperation", "UnsupportedOperation", message)
}

pub(super) fn over_limit(message: impl Into<String>) -> ServiceError {
    ServiceError::new("OverLimit", message).status(403)
}

pub(super) fn no_such_resource(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message).status(404)
}

pub(super) fn empty_batch(entry: &str) -> ServiceError {
    legacy("EmptyBatchRequest", "EmptyBatchRequest", format!("There should be at least one {entry} in the request."))
}

pub(super) fn too_many_entries(count: usize) -> ServiceError {
    let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
    legacy("TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest", message)
}

pub(super) fn invalid_entry_id() -> ServiceError {
    let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
    legacy("InvalidBatchEntryId", "InvalidBatchEntryId", message)
}

pub(super) fn entry_ids_not_distinct(id: &str) -> ServiceError {
    legacy("BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct", format!("Id {id} repeated."))
}

pub(super) fn batch_too_long(limit: usize, sent: usize) -> ServiceError {
    let message = format!("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes.");
    legacy("BatchRequestTooLong", "BatchRequestTooLong", message)
}

pub(super) fn unknown_action(call: &Call) -> ServiceError {
    match call.service {
        Service::SqsJson => ServiceError::new("UnknownOperationException", format!("The operation {} is not known.", call.action)),
        _ => ServiceError::new("InvalidAction", format!("The action {} is not valid for this endpoint.", call.action)),
    }
}

/// The body is not what the wire asks for.
pub(super) fn unreadable(why: impl Display) -> ServiceError {
    ServiceError::new("SerializationException", format!("The request could not be read: {why}"))
}
