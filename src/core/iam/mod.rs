//! IAM policy and trust documents as types, and the evaluator that walks an identity chain.
//!
//! [`Document`] is what was written, [`is_allowed`] and [`trust_allows`] are the two questions one can ask.
//! The rules are those of the IAM user guide's "Policy evaluation logic" and "IAM JSON policy reference".

mod chain;
mod condition;
mod context;
mod date;
mod document;
mod evaluate;
mod evidence;
mod malformed;
mod parse;
mod pattern;
mod right;
mod validate;

pub use chain::chain;
pub use condition::{Comparison, Condition, Operator, Quantifier};
pub use context::Context;
pub use document::{Document, Effect, Patterns, Principal, Statement, Version};
pub use evaluate::{Caller, Miss, Policy, StatementRef, Verdict, is_allowed, trust_allows};
pub use evidence::{Assumed, Entity, Evidence, Named, Way, Who};
pub use malformed::Malformed;
pub use right::Right;
