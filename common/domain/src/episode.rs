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

/// One thing that truly happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Unique within its fabric.
    pub id: u64,
    /// What it was.
    #[serde(flatten)]
    pub kind: EpisodeKind,
    /// The streams that showed it, the first being the one at fault.
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
        };
        let line = serde_json::to_string(&episode).unwrap();
        assert!(line.contains(r#""kind":"fault","type":"packet_loss_detected""#), "{line}");
        assert_eq!(serde_json::from_str::<Episode>(&line).unwrap(), episode);
    }
}
