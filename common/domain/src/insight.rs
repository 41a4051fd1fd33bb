//! A model's judgement of one sample.
//!
//! The field names are the design's and appear as they stand in stores, events and JSON output. The id is a function
//! of stream, sample time and task, so that a repeated delivery writes the same item.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{Cost, FailureKind, PredictionType, StreamId, Timestamp};

/// An insight's id: 32 hexadecimal digits, the same for the same stream, sample time and task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InsightId(String);

/// A text that names no insight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no insight: expected 32 lower-case hexadecimal digits")]
pub struct ParseInsightIdError {
    text: String,
}

impl FromStr for InsightId {
    type Err = ParseInsightIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(InsightId(text.to_owned()))
        } else {
            Err(ParseInsightIdError { text: text.chars().take(64).collect() })
        }
    }
}

impl InsightId {
    /// The id of `task`'s insight into the sample of `stream` at `time`.
    pub fn of(stream: &StreamId, time: Timestamp, task: &str) -> Self {
        let key = format!("{stream}\u{1f}{}\u{1f}{task}", time.millis());
        InsightId(format!("{:032x}", xxh3_128(key.as_bytes())))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InsightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of the features that moved the score most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Influencer {
    /// The feature's name.
    pub feature: String,
    /// Its value in this sample; absent where the sample had none.
    pub value: Option<f64>,
    /// What is usual: the model's reference value for this feature.
    pub baseline: Option<f64>,
    /// Its exact share of the score, in the score's own units (log-odds of the class named).
    pub contribution: f64,
}

/// Which model answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// The kind of model, as `embedded`.
    pub model_used: String,
    /// Its version.
    pub model_version: String,
    /// The feature schema it was trained on.
    pub feature_schema: u32,
}

/// What became of asking one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It answered.
    Answered,
    /// It failed.
    Failed(FailureKind),
    /// Its breaker was open, so that it was not asked.
    Skipped,
    /// No time was left for it.
    NoTime,
    /// It was asked and had not answered when another, asked beside it, did.
    Overtaken,
}

/// One variant that was asked, or was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which.
    pub variant: String,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// Time taken, µs.
    pub latency_us: u64,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Cost::is_free")]
    pub cost: Cost,
}

/// A model's judgement of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// The insight's id.
    pub entity_id: InsightId,
    /// The sample's time.
    pub timestamp: Timestamp,
    /// Always `insight`.
    pub entity_type: String,
    /// The stream judged.
    pub related_entity: StreamId,
    /// The fabric the stream belongs to.
    pub fabric: String,
    /// The class.
    pub prediction_type: PredictionType,
    /// How bad, 0 to 100.
    pub risk_score: f64,
    /// Calibrated probability of the class, 0 to 1.
    pub confidence: f64,
    /// One sentence for people.
    pub explanation: String,
    /// The three features that moved the score most.
    pub influencers: Vec<Influencer>,
    /// What to do, most useful first.
    pub recommendations: Vec<String>,
    /// Who answered.
    #[serde(flatten)]
    pub model: ModelIdentity,
    /// The routing variant that answered.
    pub variant: String,
    /// The variant that should have answered and did not, if any.
    pub fallback_from: Option<String>,
    /// Time taken, µs.
    pub latency_us: u64,
    /// Price of the answer, US dollars: the total of `cost`.
    pub cost_usd: f64,
    /// The price by what was paid for.
    #[serde(default, skip_serializing_if = "Cost::is_free")]
    pub cost: Cost,
    /// Every variant that was to answer, in order; empty where only the embedded model is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// When the store may forget the insight, epoch seconds.
    pub ttl: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sample_and_task_give_the_same_id() {
        let stream: StreamId = "0000000000200000/2".parse().unwrap();
        let time = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(InsightId::of(&stream, time, "link-health"), InsightId::of(&stream, time, "link-health"));
        assert_ne!(InsightId::of(&stream, time, "link-health"), InsightId::of(&stream, time, "other"));
        let id = InsightId::of(&stream, time, "link-health");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!("an insight".parse::<InsightId>().is_err());
    }
}
