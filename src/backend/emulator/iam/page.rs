//! Paging: `Marker`, `MaxItems`, `IsTruncated`.

use super::{
    ask::{Ask, invalid},
    xml::Xml,
};
use crate::backend::emulator::error::ServiceError;

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next page begins; absent on the last.
    next: Option<usize>,
}

impl Ask {
    /// The page of `all` that the caller asks for; 100 items unless told. The marker, opaque to callers,
    /// counts items; past the end, where objects went away between two pages, is an empty page.
    pub(super) fn page<T>(&self, all: Vec<T>) -> Result<Page<T>, ServiceError> {
        let size = usize::try_from(self.number("MaxItems", 1..=1000)?.unwrap_or(100)).unwrap_or(100);
        let start = match self.optional("Marker") {
            None => 0,
            Some(marker) => marker.parse::<usize>().map_err(|_| invalid("Invalid Marker."))?,
        };
        let next = (all.len() > start.saturating_add(size)).then_some(start + size);
        Ok(Page { items: all.into_iter().skip(start).take(size).collect(), next })
    }
}

impl<T> Page<T> {
    /// Where to go on, for a page whose items were written otherwise.
    pub(super) fn end(&self, xml: &mut Xml) {
        end(xml, self.next);
    }

    /// The page's items, each written by `fill`, and where to go on.
    pub(super) fn write(self, xml: &mut Xml, name: &str, fill: impl FnMut(&mut Xml, T)) {
        let next = self.next;
        xml.list(name, self.items, fill);
        end(xml, next);
    }

    /// Like [`Page::write`], for items that are text.
    pub(super) fn write_texts(self, xml: &mut Xml, name: &str, text: impl Fn(T) -> String) {
        let next = self.next;
        xml.texts(name, self.items.into_iter().map(text));
        end(xml, next);
    }
}

fn end(xml: &mut Xml, next: Option<usize>) {
    xml.text("IsTruncated", next.is_some().to_string()).maybe("Marker", next.map(|next| next.to_string()));
}
