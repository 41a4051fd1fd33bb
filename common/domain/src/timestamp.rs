//! Instants, as milliseconds since the Unix epoch.
//!
//! Milliseconds are the finest grain any source reports reliably (Prometheus, DynamoDB items and the canonical
//! sample file all carry them), and an `i64` of them is exact, ordered and cheap to store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Serialises as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Epoch milliseconds outside the years 0001 to 9999 cannot be written as RFC 3339.
const EARLIEST_MILLIS: i64 = -62_135_596_800_000;
const LATEST_MILLIS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The first instant that can be written as RFC 3339.
    pub const EARLIEST: Timestamp = Timestamp(EARLIEST_MILLIS);

    /// The last one.
    pub const LATEST: Timestamp = Timestamp(LATEST_MILLIS);

    /// From epoch milliseconds; held to the years 0001 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Timestamp(millis.clamp(EARLIEST_MILLIS, LATEST_MILLIS))
    }

    /// Epoch milliseconds.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Epoch seconds, rounded towards the past.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved into the future.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.0.saturating_add(millis))
    }

    /// This instant moved into the past.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.0.saturating_sub(millis))
    }

    /// Time from `earlier` to this instant; zero if `earlier` is in fact later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Seconds from `earlier` to this instant, negative if `earlier` is later.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1000.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// A text that is neither RFC 3339 nor epoch milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a timestamp: expected RFC 3339 (2026-01-31T08:00:00Z) or epoch milliseconds")]
pub struct ParseTimestampError {
    text: String,
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// RFC 3339 with an offset, or a whole number of epoch milliseconds.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseTimestampError { text: text.chars().take(64).collect() };
        if let Ok(millis) = text.parse::<i64>() {
            return (EARLIEST_MILLIS..=LATEST_MILLIS)
                .contains(&millis)
                .then_some(Timestamp(millis))
                .ok_or_else(refused);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        Ok(Timestamp::from_millis(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_and_epoch_milliseconds_name_the_same_instant() {
        let text: Timestamp = "2026-01-31T08:00:00.250Z".parse().unwrap();
        let millis: Timestamp = "1769846400250".parse().unwrap();
        assert_eq!(text, millis);
        assert_eq!(text.to_string(), "2026-01-31T08:00:00.250Z");
    }

    #[test]
    fn a_text_that_is_no_timestamp_says_what_was_expected() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("RFC 3339"), "{error}");
    }

    #[test]
    fn time_before_the_epoch_rounds_towards_the_past() {
        assert_eq!(Timestamp::from_millis(-1).seconds(), -1);
    }
}
