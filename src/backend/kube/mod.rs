//! A real cluster: how its API server is reached, and the objects on it.

mod census;
mod client;
mod controller;
mod error;
mod jobs;
mod kinds;
mod kubeconfig;
mod lease;
mod objects;
mod pods;
mod proxy;
mod transport;

pub use census::KubeCensus;
pub use client::{Access, Cluster, Tokens};
pub use controller::{Order, checks, resources as controller_resources};
pub use jobs::{KubeJobs, Owners};
pub use lease::KubeLease;
pub use objects::{Conflicts, FIELD_MANAGER, KubeObjects};
