//! What is made but cannot be used yet: it is as good as drifted, and waiting repairs it.

use crate::core::{
    error::{Error, Kind, Result},
    plan::{Difference, Observed},
};

/// The field that tells whether something can be used.
const FIELD: &str = "status";
/// Its value when it can.
const ACTIVE: &str = "ACTIVE";

/// The difference of something whose status is `actual`.
pub(super) fn difference(actual: &str) -> Difference {
    Difference { field: FIELD.to_owned(), actual: actual.to_owned(), wanted: ACTIVE.to_owned() }
}

/// Nothing, unless what was `observed` cannot be used yet: then `what` failed, for now.
///
/// # Errors
/// `Unavailable`, so that it is tried again.
pub(super) fn check(observed: &Observed, what: String) -> Result<()> {
    let Observed::Drifted { differences } = observed else { return Ok(()) };
    match differences.iter().find(|difference| difference.field == FIELD) {
        Some(pending) => Err(Error::new(Kind::Unavailable, what, format!("it is {}", pending.actual))),
        None => Ok(()),
    }
}
