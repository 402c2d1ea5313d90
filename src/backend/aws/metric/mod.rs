//! What reads triggers: one file for each AWS service, each asking for exactly what KEDA's scaler asks for.

mod sqs;

pub use sqs::SqsMetric;
