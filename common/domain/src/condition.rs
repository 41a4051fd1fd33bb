//! Conditions and the alerts that tell people of them.
//!
//! A condition is one cause on one stream; its identity is exactly that pair, so that the recovery of one cause can
//! never clear another. An alert groups the conditions that one event in the world explains: both ends of a link,
//! all ports of a switch.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InsightId, PredictionType, StreamId, Timestamp};

/// Why a condition is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A model's prediction.
    Predicted(PredictionType),
    /// A stream that reported and no longer does.
    SeriesMissing,
    /// A source that answered and no longer does.
    SourceSilent,
}

/// A text that names no cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a cause: expected a prediction type, series_missing or source_silent")]
pub struct ParseCauseError {
    name: String,
}

impl Cause {
    /// The name in keys, files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Predicted(prediction_type) => prediction_type.name(),
            Cause::SeriesMissing => "series_missing",
            Cause::SourceSilent => "source_silent",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cause {
    type Err = ParseCauseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "series_missing" => Ok(Cause::SeriesMissing),
            "source_silent" => Ok(Cause::SourceSilent),
            _ => text
                .parse()
                .map(Cause::Predicted)
                .map_err(|_| ParseCauseError { name: text.chars().take(64).collect() }),
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a condition is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionState {
    /// Seen, but not often enough to tell anyone.
    Pending,
    /// Seen often enough, but inside a maintenance window: recorded and told to no one.
    Suppressed,
    /// Told to people.
    Open,
    /// Clear for long enough.
    Resolved,
}

/// One cause on one stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The stream concerned.
    pub stream: StreamId,
    /// Why.
    pub cause: Cause,
    /// Where it is in its life.
    pub state: ConditionState,
    /// The last samples' verdicts, newest in the lowest bit: 1 where the cause was seen.
    pub recent: u32,
    /// The first sample that showed it.
    pub first_seen: Timestamp,
    /// The last sample that showed it.
    pub last_seen: Timestamp,
    /// When it opened, if it did.
    pub opened: Option<Timestamp>,
    /// When it resolved, if it did.
    pub resolved: Option<Timestamp>,
    /// The highest risk seen, 0 to 100.
    pub peak_risk: f64,
    /// Calibrated probability of the cause where the risk peaked, 0 to 1.
    pub confidence: f64,
    /// The newest insight behind it; a missing series has none.
    pub insight: Option<InsightId>,
    /// One sentence for people: the newest insight's.
    pub explanation: String,
    /// What to do, most useful first.
    pub recommendations: Vec<String>,
}

/// Whether an alert is news or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Open.
    Firing,
    /// Over.
    Resolved,
}

/// What people are told: the conditions that one event explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Stable over the alert's life: a function of its group and the time it opened.
    pub alert_id: String,
    /// Firing or resolved.
    pub state: AlertState,
    /// The fabric.
    pub fabric: String,
    /// What the conditions share: `link:<a>--<b>`, `node:<guid>` or `stream:<id>`.
    pub group: String,
    /// The leading cause.
    pub cause: Cause,
    /// The streams concerned, sorted.
    pub streams: Vec<StreamId>,
    /// Names of the ports concerned, in the streams' order, where known.
    pub names: Vec<String>,
    /// When it opened.
    pub opened: Timestamp,
    /// When this version of it was made.
    pub updated: Timestamp,
    /// The highest risk, 0 to 100.
    pub risk_score: f64,
    /// Calibrated probability of the leading cause, 0 to 1.
    pub confidence: f64,
    /// One sentence for people.
    pub summary: String,
    /// What to do, most useful first.
    pub recommendations: Vec<String>,
    /// The insights behind it.
    pub insights: Vec<InsightId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_name() {
        let predicted = PredictionType::ALL.into_iter().map(Cause::Predicted);
        for cause in predicted.chain([Cause::SeriesMissing, Cause::SourceSilent]) {
            assert_eq!(cause.name().parse(), Ok(cause));
        }
        assert!("false_positive".parse::<Cause>().is_err());
    }
}
