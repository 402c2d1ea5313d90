//! The `aws-cloudwatch` scaler: its parameters, the window it asks for, and what the newest value means.

use jiff::Timestamp;

use super::place::Place;
use crate::core::{
    error::{Error, Kind, Result},
    keda::{
        decision::TriggerReading,
        metadata::{Parameters, Source, Sources},
        metric_name::metric_name,
        number::through_quantity,
    },
};

/// The trigger's type.
pub const CLOUDWATCH_TRIGGER: &str = "aws-cloudwatch";
/// The standard units of CloudWatch, the last of what has none.
pub const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];
/// Seconds from the year 1 to 1970: periods are counted from there.
const YEAR_ONE: i64 = 62_135_596_800;

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudWatchMetadata {
    /// The metric's namespace; empty with an expression.
    pub namespace: String,
    /// The metric's name; empty with an expression.
    pub metric_name: String,
    /// Names of its dimensions.
    pub dimension_names: Vec<String>,
    /// Their values, in the same order.
    pub dimension_values: Vec<String>,
    /// An expression instead of the four, if not empty.
    pub expression: String,
    /// The value that one job is wanted for.
    pub target: f64,
    /// The value when there is none.
    pub minimum: f64,
    /// The trigger is active above this.
    pub activation: f64,
    /// Whether no value is the minimum rather than an error.
    pub ignore_null_values: bool,
    /// The window's length, in seconds.
    pub collection_seconds: i64,
    /// The statistic, such as `Average`.
    pub stat: String,
    /// The period, in seconds.
    pub period_seconds: i64,
    /// The unit of the values that count, if not empty.
    pub unit: String,
    /// How long ago the window ends, in seconds; negative is in the future.
    pub end_offset_seconds: i64,
    /// The account whose metric it is, if not empty.
    pub account_id: String,
    /// Where the metric is.
    pub place: Place,
}

impl CloudWatchMetadata {
    /// Reads a trigger's parameters.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let stat = parameters.text("metricStat", &[Source::Trigger]).unwrap_or("Average").to_owned();
        let metadata = Self {
            namespace: parameters.optional("namespace"),
            metric_name: parameters.optional("metricName"),
            dimension_names: parameters.list("dimensionName"),
            dimension_values: parameters.list("dimensionValue"),
            expression: parameters.optional("expression"),
            target: parameters.required_float("targetMetricValue"),
            minimum: parameters.required_float("minMetricValue"),
            activation: parameters.float("activationTargetMetricValue", 0.0),
            ignore_null_values: parameters.boolean("ignoreNullValues", true),
            collection_seconds: parameters.integer("metricCollectionTime", 300),
            stat,
            period_seconds: parameters.integer("metricStatPeriod", 300),
            unit: parameters.optional("metricUnit"),
            end_offset_seconds: parameters.integer("metricEndTimeOffset", 0),
            account_id: parameters.optional("awsAccountId"),
            place: Place::read(&mut parameters),
        };
        if metadata.expression.is_empty() {
            metadata.check_metric(&mut parameters);
        }
        metadata.check_times(&mut parameters);
        parameters.finish("metadata of a trigger of type aws-cloudwatch")?;
        Ok(metadata)
    }

    fn check_metric(&self, parameters: &mut Parameters<'_>) {
        let given = [
            ("namespace", self.namespace.is_empty()),
            ("metricName", self.metric_name.is_empty()),
            ("dimensionName", self.dimension_names.is_empty()),
            ("dimensionValue", self.dimension_values.is_empty()),
        ];
        for (name, _) in given.into_iter().filter(|(_, absent)| *absent) {
            parameters.missing(name, "it is required unless there is an `expression`");
        }
        let (names, values) = (self.dimension_names.len(), self.dimension_values.len());
        if names != values && names > 0 && values > 0 {
            let rule = format!("as many values as `dimensionName` has names: {names}, not {values}");
            parameters.refuse("dimensionValue", self.dimension_values.join(";"), rule);
        }
        if !self.unit.is_empty() && !UNITS.contains(&self.unit.as_str()) {
            parameters.refuse("metricUnit", &self.unit, format_args!("one of {}", UNITS.join(", ")));
        }
    }

    fn check_times(&self, parameters: &mut Parameters<'_>) {
        let (period, collection) = (self.period_seconds, self.collection_seconds);
        if !(matches!(period, 1 | 5 | 10 | 30) || period >= 60 && period % 60 == 0) {
            parameters.refuse("metricStatPeriod", period, "1, 5, 10, 30, or a multiple of 60");
        } else if collection < 0 || collection % period != 0 {
            let rule = format!("0 or more, and a multiple of `metricStatPeriod`, which is {period}");
            parameters.refuse("metricCollectionTime", collection, rule);
        }
    }

    /// The metric's name of trigger number `index`, counted from 0: nothing in it tells metrics apart.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        metric_name(index, "aws-cloudwatch")
    }

    /// Start and end of what is asked for at `now`: the end is the last whole period, counted from the year 1.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let since = now.as_second().saturating_sub(self.end_offset_seconds).saturating_add(YEAR_ONE);
        let end = since.saturating_sub(since.rem_euclid(self.period_seconds.max(1))).saturating_sub(YEAR_ONE);
        (timestamp(end.saturating_sub(self.collection_seconds)), timestamp(end))
    }

    /// The input of a decision from the values of each result, the newest first; `metric` is the reading's name.
    ///
    /// Only the first result counts. Activity is that of the value before it is rounded, so that a negative one can be active.
    ///
    /// # Errors
    /// `Failed`, when the first result is empty and that is not to be ignored. No result at all is no error.
    pub fn read(&self, metric: &str, results: &[Vec<f64>]) -> Result<TriggerReading> {
        let newest = results.first().and_then(|values| values.first());
        if newest.is_none() && !results.is_empty() && !self.ignore_null_values {
            let why = "there is no value in the window, and ignoreNullValues is false";
            return Err(Error::new(Kind::Failed, format!("could not use the metric `{}`", self.shown()), why));
        }
        let value = newest.copied().unwrap_or(self.minimum);
        Ok(TriggerReading {
            metric: metric.to_owned(),
            value: through_quantity(value),
            target: through_quantity(self.target),
            active: value > self.activation,
            activation: Some(self.activation),
            parts: None,
            counted: None,
            error: None,
        })
    }

    /// The metric or the expression, for errors.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.expression.is_empty() { format!("{}/{}", self.namespace, self.metric_name) } else { self.expression.clone() }
    }
}

/// The nearest time there is.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
