//! AWS through the official SDK: the one path to it.

pub mod audit;
pub mod clients;
pub mod config;
pub mod credentials;
pub mod eks;
mod error;
pub mod identity;
pub mod metric;
pub mod permissions;
pub mod queue;
pub mod resources;
pub mod scalers;
pub mod shared;
pub mod sink;
pub mod surroundings;
pub mod token;
