//! Expressions: conditions on items, the paths in them, and what fills their placeholders.
//!
//! Ours: `dynoxide-rs`, the one crate that has these, links another SQLite and keeps its parser to itself.

pub(super) mod evaluate;
mod operands;
mod parse;
pub(super) mod path;
pub(super) mod placeholders;
mod reserved;
#[cfg(test)]
mod tests;
mod token;
pub(super) mod update;

use super::number::Number;
use super::value::Attribute;
use path::Path;

pub(super) use operands::check;
pub(super) use parse::{condition, paths, update_clauses};

/// Why an expression cannot be used, as AWS words it behind `Invalid FilterExpression: `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

/// A condition, with its placeholders filled.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Compare(Operand, Comparison, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Operand),
    NotExists(Operand),
    HasType(Operand, Operand),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    Not(Box<Condition>),
    /// Both, or all of a chain of `AND`s.
    And(Vec<Condition>),
    Or(Vec<Condition>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    fn read(sign: &str) -> Option<Self> {
        let all = [Self::Equal, Self::NotEqual, Self::Less, Self::AtMost, Self::Greater, Self::AtLeast];
        all.into_iter().find(|comparison| comparison.sign() == sign)
    }
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Path(Path),
    Value(Attribute),
    /// `size(path)`.
    Size(Path),
}

impl Operand {
    pub(super) fn count(count: usize) -> Attribute {
        Attribute::N(Number::from_count(count))
    }
}
