//! What truly happened on a fabric: the simulator's truth, and later the operators' outcomes.
//!
//! Forecasts are judged by episode and not by sample: one sick cable is one thing to find, however many samples show
//! it. Benign episodes look like faults and are none; an alert about one is a false alarm.

use serde::{Deserialize, Serialize};

use crate::{PredictionType, StreamId, Timestamp};

/// What only looks like a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenignKind {
    /// A host restarted; the switch side counts a link down.
    HostReboot,
    /// Announced work on ports.
    PlannedMaintenance,
    /// Another tool wrote the counters to zero.
    CounterReset,
    /// A port that never had a cable.
    NeverCabled,
    /// A new cable's first minutes: a burst of symbol errors.
    FreshCable,
    /// Congestion from a busy job.
    BusyJob,
    /// The exporter died; its ports are well.
    ExporterDead,
}

/// What an episode was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "type")]
pub enum EpisodeKind {
    /// A real fault, of a class other than `normal`.
    Fault(PredictionType),
    /// Only looked like one.
    Benign(BenignKind),
}

/// What a trace is seen through. A source that leaves one of these out does not see what shows in it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The error counters of a port.
    PortErrors,
    /// The driver's counters of a host adapter.
    HostErrors,
    /// Time in which a port could not send what it had.
    Waiting,
    /// What is sent and received.
    Traffic,
    /// The latency that a probe measures.
    Latency,
    /// The rate the link trained to.
    LinkRate,
}

/// A stretch of time in which an episode left its traces in one stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Showing {
    /// Whose.
    pub stream: StreamId,
    /// What they are seen through.
    pub through: Channel,
    /// The first instant.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
}

/// One thing that truly happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Unique within its fabric.
    pub id: u64,
    /// What it was.
    #[serde(flatten)]
    pub kind: EpisodeKind,
    /// The streams concerned, the first being the one at fault. Not each of them need show it.
    pub streams: Vec<StreamId>,
    /// When the first trace could be seen in the counters.
    pub onset: Timestamp,
    /// When users were hurt: the link dropped, the job stopped, or the trouble was at full growth. Lead time is
    /// counted back from here.
    pub impact: Timestamp,
    /// When it was over.
    pub end: Timestamp,
    /// In the field's own words: "dirty optical connector".
    pub cause: String,
    /// Where and when it could be told from a sound port, if that is known. A fault grows from nothing, may come and
    /// go, and need not show at the other end of its link at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Vec<Showing>>,
}

impl Episode {
    /// The fault's class, or `None` if it was benign.
    pub fn fault(&self) -> Option<PredictionType> {
        match self.kind {
            EpisodeKind::Fault(class) => Some(class),
            EpisodeKind::Benign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_survives_its_file_format() {
        let episode = Episode {
            id: 7,
            kind: EpisodeKind::Fault(PredictionType::PacketLossDetected),
            streams: vec!["0000000000200000/2".parse().unwrap()],
            onset: Timestamp::from_millis(0),
            impact: Timestamp::from_millis(1_000),
            end: Timestamp::from_millis(2_000),
            cause: "dirty optical connector".into(),
            shown: None,
        };
        let line = serde_json::to_string(&episode).unwrap();
        assert!(line.contains(r#""kind":"fault","type":"packet_loss_detected""#), "{line}");
        assert!(!line.contains("shown"), "what is not known is not said: {line}");
        assert_eq!(serde_json::from_str::<Episode>(&line).unwrap(), episode);
        let showing = Showing {
            stream: "0000000000200000/2".parse().unwrap(),
            through: Channel::PortErrors,
            from: Timestamp::from_millis(500),
            until: Timestamp::from_millis(2_000),
        };
        let shown = Episode { shown: Some(vec![showing]), ..episode };
        let line = serde_json::to_string(&shown).unwrap();
        assert_eq!(serde_json::from_str::<Episode>(&line).unwrap(), shown);
    }
}
