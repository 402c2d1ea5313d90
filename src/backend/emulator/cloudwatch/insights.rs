//! Metrics Insights: `SELECT AVG(metric) FROM "namespace" WHERE dimension = 'value'`.

use super::{
    error::validation,
    metric::Metric,
    series::Series,
    session::Session,
    statistic::Statistic,
    token::{Reader, Token, tokens},
    window::Window,
};
use crate::backend::emulator::error::ServiceError;

/// A parsed query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Select {
    statistic: Statistic,
    metric: String,
    namespace: String,
    /// The names of the dimensions, all of them, where `SCHEMA` gives them.
    schema: Option<Vec<String>>,
    /// Each dimension with its value, and whether it must be that value or another.
    filters: Vec<(String, Comparison, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Different,
}

impl Select {
    /// Whether an expression is such a query.
    pub(super) fn is_one(text: &str) -> bool {
        text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
    }

    /// Parses a query.
    pub(super) fn parse(text: &str) -> Result<Self, ServiceError> {
        let tokens = tokens(text)?;
        let mut reader = Reader::new(&tokens);
        reader.expect(&word("SELECT"))?;
        let statistic = statistic(&mut reader)?;
        reader.expect(&Token::Sign('('))?;
        let metric = name(&mut reader, "a metric's name")?;
        reader.expect(&Token::Sign(')'))?;
        reader.expect(&word("FROM"))?;
        let (namespace, schema) = source(&mut reader)?;
        let mut filters = Vec::new();
        if reader.takes(&word("WHERE")) {
            filters.push(filter(&mut reader)?);
            while reader.takes(&word("AND")) {
                filters.push(filter(&mut reader)?);
            }
        }
        match reader.peek() {
            None => Ok(Self { statistic, metric, namespace, schema, filters }),
            Some(Token::Word(word)) if ["GROUP", "ORDER", "LIMIT", "OR"].contains(&word.to_ascii_uppercase().as_str()) => {
                let word = word.to_ascii_uppercase();
                Err(validation(format!("Error in expression: {word} is not offered by the embedded CloudWatch.")))
            }
            Some(_) => Err(reader.unexpected("WHERE, AND or its end")),
        }
    }

    /// What it comes to: one number for each period, over all samples of the metrics that it selects.
    pub(super) fn evaluate(&self, session: &Session<'_>, window: Window) -> Result<Series, ServiceError> {
        let mut points = Vec::new();
        for metric in Metric::all(session, Some(&self.namespace))? {
            if self.selects(&metric) {
                points.extend(metric.points(session, None, window)?);
            }
        }
        Ok(Series::of(&points, self.statistic, window))
    }

    fn selects(&self, metric: &Metric) -> bool {
        let has_schema = self
            .schema
            .as_ref()
            .is_none_or(|names| names.len() == metric.dimensions.len() && names.iter().all(|name| metric.dimensions.contains_key(name)));
        let passes = |(name, comparison, value): &(String, Comparison, String)| {
            metric.dimensions.get(name).is_some_and(|found| (found == value) == (*comparison == Comparison::Equal))
        };
        metric.name == self.metric && has_schema && self.filters.iter().all(passes)
    }
}

fn word(text: &str) -> Token {
    Token::Word(text.to_owned())
}

fn statistic(reader: &mut Reader<'_>) -> Result<Statistic, ServiceError> {
    let Some(Token::Word(function)) = reader.peek() else { return Err(reader.unexpected("AVG, SUM, MIN, MAX or COUNT")) };
    let statistic = match function.to_ascii_uppercase().as_str() {
        "AVG" => Statistic::Average,
        "SUM" => Statistic::Sum,
        "MIN" => Statistic::Minimum,
        "MAX" => Statistic::Maximum,
        "COUNT" => Statistic::SampleCount,
        _ => return Err(reader.unexpected("AVG, SUM, MIN, MAX or COUNT")),
    };
    reader.next();
    Ok(statistic)
}

/// A name, with or without double quotes.
fn name(reader: &mut Reader<'_>, wanted: &str) -> Result<String, ServiceError> {
    match reader.peek() {
        Some(Token::Word(name) | Token::Name(name)) => {
            reader.next();
            Ok(name.clone())
        }
        _ => Err(reader.unexpected(wanted)),
    }
}

fn source(reader: &mut Reader<'_>) -> Result<(String, Option<Vec<String>>), ServiceError> {
    if !reader.takes(&word("SCHEMA")) {
        return Ok((name(reader, "a namespace or SCHEMA")?, None));
    }
    reader.expect(&Token::Sign('('))?;
    let namespace = name(reader, "a namespace")?;
    let mut dimensions = Vec::new();
    while reader.takes(&Token::Sign(',')) {
        dimensions.push(name(reader, "a dimension's name")?);
    }
    reader.expect(&Token::Sign(')'))?;
    Ok((namespace, Some(dimensions)))
}

fn filter(reader: &mut Reader<'_>) -> Result<(String, Comparison, String), ServiceError> {
    let name = name(reader, "a dimension's name")?;
    let comparison =
        if reader.takes(&Token::Differs) { Comparison::Different } else { reader.expect(&Token::Sign('=')).map(|()| Comparison::Equal)? };
    match reader.next() {
        Some(Token::Text(value)) => Ok((name, comparison, value.clone())),
        _ => Err(validation(format!("Error in expression: the value of {name} must be in single quotes."))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_query_breaks_the_parser(words in prop::collection::vec("SELECT|AVG|FROM|SCHEMA|WHERE|AND|[a-z]{1,2}|'[a-z ]{0,3}'|\"[a-z ]{0,3}\"|!?=|[(),.!]|\\PC", 0..24)) {
            let _ = Select::parse(&words.join(" "));
            let _ = Select::parse(&format!("SELECT {}", words.concat()));
        }

        #[test]
        fn what_is_selected_is_read_back(metric in "[a-z ]{1,5}", namespace in "[a-z/ ]{1,5}", pairs in prop::collection::vec(("[a-z ]{1,4}", any::<bool>(), "[^']{0,4}"), 0..4)) {
            let filters: Vec<_> =
                pairs.into_iter().map(|(name, same, value)| (name, if same { Comparison::Equal } else { Comparison::Different }, value)).collect();
            let shown = |(name, comparison, value): &(String, Comparison, String)| {
                format!("\"{name}\" {} '{value}'", if *comparison == Comparison::Equal { "=" } else { "!=" })
            };
            let conditions = filters.iter().map(shown).collect::<Vec<_>>().join(" AND ");
            let narrowed = if filters.is_empty() { String::new() } else { format!(" WHERE {conditions}") };
            let text = format!("SELECT MAX(\"{metric}\") FROM \"{namespace}\"{narrowed}");
            prop_assert_eq!(Select::parse(&text), Ok(Select { statistic: Statistic::Maximum, metric, namespace, schema: None, filters }));
        }
    }

    #[test]
    fn a_query_is_read_with_and_without_schema_and_quotes() {
        let plain = Select::parse("select avg(Backlog) from \"kedactl/demo\"").expect("valid");
        assert_eq!((plain.statistic, plain.metric.as_str(), plain.namespace.as_str()), (Statistic::Average, "Backlog", "kedactl/demo"));
        let full =
            Select::parse("SELECT MAX(\"m 1\") FROM SCHEMA(\"n\", Stack, \"b c\") WHERE Stack = 'x' AND \"b c\" != 'y'").expect("valid");
        assert_eq!(full.schema.as_deref(), Some(&["Stack".to_owned(), "b c".to_owned()][..]));
        assert_eq!(full.filters.len(), 2);
        assert_eq!(full.filters[1], ("b c".to_owned(), Comparison::Different, "y".to_owned()));
    }

    #[test]
    fn what_is_not_offered_is_named() {
        for (text, named) in [
            ("SELECT AVG(m) FROM n GROUP BY d", "GROUP"),
            ("SELECT AVG(m) FROM n WHERE a = 'b' OR c = 'd'", "OR"),
            ("SELECT AVG(m) FROM n ORDER BY AVG()", "ORDER"),
            ("SELECT AVG(m) FROM n LIMIT 5", "LIMIT"),
            ("SELECT P99(m) FROM n", "`P99`"),
            ("SELECT AVG(m) FROM n WHERE a = b", "single quotes"),
            ("SELECT AVG(m)", "FROM"),
            ("SELECT AVG(m) FROM n WHERE a IN ('b')", "`IN`"),
        ] {
            let error = Select::parse(text).expect_err(text);
            assert!(error.code == "ValidationError" && error.message.contains(named), "{text}: {}", error.message);
        }
    }
}
