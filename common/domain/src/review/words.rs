//! The names in a review: of the sample, of the reviewer, of the verdict.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_128;

use crate::{PredictionType, StreamId, Timestamp};

/// Names a sample that asks for a verdict: 32 hexadecimal digits, the same for the same stream and time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewId(String);

/// A text that names no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no item of the review: expected 32 lower-case hexadecimal digits")]
pub struct ParseReviewIdError {
    text: String,
}

impl ReviewId {
    /// The id of the sample of `stream` at `time`.
    pub fn of(stream: &StreamId, time: Timestamp) -> Self {
        let key = format!("{stream}\u{1f}{}", time.millis());
        ReviewId(format!("{:032x}", xxh3_128(key.as_bytes())))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReviewId {
    type Err = ParseReviewIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(ReviewId(text.to_owned()))
        } else {
            Err(ParseReviewIdError { text: text.chars().take(64).collect() })
        }
    }
}

/// The longest name of a reviewer, in bytes.
const LONGEST_NAME: usize = 64;

/// Who gives verdicts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reviewer(String);

/// A text that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no reviewer: expected 1 to {LONGEST_NAME} bytes of printable text")]
pub struct ParseReviewerError {
    text: String,
}

impl FromStr for Reviewer {
    type Err = ParseReviewerError;

    /// Blanks round the name do not belong to it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        if (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control) {
            Ok(Reviewer(name.to_owned()))
        } else {
            Err(ParseReviewerError { text: text.chars().take(LONGEST_NAME).collect() })
        }
    }
}

/// What a reviewer says a sample shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewVerdict {
    /// This class.
    Class(PredictionType),
    /// Nothing: whoever called it a fault was wrong.
    FalsePositive,
}

const FALSE_POSITIVE: &str = "false_positive";

/// A text that is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no verdict: expected false_positive or one of {}", class_names())]
pub struct ParseReviewVerdictError {
    text: String,
}

fn class_names() -> String {
    PredictionType::ALL.map(PredictionType::name).join(", ")
}

impl ReviewVerdict {
    /// The name in files and stores.
    pub fn name(self) -> &'static str {
        match self {
            ReviewVerdict::Class(class) => class.name(),
            ReviewVerdict::FalsePositive => FALSE_POSITIVE,
        }
    }

    /// The class that a model should give the sample.
    pub fn class(self) -> PredictionType {
        match self {
            ReviewVerdict::Class(class) => class,
            ReviewVerdict::FalsePositive => PredictionType::Normal,
        }
    }
}

impl FromStr for ReviewVerdict {
    type Err = ParseReviewVerdictError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == FALSE_POSITIVE {
            return Ok(ReviewVerdict::FalsePositive);
        }
        let refused = |_| ParseReviewVerdictError { text: text.chars().take(64).collect() };
        text.parse().map(ReviewVerdict::Class).map_err(refused)
    }
}

impl fmt::Display for ReviewVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! as_text {
    ($($name:ident => $text:expr,)*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text: fn(&$name) -> &str = $text;
                serializer.serialize_str(text(self))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

as_text! {
    ReviewId => |id| &id.0,
    Reviewer => |reviewer| &reviewer.0,
    ReviewVerdict => |verdict| verdict.name(),
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_a_class_or_a_false_alarm() {
        let verdict: ReviewVerdict = "false_positive".parse().unwrap();
        assert_eq!((verdict.name(), verdict.class()), ("false_positive", PredictionType::Normal));
        for class in PredictionType::ALL {
            assert_eq!(class.name().parse(), Ok(ReviewVerdict::Class(class)));
        }
        let error = "broken".parse::<ReviewVerdict>().unwrap_err().to_string();
        assert!(error.contains("rdma_timeout"), "{error}");
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_one() {
        let id = ReviewId::of(&"a/1".parse().unwrap(), Timestamp::EPOCH);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in ["", "a/1", &id.as_str().to_uppercase(), &id.as_str()[1..]] {
            assert!(text.parse::<ReviewId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reviewer_has_a_name() {
        assert_eq!(" ada ".parse::<Reviewer>().unwrap().to_string(), "ada");
        assert!("  ".parse::<Reviewer>().is_err());
        assert!("a\nb".parse::<Reviewer>().is_err());
    }
}
