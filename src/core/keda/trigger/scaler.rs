//! What KEDA calls the scaler of a trigger in its metrics.

use crate::core::keda::manifest::Trigger;

/// The trigger's own name; otherwise the name that the scaler of its type has in KEDA's code.
#[must_use]
pub fn scaler_name(trigger: &Trigger) -> String {
    if let Some(name) = trigger.name.as_ref().filter(|name| !name.is_empty()) {
        return name.clone();
    }
    match trigger.kind.as_str() {
        "aws-cloudwatch" => "awsCloudwatchScaler".to_owned(),
        "aws-dynamodb" => "awsDynamoDBScaler".to_owned(),
        "aws-dynamodb-streams" => "awsDynamoDBStreamsScaler".to_owned(),
        "aws-kinesis-stream" => "awsKinesisStreamScaler".to_owned(),
        "aws-sqs-queue" => "awsSqsQueueScaler".to_owned(),
        "cpu" | "memory" => "cpuMemoryScaler".to_owned(),
        other => format!("{}Scaler", camel(other)),
    }
}

/// `apache-kafka` as `apacheKafka`: how most of KEDA's scalers are called.
fn camel(kind: &str) -> String {
    let mut words = kind.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let mut letters = word.chars();
        let head: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        text + &head + letters.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_its_own_comes_first() {
        let named = |kind: &str, name: Option<&str>| {
            scaler_name(&Trigger { kind: kind.to_owned(), name: name.map(str::to_owned), ..Trigger::default() })
        };
        assert_eq!(named("aws-sqs-queue", Some("orders")), "orders");
        assert_eq!(named("aws-sqs-queue", Some("")), "awsSqsQueueScaler");
        assert_eq!(named("aws-dynamodb-streams", None), "awsDynamoDBStreamsScaler");
        assert_eq!(named("cron", None), "cronScaler");
        assert_eq!(named("apache-kafka", None), "apacheKafkaScaler");
    }
}
