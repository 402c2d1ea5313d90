//! A real cluster: how its API server is reached, and the objects on it.

mod access;
mod census;
mod client;
mod controller;
mod error;
mod follow;
mod jobs;
mod kinds;
mod kubeconfig;
mod lease;
mod objects;
mod operators;
mod pods;
mod proxy;
mod scale;
mod service;
mod transport;

pub use access::{refused, skew};
pub use census::KubeCensus;
pub use client::{Access, Cluster, Tokens};
pub use controller::{Order, checks, resources as controller_resources};
pub use follow::KubeSights;
pub use jobs::{KubeJobs, Owners};
pub use lease::KubeLease;
pub use objects::{Conflicts, FIELD_MANAGER, KubeObjects};
pub use scale::KubeWorkloads;
pub use service::router as service_router;
