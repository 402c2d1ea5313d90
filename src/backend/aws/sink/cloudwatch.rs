//! Values of a CloudWatch metric: `PutMetricData` with one datum, which is kept whole or not at all.

use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_cloudwatch::{
    Client,
    types::{Dimension, MetricDatum},
};

use crate::{
    backend::aws::error::fault,
    core::{
        error::{Error, Result},
        ports::{Outgoing, SendOutcome, Sink},
    },
};

/// Values are kept by the second, so that triggers with periods below a minute see them as well.
const RESOLUTION_SECONDS: i32 = 1;

/// One metric.
#[derive(Debug, Clone)]
pub(super) struct CloudWatchSink {
    client: Client,
    namespace: String,
    name: String,
    dimensions: Vec<Dimension>,
    run: String,
}

impl CloudWatchSink {
    /// The metric of that namespace and name, with `dimensions`; the run called `run` puts.
    pub(super) fn new(client: Client, (namespace, name): (&str, &str), dimensions: &[(String, String)], run: &str) -> Self {
        let dimensions = dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect();
        Self { client, namespace: namespace.to_owned(), name: name.to_owned(), dimensions, run: run.to_owned() }
    }
}

#[async_trait]
impl Sink for CloudWatchSink {
    async fn send(&self, batch: &[Outgoing]) -> Result<Vec<SendOutcome>> {
        let what = || format!("could not put values of the metric `{}/{}`", self.namespace, self.name);
        let (values, counts) = counted(batch.iter().map(|message| message.body.as_str())).map_err(|value| {
            let why = format!("`{value}` is no number");
            Error::failed(what(), why)
        })?;
        let datum = MetricDatum::builder().metric_name(&self.name).set_dimensions(Some(self.dimensions.clone()));
        let datum = datum.timestamp(SystemTime::now().into()).storage_resolution(RESOLUTION_SECONDS);
        let datum = datum.set_values(Some(values)).set_counts(Some(counts)).build();
        let request = self.client.put_metric_data().namespace(&self.namespace).metric_data(datum);
        request.send().await.map_err(|error| fault(what(), &error))?;
        Ok(batch.iter().map(|message| SendOutcome::Sent(format!("{}-{}", self.run, message.number))).collect())
    }
}

/// Each value once, in the order of first appearance, and how often it comes; or the text that is no number.
fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> Result<(Vec<f64>, Vec<f64>), &'a str> {
    let (mut values, mut counts) = (Vec::<f64>::new(), Vec::<f64>::new());
    for text in texts {
        let value: f64 = text.trim().parse().map_err(|_| text)?;
        if let Some(index) = values.iter().position(|known| known.total_cmp(&value).is_eq()) {
            counts[index] += 1.0;
        } else {
            values.push(value);
            counts.push(1.0);
        }
    }
    Ok((values, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_comes_once_with_its_count() {
        assert_eq!(counted(["1", "5", "1.0", "3", "5", " 1 "].into_iter()), Ok((vec![1.0, 5.0, 3.0], vec![3.0, 2.0, 1.0])));
        assert_eq!(counted(["1", "x"].into_iter()), Err("x"));
    }
}
