//! The `aws-dynamodb` scaler: its parameters, the query it asks, and what a number of items means.

use std::collections::BTreeMap;

use super::{
    attribute::{AttributeValue, names, values},
    counted,
    place::Place,
};
use crate::core::{
    error::Result,
    keda::{
        decision::{Counted, TriggerReading},
        metadata::{Parameters, Source, Sources},
        metric_name::{metric_name, normalize},
    },
};

/// The trigger's type.
pub const DYNAMODB_TRIGGER: &str = "aws-dynamodb";
/// The `targetValue` that KEDA takes for none.
const NO_TARGET: i64 = -1;

/// One trigger's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamoDbMetadata {
    /// The table's name.
    pub table_name: String,
    /// The index that is queried instead of the table, if not empty.
    pub index_name: String,
    /// Which items are asked for.
    pub key_condition_expression: String,
    /// Which of them are counted, if not empty.
    pub filter_expression: String,
    /// `#name` in the expressions.
    pub expression_attribute_names: BTreeMap<String, String>,
    /// `:value` in the expressions.
    pub expression_attribute_values: BTreeMap<String, AttributeValue>,
    /// Items per job.
    pub target_value: i64,
    /// The trigger is active above this.
    pub activation_target_value: i64,
    /// Where the table is.
    pub place: Place,
}

impl DynamoDbMetadata {
    /// Reads a trigger's parameters.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse.
    pub fn parse(sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        let target_value = parameters.integer("targetValue", 0);
        if parameters.text("targetValue", &[Source::Trigger]).is_none() {
            parameters.missing("targetValue", "it says how many items one job is wanted for");
        } else if target_value == NO_TARGET {
            parameters.refuse("targetValue", NO_TARGET, "another number: this one stands for none");
        }
        let metadata = Self {
            table_name: parameters.required("tableName", &[Source::Trigger]).to_owned(),
            index_name: parameters.optional("indexName"),
            key_condition_expression: parameters.required("keyConditionExpression", &[Source::Trigger]).to_owned(),
            filter_expression: parameters.optional("filterExpression"),
            expression_attribute_names: json(&mut parameters, "expressionAttributeNames", names),
            expression_attribute_values: json(&mut parameters, "expressionAttributeValues", values),
            target_value,
            activation_target_value: parameters.integer("activationTargetValue", 0),
            place: Place::read(&mut parameters),
        };
        parameters.finish("metadata of a trigger of type aws-dynamodb")?;
        Ok(metadata)
    }

    /// The metric's name of trigger number `index`, counted from 0.
    #[must_use]
    pub fn metric_name(&self, index: usize) -> String {
        metric_name(index, &normalize(&format!("aws-dynamodb-{}", self.table_name)))
    }

    /// The input of a decision from the `Count` of the query's first page; `metric` is the reading's name.
    #[must_use]
    pub fn measure(&self, metric: &str, items: i64) -> TriggerReading {
        TriggerReading { counted: Some(Counted::Items), ..counted(metric, items, self.target_value, self.activation_target_value) }
    }
}

/// A required text, read by `read`.
fn json<T: Default>(parameters: &mut Parameters<'_>, name: &str, read: impl Fn(&str) -> Result<T, String>) -> T {
    let text = parameters.required(name, &[Source::Trigger]);
    if text.is_empty() {
        return T::default();
    }
    read(text).unwrap_or_else(|rule| {
        parameters.refuse(name, text, rule);
        T::default()
    })
}
