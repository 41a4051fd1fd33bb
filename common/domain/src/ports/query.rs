//! What is asked of a store, and announced to it, in small values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InsightId, NodeGuid, PredictionType, StreamId, Timestamp};

/// Instants from `from` to `until`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
}

impl TimeRange {
    /// Every instant.
    pub const ALL: TimeRange = TimeRange { from: Timestamp::EARLIEST, until: Timestamp::LATEST };

    /// Whether `time` lies in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from <= time && time <= self.until
    }
}

/// Which insights are wanted; a part left out does not restrict.
#[derive(Clone, Debug)]
pub struct InsightQuery {
    /// This one.
    pub id: Option<InsightId>,
    /// Of this stream.
    pub stream: Option<StreamId>,
    /// Of this class.
    pub class: Option<PredictionType>,
    /// With at least this risk, 0 to 100.
    pub minimum_risk: f64,
    /// In this time.
    pub range: TimeRange,
    /// At most so many.
    pub limit: usize,
}

impl Default for InsightQuery {
    fn default() -> Self {
        InsightQuery {
            id: None,
            stream: None,
            class: None,
            minimum_risk: 0.0,
            range: TimeRange::ALL,
            limit: 100,
        }
    }
}

/// How many items a store deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Stored pieces of samples: one or many samples each, as the store packs them.
    pub sample_pieces: usize,
    /// Insights.
    pub insights: usize,
    /// Resolved conditions.
    pub conditions: usize,
    /// Resolved alerts.
    pub alerts: usize,
    /// Messages every channel has had.
    pub messages: usize,
}

/// What a maintenance window covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MaintenanceScope {
    /// One stream.
    Stream(StreamId),
    /// Every port of a node, and the far ends of its links.
    Node(NodeGuid),
    /// Everything.
    Fabric,
}

impl FromStr for MaintenanceScope {
    type Err = crate::ParseStreamIdError;

    /// `fabric`, a node's GUID, or a stream id.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "fabric" {
            return Ok(MaintenanceScope::Fabric);
        }
        match text.parse::<NodeGuid>() {
            Ok(node) => Ok(MaintenanceScope::Node(node)),
            Err(_) => text.parse().map(MaintenanceScope::Stream),
        }
    }
}

impl fmt::Display for MaintenanceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MaintenanceScope::Stream(stream) => stream.fmt(f),
            MaintenanceScope::Node(node) => node.fmt(f),
            MaintenanceScope::Fabric => f.write_str("fabric"),
        }
    }
}

impl Serialize for MaintenanceScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MaintenanceScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Announced work: what it touches is not told to people from `from` until `until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceWindow {
    /// Names the window.
    pub id: String,
    /// What it covers.
    pub scope: MaintenanceScope,
    /// Its first instant.
    pub from: Timestamp,
    /// Its last.
    pub until: Timestamp,
    /// For people.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_fabric_a_node_or_a_stream() {
        assert_eq!("fabric".parse(), Ok(MaintenanceScope::Fabric));
        assert_eq!("0x20".parse(), Ok(MaintenanceScope::Node(NodeGuid(0x20))));
        let stream: StreamId = "0000000000200000/2".parse().unwrap();
        let scope = MaintenanceScope::Stream(stream);
        assert_eq!("0000000000200000/2".parse(), Ok(scope.clone()));
        assert_eq!(serde_json::to_value(&scope).unwrap(), "0000000000200000/2");
    }
}
