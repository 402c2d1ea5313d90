//! What the demo is: plain values and decisions, without a vendor, a terminal or a file.

pub mod board;
pub mod census;
pub mod check;
pub mod controller;
pub mod drift;
pub mod error;
pub mod event;
pub mod expiry;
pub mod facts;
pub mod iam;
pub mod keda;
pub mod lease;
pub mod load;
pub mod log;
pub mod managed;
pub mod manifest;
pub mod ops;
pub mod plan;
pub mod ports;
pub mod queue_url;
pub mod readiness;
pub mod report;
pub mod settings;
pub mod stack;
pub mod template;
pub mod work;
