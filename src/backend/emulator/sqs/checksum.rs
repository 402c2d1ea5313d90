//! The MD5s by which clients check what they sent and received.

use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest, Md5};

use super::message::Attributes;

/// MD5 of a body, in hexadecimal.
pub(super) fn of_text(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// MD5 of message attributes: names in order, each part with its length in four bytes, the value behind one byte for its kind.
pub(super) fn of_attributes(attributes: &Attributes) -> String {
    let mut hash = Md5::new();
    let mut part = |bytes: &[u8], kind: &[u8]| {
        hash.update(kind);
        hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(bytes);
    };
    for (name, attribute) in attributes {
        part(name.as_bytes(), &[]);
        part(attribute.data_type.as_bytes(), &[]);
        match (&attribute.string_value, &attribute.binary_value) {
            (Some(text), _) => part(text.as_bytes(), &[1]),
            (None, Some(encoded)) => part(&BASE64_STANDARD.decode(encoded).unwrap_or_default(), &[2]),
            (None, None) => {}
        }
    }
    hex(&hash.finalize())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_md5_that_everyone_computes() {
        assert_eq!(of_text("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
