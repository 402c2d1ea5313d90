//! The `cpu` and `memory` scalers: what the HPA is told of the pods' own use. They read nothing.

use super::metric_type::MetricType;
use crate::core::{
    error::Result,
    keda::metadata::{Parameters, Source, Sources},
};

/// The triggers' types.
pub const RESOURCE_TRIGGERS: [&str; 2] = ["cpu", "memory"];
/// What follows the number of a quantity.
const SUFFIXES: [&str; 16] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// What the pods' use is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceTarget {
    /// Percent of what the pods request.
    Utilization(i32),
    /// A quantity of each pod, such as `500m` or `1Gi`.
    AverageValue(String),
}

/// One trigger's parameters. On a ScaledJob it contributes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// `cpu` or `memory`.
    pub resource: String,
    /// What the use is compared with.
    pub target: ResourceTarget,
    /// The container whose use counts instead of the pod's, if not empty.
    pub container_name: String,
}

impl ResourceMetadata {
    /// Reads the parameters of the trigger type `resource`.
    ///
    /// # Errors
    /// `Input`, with everything that KEDA's scaler would refuse; a quantity that makes KEDA panic is one of them.
    pub fn parse(resource: &str, metric_type: Option<MetricType>, sources: Sources<'_>) -> Result<Self> {
        let mut parameters = Parameters::new(sources);
        if let Some(given) = parameters.text("type", &[Source::Trigger]) {
            parameters.refuse("type", given, "left out: KEDA takes it no longer since 2.18; the trigger's own `metricType` says it");
        }
        let value = parameters.required("value", &[Source::Trigger]);
        let target = match metric_type {
            Some(MetricType::Utilization) => ResourceTarget::Utilization(value.parse().unwrap_or_else(|_| {
                parameters.refuse("value", value, "a whole number of percent, as metricType is Utilization");
                0
            })),
            Some(MetricType::AverageValue) => {
                if !is_quantity(value) {
                    parameters.refuse("value", value, "a quantity such as 500m or 1Gi, as metricType is AverageValue");
                }
                ResourceTarget::AverageValue(value.to_owned())
            }
            other => {
                parameters.refuse("metricType", other.map_or("", MetricType::name), "Utilization or AverageValue");
                ResourceTarget::Utilization(0)
            }
        };
        let container_name = parameters.optional("containerName");
        parameters.finish(&format!("metadata of a trigger of type {resource}"))?;
        Ok(Self { resource: resource.to_owned(), target, container_name })
    }
}

/// Whether `text` is a quantity of Kubernetes: a number with a suffix or an exponent.
fn is_quantity(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|digits| digits.parse::<i32>().is_ok());
    let is_number = number.bytes().any(|b| b.is_ascii_digit()) && number.matches('.').count() <= 1;
    is_number && (exponent || SUFFIXES.contains(&suffix))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn parse(metric_type: Option<MetricType>, pairs: &[(&str, &str)]) -> Result<ResourceMetadata> {
        let trigger = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ResourceMetadata::parse("cpu", metric_type, Sources { trigger: &trigger, auth: &BTreeMap::new(), env: &BTreeMap::new() })
    }

    #[test]
    fn the_value_is_of_its_type() {
        let read = |metric_type, value| parse(Some(metric_type), &[("value", value)]).map(|metadata| metadata.target);
        assert_eq!(read(MetricType::Utilization, "50"), Ok(ResourceTarget::Utilization(50)));
        assert_eq!(read(MetricType::AverageValue, "500m"), Ok(ResourceTarget::AverageValue("500m".to_owned())));
        for (metric_type, value) in [
            (MetricType::Utilization, "50%"),
            (MetricType::Utilization, "3000000000"),
            (MetricType::AverageValue, "1.2.3"),
            (MetricType::AverageValue, "5K"),
            (MetricType::AverageValue, "Gi"),
            (MetricType::Value, "5"),
        ] {
            let error = read(metric_type, value).expect_err(value);
            assert!(error.why.contains(value) || error.why.contains("`metricType` is `Value`"), "{error}");
        }
    }

    #[test]
    fn the_type_among_the_parameters_is_refused_and_one_is_needed() {
        let metadata = parse(Some(MetricType::Utilization), &[("value", "70"), ("containerName", "app")]).expect("valid");
        assert_eq!((metadata.target, metadata.container_name.as_str()), (ResourceTarget::Utilization(70), "app"));
        let error = parse(Some(MetricType::Utilization), &[("type", "Utilization"), ("value", "70")]).expect_err("taken no longer");
        assert!(error.why.contains("`type` is `Utilization`: it must be left out"), "{error}");
        let error = parse(None, &[("value", "70")]).expect_err("no type");
        assert!(error.why.contains("`metricType` is ``: it must be Utilization or AverageValue"), "{error}");
    }
}
