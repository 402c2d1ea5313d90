//! Which operands an operator takes: what can be said before any item is looked at.

use super::{Comparison, Condition, Fault, Operand};
use crate::backend::emulator::dynamodb::value::Attribute;

const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

/// Refuses operands of types that their operator never takes.
pub(in super::super) fn check(condition: &Condition) -> Result<(), Fault> {
    match condition {
        Condition::And(all) | Condition::Or(all) => all.iter().try_for_each(check),
        Condition::Not(inner) => check(inner),
        Condition::Exists(operand) => a_path("attribute_exists", operand),
        Condition::NotExists(operand) => a_path("attribute_not_exists", operand),
        Condition::HasType(operand, kind) => {
            a_path("attribute_type", operand)?;
            match kind {
                Operand::Value(Attribute::S(name)) if TYPES.contains(&name.as_str()) => Ok(()),
                Operand::Value(Attribute::S(name)) => {
                    let valid = TYPES.join(",");
                    Err(Fault(format!("Invalid attribute type name found; type: {name}, valid types: {{{valid}}}")))
                }
                Operand::Value(value) => Err(wrong_type("operator or function: attribute_type", value)),
                _ => Ok(()),
            }
        }
        Condition::BeginsWith(whole, start) => {
            distinct("begins_with", whole, start)?;
            [whole, start].into_iter().try_for_each(|operand| match operand {
                Operand::Value(value) if !matches!(value, Attribute::S(_) | Attribute::B(_)) => {
                    Err(wrong_type("operator or function: begins_with", value))
                }
                _ => Ok(()),
            })
        }
        Condition::Contains(whole, part) => distinct("contains", whole, part),
        Condition::Compare(left, comparison, right) => {
            distinct(comparison.sign(), left, right)?;
            if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                return Ok(());
            }
            [left, right].into_iter().try_for_each(|operand| ordered(&format!("operator: {}", comparison.sign()), operand))
        }
        Condition::Between(operand, low, high) => {
            [operand, low, high].into_iter().try_for_each(|operand| ordered("operator or function: BETWEEN", operand))?;
            bounds(low, high)
        }
        Condition::In(..) => Ok(()),
    }
}

fn a_path(function: &str, operand: &Operand) -> Result<(), Fault> {
    match operand {
        Operand::Path(_) => Ok(()),
        _ => Err(Fault(format!("Operator or function requires a document path; operator or function: {function}"))),
    }
}

fn distinct(operator: &str, left: &Operand, right: &Operand) -> Result<(), Fault> {
    match (left, right) {
        (Operand::Path(path), Operand::Path(other)) if path == other => Err(Fault(format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: {operator}, \
             first operand: {path}"
        ))),
        _ => Ok(()),
    }
}

fn ordered(operator: &str, operand: &Operand) -> Result<(), Fault> {
    match operand {
        Operand::Value(value) if value.key().is_none() => Err(wrong_type(operator, value)),
        _ => Ok(()),
    }
}

fn bounds(low: &Operand, high: &Operand) -> Result<(), Fault> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    let rule = if low.kind() != high.kind() {
        "same data type for lower and upper bounds"
    } else if low.key() > high.key() {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(Fault(format!(
        "The BETWEEN operator requires {rule}; lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
        low.shown(),
        high.shown()
    )))
}

fn wrong_type(operator: &str, value: &Attribute) -> Fault {
    Fault(format!("Incorrect operand type for operator or function; {operator}, operand type: {}", value.kind()))
}
