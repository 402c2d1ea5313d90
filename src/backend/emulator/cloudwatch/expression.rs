//! Metric math: numbers, other queries' ids, `+ - * /`, parentheses, and a few functions.

use super::{
    error::validation,
    series::Series,
    token::{Reader, Token, tokens},
};
use crate::backend::emulator::error::ServiceError;

/// How deep an expression may be nested.
const DEEPEST: usize = 32;
/// The functions that there are.
const FUNCTIONS: &str = "SUM, AVG, MIN, MAX, ABS, CEIL, FLOOR and FILL";

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    /// Another query.
    Id(String),
    Negated(Box<Expression>),
    Joined(char, Box<Expression>, Box<Expression>),
    /// A function and its arguments; a list in brackets is given as more arguments.
    Call(String, Vec<Expression>),
    List(Vec<Expression>),
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
enum Worth {
    Number(f64),
    One(Series),
    Many(Vec<Series>),
}

impl Expression {
    /// Parses metric math.
    pub(super) fn parse(text: &str) -> Result<Self, ServiceError> {
        let tokens = tokens(text)?;
        let mut reader = Reader::new(&tokens);
        let parsed = sum(&mut reader, 0)?;
        if reader.peek().is_some() { Err(reader.unexpected("its end")) } else { Ok(parsed) }
    }

    /// The series that it comes to; `look` gives those of other queries.
    pub(super) fn evaluate(&self, look: &mut dyn FnMut(&str) -> Result<Series, ServiceError>) -> Result<Series, ServiceError> {
        match self.worth(look)? {
            Worth::One(series) => Ok(series),
            Worth::Number(_) => Err(validation("Error in expression: it comes to one number, and must come to a time series.")),
            Worth::Many(_) => Err(validation("Error in expression: it comes to a list, and must come to one time series.")),
        }
    }

    fn worth(&self, look: &mut dyn FnMut(&str) -> Result<Series, ServiceError>) -> Result<Worth, ServiceError> {
        match self {
            Self::Number(number) => Ok(Worth::Number(*number)),
            Self::Id(id) => look(id).map(Worth::One),
            Self::Negated(inner) => Ok(each(inner.worth(look)?, |value| -value)),
            Self::Joined(sign, left, right) => join(*sign, left.worth(look)?, right.worth(look)?),
            Self::List(members) => {
                let series = members.iter().map(|member| match member.worth(look)? {
                    Worth::One(series) => Ok(series),
                    _ => Err(validation("Error in expression: a list may only hold time series.")),
                });
                series.collect::<Result<_, _>>().map(Worth::Many)
            }
            Self::Call(function, arguments) => {
                let worths = arguments.iter().map(|argument| argument.worth(look)).collect::<Result<Vec<_>, _>>()?;
                call(function, worths)
            }
        }
    }
}

fn sum(reader: &mut Reader<'_>, depth: usize) -> Result<Expression, ServiceError> {
    let mut left = product(reader, depth)?;
    while let Some(Token::Sign(sign @ ('+' | '-'))) = reader.peek() {
        reader.next();
        left = Expression::Joined(*sign, Box::new(left), Box::new(product(reader, depth)?));
    }
    Ok(left)
}

fn product(reader: &mut Reader<'_>, depth: usize) -> Result<Expression, ServiceError> {
    let mut left = factor(reader, depth)?;
    while let Some(Token::Sign(sign @ ('*' | '/'))) = reader.peek() {
        reader.next();
        left = Expression::Joined(*sign, Box::new(left), Box::new(factor(reader, depth)?));
    }
    Ok(left)
}

fn factor(reader: &mut Reader<'_>, depth: usize) -> Result<Expression, ServiceError> {
    if depth > DEEPEST {
        return Err(validation("Error in expression: it is nested too deeply."));
    }
    match reader.peek() {
        Some(Token::Number(number)) => {
            reader.next();
            Ok(Expression::Number(*number))
        }
        Some(Token::Sign('-')) => {
            reader.next();
            factor(reader, depth + 1).map(|inner| Expression::Negated(Box::new(inner)))
        }
        Some(Token::Sign('(')) => {
            reader.next();
            let inner = sum(reader, depth + 1)?;
            reader.expect(&Token::Sign(')')).map(|()| inner)
        }
        Some(Token::Sign('[')) => {
            reader.next();
            list(reader, ']', depth).map(Expression::List)
        }
        Some(Token::Word(word)) => {
            reader.next();
            if reader.takes(&Token::Sign('(')) {
                known(word)?;
                list(reader, ')', depth).map(|arguments| Expression::Call(word.clone(), arguments))
            } else {
                Ok(Expression::Id(word.clone()))
            }
        }
        _ => Err(reader.unexpected("a number, an id, a function or (")),
    }
}

fn list(reader: &mut Reader<'_>, end: char, depth: usize) -> Result<Vec<Expression>, ServiceError> {
    let mut members = vec![sum(reader, depth + 1)?];
    while reader.takes(&Token::Sign(',')) {
        members.push(sum(reader, depth + 1)?);
    }
    reader.expect(&Token::Sign(end)).map(|()| members)
}

fn known(function: &str) -> Result<(), ServiceError> {
    if matches!(function, "SUM" | "AVG" | "MIN" | "MAX" | "ABS" | "CEIL" | "FLOOR" | "FILL") {
        Ok(())
    } else {
        Err(validation(format!(
            "Error in expression: the function {function} is not offered by the embedded CloudWatch, which has {FUNCTIONS}."
        )))
    }
}

fn join(sign: char, left: Worth, right: Worth) -> Result<Worth, ServiceError> {
    let apply = move |left: f64, right: f64| match sign {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        _ => left / right,
    };
    Ok(match (left, right) {
        (Worth::Number(left), Worth::Number(right)) => Worth::Number(apply(left, right)),
        (Worth::One(left), Worth::One(right)) => Worth::One(left.with(&right, apply)),
        (Worth::One(left), Worth::Number(right)) => Worth::One(left.map(|left| apply(left, right))),
        (Worth::Number(left), Worth::One(right)) => Worth::One(right.map(|right| apply(left, right))),
        (Worth::Many(_), _) | (_, Worth::Many(_)) => {
            return Err(validation(format!("Error in expression: {sign} cannot be used on a list.")));
        }
    })
}

fn each(worth: Worth, change: impl Fn(f64) -> f64) -> Worth {
    match worth {
        Worth::Number(number) => Worth::Number(change(number)),
        Worth::One(series) => Worth::One(series.map(change)),
        Worth::Many(all) => Worth::Many(all.iter().map(|series| series.map(&change)).collect()),
    }
}

fn call(function: &str, mut arguments: Vec<Worth>) -> Result<Worth, ServiceError> {
    let count = arguments.len();
    match (function, arguments.pop(), arguments.pop()) {
        ("ABS", Some(only), None) => Ok(each(only, f64::abs)),
        ("CEIL", Some(only), None) => Ok(each(only, f64::ceil)),
        ("FLOOR", Some(only), None) => Ok(each(only, f64::floor)),
        ("FILL", Some(Worth::Number(number)), Some(Worth::One(series))) if count == 2 => Ok(Worth::One(filled(series, number))),
        ("SUM" | "AVG" | "MIN" | "MAX", Some(Worth::One(series)), None) => {
            let values: Vec<f64> = series.values.into_values().collect();
            total(function, &values).map(Worth::Number).ok_or_else(|| {
                // Without data there is no such number, and no period in which it could be missed.
                validation(format!("Error in expression: {function} of a time series without data."))
            })
        }
        ("SUM" | "AVG" | "MIN" | "MAX", Some(Worth::Many(all)), None) => Ok(Worth::One(merged(function, &all))),
        ("FILL", ..) => Err(validation("Error in expression: FILL takes a time series and a number.")),
        _ => Err(validation(format!("Error in expression: {function} takes one time series, or one list of them."))),
    }
}

fn filled(mut series: Series, number: f64) -> Series {
    for start in series.window.periods() {
        series.values.entry(start).or_insert(number);
    }
    series
}

/// One series of the numbers that any of `all` has at the same time.
fn merged(function: &str, all: &[Series]) -> Series {
    let mut merged = Series { window: all.first().map(|first| first.window).unwrap_or_default(), ..Series::default() };
    for start in all.iter().flat_map(|series| series.values.keys()) {
        let values: Vec<f64> = all.iter().filter_map(|series| series.values.get(start)).copied().collect();
        merged.values.extend(total(function, &values).map(|value| (*start, value)));
    }
    merged
}

#[expect(clippy::cast_precision_loss, reason = "far fewer values")]
fn total(function: &str, values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    match function {
        "MIN" => values.iter().copied().reduce(f64::min),
        "MAX" => values.iter().copied().reduce(f64::max),
        _ if values.is_empty() => None,
        "AVG" => Some(sum / values.len() as f64),
        _ => Some(sum),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backend::emulator::cloudwatch::window::Window;

    fn series(values: &[(i64, f64)]) -> Series {
        Series { window: Window { start: 0, end: 180, period: 60 }, values: values.iter().copied().collect() }
    }

    fn evaluate(text: &str) -> Result<Vec<(i64, f64)>, ServiceError> {
        let mut look = |id: &str| match id {
            "a" => Ok(series(&[(0, 6.0), (60, 8.0)])),
            "b" => Ok(series(&[(0, 2.0), (120, 0.0)])),
            "none" => Ok(series(&[])),
            other => Err(validation(format!("no query {other}"))),
        };
        Ok(Expression::parse(text)?.evaluate(&mut look)?.values.into_iter().collect())
    }

    #[test]
    fn signs_bind_as_in_arithmetic_and_only_where_both_sides_have_data() {
        let expected: &[(&str, &[(i64, f64)])] = &[
            ("a + b * 2", &[(0, 10.0)]),
            ("(a + b) * 2", &[(0, 16.0)]),
            ("a - 1 - 1", &[(0, 4.0), (60, 6.0)]),
            ("-a/2", &[(0, -3.0), (60, -4.0)]),
            ("1 / b", &[(0, 0.5)]),
            ("FILL(b, 0) + a", &[(0, 8.0), (60, 8.0)]),
            ("SUM([a, b])", &[(0, 8.0), (60, 8.0), (120, 0.0)]),
            ("MAX([a,b])", &[(0, 6.0), (60, 8.0), (120, 0.0)]),
            ("a / AVG(a) * 7", &[(0, 6.0), (60, 8.0)]),
            ("FILL(none, 5)", &[(0, 5.0), (60, 5.0), (120, 5.0)]),
            ("CEIL(a / 4)", &[(0, 2.0), (60, 2.0)]),
        ];
        for (text, values) in expected {
            assert_eq!(evaluate(text).as_deref(), Ok(*values), "{text}");
        }
    }

    #[test]
    fn what_is_not_offered_is_named() {
        for (text, named) in [
            ("RATE(a)", "RATE"),
            ("SEARCH('x', 'Sum', 60)", "SEARCH"),
            ("a > 1", "`>`"),
            ("a +", "its end"),
            ("c", "no query c"),
            ("SUM(a)", "one number"),
            ("[a]", "a list"),
            ("FILL(a)", "FILL"),
            ("a $ b", "`$`"),
            ("1.2.3", "1.2.3"),
            ("'a", "not closed"),
        ] {
            let error = evaluate(text).expect_err(text);
            assert!(error.code == "ValidationError" && error.message.contains(named), "{text}: {}", error.message);
        }
        assert!(evaluate(&"(".repeat(100_000)).is_err());
    }

    /// An expression with a parenthesis around each of its parts.
    fn written(expression: &Expression) -> String {
        let list = |members: &[Expression]| members.iter().map(written).collect::<Vec<_>>().join(", ");
        match expression {
            Expression::Number(number) => number.to_string(),
            Expression::Id(id) => id.clone(),
            Expression::Negated(inner) => format!("-{}", written(inner)),
            Expression::Joined(sign, left, right) => format!("({} {sign} {})", written(left), written(right)),
            Expression::Call(function, arguments) => format!("{function}({})", list(arguments)),
            Expression::List(members) => format!("[{}]", list(members)),
        }
    }

    fn any_expression() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![
            (0u32..4000).prop_map(|quarters| Expression::Number(f64::from(quarters) / 4.0)),
            "[a-c][a-z0-9_]{0,3}".prop_map(Expression::Id),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let few = prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                inner.clone().prop_map(|inner| Expression::Negated(Box::new(inner))),
                ("[-+*/]", inner.clone(), inner).prop_map(|(sign, left, right)| {
                    Expression::Joined(sign.chars().next().unwrap_or('+'), Box::new(left), Box::new(right))
                }),
                ("SUM|AVG|MIN|MAX|ABS|CEIL|FLOOR|FILL", few.clone())
                    .prop_map(|(function, arguments)| Expression::Call(function, arguments)),
                few.prop_map(Expression::List),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(expression in any_expression()) {
            prop_assert_eq!(Expression::parse(&written(&expression)), Ok(expression));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "[-+*/()a-c0-9., A-Z'\"\\[\\]]{0,40}") {
            let _ = evaluate(&text);
        }
    }
}
