//! One step of a rollout: judging beside the others, or a share of the live variant's streams.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Weight;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The candidate judges every sample inside the process and answers none.
    Shadow,
    /// So many of the streams are the candidate's; 100 % are all of the live variant's.
    Weight(Weight),
}

/// A text that is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no step: expected shadow, or a percentage above 0 up to 100")]
pub struct ParseStepError {
    found: String,
}

impl Step {
    /// All of the live variant's streams.
    pub const ALL: Step = Step::Weight(Weight::ALL);

    /// The share of the streams.
    pub fn weight(self) -> Weight {
        match self {
            Step::Shadow => Weight::default(),
            Step::Weight(weight) => weight,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Shadow => f.write_str("shadow"),
            Step::Weight(weight) => write!(f, "{}", weight.percent()),
        }
    }
}

impl FromStr for Step {
    type Err = ParseStepError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "shadow" {
            return Ok(Step::Shadow);
        }
        let weight = text.parse().ok().and_then(|percent: f64| Weight::of_percent(percent).ok());
        weight
            .filter(|weight| *weight > Weight::default())
            .map(Step::Weight)
            .ok_or_else(|| ParseStepError { found: text.chars().take(32).collect() })
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Step::Shadow => serializer.serialize_str("shadow"),
            Step::Weight(weight) => weight.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(D::Error::custom)
    }
}
