//! What the pipeline writes in one go and reads back when it starts again.

use serde::{Deserialize, Serialize};

use crate::{Alert, Cause, Condition, Insight, PortFacts, Sample, StreamId, Timestamp};

use super::MaintenanceWindow;

/// Everything one commit makes durable.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Samples, in any order.
    pub samples: Vec<Sample>,
    /// What is newly known of ports.
    pub facts: Vec<(StreamId, PortFacts)>,
    /// Where each stream's folds stand.
    pub states: Vec<SavedState>,
    /// Insights.
    pub insights: Vec<Insight>,
    /// Conditions that moved.
    pub conditions: Vec<Condition>,
    /// Alerts that moved.
    pub alerts: Vec<AlertRecord>,
    /// What is to be told, in order.
    pub messages: Vec<OutboxMessage>,
    /// How far each source was read.
    pub sources: Vec<SourceRecord>,
}

impl Changes {
    /// Empties it, and keeps the room for samples: taking it from the system anew costs more than filling it.
    pub fn clear(&mut self) {
        let mut samples = std::mem::take(&mut self.samples);
        samples.clear();
        *self = Changes { samples, ..Changes::default() };
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
            && self.facts.is_empty()
            && self.states.is_empty()
            && self.insights.is_empty()
            && self.conditions.is_empty()
            && self.alerts.is_empty()
            && self.messages.is_empty()
            && self.sources.is_empty()
    }
}

/// Where one stream's folds stand.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// Whose.
    pub stream: StreamId,
    /// The last sample's or reading's time.
    pub last_time: Timestamp,
    /// The folds, in the pipeline's own form: a store keeps the bytes and reads nothing into them.
    pub bytes: Vec<u8>,
}

/// All a store knows of one stream beside its history.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// Whose.
    pub stream: StreamId,
    /// What is known of the port.
    pub facts: PortFacts,
    /// Where its folds stand, once there was a sample.
    pub state: Option<SavedState>,
}

/// Names a condition: one cause on one stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConditionKey {
    /// The stream.
    pub stream: StreamId,
    /// The cause.
    pub cause: Cause,
}

impl From<&Condition> for ConditionKey {
    fn from(condition: &Condition) -> Self {
        ConditionKey { stream: condition.stream.clone(), cause: condition.cause }
    }
}

/// An alert with what the pipeline must know to carry it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// As told last.
    pub alert: Alert,
    /// The conditions it tells of, sorted.
    pub members: Vec<ConditionKey>,
    /// How often it was told.
    pub version: u32,
}

/// One thing to tell on every channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxMessage {
    /// Its place in the order of all messages, from 1.
    pub sequence: u64,
    /// Unique: the alert's id and version. Receivers tell repeats by it.
    pub id: String,
    /// The alert as it stood.
    #[serde(flatten)]
    pub alert: Alert,
}

/// Whether a source lists every port it watches, or only some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every port, each time: one that is not listed is missing.
    #[default]
    Whole,
    /// Only ports with something to say (`ibqueryerrors` prints ports over a threshold): absence means nothing.
    Selective,
}

/// How far a source was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source's name.
    pub name: String,
    /// The position of the last sweep whose results are durable.
    pub position: u64,
    /// When it last had anything to say of counters; never, for a source that only tells what ports there are.
    pub last_heard: Option<Timestamp>,
    /// Seconds between its sweeps, as seen.
    pub interval_s: f64,
    /// Whether it lists every port.
    pub coverage: Coverage,
}

/// What a restarted pipeline needs beside its streams.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// How far each source was read, ordered by name.
    pub sources: Vec<SourceRecord>,
    /// Conditions that are not resolved, ordered by stream and cause.
    pub conditions: Vec<Condition>,
    /// Alerts that are firing, ordered by id.
    pub alerts: Vec<AlertRecord>,
    /// The last message's sequence; 0 if there was none.
    pub last_sequence: u64,
    /// Every maintenance window.
    pub windows: Vec<MaintenanceWindow>,
}
