//! What SQS takes: checked before anything is sent.

use crate::core::error::{Error, Result};

/// Most messages in one run.
pub const MOST_MESSAGES: u64 = 1_000_000;
/// Most bytes in one body, and in one batch: 1 MiB.
pub const MOST_BYTES: usize = 1_048_576;
/// Most bytes in all bodies read from a stream together, as they are held in memory: 256 MiB.
pub const MOST_STREAM: usize = 256 * MOST_BYTES;
/// Most seconds of delay.
pub const MOST_DELAY: u32 = 900;

/// Reads a number of messages.
///
/// # Errors
/// `Input` when it is not a whole number from 1 to [`MOST_MESSAGES`].
pub fn count(text: &str) -> Result<u64> {
    text.parse().ok().filter(|count| (1..=MOST_MESSAGES).contains(count)).ok_or_else(|| {
        Error::input("count", text, format!("it must be a whole number from 1 to {MOST_MESSAGES}")).hint("for example `--count 10`")
    })
}

/// Checks that SQS takes `body`; `place` names it in the error.
///
/// # Errors
/// `Input` when it is empty, longer than [`MOST_BYTES`], or holds a character that XML 1.0 does not know.
pub fn check_body(place: &str, body: &str) -> Result<()> {
    let fault = |why: String, hint: &str| Err(Error::input("body", place, why).hint(hint));
    if body.is_empty() {
        return fault("it is empty, and SQS takes no empty body".into(), "give at least one character");
    }
    if body.len() > MOST_BYTES {
        let why = format!("it has {} bytes, and SQS takes at most {MOST_BYTES} (1 MiB)", body.len());
        return fault(why, "store the content elsewhere and send its address");
    }
    match body.char_indices().find(|(_, c)| !allowed(*c)) {
        Some((offset, c)) => fault(format!("SQS does not take the character U+{:04X} at byte {offset}", u32::from(c)), "send it encoded"),
        None => Ok(()),
    }
}

/// `#x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF`, as the reference of `SendMessage` has it.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Checks a message group's name.
///
/// # Errors
/// `Input` unless it is 1 to 128 ASCII letters, digits and punctuation.
pub fn check_group(text: &str) -> Result<String> {
    if (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Error::input("group", text, "it must be 1 to 128 letters, digits and punctuation marks").hint("for example `--group videos`"))
}

/// One body for each line of `text`; a line's end does not belong to it, and empty lines are left out.
///
/// # Errors
/// `Input` when there is no line, there are too many, or one cannot be sent; it names the line.
pub fn lines(text: &str) -> Result<Vec<String>> {
    if text.len() > MOST_STREAM {
        return Err(Error::input("--body-file", "-", format!("it holds more than {MOST_STREAM} bytes (256 MiB)")).hint("send it in parts"));
    }
    let numbered = text.lines().zip(1..).filter(|(line, _)| !line.is_empty());
    let bodies: Vec<String> =
        numbered.map(|(line, number)| check_body(&format!("of line {number}"), line).map(|()| line.to_owned())).collect::<Result<_>>()?;
    match bodies.len() as u64 {
        0 => Err(Error::input("--body-file", "-", "it holds no line").hint("write one message on each line")),
        1..=MOST_MESSAGES => Ok(bodies),
        many => Err(Error::input("--body-file", "-", format!("it holds {many} lines, and one run sends at most {MOST_MESSAGES}"))
            .hint("send it in parts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<impl std::fmt::Debug>) -> String {
        let error = result.expect_err("refused");
        assert_eq!(error.exit_code(), 2);
        assert!(error.hint.is_some());
        error.to_string()
    }

    #[test]
    fn counts_beyond_the_limit_are_refused_and_the_limit_is_named() {
        assert_eq!(count("1").expect("valid"), 1);
        assert_eq!(count("1000000").expect("valid"), MOST_MESSAGES);
        for bad in ["0", "1000000000", "1000001", "-1", "ten", "", "1e3", "99999999999999999999999"] {
            assert!(refusal(count(bad)).contains("from 1 to 1000000"), "{bad}");
        }
    }

    #[test]
    fn a_body_of_exactly_a_mebibyte_is_the_largest() {
        assert!(check_body("--body", &"x".repeat(MOST_BYTES)).is_ok());
        assert!(refusal(check_body("--body", &"x".repeat(MOST_BYTES + 1))).contains("1048577 bytes"));
        assert!(refusal(check_body("--body", &"é".repeat(MOST_BYTES / 2 + 1))).contains("1048578 bytes"));
    }

    #[test]
    fn characters_that_sqs_refuses_are_named_with_their_place() {
        assert!(check_body("--body", "tab\tline\r\nünïcode \u{1F3AC}").is_ok());
        assert!(refusal(check_body("--body", "ab\u{0}")).contains("U+0000 at byte 2"));
        assert!(refusal(check_body("--body", "\u{FFFF}")).contains("U+FFFF at byte 0"));
        assert!(refusal(check_body("--body", "")).contains("empty"));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        assert_eq!(lines("one\r\n\ntwo").expect("valid"), ["one", "two"]);
        assert!(refusal(lines("one\n\nbad\u{1}\n")).contains("line 3"));
        assert!(refusal(lines("\n\n")).contains("no line"));
    }

    #[test]
    fn group_names_have_no_blanks() {
        assert_eq!(check_group("a-b.c").expect("valid"), "a-b.c");
        for bad in ["", "a b", "é", &"x".repeat(129)] {
            assert!(refusal(check_group(bad)).contains("1 to 128"));
        }
    }
}
