//! The grammar: conditions, and lists of paths.

use super::{
    Comparison, Condition, Fault, Operand,
    path::{Path, Step},
    placeholders::Placeholders,
    reserved::is_reserved,
    token::{Kind, Token, tokens, unexpected},
    update::{self, Clauses},
};
use crate::backend::emulator::dynamodb::value::Attribute;

/// Longest expression, in bytes.
const LONGEST: usize = 4096;
/// Most operators and functions of one expression, and most values of one `IN`.
const OPERATORS: usize = 300;
const CHOICES: usize = 100;
/// How deep parentheses and `NOT`s may lie in each other; AWS only counts operators.
const DEPTH: usize = 64;

/// Reads a condition: a filter, a key condition, or what a write depends on.
pub(in super::super) fn condition(text: &str, placeholders: &Placeholders) -> Result<Condition, Fault> {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone is not general enough for the lifetime")]
    parse(text, placeholders, |parser| parser.any_of())
}

/// Reads a list of paths: what of each item is wanted.
pub(in super::super) fn paths(text: &str, placeholders: &Placeholders) -> Result<Vec<Path>, Fault> {
    parse(text, placeholders, |parser| parser.list(Parser::path))
}

/// Reads what an update does.
pub(in super::super) fn update_clauses(text: &str, placeholders: &Placeholders) -> Result<Clauses, Fault> {
    parse(text, placeholders, update::clauses)
}

/// Parses twice: what is no syntax is refused before what is not defined.
fn parse<T>(text: &str, placeholders: &Placeholders, rule: impl Fn(&mut Parser<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    if text.trim().is_empty() {
        return Err(Fault("The expression can not be empty;".to_owned()));
    }
    if text.len() > LONGEST {
        return Err(Fault("Expression size has exceeded the maximum allowed size;".to_owned()));
    }
    let tokens = tokens(text)?;
    no_double_parentheses(&tokens)?;
    let whole = |fill: Option<&Placeholders>| {
        let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0, operators: 0, fill };
        let found = rule(&mut parser)?;
        if parser.peek() == &Kind::End { Ok(found) } else { Err(parser.unexpected()) }
    };
    whole(None)?;
    whole(Some(placeholders))
}

fn no_double_parentheses(tokens: &[Token]) -> Result<(), Fault> {
    let mut open: Vec<usize> = Vec::new();
    let mut last = None;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign("(") => open.push(index),
            Kind::Sign(")") => {
                let from = open.pop();
                // The pair that ended just before lies directly within this one.
                if from.is_some() && last == from.map(|from| (from + 1, index - 1)) {
                    return Err(Fault("The expression has redundant parentheses;".to_owned()));
                }
                last = from.map(|from| (from, index));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A place in the tokens.
pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    operators: usize,
    /// Absent while only the syntax is looked at.
    fill: Option<&'a Placeholders>,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Kind {
        &self.tokens[self.at].kind
    }

    fn peek_second(&self) -> &Kind {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].kind
    }

    fn step(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    /// Whether names and values are filled in, not only the syntax looked at.
    pub(super) fn is_filled(&self) -> bool {
        self.fill.is_some()
    }

    pub(super) fn unexpected(&self) -> Fault {
        unexpected(self.text, self.tokens, self.at)
    }

    /// Takes `sign` if it is next.
    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let next = matches!(self.peek(), Kind::Sign(found) if *found == sign);
        if next {
            self.step();
        }
        next
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Takes the keyword if it is next.
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let next = self.is_word(word);
        if next {
            self.step();
        }
        next
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.operators += 1;
        if self.operators <= OPERATORS {
            return Ok(());
        }
        Err(Fault(format!("The expression contains too many operators; operator count: {}", self.operators)))
    }

    /// The function that is called here, if one is.
    pub(super) fn function_name(&self) -> Option<&str> {
        match (self.peek(), self.peek_second()) {
            (Kind::Word(name), Kind::Sign("(")) => Some(name),
            _ => None,
        }
    }

    /// Takes the function's name and its parenthesis.
    pub(super) fn begin_function(&mut self) {
        self.step();
        self.step();
    }

    /// `rule`, one level deeper.
    pub(super) fn within<T>(&mut self, rule: impl Fn(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Fault(format!("The expression is nested too deep; most levels: {DEPTH}")));
        }
        let found = rule(self);
        self.depth -= 1;
        found
    }

    /// Items with commas between them.
    pub(super) fn list<T>(&mut self, rule: impl Fn(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut items = vec![rule(self)?];
        while self.takes(",") {
            items.push(rule(self)?);
        }
        Ok(items)
    }

    fn any_of(&mut self) -> Result<Condition, Fault> {
        let first = self.all_of()?;
        let mut all = vec![first];
        while self.takes_word("OR") {
            self.count()?;
            all.push(self.all_of()?);
        }
        Ok(joined(all, Condition::Or))
    }

    fn all_of(&mut self) -> Result<Condition, Fault> {
        let first = self.one()?;
        let mut all = vec![first];
        while self.takes_word("AND") {
            self.count()?;
            all.push(self.one()?);
        }
        Ok(joined(all, Condition::And))
    }

    fn one(&mut self) -> Result<Condition, Fault> {
        if self.takes_word("NOT") {
            self.count()?;
            return Ok(Condition::Not(Box::new(self.within(Self::one)?)));
        }
        if self.takes("(") {
            let inner = self.within(Self::any_of)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(name) = self.function_name().filter(|name| *name != "size").map(str::to_owned) {
            return self.function(&name);
        }
        self.comparison()
    }

    fn function(&mut self, name: &str) -> Result<Condition, Fault> {
        if !["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"].contains(&name) {
            return Err(Fault(format!("Invalid function name; function: {name}")));
        }
        self.count()?;
        self.begin_function();
        let operands = self.list(Self::operand)?;
        self.expect(")")?;
        let count = operands.len();
        let mut operands = operands.into_iter();
        match (name, count, operands.next(), operands.next()) {
            ("attribute_exists", 1, Some(path), None) => Ok(Condition::Exists(path)),
            ("attribute_not_exists", 1, Some(path), None) => Ok(Condition::NotExists(path)),
            ("attribute_type", 2, Some(path), Some(kind)) => Ok(Condition::HasType(path, kind)),
            ("begins_with", 2, Some(whole), Some(start)) => Ok(Condition::BeginsWith(whole, start)),
            ("contains", 2, Some(whole), Some(part)) => Ok(Condition::Contains(whole, part)),
            _ => {
                let why = "Incorrect number of operands for operator or function";
                Err(Fault(format!("{why}; operator or function: {name}, number of operands: {count}")))
            }
        }
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        if self.takes_word("BETWEEN") {
            self.count()?;
            let low = self.operand()?;
            if !self.takes_word("AND") {
                return Err(self.unexpected());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.takes_word("IN") {
            self.count()?;
            self.expect("(")?;
            let choices = self.list(Self::operand)?;
            self.expect(")")?;
            if choices.len() > CHOICES {
                let count = choices.len();
                return Err(Fault(format!("The IN operator is provided with too many operands; number of operands: {count}")));
            }
            return Ok(Condition::In(left, choices));
        }
        let comparison = match self.peek() {
            Kind::Sign(sign) => Comparison::read(sign),
            _ => None,
        };
        match (comparison, &left) {
            (Some(comparison), _) => {
                self.count()?;
                self.step();
                Ok(Condition::Compare(left, comparison, self.operand()?))
            }
            (None, Operand::Size(_)) => {
                Err(Fault("The function is not allowed to be used this way in an expression; function: size".to_owned()))
            }
            (None, _) => Err(self.unexpected()),
        }
    }

    fn operand(&mut self) -> Result<Operand, Fault> {
        match (self.peek(), self.peek_second()) {
            (Kind::Value(_), _) => Ok(Operand::Value(self.value()?)),
            (Kind::Word(name), Kind::Sign("(")) if name == "size" => {
                self.count()?;
                self.begin_function();
                let path = match self.peek() {
                    Kind::Value(_) => {
                        return Err(Fault("Operator or function requires a document path; operator or function: size".to_owned()));
                    }
                    _ => self.path()?,
                };
                self.expect(")")?;
                Ok(Operand::Size(path))
            }
            _ => Ok(Operand::Path(self.path()?)),
        }
    }

    /// A value's placeholder, filled.
    pub(super) fn value(&mut self) -> Result<Attribute, Fault> {
        let Kind::Value(placeholder) = self.peek() else { return Err(self.unexpected()) };
        let value = self.fill.map_or(Ok(Attribute::Null), |fill| fill.value(placeholder))?;
        self.step();
        Ok(value)
    }

    pub(super) fn path(&mut self) -> Result<Path, Fault> {
        let mut path = Path { first: self.name()?, rest: Vec::new() };
        loop {
            if self.takes(".") {
                path.rest.push(Step::Field(self.name()?));
            } else if self.takes("[") {
                let Kind::Index(digits) = self.peek() else { return Err(self.unexpected()) };
                let index = digits.parse().map_err(|_| Fault("List index is not within the allowable range;".to_owned()))?;
                path.rest.push(Step::Index(index));
                self.step();
                self.expect("]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn name(&mut self) -> Result<String, Fault> {
        let name = match self.peek() {
            Kind::Word(word) if is_reserved(word) => {
                return Err(Fault(format!("Attribute name is a reserved keyword; reserved keyword: {word}")));
            }
            Kind::Word(word) => word.clone(),
            Kind::Name(placeholder) => self.fill.map_or(Ok(String::new()), |fill| fill.name(placeholder))?,
            _ => return Err(self.unexpected()),
        };
        self.step();
        Ok(name)
    }
}

fn joined(mut all: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match all.len() {
        1 => all.remove(0),
        _ => join(all),
    }
}
