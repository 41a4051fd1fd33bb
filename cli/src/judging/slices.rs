//! Where faults are missed: by link rate, fabric, hour and whether latency was measured.
//!
//! By episode and not by row: rows of one fault are found or missed together, and an interval over rows would promise
//! a certainty that a hundred rows of one cable do not give.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, StreamId};
use linkcast_training::evaluation::{Interval, Peers, RaisedAlert, missed_faults, wilson};
use serde::Serialize;

use super::bystander::PortTraits;

/// Faults that have one thing in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Slice {
    /// What they are sliced by.
    pub(crate) by: &'static str,
    /// What they have in common.
    pub(crate) value: String,
    /// Faults.
    pub(crate) faults: usize,
    /// Of them, found.
    pub(crate) found: usize,
    /// The 95 % interval of the share found.
    pub(crate) interval: Option<Interval>,
}

/// Faults of one fabric, to be sliced.
pub(crate) struct Fabric<'a> {
    pub(crate) seed: u64,
    pub(crate) episodes: &'a [Episode],
    pub(crate) alerts: &'a [RaisedAlert],
    pub(crate) peers: &'a Peers,
    pub(crate) ports: &'a BTreeMap<StreamId, PortTraits>,
}

/// Every slice of the faults of all fabrics.
pub(crate) fn slices<'a>(fabrics: impl Iterator<Item = Fabric<'a>>) -> Vec<Slice> {
    let mut counts: BTreeMap<(usize, String), (usize, usize)> = BTreeMap::new();
    for fabric in fabrics {
        let missed: Vec<u64> = missed_faults(fabric.episodes, fabric.alerts, fabric.peers)
            .iter()
            .map(|episode| episode.id)
            .collect();
        for fault in fabric.episodes.iter().filter(|episode| episode.fault().is_some()) {
            for (dimension, value) in fabric.values(fault).into_iter().enumerate() {
                let (faults, found) = counts.entry((dimension, value)).or_default();
                *faults += 1;
                *found += usize::from(!missed.contains(&fault.id));
            }
        }
    }
    let slice = |((dimension, value), (faults, found)): ((usize, String), (usize, usize))| {
        let by = DIMENSIONS.get(dimension).copied()?;
        Some(Slice { by, value, faults, found, interval: wilson(found, faults) })
    };
    counts.into_iter().filter_map(slice).collect()
}

const DIMENSIONS: [&str; 4] = ["fabric", "link rate", "hour of onset", "latency"];

impl Fabric<'_> {
    /// A fault's value in each dimension.
    fn values(&self, fault: &Episode) -> [String; DIMENSIONS.len()] {
        let ports: Vec<&PortTraits> =
            fault.streams.iter().filter_map(|stream| self.ports.get(stream)).collect();
        let rate = ports.iter().find_map(|port| port.rate_gbps);
        let hour = fault.onset.seconds().rem_euclid(86_400) / 3_600;
        let has_latency = ports.iter().any(|port| port.has_latency);
        values(self.seed, PortTraits { rate_gbps: rate, has_latency }, hour)
    }
}

/// What stands for each dimension in a table.
pub(super) fn values(seed: u64, port: PortTraits, hour: i64) -> [String; DIMENSIONS.len()] {
    let block = hour / 6 * 6;
    [
        format!("seed {seed}"),
        port.rate_gbps.map_or_else(|| "unknown".into(), |rate| format!("{rate:>4.0} Gb/s")),
        format!("{block:02} to {:02} h UTC", block + 6),
        if port.has_latency { "measured" } else { "not measured" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{EpisodeKind, PredictionType, Timestamp};

    #[test]
    fn each_fault_counts_once_in_each_dimension() {
        let at = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let fault = |id: u64, name: &str, hour: i64| Episode {
            id,
            kind: EpisodeKind::Fault(PredictionType::LatencySpike),
            streams: vec![name.parse().unwrap()],
            onset: at(hour),
            impact: at(hour + 1),
            end: at(hour + 2),
            cause: "made by hand".into(),
            shown: None,
        };
        let episodes = [fault(1, "a", 2), fault(2, "b", 7), fault(3, "c", 3)];
        let found = ["a", "b"].map(|name| RaisedAlert {
            streams: vec![name.parse().unwrap()],
            opened: if name == "a" { at(2) } else { at(8) },
            class: None,
        });
        let traits = PortTraits { rate_gbps: Some(400.0), has_latency: true };
        let ports = BTreeMap::from([("a".parse().unwrap(), traits), ("c".parse().unwrap(), traits)]);
        let peers = Peers::new();
        let fabric = Fabric { seed: 5, episodes: &episodes, alerts: &found, peers: &peers, ports: &ports };
        let found: Vec<_> = slices(std::iter::once(fabric))
            .into_iter()
            .map(|slice| (slice.by, slice.value, slice.faults, slice.found))
            .collect();
        let slice = |by, value: &str, faults, found| (by, value.to_owned(), faults, found);
        assert_eq!(
            found,
            [
                slice("fabric", "seed 5", 3, 2),
                slice("link rate", " 400 Gb/s", 2, 1),
                slice("link rate", "unknown", 1, 1),
                slice("hour of onset", "00 to 06 h UTC", 2, 1),
                slice("hour of onset", "06 to 12 h UTC", 1, 1),
                slice("latency", "measured", 2, 1),
                slice("latency", "not measured", 1, 1),
            ]
        );
    }
}
