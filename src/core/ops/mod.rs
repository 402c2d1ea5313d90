//! Use cases, one for each verb: async, against ports only.

pub mod report;
