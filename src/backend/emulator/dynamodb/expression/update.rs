//! What an update does to an item: `SET`, `REMOVE`, `ADD`, `DELETE`.

use std::collections::BTreeSet;

use super::{
    Fault,
    parse::Parser,
    path::{Path, Step, no_overlap},
    token::Kind,
};
use crate::backend::emulator::dynamodb::value::{Attribute, Item};

/// All that an update does.
#[derive(Debug, Default)]
pub(in super::super) struct Clauses(Vec<Clause>);

#[derive(Debug)]
enum Clause {
    Set(Path, Term),
    Remove(Path),
    Add(Path, Attribute),
    Delete(Path, Attribute),
}

/// What a `SET` computes.
#[derive(Debug)]
enum Term {
    Value(Attribute),
    Path(Path),
    IfNotExists(Path, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

/// Reads all clauses; each of the four words may come once.
pub(super) fn clauses(parser: &mut Parser<'_>) -> Result<Clauses, Fault> {
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    while parser.peek() != &Kind::End {
        let word = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|word| parser.takes_word(word));
        let word = word.ok_or_else(|| parser.unexpected())?;
        if !seen.insert(word) {
            return Err(Fault(format!("The \"{word}\" section can only be used once in an update expression;")));
        }
        all.extend(parser.list(|parser| {
            let path = parser.path()?;
            Ok(match word {
                "SET" if !parser.takes("=") => return Err(parser.unexpected()),
                "SET" => Clause::Set(path, sum(parser)?),
                "REMOVE" => Clause::Remove(path),
                "ADD" => Clause::Add(path, parser.value()?),
                _ => Clause::Delete(path, parser.value()?),
            })
        })?);
    }
    if parser.is_filled() {
        no_overlap(&all.iter().map(Clause::path).collect::<Vec<_>>())?;
    }
    Ok(Clauses(all))
}

fn sum(parser: &mut Parser<'_>) -> Result<Term, Fault> {
    let left = term(parser)?;
    if parser.takes("+") {
        return Ok(Term::Plus(Box::new(left), Box::new(term(parser)?)));
    }
    if parser.takes("-") {
        return Ok(Term::Minus(Box::new(left), Box::new(term(parser)?)));
    }
    Ok(left)
}

fn term(parser: &mut Parser<'_>) -> Result<Term, Fault> {
    match parser.function_name() {
        Some("if_not_exists") => {
            parser.begin_function();
            let path = parser.path()?;
            let other = second(parser)?;
            Ok(Term::IfNotExists(path, Box::new(other)))
        }
        Some("list_append") => {
            parser.begin_function();
            let first = parser.within(term)?;
            let other = second(parser)?;
            Ok(Term::ListAppend(Box::new(first), Box::new(other)))
        }
        Some(name) => Err(Fault(format!("Invalid function name; function: {name}"))),
        None if matches!(parser.peek(), Kind::Value(_)) => Ok(Term::Value(parser.value()?)),
        None => Ok(Term::Path(parser.path()?)),
    }
}

/// The second argument of a function, and its end.
fn second(parser: &mut Parser<'_>) -> Result<Term, Fault> {
    if !parser.takes(",") {
        return Err(parser.unexpected());
    }
    let term = parser.within(term)?;
    if parser.takes(")") { Ok(term) } else { Err(parser.unexpected()) }
}

fn wrong_type() -> Fault {
    Fault("An operand in the update expression has an incorrect data type".to_owned())
}

impl Term {
    /// Its value for the item as it was before the update.
    fn find(&self, old: &Item) -> Result<Attribute, Fault> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Path(path) => path
                .look(old)
                .cloned()
                .ok_or_else(|| Fault("The provided expression refers to an attribute that does not exist in the item".to_owned())),
            Self::IfNotExists(path, other) => path.look(old).map_or_else(|| other.find(old), |found| Ok(found.clone())),
            Self::ListAppend(left, right) => match (left.find(old)?, right.find(old)?) {
                (Attribute::L(left), Attribute::L(right)) => Ok(Attribute::L([left, right].concat())),
                _ => Err(wrong_type()),
            },
            Self::Plus(left, right) => match (left.find(old)?, right.find(old)?) {
                (Attribute::N(left), Attribute::N(right)) => left.plus(&right).map(Attribute::N).map_err(Fault),
                _ => Err(wrong_type()),
            },
            Self::Minus(left, right) => match (left.find(old)?, right.find(old)?) {
                (Attribute::N(left), Attribute::N(right)) => left.minus(&right).map(Attribute::N).map_err(Fault),
                _ => Err(wrong_type()),
            },
        }
    }
}

impl Clause {
    fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Add(path, _) | Self::Delete(path, _) => path,
        }
    }
}

impl Clauses {
    /// The top-level attributes that it changes.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|clause| clause.path().first.as_str())
    }

    /// Of `item`, the attributes that it changes.
    pub(in super::super) fn touched(&self, item: &Item) -> Item {
        let mut touched = Item::new();
        self.0.iter().for_each(|clause| clause.path().copy(item, &mut touched));
        touched
    }

    /// `old`, updated. Every term sees the item as it was.
    pub(in super::super) fn apply(&self, old: &Item) -> Result<Item, Fault> {
        let mut new = old.clone();
        let mut gone: Vec<&Path> = Vec::new();
        for clause in &self.0 {
            match clause {
                Clause::Set(path, term) => place(&mut new, path, term.find(old)?)?,
                Clause::Remove(path) => gone.push(path),
                Clause::Add(path, value) => {
                    let sum = path.look(old).map_or_else(|| only_addable(value), |found| added(found, value))?;
                    place(&mut new, path, sum)?;
                }
                Clause::Delete(path, value) => match path.look(old).map(|found| without(found, value)).transpose()? {
                    Some(Some(rest)) => place(&mut new, path, rest)?,
                    Some(None) => gone.push(path),
                    None => {}
                },
            }
        }
        // Of a list, the last first: what is behind moves up.
        gone.sort_by_key(|path| {
            std::cmp::Reverse(match path.rest.last() {
                Some(Step::Index(index)) => *index,
                _ => 0,
            })
        });
        for path in gone {
            remove(&mut new, path);
        }
        Ok(new)
    }
}

fn only_addable(value: &Attribute) -> Result<Attribute, Fault> {
    match value {
        Attribute::N(_) | Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_) => Ok(value.clone()),
        _ => Err(wrong_type()),
    }
}

fn added(found: &Attribute, value: &Attribute) -> Result<Attribute, Fault> {
    match (found, value) {
        (Attribute::N(left), Attribute::N(right)) => left.plus(right).map(Attribute::N).map_err(Fault),
        (Attribute::Ss(left), Attribute::Ss(right)) => Ok(Attribute::Ss(left | right)),
        (Attribute::Ns(left), Attribute::Ns(right)) => Ok(Attribute::Ns(left | right)),
        (Attribute::Bs(left), Attribute::Bs(right)) => Ok(Attribute::Bs(left | right)),
        _ => Err(wrong_type()),
    }
}

/// `found` without the members of `value`; `None` where none is left.
fn without(found: &Attribute, value: &Attribute) -> Result<Option<Attribute>, Fault> {
    fn some<T>(set: BTreeSet<T>, wrap: fn(BTreeSet<T>) -> Attribute) -> Option<Attribute> {
        (!set.is_empty()).then(|| wrap(set))
    }
    match (found, value) {
        (Attribute::Ss(left), Attribute::Ss(right)) => Ok(some(left - right, Attribute::Ss)),
        (Attribute::Ns(left), Attribute::Ns(right)) => Ok(some(left - right, Attribute::Ns)),
        (Attribute::Bs(left), Attribute::Bs(right)) => Ok(some(left - right, Attribute::Bs)),
        _ => Err(wrong_type()),
    }
}

fn invalid_path() -> Fault {
    Fault("The document path provided in the update expression is invalid for update".to_owned())
}

/// What holds the last step of `path`, and that step; `None` for a top-level attribute.
fn parent<'a, 'b>(item: &'a mut Item, path: &'b Path) -> Result<Option<(&'a mut Attribute, &'b Step)>, Fault> {
    let Some((last, steps)) = path.rest.split_last() else { return Ok(None) };
    let mut at = item.get_mut(&path.first).ok_or_else(invalid_path)?;
    for step in steps {
        at = match (step, at) {
            (Step::Field(name), Attribute::M(fields)) => fields.get_mut(name),
            (Step::Index(index), Attribute::L(items)) => items.get_mut(*index),
            _ => None,
        }
        .ok_or_else(invalid_path)?;
    }
    Ok(Some((at, last)))
}

fn place(item: &mut Item, path: &Path, value: Attribute) -> Result<(), Fault> {
    match parent(item, path)? {
        None => {
            item.insert(path.first.clone(), value);
        }
        Some((Attribute::M(fields), Step::Field(name))) => {
            fields.insert(name.clone(), value);
        }
        Some((Attribute::L(items), Step::Index(index))) => match items.get_mut(*index) {
            Some(at) => *at = value,
            None => items.push(value),
        },
        Some(_) => return Err(invalid_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) {
    match parent(item, path) {
        Ok(None) => {
            item.remove(&path.first);
        }
        Ok(Some((Attribute::M(fields), Step::Field(name)))) => {
            fields.remove(name);
        }
        Ok(Some((Attribute::L(items), Step::Index(index)))) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}
