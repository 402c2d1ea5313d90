//! A rate: messages over time.

use std::{fmt, str::FromStr, time::Duration};

use crate::core::error::{Error, Result};

/// Most messages in a second; far above what a queue takes.
const MOST: u64 = 100_000;

/// Messages over a second, a minute or an hour, as in `50/s`, `10/m`, `600/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    messages: u64,
    seconds: u64,
}

impl Rate {
    /// When message `index`, counted from 0, is due: `index` periods from the start.
    #[must_use]
    pub fn due(self, index: u64) -> Duration {
        let nanos = u128::from(index) * u128::from(self.seconds) * 1_000_000_000 / u128::from(self.messages);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('/').and_then(|(messages, unit)| {
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            let messages = messages.parse::<u64>().ok().filter(|messages| (1..=MOST * seconds).contains(messages))?;
            Some(Self { messages, seconds })
        });
        parsed.ok_or_else(|| {
            Error::input("rate", text, format!("it must be a whole number from 1, over s, m or h, and at most {MOST}/s"))
                .hint("for example `--rate 50/s`, `--rate 10/m` or `--rate 600/h`")
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.seconds {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_do_not_drift() {
        let rate: Rate = "3/s".parse().expect("valid");
        assert_eq!(rate.due(3_000_000), Duration::from_secs(1_000_000));
        let rate: Rate = "7/h".parse().expect("valid");
        assert_eq!(rate.due(7), Duration::from_hours(1));
    }

    #[test]
    fn a_rate_reads_as_it_is_written() {
        for text in ["50/s", "1/m", "600/h"] {
            assert_eq!(text.parse::<Rate>().expect("valid").to_string(), text);
        }
    }

    #[test]
    fn a_rate_that_means_nothing_is_refused_with_an_example() {
        for bad in ["", "50", "0/s", "-1/s", "1.5/s", "50/d", "s", "100001/s", "99999999999999999999/s"] {
            let error = bad.parse::<Rate>().expect_err(bad);
            assert_eq!(error.exit_code(), 2);
            assert!(error.hint.expect("hint").contains("50/s"));
        }
    }
}
