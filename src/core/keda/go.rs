//! Go's rules for turning text into booleans and numbers, where KEDA leaves the reading to them.

/// Reads `text` as Go's `strconv.ParseBool` does: `1 t T TRUE true True 0 f F FALSE false False`, nothing else.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Reads `text` as Go's `strconv.ParseFloat(text, 64)` does; what Go calls out of range is `None` too.
///
/// Accepted are decimal and hexadecimal floats with optional sign and exponent, single underscores between digits, and
/// `inf`, `infinity` and `nan` in any case. Blanks around the number are not.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    if let Some(special) = special(text) {
        return Some(special);
    }
    if !underscores_separate_digits(text) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, body) = match plain.strip_prefix(['-', '+']) {
        Some(body) => (plain.starts_with('-'), body),
        None => (false, plain.as_str()),
    };
    let magnitude = match body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        Some(hex) => hexadecimal(hex)?,
        None => decimal(body)?,
    };
    magnitude.is_finite().then_some(if negative { -magnitude } else { magnitude })
}

/// `nan` has no sign; infinities may have one.
fn special(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let (sign, word) = match text.strip_prefix(['-', '+']) {
        Some(word) => (if text.starts_with('-') { -1.0 } else { 1.0 }, word),
        None => (1.0, text),
    };
    (word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")).then_some(sign * f64::INFINITY)
}

fn underscores_separate_digits(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let prefixed = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    let digits = if prefixed { &unsigned[2..] } else { unsigned };
    let is_digit = |c: char| c.is_ascii_digit() || prefixed && c.is_ascii_hexdigit();
    let mut after_digit = prefixed;
    let mut open = false;
    for c in digits.chars() {
        if c == '_' {
            if !after_digit || open {
                return false;
            }
            open = true;
        } else {
            if open && !is_digit(c) {
                return false;
            }
            open = false;
            after_digit = is_digit(c);
        }
    }
    !open
}

/// Splits at the exponent's mark and reads the exponent: an optional sign and at least one digit.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::from(i32::MAX)).min(i64::from(i32::MAX));
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

fn decimal(body: &str) -> Option<f64> {
    let (mantissa, rest) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let points = mantissa.bytes().filter(|b| *b == b'.').count();
    if digits == 0 || points > 1 || digits + points != mantissa.len() {
        return None;
    }
    let exponent = rest.map_or(Some(0), exponent)?;
    format!("{mantissa}e{exponent}").parse().ok()
}

/// Go wants an exponent of two here (`0x1p-1`).
fn hexadecimal(body: &str) -> Option<f64> {
    let at = body.find(['p', 'P'])?;
    let power = exponent(&body[at + 1..])?;
    let (whole, fraction) = body[..at].split_once('.').unwrap_or((&body[..at], ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut mantissa, mut scale, mut lost) = (0u64, 0i64, false);
    for (index, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        let in_fraction = index >= whole.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            lost |= digit != 0;
            scale += if in_fraction { 0 } else { 4 };
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "rounds to nearest even, as Go does")]
    let base = (mantissa | u64::from(lost)) as f64;
    let mut value = base;
    let mut left = (power + scale).clamp(-2200, 2200);
    while left != 0 && value != 0.0 && value.is_finite() {
        let step = left.clamp(-1000, 1000);
        value *= 2f64.powi(i32::try_from(step).expect("a thousand fits"));
        left -= step;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_go_accepts_are_read() {
        let cases = [
            ("0.5", 0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1e3", -1000.0),
            ("+2E-1", 0.2),
            ("0x1p-1", 0.5),
            ("0X1.8P1", 3.0),
            ("0x_1p4", 16.0),
            ("1_0.5_0", 10.5),
            ("1e-400", 0.0),
            ("0x1p-2000", 0.0),
        ];
        for (text, value) in cases {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        assert_eq!(parse_float("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(parse_float("NaN").expect("accepted").is_nan());
    }

    #[test]
    fn numbers_that_go_refuses_are_none() {
        for text in [
            "", " 1", "1 ", "50%", "1__0", "_1", "1_", "1_.5", "1._5", "1e", "1e+", "0x1", "0xp1", "1e400", "0x1p1024", "+nan", "infi",
            ".", "1.2.3", "é",
        ] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = (parse_float(&text), parse_bool(&text));
        }

        #[test]
        fn a_printed_float_reads_back(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(parse_float(&format!("{value:e}")), Some(value));
        }
    }
}
