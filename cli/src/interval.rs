//! Lengths of time as people write them: `500ms`, `30s`, `5m`, `1h`, `2d`.
//!
//! A bare number is refused: whether `30` means seconds or minutes is a question, and the answer must not be a guess.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval(Duration);

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a length of time: expected a number above zero and a unit, as 500ms, 30s, 5m, 1h or 2d"
)]
pub(crate) struct ParseIntervalError {
    text: String,
}

/// The longest one accepted: a year, in milliseconds.
const LONGEST_MILLIS: f64 = 366.0 * 86_400_000.0;

impl Interval {
    /// The length.
    pub(crate) fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Interval {
    type Err = ParseIntervalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseIntervalError { text: text.chars().take(32).collect() };
        let unit_at = text.find(|character: char| character.is_ascii_alphabetic()).ok_or_else(refused)?;
        let (number, unit) = text.split_at(unit_at);
        let millis_each = match unit {
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" | "min" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return Err(refused()),
        };
        let millis = number.parse::<f64>().map_err(|_| refused())? * millis_each;
        if !(1.0..=LONGEST_MILLIS).contains(&millis) {
            return Err(refused());
        }
        Ok(Interval(Duration::from_millis(millis.round() as u64)))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
        match units.iter().find(|(_, each)| millis.is_multiple_of(*each)) {
            Some((unit, each)) => write!(f, "{}{unit}", millis / each),
            None => write!(f, "{millis}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_make_a_length() {
        let check = |text: &str, millis: u64| {
            assert_eq!(
                text.parse::<Interval>().map(Interval::duration),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        };
        check("500ms", 500);
        check("30s", 30_000);
        check("1.5m", 90_000);
        check("1h", 3_600_000);
        check("2d", 172_800_000);
    }

    #[test]
    fn a_length_without_unit_or_of_nothing_is_refused() {
        for text in ["30", "0s", "-1s", "s", "", "5 parsecs", "1e99h", "NaNs"] {
            let error = text.parse::<Interval>().expect_err(text);
            assert!(error.to_string().contains("30s"), "{error}");
        }
    }

    #[test]
    fn a_length_is_written_in_its_largest_whole_unit() {
        for text in ["500ms", "30s", "5m", "1h", "2d"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
    }
}
