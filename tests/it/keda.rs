//! KEDA's own results, row by row: what the operator decided for these inputs is what the core decides.

mod authentication;
mod coverage;
mod environment;
mod inputs;
mod jobs;
mod messages;
mod numbers;
mod polls;
mod scaled_object;
mod sqs;
mod strategies;
mod triggers;
mod validation;
mod vectors;
