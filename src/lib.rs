//! Queue-driven autoscaling with KEDA and AWS: the library behind `kedactl`.
//!
//! `core` is what the demo is; `backend` is how it is reached: this machine, any Kubernetes cluster, or EKS. Imports point
//! one way: `cli` (in the binary) → `core::ops` → `core`, and `backend` → `core`.
//!
//! [`core::settings::Settings`] say where; [`backend::Backend`] gives the ports for it; each use case of [`core::ops`] works
//! on those ports, returns values, reports [`core::event::Event`]s, and prints nothing.

#[cfg(feature = "aws")]
pub mod backend;
pub mod core;
