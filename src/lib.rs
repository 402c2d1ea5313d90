//! Queue-driven autoscaling with KEDA and AWS: the library behind `kedactl`.
//!
//! `core` is what the demo is; `backend` is how it is reached. Imports point one way:
//! `cli` (in the binary) → `core::ops` → `core`, and `backend` → `core`.

#[cfg(feature = "aws")]
pub mod backend;
pub mod core;
