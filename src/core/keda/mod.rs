//! KEDA's rules as pure functions: plain values in, a decision with its arithmetic out.

pub mod aggregate;
pub mod bounds;
pub mod conditions;
pub mod decision;
mod explain;
pub mod go;
pub mod jobs;
pub mod manifest;
pub mod metric_name;
pub mod number;
pub mod pause;
pub mod strategy;

#[cfg(test)]
mod properties;
