//! Whether an item meets a condition.

use std::cmp::Ordering;

use super::{Comparison, Condition, Operand, path::Path};
use crate::backend::emulator::dynamodb::value::{Attribute, Item};

impl Condition {
    /// Whether `item` meets it. What is not there is equal to nothing and in no order.
    pub(in super::super) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(all) => all.iter().all(|condition| condition.holds(item)),
            Self::Or(any) => any.iter().any(|condition| condition.holds(item)),
            Self::Not(inner) => !inner.holds(item),
            Self::Exists(path) => path.find(item).is_some(),
            Self::NotExists(path) => path.find(item).is_none(),
            Self::Compare(left, comparison, right) => match (left.find(item), right.find(item)) {
                (Some(left), Some(right)) => comparison.holds(&left, &right),
                _ => *comparison == Comparison::NotEqual,
            },
            Self::Between(operand, low, high) => match (operand.find(item), low.find(item), high.find(item)) {
                (Some(value), Some(low), Some(high)) => Comparison::AtLeast.holds(&value, &low) && Comparison::AtMost.holds(&value, &high),
                _ => false,
            },
            Self::In(operand, choices) => {
                let value = operand.find(item);
                value.is_some() && choices.iter().any(|choice| choice.find(item) == value)
            }
            Self::HasType(operand, kind) => match (operand.find(item), kind.find(item)) {
                (Some(value), Some(Attribute::S(kind))) => value.kind() == kind,
                _ => false,
            },
            Self::BeginsWith(whole, start) => match (whole.find(item), start.find(item)) {
                (Some(Attribute::S(whole)), Some(Attribute::S(start))) => whole.starts_with(&start),
                (Some(Attribute::B(whole)), Some(Attribute::B(start))) => whole.starts_with(&start),
                _ => false,
            },
            Self::Contains(whole, part) => match (whole.find(item), part.find(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
        }
    }
}

fn contains(whole: &Attribute, part: &Attribute) -> bool {
    match (whole, part) {
        (Attribute::S(whole), Attribute::S(part)) => whole.contains(part.as_str()),
        (Attribute::B(whole), Attribute::B(part)) => part.is_empty() || whole.windows(part.len()).any(|window| window == part),
        (Attribute::Ss(set), Attribute::S(part)) => set.contains(part),
        (Attribute::Ns(set), Attribute::N(part)) => set.contains(part),
        (Attribute::Bs(set), Attribute::B(part)) => set.contains(part),
        (Attribute::L(items), part) => items.contains(part),
        _ => false,
    }
}

impl Operand {
    /// The value it has for `item`.
    fn find(&self, item: &Item) -> Option<Attribute> {
        match self {
            Self::Path(path) => path.look(item).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(path) => match path.look(item)? {
                // As AWS counts text: in UTF-16's units.
                Attribute::S(text) => Some(Self::count(text.encode_utf16().count())),
                Attribute::B(bytes) => Some(Self::count(bytes.len())),
                Attribute::L(items) => Some(Self::count(items.len())),
                Attribute::M(fields) => Some(Self::count(fields.len())),
                Attribute::Ss(set) => Some(Self::count(set.len())),
                Attribute::Ns(set) => Some(Self::count(set.len())),
                Attribute::Bs(set) => Some(Self::count(set.len())),
                Attribute::N(_) | Attribute::Bool(_) | Attribute::Null => None,
            },
        }
    }
}

impl Comparison {
    /// Whether two values stand to each other like this. Only text, numbers and bytes have an order, each among themselves.
    pub(in super::super) fn holds(self, left: &Attribute, right: &Attribute) -> bool {
        let order = match (left, right) {
            (Attribute::S(left), Attribute::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
            (Attribute::N(left), Attribute::N(right)) => Some(left.cmp(right)),
            (Attribute::B(left), Attribute::B(right)) => Some(left.cmp(right)),
            _ => None,
        };
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Condition {
    /// The paths that it names.
    pub(in super::super) fn paths(&self) -> Vec<&Path> {
        let operands: Vec<&Operand> = match self {
            Self::And(all) | Self::Or(all) => return all.iter().flat_map(Self::paths).collect(),
            Self::Not(inner) => return inner.paths(),
            Self::Exists(path) | Self::NotExists(path) => vec![path],
            Self::Compare(left, _, right) | Self::HasType(left, right) | Self::BeginsWith(left, right) | Self::Contains(left, right) => {
                vec![left, right]
            }
            Self::Between(operand, low, high) => vec![operand, low, high],
            Self::In(operand, choices) => std::iter::once(operand).chain(choices).collect(),
        };
        operands.into_iter().filter_map(Operand::path).collect()
    }
}

impl Operand {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Size(path) => Some(path),
            Self::Value(_) => None,
        }
    }
}
