//! Smithy's RPC v2 on CBOR: what the newer SDKs speak.

use aws_smithy_cbor::{Decoder, Encoder, data::Type, decode::DeserializeError};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value};

use super::{super::error::unreadable, TIMES};
use crate::backend::emulator::error::ServiceError;

/// How deep a document may be nested: inputs are far flatter.
const DEEPEST: usize = 32;

/// Reads a document. Times become seconds since 1970; a number that JSON does not know becomes its name.
pub(super) fn read(body: &[u8]) -> Result<Value, ServiceError> {
    let mut decoder = Decoder::new(body);
    let value = value(&mut decoder, 0).map_err(unreadable)?;
    if decoder.position() == body.len() { Ok(value) } else { Err(unreadable("something follows the document")) }
}

fn value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DeserializeError> {
    if depth > DEEPEST {
        return Err(DeserializeError::custom("it is nested too deeply", decoder.position()));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => decoder.boolean()?.into(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.long()?.into(),
        Type::F16 | Type::F32 | Type::F64 => number(decoder.double()?),
        Type::String | Type::StringIndef => decoder.str()?.into_owned().into(),
        Type::Tag => number(decoder.timestamp()?.as_secs_f64()),
        Type::Array | Type::ArrayIndef => {
            let (length, mut members) = (decoder.list()?, Vec::new());
            while goes_on(decoder, length, members.len())? {
                members.push(value(decoder, depth + 1)?);
            }
            Value::Array(members)
        }
        Type::Map | Type::MapIndef => {
            let (length, mut fields, mut count) = (decoder.map()?, Map::new(), 0);
            while goes_on(decoder, length, count)? {
                let name = decoder.str()?.into_owned();
                fields.insert(name, value(decoder, depth + 1)?);
                count += 1;
            }
            Value::Object(fields)
        }
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        other => return Err(DeserializeError::custom(format!("{other:?} is not expected"), decoder.position())),
    })
}

/// Whether another member follows; takes the end of a list of unknown length.
fn goes_on(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, DeserializeError> {
    if let Some(length) = length {
        return Ok(length > read as u64);
    }
    let more = decoder.datatype()? != Type::Break;
    if !more {
        decoder.skip()?;
    }
    Ok(more)
}

fn number(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// Writes an answer.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encode(&mut encoder, value, false);
    encoder.into_writer()
}

fn encode(encoder: &mut Encoder, value: &Value, is_time: bool) {
    match value {
        Value::Null => drop(encoder.null()),
        Value::Bool(flag) => drop(encoder.boolean(*flag)),
        Value::Number(number) if is_time => drop(encoder.timestamp(&DateTime::from_secs(number.as_i64().unwrap_or_default()))),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => drop(encoder.long(whole)),
            None => drop(encoder.double(number.as_f64().unwrap_or_default())),
        },
        Value::String(text) => drop(encoder.str(text)),
        Value::Array(members) => {
            encoder.array(members.len());
            for member in members {
                encode(encoder, member, is_time);
            }
        }
        Value::Object(fields) => {
            encoder.map(fields.len());
            for (name, value) in fields {
                encoder.str(name);
                encode(encoder, value, TIMES.contains(&name.as_str()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_times_are_tagged() {
        let answer = json!({ "Timestamps": [60, 120], "Values": [1.0, 2.5], "Label": "l", "More": { "Flag": true, "None": null } });
        let bytes = write(&answer);
        assert!(bytes.windows(2).any(|pair| pair[0] == 0xc1), "a time bears tag 1");
        assert_eq!(
            read(&bytes).expect("reads"),
            json!({ "Timestamps": [60.0, 120.0], "Values": [1.0, 2.5], "Label": "l", "More": { "Flag": true, "None": null } })
        );
    }

    #[test]
    fn lists_of_unknown_length_are_read_and_broken_documents_refused() {
        assert_eq!(read(&[0xbf, 0x61, b'a', 0x9f, 0x01, 0xf9, 0x7e, 0x00, 0xff, 0xff]).expect("reads"), json!({ "a": [1, "NaN"] }));
        for broken in [&[0xbf_u8][..], &[0x9f, 0x01], &[0xa1, 0x01, 0x01], &[0x01, 0x01], &[0x81; 10_000], &[0x61]] {
            assert!(read(broken).is_err());
        }
    }
}
