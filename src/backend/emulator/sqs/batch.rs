//! What all batches share: one to ten entries with distinct ids, each with its own outcome.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::error;
use crate::backend::emulator::error::ServiceError;

/// Most entries of a batch.
const MOST: usize = 10;

/// An entry of a batch.
pub(super) trait Entry {
    /// What the query wire calls it.
    const NAME: &'static str;
    /// Its id.
    fn id(&self) -> Option<&str>;
}

/// Refuses a batch that cannot be taken as a whole.
pub(super) fn check<E: Entry>(entries: &[E]) -> Result<(), ServiceError> {
    if entries.is_empty() {
        return Err(error::empty_batch(E::NAME));
    }
    if entries.len() > MOST {
        return Err(error::too_many_entries(entries.len()));
    }
    let mut seen = HashSet::new();
    for entry in entries {
        let id = entry.id().ok_or_else(|| error::missing(&format!("{}.Id", E::NAME)))?;
        let legal = (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !legal {
            return Err(error::invalid_entry_id());
        }
        if !seen.insert(id) {
            return Err(error::entry_ids_not_distinct(id));
        }
    }
    Ok(())
}

/// Does `one` for each entry. A refusal by us fails that entry alone; a fault of the file fails the batch.
pub(super) fn each<E: Entry>(entries: Vec<E>, mut one: impl FnMut(E) -> Result<Value, ServiceError>) -> Result<Value, ServiceError> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry.id().unwrap_or_default().to_owned();
        match one(entry) {
            Ok(mut answer) => {
                answer["Id"] = Value::String(id);
                successful.push(answer);
            }
            Err(error) if error.status >= 500 => return Err(error),
            Err(error) => {
                let code = error.query_code.unwrap_or(error.code);
                failed.push(json!({ "Id": id, "Code": code, "Message": error.message, "SenderFault": true }));
            }
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = Value::Array(failed);
    }
    Ok(answer)
}
