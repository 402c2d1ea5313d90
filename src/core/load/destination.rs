//! Where a load goes, as it is given to `produce --to`.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::Limits;
use crate::core::error::{Error, Result};

/// What is written with `%` in a name or a value.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'=').add(b'?').add(b'+');
/// The same in a metric's name, which follows the last slash.
const ESCAPED_NAME: &AsciiSet = &ESCAPED.add(b'/');
/// Most dimensions that a metric has.
const MOST_DIMENSIONS: usize = 30;

/// A queue, a stream, a table or a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `sqs://QUEUE`.
    Queue(String),
    /// `kinesis://STREAM`.
    Stream(String),
    /// `dynamodb://TABLE?ATTRIBUTE=VALUE`.
    Table {
        /// Its name.
        name: String,
        /// Attributes that each item has, with their values.
        attributes: Vec<(String, String)>,
    },
    /// `cloudwatch://NAMESPACE/METRIC?DIMENSION=VALUE`.
    Metric {
        /// Its namespace, which may hold slashes.
        namespace: String,
        /// Its name.
        name: String,
        /// Its dimensions, with their values.
        dimensions: Vec<(String, String)>,
    },
}

impl Destination {
    /// What it takes.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match self {
            Self::Queue(_) => Limits::SQS,
            Self::Stream(_) => Limits::KINESIS,
            Self::Table { .. } => Limits::DYNAMODB,
            Self::Metric { .. } => Limits::CLOUDWATCH,
        }
    }
}

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else { return refused(text, "it names no service") };
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let decoded = |part: &str| match percent_decode_str(part).decode_utf8() {
            Ok(part) => Ok(part.into_owned()),
            Err(_) => refused(text, "what is written with % is no UTF-8"),
        };
        let mut pairs = Vec::<(String, String)>::new();
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            match pair.split_once('=').map(|(name, value)| Ok::<_, Error>((decoded(name)?, decoded(value)?))).transpose()? {
                Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                    if pairs.iter().any(|(other, _)| *other == name) {
                        return refused(text, &format!("`{name}` is in it twice"));
                    }
                    pairs.push((name, value));
                }
                _ => return refused(text, &format!("`{pair}` is not NAME=VALUE")),
            }
        }
        let plain = |of: &str, most, more: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            if !(1..=most).contains(&path.len()) || !path.chars().all(legal) {
                return refused(text, &format!("a {of}'s name is 1 to {most} letters, digits and any of {more}"));
            }
            if of != "table" && query.is_some() { refused(text, &format!("a {of} takes nothing after `?`")) } else { Ok(path.to_owned()) }
        };
        match scheme {
            "sqs" => plain("queue", 80, "-_.").map(Self::Queue),
            "kinesis" => plain("stream", 128, "-_.").map(Self::Stream),
            "dynamodb" => Ok(Self::Table { name: plain("table", 255, "-_.")?, attributes: pairs }),
            "cloudwatch" => {
                let Some((namespace, name)) = path.rsplit_once('/') else { return refused(text, "it names no metric after the namespace") };
                metric(text, decoded(namespace)?, decoded(name)?, pairs)
            }
            _ => refused(text, &format!("`{scheme}` is no service that takes it")),
        }
    }
}

fn metric(text: &str, namespace: String, name: String, dimensions: Vec<(String, String)>) -> Result<Destination> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    if !(1..=255).contains(&namespace.len()) || namespace.starts_with(':') || !namespace.chars().all(legal) {
        return refused(text, "a namespace is 1 to 255 letters, digits and any of .-_/#:");
    }
    if namespace.starts_with("AWS/") {
        return refused(text, "namespaces that begin with AWS/ are AWS's own");
    }
    if !(1..=255).contains(&name.len()) || name.starts_with(':') || !name.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return refused(text, "a metric's name is 1 to 255 ASCII characters");
    }
    if dimensions.len() > MOST_DIMENSIONS {
        return refused(text, &format!("a metric has at most {MOST_DIMENSIONS} dimensions"));
    }
    Ok(Destination::Metric { namespace, name, dimensions })
}

fn refused<T>(text: &str, why: &str) -> Result<T> {
    Err(Error::input("destination", text, why)
        .hint("it is kinesis://STREAM, dynamodb://TABLE, cloudwatch://NAMESPACE/METRIC?DIMENSION=VALUE or sqs://QUEUE"))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text| utf8_percent_encode(text, ESCAPED);
        let pairs = match self {
            Self::Queue(name) => return write!(f, "sqs://{name}"),
            Self::Stream(name) => return write!(f, "kinesis://{name}"),
            Self::Table { name, attributes } => {
                write!(f, "dynamodb://{name}")?;
                attributes
            }
            Self::Metric { namespace, name, dimensions } => {
                write!(f, "cloudwatch://{}/{}", escaped(namespace), utf8_percent_encode(name, ESCAPED_NAME))?;
                dimensions
            }
        };
        pairs
            .iter()
            .zip(std::iter::once('?').chain(std::iter::repeat('&')))
            .try_for_each(|((name, value), mark)| write!(f, "{mark}{}={}", escaped(name), escaped(value)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_service_has_its_form() {
        let read = |text: &str| text.parse::<Destination>().expect(text);
        assert_eq!(read("kinesis://clicks"), Destination::Stream("clicks".into()));
        assert_eq!(read("sqs://jobs.fifo"), Destination::Queue("jobs.fifo".into()));
        assert_eq!(
            read("dynamodb://orders?customer=ann%20b&state=new"),
            Destination::Table { name: "orders".into(), attributes: pairs(&[("customer", "ann b"), ("state", "new")]) }
        );
        assert_eq!(
            read("cloudwatch://My/Shop/Waiting?Queue=a=b"),
            Destination::Metric { namespace: "My/Shop".into(), name: "Waiting".into(), dimensions: pairs(&[("Queue", "a=b")]) }
        );
    }

    #[test]
    fn what_is_no_destination_is_refused_with_the_forms() {
        for (bad, why) in [
            ("", "no service"),
            ("clicks", "no service"),
            ("kafka://topic", "`kafka`"),
            ("kinesis://", "stream's name"),
            ("kinesis://a/b", "stream's name"),
            ("kinesis://a?b=c", "nothing after"),
            ("sqs://", "queue's name"),
            ("dynamodb://ü", "table's name"),
            ("dynamodb://orders?customer", "`customer` is not NAME=VALUE"),
            ("dynamodb://orders?a=1&a=2", "`a` is in it twice"),
            ("cloudwatch://Shop", "no metric"),
            ("cloudwatch://Shop/", "metric's name"),
            ("cloudwatch:///Waiting", "namespace"),
            ("cloudwatch://AWS/SQS/Waiting", "AWS's own"),
            ("cloudwatch://Shop/Waiting?=x", "NAME=VALUE"),
            ("cloudwatch://Shop/Waiting?a=%FF", "UTF-8"),
        ] {
            let error = bad.parse::<Destination>().expect_err(bad);
            assert_eq!(error.exit_code(), 2);
            assert!(error.why.contains(why), "{bad}: {error}");
            let hint = error.hint.expect("the forms");
            for form in ["kinesis://STREAM", "dynamodb://TABLE", "cloudwatch://NAMESPACE/METRIC"] {
                assert!(hint.contains(form), "{hint}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_destination_reads_as_it_is_written(
            namespace in "[a-zA-Z0-9._#-][a-zA-Z0-9./_#: -]{0,20}",
            name in "[a-zA-Z][ -~]{0,20}",
            values in prop::collection::btree_map("[^\u{0}-\u{1f}]{1,9}", "\\PC{1,9}", 0..4),
        ) {
            let dimensions: Vec<_> = values.into_iter().collect();
            let table = Destination::Table { name: "orders".into(), attributes: dimensions.clone() };
            prop_assert_eq!(table.to_string().parse::<Destination>().expect("valid"), table);
            let metric = Destination::Metric { namespace, name, dimensions };
            prop_assert_eq!(metric.to_string().parse::<Destination>().expect("valid"), metric);
        }
    }
}
