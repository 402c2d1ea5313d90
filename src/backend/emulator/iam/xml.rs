//! Answers of the query services: XML of nested elements.

use bytes::Bytes;
use http::Response;
use quick_xml::escape::escape;
use uuid::Uuid;

use crate::backend::emulator::request::Call;

/// XML that is being written.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    text: String,
    /// Whether even an empty result is written.
    result: bool,
}

impl Xml {
    /// A result without anything in it, which clients of some actions look for.
    pub(crate) fn empty_result() -> Self {
        Self { text: String::new(), result: true }
    }

    /// `<name>value</name>`, escaped.
    pub(crate) fn text(&mut self, name: &str, value: impl AsRef<str>) -> &mut Self {
        let value = escape(value.as_ref());
        self.text.extend(["<", name, ">", &value, "</", name, ">"]);
        self
    }

    /// Like [`Xml::text`]; nothing when there is no value.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    /// `<name>..</name>` with what `fill` writes inside.
    pub(crate) fn node(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.extend(["<", name, ">"]);
        fill(self);
        self.text.extend(["</", name, ">"]);
        self
    }

    /// `<name><member>..</member>..</name>`.
    pub(crate) fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, mut fill: impl FnMut(&mut Self, T)) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.node("member", |xml| fill(xml, item));
            }
        })
    }

    /// `<name><member>text</member>..</name>`.
    pub(crate) fn texts(&mut self, name: &str, items: impl IntoIterator<Item = impl AsRef<str>>) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.text("member", item);
            }
        })
    }

    /// The whole answer to `call`. Actions without a result have no result element.
    pub(crate) fn respond(self, call: &Call) -> Response<Bytes> {
        let (action, id) = (&call.action, Uuid::new_v4());
        let wanted = self.result || !self.text.is_empty();
        let result = if wanted { format!("<{action}Result>{}</{action}Result>", self.text) } else { String::new() };
        let body = format!(
            "<{action}Response xmlns=\"{}\">{result}<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>",
            call.service.namespace()
        );
        let mut response = Response::new(Bytes::from(body));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/xml"));
        if let Ok(id) = id.to_string().parse() {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }
}

/// Seconds since 1970 as the query services write them.
pub(crate) fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_lists_have_members() {
        let mut xml = Xml::default();
        xml.text("A", "<&>").texts("L", ["x"]).maybe("N", None::<&str>);
        assert_eq!(xml.text, "<A>&lt;&amp;&gt;</A><L><member>x</member></L>");
    }

    #[test]
    fn dates_are_iso_8601_in_utc() {
        assert_eq!(date(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
