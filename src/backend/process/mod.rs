//! One machine as a cluster: jobs are child processes, objects are files, the lease is a lock.

pub mod command;
mod jobs;
mod lease;
mod objects;
mod state;

pub use jobs::{Launch, ProcessJobs};
pub use lease::FileLease;
pub use objects::FileObjects;
pub use state::Status;
