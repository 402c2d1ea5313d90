//! CloudWatch's refusals, with their codes on both kinds of wire.

use crate::backend::emulator::error::ServiceError;

/// A value that no rule of its parameter allows.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterValueException", message).query_code("InvalidParameterValue")
}

/// A value that no rule of its parameter allows, in CloudWatch's own words.
pub(super) fn invalid_value(value: impl std::fmt::Display, parameter: &str) -> ServiceError {
    invalid(format!("The value {value} for parameter {parameter} is invalid."))
}

/// Parameters that exclude each other.
pub(super) fn combination(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterCombinationException", message).query_code("InvalidParameterCombination")
}

/// A parameter that must be given.
pub(super) fn missing(parameter: &str) -> ServiceError {
    let message = format!("The request must contain the parameter {parameter}.");
    ServiceError::new("MissingRequiredParameterException", message).query_code("MissingParameter")
}

/// What `GetMetricData` says of queries that it cannot answer.
pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ValidationError", message)
}

/// A page token that this service did not give.
pub(super) fn next_token() -> ServiceError {
    ServiceError::new("InvalidNextToken", "Request parameter NextToken is invalid")
}

/// A body or an answer that cannot be read or written on the call's wire.
pub(super) fn unreadable(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::new("SerializationException", format!("the request cannot be read: {error}")).query_code("MalformedInput")
}

/// An action that the embedded service does not have.
pub(super) fn unknown_action(action: &str) -> ServiceError {
    let message = format!("the embedded CloudWatch has no operation `{action}`");
    ServiceError::new("UnknownOperationException", message).query_code("InvalidAction").status(404)
}
