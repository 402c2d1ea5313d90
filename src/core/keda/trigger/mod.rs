//! The triggers: each one's parameters, what it asks for, and what the answer means.

pub mod queue_name;
pub mod sqs;
