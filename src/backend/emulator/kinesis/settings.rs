//! What can be changed of a stream: how long it keeps records, and its mode.

use serde::Deserialize;
use serde_json::Value;

use super::{
    invalid,
    stream::{ModeDetails, Stream, Target, checked_mode},
};
use crate::backend::emulator::{error::ServiceError, json::Session};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Retention {
    #[serde(flatten)]
    target: Target,
    retention_period_hours: i64,
}

pub(super) fn lengthen(session: &Session<'_>, input: Retention) -> Result<Value, ServiceError> {
    let stream = Stream::open(session, &input.target, "IncreaseStreamRetentionPeriod")?;
    possible(input.retention_period_hours)?;
    if input.retention_period_hours < stream.retention {
        return Err(invalid(format!(
            "Requested retention period ({} hours) for stream {} can not be shorter than existing retention period ({} hours). \
             Use DecreaseRetentionPeriod API.",
            input.retention_period_hours, stream.name, stream.retention
        )));
    }
    keep(session, &stream, input.retention_period_hours)
}

pub(super) fn shorten(session: &Session<'_>, input: Retention) -> Result<Value, ServiceError> {
    let stream = Stream::open(session, &input.target, "DecreaseStreamRetentionPeriod")?;
    possible(input.retention_period_hours)?;
    if input.retention_period_hours > stream.retention {
        return Err(invalid(format!(
            "Requested retention period ({} hours) for stream {} can not be longer than existing retention period ({} hours). \
             Use IncreaseRetentionPeriod API.",
            input.retention_period_hours, stream.name, stream.retention
        )));
    }
    keep(session, &stream, input.retention_period_hours)
}

fn possible(hours: i64) -> Result<(), ServiceError> {
    if hours < 24 {
        return Err(invalid(format!(
            "Minimum allowed retention period is 24 hours. Requested retention period ({hours} hours) is too short."
        )));
    }
    if hours > 8760 {
        return Err(invalid(format!(
            "Maximum allowed retention period is 8760 hours. Requested retention period ({hours} hours) is too long."
        )));
    }
    Ok(())
}

fn keep(session: &Session<'_>, stream: &Stream, hours: i64) -> Result<Value, ServiceError> {
    session.connection.execute("UPDATE kinesis_stream SET retention = ?2 WHERE id = ?1", (stream.id, hours))?;
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetMode {
    #[serde(flatten)]
    target: Target,
    stream_mode_details: ModeDetails,
}

pub(super) fn set_mode(session: &Session<'_>, input: SetMode) -> Result<Value, ServiceError> {
    let mode = checked_mode(Some(&input.stream_mode_details))?;
    let mode = mode.ok_or_else(|| invalid("StreamModeDetails needs a StreamMode."))?;
    let stream = Stream::open(session, &input.target, "UpdateStreamMode")?;
    session.connection.execute("UPDATE kinesis_stream SET mode = ?2 WHERE id = ?1", (stream.id, mode))?;
    Ok(Value::Null)
}
