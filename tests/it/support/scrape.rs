//! A page of metrics, fetched over HTTP and read strictly.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
};

use super::process::Running;

/// One metric of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Family {
    /// `gauge` or `counter`.
    pub(crate) nature: String,
    /// The samples: labels by name, and the value.
    pub(crate) samples: Vec<(BTreeMap<String, String>, f64)>,
}

/// What a server of metrics answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    /// The metrics by name.
    pub(crate) families: BTreeMap<String, Family>,
}

impl Page {
    /// The address that `process` says its metrics are at, once it does.
    pub(crate) fn address(process: &mut Running) -> String {
        process.line("the address of the metrics is said", |line| {
            let rest = line.strip_prefix("Metrics are at http://")?;
            rest.split_once("/metrics").map(|(address, _)| address.to_owned())
        })
    }

    /// Fetches the page at `address`.
    pub(crate) fn fetch(address: &str) -> Self {
        let (head, body) = get(address, "/metrics");
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        assert!(head.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{head}");
        Self::read(&body)
    }

    /// Reads a page: HELP, TYPE, then all samples of each metric, each metric once.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.is_empty() || text.ends_with('\n'), "the last line ends: {text}");
        let mut page = Self::default();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let help = line.strip_prefix("# HELP ").unwrap_or_else(|| panic!("no HELP: {line}"));
            let (name, sentence) = help.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
            assert!(sentence.len() > 10, "{line}");
            let of_type =
                lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap_or_else(|| panic!("no TYPE of {name}"));
            let mut family = Family { nature: of_type.to_owned(), samples: Vec::new() };
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("not of {name}: {line}"));
                family.samples.push(sample(rest));
            }
            assert!(!family.samples.is_empty(), "{name} has no sample");
            let labels: Vec<Vec<&String>> = family.samples.iter().map(|(labels, _)| labels.keys().collect()).collect();
            assert!(labels.iter().all(|names| *names == labels[0]), "{name} has one set of labels");
            assert!(page.families.insert(name.to_owned(), family).is_none(), "{name} comes twice");
        }
        page
    }

    /// The value of `name` where every one of `labels` is as given; `None` when there is no such sample.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |found: &BTreeMap<String, String>| labels.iter().all(|(name, value)| found.get(*name).is_some_and(|one| one == value));
        let mut fitting = self.families.get(name)?.samples.iter().filter(|(found, _)| fits(found)).map(|(_, value)| *value);
        let first = fitting.next();
        assert_eq!(fitting.next(), None, "{name} {labels:?} is more than one");
        first
    }
}

/// The head and the body of the answer to a GET.
pub(crate) fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address} answers: {error}"));
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of the head: {answer}"));
    (head.to_owned(), body.to_owned())
}

/// `{a="b",c="d"} 1`; values of our labels hold no quotes.
fn sample(text: &str) -> (BTreeMap<String, String>, f64) {
    let (labels, value) = text.strip_prefix('{').and_then(|rest| rest.rsplit_once("} ")).unwrap_or_else(|| panic!("no labels: {text}"));
    let label = |pair: &str| {
        let (name, value) = pair.split_once("=\"").unwrap_or_else(|| panic!("no label: {pair}"));
        (name.to_owned(), value.to_owned())
    };
    let labels = labels.strip_suffix('"').unwrap_or_else(|| panic!("no end: {text}"));
    (labels.split("\",").map(label).collect(), value.parse().unwrap_or_else(|_| panic!("no number: {text}")))
}
