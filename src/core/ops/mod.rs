//! Use cases, one for each verb: async, against ports only.

pub mod consume;
pub mod doctor;
pub mod expire;
pub mod produce;
pub mod registered;
pub mod render;
pub mod report;
pub mod run;
pub mod setup;
pub mod status;
pub mod survey;
pub mod target;
pub mod teardown;
pub mod watch;
