//! What a destination takes: checked before anything is sent.

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

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodied {
    /// Text of the characters that XML 1.0 knows, and not empty.
    Xml,
    /// Anything but nothing.
    Anything,
    /// A number.
    Number,
}

/// What one kind of destination takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The service that refuses more.
    pub service: &'static str,
    /// Most messages in one request.
    pub batch: usize,
    /// Most bytes of bodies in one request.
    pub request: usize,
    /// Most bytes in one body.
    pub body: usize,
    /// What a body may be.
    pub bodied: Bodied,
}

impl Limits {
    /// `SendMessageBatch`.
    pub const SQS: Self = Self { service: "SQS", batch: 10, request: MOST_BYTES, body: MOST_BYTES, bodied: Bodied::Xml };
    /// `PutRecords`: 5 MiB with the partition keys, of which the longest has 128 bytes here.
    pub const KINESIS: Self =
        Self { service: "Kinesis", batch: 500, request: 5 * MOST_BYTES - 500 * 128, body: MOST_BYTES, bodied: Bodied::Anything };
    /// `BatchWriteItem`: an item has 400 KiB with its key and all names, for which 16 KiB are left here.
    pub const DYNAMODB: Self =
        Self { service: "DynamoDB", batch: 25, request: 25 * 384 * 1024, body: 384 * 1024, bodied: Bodied::Anything };
    /// `PutMetricData`: one datum has at most 150 different values.
    pub const CLOUDWATCH: Self = Self { service: "CloudWatch", batch: 150, request: MOST_BYTES, body: 64, bodied: Bodied::Number };

    /// Checks that the service takes `body`; `place` names it in the error.
    ///
    /// # Errors
    /// `Input` when it is empty, too long, holds a character that the service does not take, or is no number where one is needed.
    pub fn check_body(&self, place: &str, body: &str) -> Result<()> {
        let Self { service, body: most, .. } = self;
        let fault = |why: String, hint: &str| Err(Error::input("body", place, why).hint(hint));
        if self.bodied == Bodied::Number {
            return number(body).map(drop).map_err(|why| Error::input("body", place, format!("`{body}` {why}")).hint("give numbers"));
        }
        if body.is_empty() {
            return fault(format!("it is empty, and {service} takes no empty body"), "give at least one character");
        }
        if body.len() > *most {
            let why = format!("it has {} bytes, and {service} takes at most {most} ({})", body.len(), in_kibibytes(*most));
            return fault(why, "store the content elsewhere and send its address");
        }
        match body.char_indices().find(|(_, c)| self.bodied == Bodied::Xml && !allowed(*c)) {
            Some((offset, c)) => {
                fault(format!("{service} does not take the character U+{:04X} at byte {offset}", u32::from(c)), "send it encoded")
            }
            None => Ok(()),
        }
    }

    /// One body for each line of `text`; a line's end does not belong to it, and empty lines are left out.
    ///
    /// # Errors
    /// `Input` when there is no line, there are too many, or one cannot be sent; it names the line.
    pub fn lines(&self, text: &str) -> Result<Vec<String>> {
        if text.len() > MOST_STREAM {
            return Err(
                Error::input("--body-file", "-", format!("it holds more than {MOST_STREAM} bytes (256 MiB)")).hint("send it in parts")
            );
        }
        let numbered = text.lines().zip(1..).filter(|(line, _)| !line.is_empty());
        let checked = |(line, number): (&str, u64)| self.check_body(&format!("of line {number}"), line).map(|()| line.to_owned());
        let bodies: Vec<String> = numbered.map(checked).collect::<Result<_>>()?;
        match bodies.len() as u64 {
            0 => Err(Error::input("--body-file", "-", "it holds no line").hint("write one message on each line")),
            1..=MOST_MESSAGES => Ok(bodies),
            many => Err(Error::input("--body-file", "-", format!("it holds {many} lines, and one run sends at most {MOST_MESSAGES}"))
                .hint("send it in parts")),
        }
    }
}

fn in_kibibytes(bytes: usize) -> String {
    if bytes.is_multiple_of(1024 * 1024) { format!("{} MiB", bytes / 1024 / 1024) } else { format!("{} KiB", bytes / 1024) }
}

/// Reads a metric's value.
///
/// # Errors
/// Why CloudWatch would not take it.
fn number(text: &str) -> Result<f64, String> {
    let value: f64 = text.trim().parse().map_err(|_| "is no number".to_owned())?;
    if value.is_finite() && value.abs() <= 2_f64.powi(360) { Ok(value) } else { Err("is not within -2^360 and 2^360".to_owned()) }
}

/// Checks a metric's value, and gives it back as it was written.
///
/// # Errors
/// `Input` when CloudWatch would not take it.
pub fn value(text: &str) -> Result<String> {
    match number(text) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(why) => Err(Error::input("value", text, format!("it {why}")).hint("for example `--value 12` or `--value 1,5,2.5`")),
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
        assert!(Limits::SQS.check_body("--body", &"x".repeat(MOST_BYTES)).is_ok());
        assert!(refusal(Limits::SQS.check_body("--body", &"x".repeat(MOST_BYTES + 1))).contains("1048577 bytes"));
        assert!(refusal(Limits::SQS.check_body("--body", &"é".repeat(MOST_BYTES / 2 + 1))).contains("1048578 bytes"));
    }

    #[test]
    fn characters_that_sqs_refuses_are_named_with_their_place() {
        assert!(Limits::SQS.check_body("--body", "tab\tline\r\nünïcode \u{1F3AC}").is_ok());
        assert!(refusal(Limits::SQS.check_body("--body", "ab\u{0}")).contains("U+0000 at byte 2"));
        assert!(refusal(Limits::SQS.check_body("--body", "\u{FFFF}")).contains("U+FFFF at byte 0"));
        assert!(refusal(Limits::SQS.check_body("--body", "")).contains("empty"));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        assert_eq!(Limits::SQS.lines("one\r\n\ntwo").expect("valid"), ["one", "two"]);
        assert!(refusal(Limits::SQS.lines("one\n\nbad\u{1}\n")).contains("line 3"));
        assert!(refusal(Limits::SQS.lines("\n\n")).contains("no line"));
    }

    #[test]
    fn each_service_has_its_own_limits() {
        assert!(Limits::KINESIS.check_body("--body", "\u{0}").is_ok());
        assert!(refusal(Limits::KINESIS.check_body("--body", "")).contains("Kinesis"));
        let long = "x".repeat(384 * 1024 + 1);
        assert!(refusal(Limits::DYNAMODB.check_body("--body", &long)).contains("DynamoDB takes at most 393216 (384 KiB)"));
    }

    #[test]
    fn a_metrics_values_are_numbers() {
        for good in ["1", "-2.5", " 1e3 ", "0"] {
            assert_eq!(value(good).expect("valid"), good.trim());
        }
        for bad in ["", "ten", "NaN", "inf", "1e200"] {
            assert!(refusal(value(bad)).contains(bad), "{bad}");
            assert!(refusal(Limits::CLOUDWATCH.check_body("--body", bad)).contains(bad), "{bad}");
        }
        assert!(refusal(Limits::CLOUDWATCH.lines("1\nx\n")).contains("line 2"));
    }

    #[test]
    fn group_names_have_no_blanks() {
        assert_eq!(check_group("a-b.c").expect("valid"), "a-b.c");
        for bad in ["", "a b", "é", &"x".repeat(129)] {
            assert!(refusal(check_group(bad)).contains("1 to 128"));
        }
    }
}
