//! Use cases, one for each verb: async, against ports only.

pub mod consume;
pub mod produce;
pub mod report;
