//! Numbers: decimals of up to 38 digits, and the bytes by which they sort.

use std::{fmt, str::FromStr};

use bigdecimal::{BigDecimal, Signed, ToPrimitive, Zero};

/// Most significant digits.
const DIGITS: usize = 38;
/// The largest power of ten of the first digit, and the smallest.
const LARGEST: i64 = 125;
const SMALLEST: i64 = -130;

/// A number. Equal ones have one form, however they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(BigDecimal);

impl Number {
    pub(super) fn from_count(count: usize) -> Self {
        Self(BigDecimal::from(count as u64))
    }

    fn checked(value: &BigDecimal) -> Result<Self, String> {
        let value = value.normalized();
        if value.is_zero() {
            return Ok(Self(BigDecimal::zero()));
        }
        let (digits, first) = digits_of(&value);
        if digits.len() > DIGITS {
            return Err("Attempting to store more than 38 significant digits in a Number".to_owned());
        }
        match first {
            first if first > LARGEST => {
                Err("Number overflow. Attempting to store a number with magnitude larger than supported range".to_owned())
            }
            first if first < SMALLEST => {
                Err("Number underflow. Attempting to store a number with magnitude smaller than supported range".to_owned())
            }
            _ => Ok(Self(value)),
        }
    }

    /// The sum, or why it is no number here.
    pub(super) fn plus(&self, other: &Self) -> Result<Self, String> {
        Self::checked(&(&self.0 + &other.0))
    }

    /// The difference, or why it is no number here.
    pub(super) fn minus(&self, other: &Self) -> Result<Self, String> {
        Self::checked(&(&self.0 - &other.0))
    }

    /// Bytes that sort as the numbers do.
    ///
    /// A byte for the sign, one for the power of ten, then one for each digit; those of negative numbers are turned around
    /// and closed with the highest byte, so that more digits sort before fewer.
    pub(super) fn key(&self) -> Vec<u8> {
        if self.0.is_zero() {
            return vec![1];
        }
        let (digits, first) = digits_of(&self.0);
        let power = (first - SMALLEST).to_u8().unwrap_or(u8::MAX);
        let digits = digits.bytes().map(|digit| digit - b'0');
        if self.0.is_negative() {
            let turned = [0, u8::MAX - power].into_iter().chain(digits.map(|digit| u8::MAX - 1 - digit));
            turned.chain([u8::MAX]).collect()
        } else {
            [2, power].into_iter().chain(digits).collect()
        }
    }

    /// Bytes that it takes of an item's size.
    pub(super) fn size(&self) -> usize {
        let (digits, _) = digits_of(&self.0);
        digits.len().div_ceil(2) + 1 + usize::from(self.0.is_negative())
    }
}

/// The significant digits, and the power of ten of the first one.
fn digits_of(value: &BigDecimal) -> (String, i64) {
    let (digits, scale) = value.as_bigint_and_exponent();
    let digits = digits.magnitude().to_string();
    let first = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - scale;
    (digits, first)
}

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("The parameter cannot be converted to a numeric value: {text}");
        if text.is_empty() {
            return Err("The parameter cannot be converted to a numeric value".to_owned());
        }
        // What is far out of range is refused before anybody computes with it.
        let exponent = text.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i64>().map_err(|_| invalid()))?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if text.len() > 1000 || !plain {
            return Err(invalid());
        }
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        if exponent.abs() > 2000 && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
            let (kind, than) = if exponent > 0 { ("overflow", "larger") } else { ("underflow", "smaller") };
            return Err(format!("Number {kind}. Attempting to store a number with magnitude {than} than supported range"));
        }
        let text = if exponent.abs() > 2000 { mantissa } else { text };
        Self::checked(&BigDecimal::from_str(text).map_err(|_| invalid())?)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_plain_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn equal_numbers_have_one_form() {
        for (text, form) in [("1.0", "1"), ("1e2", "100"), ("-0", "0"), ("0.0010", "0.001"), ("+7", "7"), (".5", "0.5"), ("0e9999", "0")] {
            assert_eq!(number(text).to_string(), form, "{text}");
        }
        assert_eq!(number("1e125").to_string().len(), 126);
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_refused() {
        let long = "1".repeat(39);
        for text in ["", "x", "1x", "1e", "--1", "1e126", "1e-131", "1e99999999999", "1_0", "NaN", "Infinity", " 1", long.as_str()] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
        assert!(format!("{}e-130", "1").parse::<Number>().is_ok());
        assert!("9".repeat(38).parse::<Number>().is_ok());
    }

    #[test]
    fn the_smallest_difference_counts() {
        assert!(number("12345678901234567890123456789012345678") > number("12345678901234567890123456789012345677"));
        assert_eq!(number("0.1").plus(&number("0.2")), Ok(number("0.3")));
    }

    fn any() -> impl Strategy<Value = Number> {
        ("-?[0-9]{1,20}", -100i32..100).prop_map(|(digits, power)| number(&format!("{digits}e{power}")))
    }

    proptest! {
        #[test]
        fn keys_sort_as_the_numbers_do(a in any(), b in any()) {
            prop_assert_eq!(a.key().cmp(&b.key()), a.cmp(&b));
        }

        #[test]
        fn the_form_is_read_back(a in any()) {
            prop_assert_eq!(number(&a.to_string()), a);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[-+0-9.eE]{0,60}") {
            let _ = text.parse::<Number>();
        }
    }
}
