//! Paths into an item: `a.b[0]`.

use std::fmt;

use super::Fault;
use crate::backend::emulator::dynamodb::value::{Attribute, Item};

/// A path, its names filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Path {
    pub(in super::super) first: String,
    pub(in super::super) rest: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    /// What lies at the path, if it is there.
    pub(in super::super) fn look<'a>(&self, item: &'a Item) -> Option<&'a Attribute> {
        self.rest.iter().try_fold(item.get(&self.first)?, |value, step| match (step, value) {
            (Step::Field(name), Attribute::M(fields)) => fields.get(name),
            (Step::Index(index), Attribute::L(items)) => items.get(*index),
            _ => None,
        })
    }

    /// The name, where the path is no more than one.
    pub(in super::super) fn name(&self) -> Option<&str> {
        self.rest.is_empty().then_some(self.first.as_str())
    }

    /// Copies what lies at the path in `from` into `to`, with the maps and lists around it.
    pub(in super::super) fn copy(&self, from: &Item, to: &mut Item) {
        let (Some(source), Some(_)) = (from.get(&self.first), self.look(from)) else { return };
        let target = to.entry(self.first.clone()).or_insert_with(|| shell(source, self.rest.first()));
        graft(source, target, &self.rest);
    }
}

/// Refuses two paths of which one begins with the other.
pub(in super::super) fn no_overlap(paths: &[&Path]) -> Result<(), Fault> {
    let begins = |long: &Path, short: &Path| long.first == short.first && long.rest.starts_with(&short.rest);
    for (index, path) in paths.iter().enumerate() {
        if let Some(other) = paths[..index].iter().find(|other| begins(path, other) || begins(other, path)) {
            return Err(Fault(format!(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {other}, path two: {path}"
            )));
        }
    }
    Ok(())
}

/// An empty map or list where the path goes on, else the value itself.
fn shell(source: &Attribute, next: Option<&Step>) -> Attribute {
    match next {
        None => source.clone(),
        Some(Step::Field(_)) => Attribute::M(Item::new()),
        Some(Step::Index(_)) => Attribute::L(Vec::new()),
    }
}

fn graft(source: &Attribute, target: &mut Attribute, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        *target = source.clone();
        return;
    };
    match (step, source, target) {
        (Step::Field(name), Attribute::M(fields), Attribute::M(into)) => {
            if let Some(inner) = fields.get(name) {
                graft(inner, into.entry(name.clone()).or_insert_with(|| shell(inner, rest.first())), rest);
            }
        }
        (Step::Index(index), Attribute::L(items), Attribute::L(into)) => {
            if let Some(inner) = items.get(*index) {
                let mut made = shell(inner, rest.first());
                graft(inner, &mut made, rest);
                into.push(made);
            }
        }
        _ => {}
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.first)?;
        for step in &self.rest {
            match step {
                Step::Field(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}
