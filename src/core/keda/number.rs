//! Kubernetes quantities as KEDA's loop sees them: three decimals on the way in, one double multiplication on the way out.

/// 10 to the power of minus the index; each is the nearest double.
const NEGATIVE_POWERS: [f64; 10] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];
/// Quantities with more digits than this leave the 64-bit path.
const MOST_SHORT_DIGITS: usize = 18;

/// A scaler's value as text with three decimals, rounded half to even on the binary value.
#[must_use]
pub fn milli_text(value: f64) -> String {
    format!("{value:.3}")
}

/// A scaler's value after its way through a quantity.
///
/// NaN, infinities and negative values become 0; everything else is rounded to thousandths and read back as
/// `thousandths * 0.001` in double arithmetic, so that 1.001 becomes 1.0010000000000001. Whole numbers below 9 * 10^12 are exact.
#[must_use]
pub fn through_quantity(value: f64) -> f64 {
    if !value.is_finite() || value < 0.0 {
        return 0.0;
    }
    quantity(&milli_text(value)).unwrap_or(0.0)
}

/// A decimal quantity without suffix, as Kubernetes gives it back as a float; `None` when `text` is not one.
///
/// At most nine decimals: a finer quantity does not exist.
#[must_use]
pub fn quantity(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1.0 } else { 1.0 }, digits),
        None => (1.0, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let unscaled = format!("{whole}{decimals}");
    if unscaled.is_empty() || decimals.len() > 9 || !unscaled.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if unscaled.len() <= MOST_SHORT_DIGITS {
        let base: i64 = unscaled.parse().ok()?;
        return Some(sign * to_float(base) * NEGATIVE_POWERS[decimals.len()]);
    }
    let base: f64 = format!("{unscaled:0<width$}", width = whole.len() + 9).parse().ok()?;
    Some((sign * base * NEGATIVE_POWERS[9]).clamp(f64::MIN, f64::MAX))
}

/// An integer as the nearest double.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "Go converts the same way: to the nearest double")]
pub fn to_float(value: i64) -> f64 {
    value as f64
}

/// Rounds up to an integer, as KEDA does on amd64: what does not fit becomes the smallest integer, so that nothing is created.
#[must_use]
pub fn ceil_to_int(value: f64) -> i64 {
    to_int(value.ceil()).unwrap_or(i64::MIN)
}

/// Cuts the fraction off; `None` for NaN, infinities and what does not fit.
#[must_use]
pub fn to_int(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked; cutting the fraction is the purpose")]
    let whole = value as i64;
    (-LIMIT..LIMIT).contains(&value).then_some(whole)
}

/// `value` as people write it: without a trailing `.0`, with at most three decimals.
#[must_use]
pub fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thousandths_read_back_with_kedas_own_error() {
        assert_eq!(through_quantity(1.001).to_bits(), 1.001_000_000_000_000_1_f64.to_bits());
        assert_eq!(milli_text(0.0625), "0.062");
    }

    #[test]
    fn impossible_values_become_zero() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001, -1e300] {
            assert_eq!(through_quantity(value).to_bits(), 0);
        }
    }

    #[test]
    fn a_ceiling_that_does_not_fit_is_the_smallest_integer() {
        for value in [f64::NAN, f64::INFINITY, 9.3e18, -1e300] {
            assert_eq!(ceil_to_int(value), i64::MIN);
        }
        assert_eq!(ceil_to_int(4.001), 5);
        assert_eq!(ceil_to_int(-4.9), -4);
    }

    proptest! {
        #[test]
        fn whole_numbers_are_exact(value in 0i64..9_000_000_000_000) {
            prop_assert_eq!(through_quantity(to_float(value)).to_bits(), to_float(value).to_bits());
        }

        #[test]
        fn no_value_panics_and_all_stay_finite(value in proptest::num::f64::ANY) {
            prop_assert!(through_quantity(value).is_finite());
            let _ = (ceil_to_int(value), to_int(value), short(value));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = quantity(&text);
        }
    }
}
