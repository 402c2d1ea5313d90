//! One machine as a cluster: jobs and replicas are child processes, objects are files, the lease is a lock.

pub mod command;
mod jobs;
mod lease;
mod objects;
mod plain;
mod pool;
mod processes;
mod state;
mod trial;

pub use jobs::ProcessJobs;
pub use lease::FileLease;
pub use objects::FileObjects;
pub use pool::{AsWanted, ProcessPools, TrialMakings, TrialPool, replica_spec, wanted};
pub use processes::Launch;
pub use state::Status;
pub use trial::Trial;
