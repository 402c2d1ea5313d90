//! Conditions: operators, and whether a request meets them.

use std::{cmp::Ordering, fmt, net::IpAddr};

use super::{context::Context, date, document::Version, pattern::Pattern};

/// One condition: an operator, a key of the request, and the values to compare it with (any of them suffices).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// How to compare.
    pub operator: Operator,
    /// The key, for example `aws:SourceArn`.
    pub key: String,
    /// The values, as text.
    pub values: Vec<String>,
}

/// For example `ForAnyValue:StringLikeIfExists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    /// For keys with several values.
    pub quantifier: Option<Quantifier>,
    /// The comparison itself.
    pub comparison: Comparison,
    /// Whether a key that the request lacks meets the condition.
    pub if_exists: bool,
}

/// How many of a key's values must meet a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantifier {
    /// All of them; also none.
    ForAllValues,
    /// At least one.
    ForAnyValue,
}

/// What is compared. The negated forms hold when the plain form does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each name is IAM's own")]
pub enum Comparison {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    ArnEquals,
    ArnNotEquals,
    ArnLike,
    ArnNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    Null,
}

use Comparison as C;

impl Comparison {
    /// All of them.
    pub const ALL: [Self; 27] = [
        C::StringEquals,
        C::StringNotEquals,
        C::StringEqualsIgnoreCase,
        C::StringNotEqualsIgnoreCase,
        C::StringLike,
        C::StringNotLike,
        C::ArnEquals,
        C::ArnNotEquals,
        C::ArnLike,
        C::ArnNotLike,
        C::NumericEquals,
        C::NumericNotEquals,
        C::NumericLessThan,
        C::NumericLessThanEquals,
        C::NumericGreaterThan,
        C::NumericGreaterThanEquals,
        C::DateEquals,
        C::DateNotEquals,
        C::DateLessThan,
        C::DateLessThanEquals,
        C::DateGreaterThan,
        C::DateGreaterThanEquals,
        C::Bool,
        C::BinaryEquals,
        C::IpAddress,
        C::NotIpAddress,
        C::Null,
    ];

    /// The plain form of a negated comparison.
    fn negates(self) -> Option<Self> {
        Some(match self {
            C::StringNotEquals => C::StringEquals,
            C::StringNotEqualsIgnoreCase => C::StringEqualsIgnoreCase,
            C::StringNotLike => C::StringLike,
            C::ArnNotEquals => C::ArnEquals,
            C::ArnNotLike => C::ArnLike,
            C::NumericNotEquals => C::NumericEquals,
            C::DateNotEquals => C::DateEquals,
            C::NotIpAddress => C::IpAddress,
            _ => return None,
        })
    }

    /// Whether `value` must be a date.
    pub(super) fn is_date(self) -> bool {
        matches!(
            self,
            C::DateEquals | C::DateNotEquals | C::DateLessThan | C::DateLessThanEquals | C::DateGreaterThan | C::DateGreaterThanEquals
        )
    }

    /// Whether the request's `actual` value meets the plain comparison with `wanted`.
    fn holds(self, actual: &str, wanted: &Pattern) -> bool {
        let text = || wanted.literal();
        match self {
            C::StringEquals | C::BinaryEquals => actual == text(),
            C::StringEqualsIgnoreCase => actual.to_lowercase() == text().to_lowercase(),
            C::Bool => actual.eq_ignore_ascii_case(&text()),
            C::StringLike => wanted.matches(actual),
            C::ArnEquals | C::ArnLike => wanted.matches_arn(actual),
            C::IpAddress => in_network(actual, &text()),
            C::NumericEquals | C::NumericLessThan | C::NumericLessThanEquals | C::NumericGreaterThan | C::NumericGreaterThanEquals => {
                match (actual.trim().parse::<f64>(), text().trim().parse::<f64>()) {
                    (Ok(actual), Ok(wanted)) => self.accepts(actual.partial_cmp(&wanted)),
                    _ => false,
                }
            }
            C::DateEquals | C::DateLessThan | C::DateLessThanEquals | C::DateGreaterThan | C::DateGreaterThanEquals => {
                match (date::parse(actual), date::parse(&text())) {
                    (Some(actual), Some(wanted)) => self.accepts(Some(actual.cmp(&wanted))),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn accepts(self, ordering: Option<Ordering>) -> bool {
        let Some(ordering) = ordering else { return false };
        match self {
            C::NumericEquals | C::DateEquals => ordering.is_eq(),
            C::NumericLessThan | C::DateLessThan => ordering.is_lt(),
            C::NumericLessThanEquals | C::DateLessThanEquals => ordering.is_le(),
            C::NumericGreaterThan | C::DateGreaterThan => ordering.is_gt(),
            _ => ordering.is_ge(),
        }
    }
}

impl Operator {
    /// Reads `ForAllValues:StringLikeIfExists`; `None` when IAM knows no such operator.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let comparison = Comparison::ALL.into_iter().find(|comparison| format!("{comparison:?}") == name)?;
        if comparison == C::Null && if_exists { None } else { Some(Self { quantifier, comparison, if_exists }) }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(quantifier) = self.quantifier {
            write!(f, "{quantifier:?}:")?;
        }
        write!(f, "{:?}{}", self.comparison, if self.if_exists { "IfExists" } else { "" })
    }
}

impl Condition {
    /// Whether `context` meets this condition of a document of `version`.
    #[must_use]
    pub fn is_met(&self, version: Version, context: &Context) -> bool {
        let actual = context.get(&self.key);
        let Operator { quantifier, comparison, if_exists } = self.operator;
        if comparison == C::Null {
            return self.values.iter().any(|value| value.eq_ignore_ascii_case("true") == actual.is_empty());
        }
        if actual.is_empty() {
            return match quantifier {
                Some(Quantifier::ForAllValues) => true,
                Some(Quantifier::ForAnyValue) => if_exists,
                None => if_exists || comparison.negates().is_some(),
            };
        }
        let plain = comparison.negates().unwrap_or(comparison);
        let wanted: Vec<Pattern> = self.values.iter().filter_map(|value| Pattern::resolve(value, version, context)).collect();
        let meets = |value: &String| wanted.iter().any(|pattern| plain.holds(value, pattern)) != comparison.negates().is_some();
        match (quantifier, comparison.negates()) {
            (Some(Quantifier::ForAllValues), _) | (None, Some(_)) => actual.iter().all(meets),
            (Some(Quantifier::ForAnyValue), _) | (None, None) => actual.iter().any(meets),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.key, self.operator, self.values.join(" or "))
    }
}

fn in_network(address: &str, network: &str) -> bool {
    let (base, bits) = match network.split_once('/') {
        Some((base, bits)) => (base, bits.parse::<u32>().ok()),
        None => (network, Some(128)),
    };
    let Some(bits) = bits else { return false };
    match (address.parse(), base.parse()) {
        (Ok(IpAddr::V4(address)), Ok(IpAddr::V4(base))) => {
            let shift = 32 - bits.min(32);
            u64::from(address.to_bits()) >> shift == u64::from(base.to_bits()) >> shift
        }
        (Ok(IpAddr::V6(address)), Ok(IpAddr::V6(base))) => {
            let shift = 128 - bits.min(128);
            shift == 128 || address.to_bits() >> shift == base.to_bits() >> shift
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(operator: &str, key: &str, values: &[&str], context: &Context) -> bool {
        let operator = Operator::parse(operator).expect(operator);
        Condition { operator, key: key.into(), values: values.iter().map(ToString::to_string).collect() }.is_met(Version::V2012, context)
    }

    #[test]
    fn every_operator_survives_writing_and_reading() {
        for comparison in Comparison::ALL {
            for quantifier in [None, Some(Quantifier::ForAllValues), Some(Quantifier::ForAnyValue)] {
                let operator = Operator { quantifier, comparison, if_exists: false };
                assert_eq!(Operator::parse(&operator.to_string()), Some(operator));
            }
        }
        for bad in ["stringequals", "ForAnyValue::StringEquals", "NullIfExists", "x"] {
            assert_eq!(Operator::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn operators_compare_as_iam_does() {
        let context = Context::new()
            .with("aws:SourceArn", "arn:aws:sqs:us-east-1:1:q")
            .with("n", "5")
            .with("t", "2026-01-02T00:00:00Z")
            .with("ip", "10.1.2.3")
            .with("b", "true")
            .with("aws:TagKeys", "a")
            .with("aws:TagKeys", "b");
        for (operator, key, values, wanted) in [
            ("StringEquals", "AWS:sourcearn", &["x", "arn:aws:sqs:us-east-1:1:q"][..], true),
            ("StringNotEquals", "aws:SourceArn", &["x", "arn:aws:sqs:us-east-1:1:q"], false),
            ("StringLike", "aws:SourceArn", &["*:q"], true),
            ("StringEquals", "aws:SourceArn", &["*:q"], false),
            ("ArnLike", "aws:SourceArn", &["arn:aws:sqs:*:*:?"], true),
            ("ArnNotLike", "aws:SourceArn", &["arn:aws:sqs:*:*:?"], false),
            ("NumericLessThanEquals", "n", &["5"], true),
            ("NumericGreaterThan", "n", &["5"], false),
            ("DateGreaterThan", "t", &["2026-01-01"], true),
            ("DateLessThan", "t", &["2026-01-01"], false),
            ("IpAddress", "ip", &["10.0.0.0/8"], true),
            ("NotIpAddress", "ip", &["10.0.0.0/8"], false),
            ("Bool", "b", &["True"], true),
            ("Null", "b", &["false"], true),
            ("Null", "missing", &["true"], true),
            ("ForAllValues:StringEquals", "aws:TagKeys", &["a", "b", "c"], true),
            ("ForAllValues:StringEquals", "aws:TagKeys", &["a"], false),
            ("ForAnyValue:StringEquals", "aws:TagKeys", &["b"], true),
            ("ForAnyValue:StringNotEquals", "aws:TagKeys", &["b"], true),
        ] {
            assert_eq!(met(operator, key, values, &context), wanted, "{operator} {key} {values:?}");
        }
    }

    #[test]
    fn a_missing_key_fails_plain_operators_and_meets_negated_and_if_exists() {
        let nothing = Context::new();
        assert!(!met("StringEquals", "k", &["a"], &nothing));
        assert!(met("StringNotEquals", "k", &["a"], &nothing));
        assert!(met("StringEqualsIfExists", "k", &["a"], &nothing));
        assert!(met("ForAllValues:StringEquals", "k", &["a"], &nothing));
        assert!(!met("ForAnyValue:StringEquals", "k", &["a"], &nothing));
    }

    #[test]
    fn an_unanswered_variable_matches_nothing() {
        let context = Context::new().with("k", "${aws:username}");
        assert!(!met("StringEquals", "k", &["${aws:username}"], &context));
    }
}
