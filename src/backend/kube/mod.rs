//! A real cluster: how its API server is reached, and the objects on it.

mod client;
mod error;
mod kinds;
mod kubeconfig;
mod objects;
mod transport;

pub use client::{Cluster, Tokens};
pub use objects::{Conflicts, FIELD_MANAGER, KubeObjects};
