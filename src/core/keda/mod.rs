//! KEDA's rules as pure functions: plain values in, a decision with its arithmetic out.

pub mod admission;
pub mod aggregate;
pub mod authentication;
pub mod authorization;
pub mod bounds;
pub mod compare;
pub mod conditions;
pub mod decision;
pub mod environment;
pub mod events;
pub mod executor;
mod explain;
pub mod fallback;
pub mod go;
pub mod history;
pub mod hpa_health;
pub mod job;
pub mod jobs;
pub mod manifest;
pub mod metadata;
pub mod metric_name;
pub mod number;
pub mod object;
pub mod pause;
pub mod rollout;
pub mod state;
pub mod strategy;
pub mod trigger;

#[cfg(test)]
mod properties;
