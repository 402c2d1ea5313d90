//! Key conditions: which stretch of the keys a query asks for.

use std::ops::Bound;

use super::{
    expression::{Comparison, Condition, Fault, Operand, path::Path},
    key::{Key, KeyAttribute, not_empty},
    value::Attribute,
};

/// One partition, and the stretch of its range keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) hash: Vec<u8>,
    pub(super) low: Bound<Vec<u8>>,
    pub(super) high: Bound<Vec<u8>>,
}

/// One condition on one attribute.
struct Clause<'a> {
    name: &'a str,
    test: Test<'a>,
}

enum Test<'a> {
    Compare(Comparison, &'a Attribute),
    Between(&'a Attribute, &'a Attribute),
    BeginsWith(&'a Attribute),
}

impl Stretch {
    /// Reads `condition` against `key`. What only concerns the schema is refused without the expression's prefix, as AWS does.
    pub(super) fn read(condition: &Condition, key: &Key) -> Result<Self, Refusal> {
        let parts: Vec<&Condition> = match condition {
            Condition::And(all) => all.iter().collect(),
            one => vec![one],
        };
        let clauses = parts.into_iter().map(clause).collect::<Result<Vec<_>, _>>()?;
        let named = |attribute: &KeyAttribute| clauses.iter().filter(|clause| clause.name == attribute.name).count();
        if clauses.iter().any(|clause| clauses.iter().filter(|other| other.name == clause.name).count() > 1) {
            return Err(Refusal::Expression(Fault("KeyConditionExpressions must only contain one condition per key".to_owned())));
        }
        let parts_of_key = key.attributes().count();
        if clauses.len() > parts_of_key {
            return Err(Refusal::Schema(format!(
                "The number of query conditions ({}) exceeds the number of key attributes defined in the schema ({parts_of_key})",
                clauses.len()
            )));
        }
        if let Some(missed) = key.attributes().take(clauses.len()).find(|attribute| named(attribute) == 0) {
            return Err(Refusal::Schema(format!("Query condition missed key schema element: {}", missed.name)));
        }
        let find = |name: &str| clauses.iter().find(|clause| clause.name == name).map(|clause| &clause.test);
        let hash = match find(&key.hash.name) {
            Some(Test::Compare(Comparison::Equal, value)) => compared(value, &key.hash)?,
            _ => return Err(Refusal::Schema("Query key condition not supported".to_owned())),
        };
        let test = key.range.as_ref().and_then(|range| Some((range, find(&range.name)?)));
        let (low, high) = test.map_or(Ok((Bound::Unbounded, Bound::Unbounded)), |(range, test)| test.bounds(range))?;
        Ok(Self { hash, low, high })
    }
}

/// Why a key condition is refused: by what is written, or by what the table's key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Expression(Fault),
    Schema(String),
}

fn clause(condition: &Condition) -> Result<Clause<'_>, Refusal> {
    let unsupported = |operator: &str| Refusal::Expression(Fault(format!("Invalid operator used in KeyConditionExpression: {operator}")));
    match condition {
        Condition::Compare(_, Comparison::NotEqual, _) => Err(unsupported("<>")),
        Condition::Compare(Operand::Path(path), comparison, Operand::Value(value)) => {
            Ok(Clause { name: name(path)?, test: Test::Compare(*comparison, value) })
        }
        Condition::Compare(Operand::Value(value), comparison, Operand::Path(path)) => {
            Ok(Clause { name: name(path)?, test: Test::Compare(turned(*comparison), value) })
        }
        Condition::Between(Operand::Path(path), Operand::Value(low), Operand::Value(high)) => {
            Ok(Clause { name: name(path)?, test: Test::Between(low, high) })
        }
        Condition::BeginsWith(Operand::Path(path), Operand::Value(start)) => {
            Ok(Clause { name: name(path)?, test: Test::BeginsWith(start) })
        }
        Condition::And(_) => Err(unsupported("AND")),
        Condition::Or(_) => Err(unsupported("OR")),
        Condition::Not(_) => Err(unsupported("NOT")),
        Condition::In(..) => Err(unsupported("IN")),
        Condition::Exists(_) => Err(unsupported("attribute_exists")),
        Condition::NotExists(_) => Err(unsupported("attribute_not_exists")),
        Condition::HasType(..) => Err(unsupported("attribute_type")),
        Condition::Contains(..) => Err(unsupported("contains")),
        Condition::Compare(..) | Condition::Between(..) | Condition::BeginsWith(..) => {
            let why = "KeyConditionExpressions must compare a key attribute with a value";
            Err(Refusal::Expression(Fault(why.to_owned())))
        }
    }
}

fn name(path: &Path) -> Result<&str, Refusal> {
    path.name().ok_or_else(|| {
        let why = "KeyConditionExpressions cannot have conditions on nested attributes";
        Refusal::Expression(Fault(why.to_owned()))
    })
}

/// The comparison with its sides changed.
fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Greater => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
        same => same,
    }
}

fn bytes(value: &Attribute, attribute: &KeyAttribute) -> Result<Vec<u8>, Refusal> {
    let fits = value.kind() == attribute.kind;
    value.key().filter(|_| fits).ok_or_else(|| {
        let why = "Condition parameter type does not match schema type";
        Refusal::Schema(format!("One or more parameter values were invalid: {why}"))
    })
}

/// The same of a value that the key is compared with: no key is empty.
fn compared(value: &Attribute, attribute: &KeyAttribute) -> Result<Vec<u8>, Refusal> {
    not_empty(&attribute.name, value).map_err(|error| Refusal::Schema(error.message))?;
    bytes(value, attribute)
}

type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

impl Test<'_> {
    fn bounds(&self, attribute: &KeyAttribute) -> Result<Bounds, Refusal> {
        Ok(match self {
            Self::Compare(comparison, value) => {
                let value = compared(value, attribute)?;
                match comparison {
                    Comparison::Less => (Bound::Unbounded, Bound::Excluded(value)),
                    Comparison::AtMost => (Bound::Unbounded, Bound::Included(value)),
                    Comparison::Greater => (Bound::Excluded(value), Bound::Unbounded),
                    Comparison::AtLeast => (Bound::Included(value), Bound::Unbounded),
                    Comparison::Equal | Comparison::NotEqual => (Bound::Included(value.clone()), Bound::Included(value)),
                }
            }
            Self::Between(low, high) => (Bound::Included(bytes(low, attribute)?), Bound::Included(bytes(high, attribute)?)),
            Self::BeginsWith(start) => {
                if attribute.kind == "N" {
                    let why = "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N";
                    return Err(Refusal::Expression(Fault(why.to_owned())));
                }
                let start = bytes(start, attribute)?;
                let end = after_prefix(&start).map_or(Bound::Unbounded, Bound::Excluded);
                (Bound::Included(start), end)
            }
        })
    }
}

/// The first bytes behind all that begin with `prefix`, if there are any.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_ends_where_no_key_begins_with_it(prefix: Vec<u8>, key: Vec<u8>) {
            let within = key >= prefix && after_prefix(&prefix).is_none_or(|end| key < end);
            prop_assert_eq!(within, key.starts_with(&prefix));
        }
    }
}
