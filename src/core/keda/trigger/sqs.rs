//! The `aws-sqs-queue` scaler: its parameters, the attributes it asks for, and what they mean.

use std::collections::BTreeMap;

use super::{counted, place::Place, queue_name::queue_name};
use crate::core::{
    error::{Error, Kind, Result},
    event::Depth,
    keda::{
        decision::{Parts, TriggerReading},
        metadata::{Parameters, Source, Sources},
        metric_name::{metric_name, normalize},
    },
};

/// The trigger's type.
pub const SQS_TRIGGER: &str = "aws-sqs-queue";
const VISIBLE: &str = "ApproximateNumberOfMessages";
const IN_FLIGHT: &str = "ApproximateNumberOfMessagesNotVisible";
const DELAYED: &str = "ApproximateNumberOfMessagesDelayed";

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsMetadata {
    /// The queue's URL or its bare name, as given; this is what the request carries.
    pub queue_url: String,
    /// The queue's name, for the metric's name.
    pub queue_name: String,
    /// Messages per job; 0 and less are not refused, and want no jobs.
    pub queue_length: i64,
    /// The trigger is active above this.
    pub activation_queue_length: i64,
    /// Whose endpoint is asked, whatever host the URL has.
    pub place: Place,
    /// Whether messages being worked on count.
    pub scale_on_in_flight: bool,
    /// Whether delayed messages count.
    pub scale_on_delayed: bool,
    /// Legacy choice of identity; see [`crate::core::keda::authorization`].
    pub identity_owner: String,
}

impl SqsMetadata {
    /// Reads a trigger's parameters.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let queue_url = parameters.required("queueURL", &[Source::Trigger, Source::Env]).to_owned();
        let place = Place::read(&mut parameters);
        let name = queue_name(&queue_url);
        if name.is_none() {
            parameters.refuse("queueURL", &queue_url, "a queue's name, or a URL that ends in /<account>/<name>");
        }
        let metadata = Self {
            queue_name: name.unwrap_or_default(),
            queue_length: parameters.integer("queueLength", 5),
            activation_queue_length: parameters.integer("activationQueueLength", 0),
            scale_on_in_flight: parameters.boolean("scaleOnInFlight", true),
            scale_on_delayed: parameters.boolean("scaleOnDelayed", false),
            identity_owner: parameters.optional("identityOwner"),
            queue_url,
            place,
        };
        parameters.finish("metadata of a trigger of type aws-sqs-queue")?;
        Ok(metadata)
    }

    /// The metric's name of trigger number `index`, counted from 0.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        metric_name(index, &normalize(&format!("aws-sqs-{}", self.queue_name)))
    }

    /// The attributes to ask for, and to add up.
    #[must_use]
    pub fn attributes(&self) -> Vec<&'static str> {
        let counted = [(VISIBLE, true), (IN_FLIGHT, self.scale_on_in_flight), (DELAYED, self.scale_on_delayed)];
        counted.into_iter().filter(|(_, counts)| *counts).map(|(name, _)| name).collect()
    }

    /// The input of a decision from the queue's attributes; `metric` is the reading's name.
    ///
    /// # Errors
    /// `Failed`, when an attribute that counts is missing or no 64-bit integer.
    pub fn read(&self, metric: &str, attributes: &BTreeMap<String, String>) -> Result<TriggerReading> {
        let counted = |name: &str, counts: bool| counts.then(|| count(name, attributes)).transpose();
        let parts = Parts {
            visible: count(VISIBLE, attributes)?,
            in_flight: counted(IN_FLIGHT, self.scale_on_in_flight)?,
            delayed: counted(DELAYED, self.scale_on_delayed)?,
        };
        Ok(self.reading(metric, parts))
    }

    /// The input of a decision from all three counters.
    #[must_use]
    pub fn measure(&self, metric: &str, depth: Depth) -> TriggerReading {
        let parts = Parts {
            visible: depth.visible,
            in_flight: self.scale_on_in_flight.then_some(depth.in_flight),
            delayed: self.scale_on_delayed.then_some(depth.delayed),
        };
        self.reading(metric, parts)
    }

    fn reading(&self, metric: &str, parts: Parts) -> TriggerReading {
        TriggerReading { parts: Some(parts), ..counted(metric, parts.sum(), self.queue_length, self.activation_queue_length) }
    }
}

fn count(name: &str, attributes: &BTreeMap<String, String>) -> Result<i64> {
    let fault = |why: String| Error::new(Kind::Failed, format!("could not use the queue attribute {name}"), why);
    let text = attributes.get(name).ok_or_else(|| fault("the answer does not have it".to_owned()))?;
    text.parse().map_err(|_| fault(format!("`{text}` is no 64-bit integer")))
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;
    use crate::core::keda::number::short;

    fn parse(pairs: &[(&str, &str)]) -> Result<SqsMetadata> {
        let trigger = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        SqsMetadata::parse(Sources { trigger: &trigger, auth: &BTreeMap::new(), env: &BTreeMap::new() })
    }

    #[test]
    fn only_what_counts_is_added_up_and_compared() {
        let depth = Depth { visible: 3, in_flight: 4, delayed: 5 };
        let base = [("queueURL", "q.fifo"), ("awsRegion", "us-east-1")];
        let metadata = parse(&base).expect("valid");
        let reading = metadata.measure("s0-q", depth);
        assert_eq!((short(reading.value), reading.active, metadata.metric_name(0).as_str()), ("7".to_owned(), true, "s0-aws-sqs-q-fifo"));
        let metadata = parse(&[base[0], base[1], ("scaleOnInFlight", "false"), ("scaleOnDelayed", "1"), ("activationQueueLength", "8")]);
        let reading = metadata.expect("valid").measure("s0-q", depth);
        assert_eq!((short(reading.value), reading.active), ("8".to_owned(), false));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let error = parse(&[("queueURL", "https://h/q"), ("queueLength", "1.0"), ("scaleOnDelayed", "yes")]).expect_err("wrong");
        for part in ["`awsRegion` is missing", "`queueURL` is `https://h/q`", "`queueLength` is `1.0`", "`scaleOnDelayed` is `yes`"] {
            assert!(error.why.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_counters_panic(visible: i64, in_flight: i64, delayed: i64, both: bool) {
            let mut metadata = parse(&[("queueURL", "q"), ("awsRegion", "r"), ("scaleOnDelayed", "true")]).expect("valid");
            metadata.scale_on_in_flight = both;
            let trigger = metadata.measure("s0-q", Depth { visible, in_flight, delayed });
            prop_assert!(trigger.value >= 0.0 && trigger.value.is_finite());
        }
    }
}
