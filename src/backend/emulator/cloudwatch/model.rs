//! The parts of inputs, as any wire brings them: the query wire has text for numbers, times and flags.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

use super::error::{invalid, invalid_value, missing};
use crate::{backend::emulator::error::ServiceError, core::keda::trigger::cloudwatch::UNITS};

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figure(pub(super) f64);

/// A whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub(super) i64);

/// A time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) i64);

/// True or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(bool),
    Whole(i64),
    Figure(f64),
    Text(String),
}

impl Scalar {
    fn figure(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "CloudWatch's numbers are doubles")]
            Self::Whole(number) => Some(*number as f64),
            Self::Figure(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Flag(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer)?.figure().map(Self).ok_or_else(|| D::Error::custom("a number is expected"))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let figure = Figure::deserialize(deserializer)?.0;
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        let whole = (figure.fract() == 0.0 && figure.abs() < 1e15).then_some(figure as i64);
        whole.map(Self).ok_or_else(|| D::Error::custom("a whole number is expected"))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = Scalar::deserialize(deserializer)?;
        if let Some(seconds) = scalar.figure() {
            #[expect(clippy::cast_possible_truncation, reason = "out of range saturates, and is then refused as a time")]
            return Ok(Self((seconds * 1000.0).round() as i64));
        }
        let Scalar::Text(text) = scalar else { return Err(D::Error::custom("a time is expected")) };
        let zoned = text.trim().parse::<Timestamp>();
        // Without a zone it is UTC.
        let time = zoned.or_else(|_| format!("{}Z", text.trim()).parse());
        time.map(|time| Self(time.as_millisecond())).map_err(|_| D::Error::custom(format!("`{text}` is not a time")))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Flag(flag) => Ok(Self(flag)),
            Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Ok(Self(true)),
            Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Ok(Self(false)),
            _ => Err(D::Error::custom("true or false is expected")),
        }
    }
}

/// A dimension, or a filter of dimensions when it has no value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Dimension {
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
}

/// Names and values, in the order of names.
pub(super) type Dimensions = BTreeMap<String, String>;

/// Most dimensions of a metric.
const MOST_DIMENSIONS: usize = 30;

/// Checks the dimensions given at `place` (`MetricData.member.1`).
pub(super) fn dimensions(given: Vec<Dimension>, place: &str) -> Result<Dimensions, ServiceError> {
    if given.len() > MOST_DIMENSIONS {
        return Err(invalid(format!("The collection {place}.Dimensions must not have a size greater than {MOST_DIMENSIONS}.")));
    }
    let mut checked = Dimensions::new();
    for (number, Dimension { name, value }) in (1..).zip(given) {
        let part = |part: &str| format!("{place}.Dimensions.member.{number}.{part}");
        let name = name.filter(|name| !name.is_empty()).ok_or_else(|| missing(&part("Name")))?;
        let value = value.filter(|value| !value.is_empty()).ok_or_else(|| missing(&part("Value")))?;
        if name.len() > 255 || name.starts_with(':') || !name.is_ascii() {
            return Err(invalid_value(name, &part("Name")));
        }
        if value.len() > 1024 || !value.is_ascii() {
            return Err(invalid_value(value, &part("Value")));
        }
        if checked.insert(name.clone(), value).is_some() {
            return Err(invalid(format!("The dimension {name} is given twice in {place}.Dimensions.")));
        }
    }
    Ok(checked)
}

/// The unit of what has none.
pub(super) const NO_UNIT: &str = "None";

/// Checks a unit given at `parameter`.
pub(super) fn check_unit(unit: &str, parameter: &str) -> Result<(), ServiceError> {
    if UNITS.contains(&unit) { Ok(()) } else { Err(invalid_value(unit, parameter)) }
}
