//! A trace of servers' faults (InfiniteHBD-Trace), replayed as what a fabric would see of it.
//!
//! The trace says when which server had which fault, and holds no counters. A fabric sees of a server whether its port is there: so a
//! server whose fault takes it or its link off the fabric is a port that is not listed while the fault lasts, in a fabric of two
//! ports, one of them always well; the port comes back with its counter of link drops one higher. What the fabric would see of every
//! other fault the trace does not say, and nothing is made up for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use linkcast_domain::ports::Coverage;
use linkcast_domain::{NodeGuid, PortFacts, PortId, PortState, StreamId, Timestamp};
use linkcast_pipeline::Sweep;
use linkcast_telemetry::{Counter, Counters, Range, Reading};
use serde::Deserialize;

use super::notifications::Incident;
use crate::exit::{ExitKind, Failure};

/// Faults that take a server or its link off the fabric, as the trace names them.
const OFF_THE_FABRIC: [&str; 8] = [
    "Parameter Plane Cable: Link Down",
    "NIC: NIC Lost",
    "Training Task Troubleshooting: Suspect Machine Offline",
    "Test: Temporarily Offline",
    "Change: Y-cables Taken offline",
    "Change: Remote Optical Module Failure",
    "System Crash: Server down",
    "Operating System: Kernel Panic",
];

/// The trace counts days from a day it does not name.
const FIRST_DAY: Timestamp = Timestamp::EPOCH;

const EVERY: Duration = Duration::from_secs(60);
/// Swept so long before and after each change; between, nothing changes and time leaps.
const BEFORE: Duration = Duration::from_secs(15 * 60);
const AFTER: Duration = Duration::from_secs(60 * 60);

/// A server's outages, and how many of its faults a fabric does not see, by what they were.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// Merged where they overlap, in order.
    pub(crate) outages: Vec<Incident>,
    /// Faults that are no outage.
    pub(crate) unseen: Vec<Incident>,
}

#[derive(Deserialize)]
struct TraceEvent {
    node_id: String,
    event_time: f64,
    event_type: String,
    fault_type: FaultType,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FaultType {
    class: String,
    desc: String,
}

/// The servers of a trace, by name.
pub(crate) fn servers(path: &Path) -> Result<BTreeMap<String, Server>, Failure> {
    let unusable = |error: String| {
        Failure::new(ExitKind::UnusableInput, format!("reading {}: {error}", path.display()))
            .with_next_step("give fault_trace.json of github.com/stepfun-ai/InfiniteHBD-Trace")
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let mut events: Vec<TraceEvent> =
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    events.sort_by(|left, right| left.event_time.total_cmp(&right.event_time));
    let mut open: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    let mut servers: BTreeMap<String, Server> = BTreeMap::new();
    for event in events {
        let at = FIRST_DAY.plus(Duration::from_secs_f64(event.event_time.max(0.0) * 86_400.0));
        let what = format!("{}: {}", event.fault_type.class, event.fault_type.desc);
        let key = (event.node_id, what);
        if event.event_type == "fault_start" {
            open.entry(key).or_insert(at);
        } else if let Some(from) = open.remove(&key) {
            let (place, what) = key;
            let incident = Incident { what, place: place.clone(), from, until: Some(at) };
            servers.entry(place).or_default().take(incident);
        }
    }
    for server in servers.values_mut() {
        server.outages = merged(std::mem::take(&mut server.outages));
    }
    Ok(servers)
}

impl Server {
    fn take(&mut self, incident: Incident) {
        let seen = OFF_THE_FABRIC.contains(&incident.what.as_str());
        if seen { self.outages.push(incident) } else { self.unseen.push(incident) }
    }

    fn is_down(&self, time: Timestamp) -> bool {
        self.outages.iter().any(|outage| outage.from <= time && outage.until.is_none_or(|until| time < until))
    }

    /// What a source that lists every port says of the server and of its neighbour.
    pub(crate) fn sweeps(&self) -> Vec<Sweep> {
        let changes = self.outages.iter().flat_map(|outage| [Some(outage.from), outage.until]).flatten();
        let mut times: Vec<Timestamp> = Vec::new();
        for change in changes {
            let first = change.minus(BEFORE).millis().div_euclid(60_000);
            let last = change.plus(AFTER).millis().div_euclid(60_000);
            times.extend(
                (first..=last)
                    .map(|minute| Timestamp::from_millis(minute.saturating_mul(EVERY.as_millis() as i64))),
            );
        }
        times.sort();
        times.dedup();
        let sweep = |(number, time): (usize, Timestamp)| {
            let back = self.outages.iter().filter(|outage| outage.until.is_some_and(|until| until <= time));
            let mut readings = vec![reading(2, time, 0)];
            if !self.is_down(time) {
                readings.push(reading(1, time, back.count() as u64));
            }
            Sweep {
                source: "trace".into(),
                position: number as u64 + 1,
                time,
                coverage: Coverage::Whole,
                readings,
                ..Sweep::default()
            }
        };
        times.into_iter().enumerate().map(sweep).collect()
    }
}

/// Overlapping outages are one.
fn merged(mut outages: Vec<Incident>) -> Vec<Incident> {
    outages.sort_by_key(|outage| outage.from);
    let mut merged: Vec<Incident> = Vec::new();
    for outage in outages {
        match merged.last_mut() {
            Some(last) if last.until.is_none_or(|until| outage.from <= until) => {
                last.until = last.until.max(outage.until);
            }
            _ => merged.push(outage),
        }
    }
    merged
}

/// A healthy port at steady traffic.
fn reading(node: u64, time: Timestamp, link_drops: u64) -> Reading {
    let seconds = time.seconds_since(FIRST_DAY.minus(Duration::from_secs(86_400))) as u64;
    let mut counters = Counters::default();
    let traffic = [Counter::XmitBytes, Counter::RcvBytes];
    traffic.into_iter().for_each(|counter| counters.set(counter, seconds * 1_000_000_000, Range::Wraps(64)));
    let packets = [Counter::XmitPackets, Counter::RcvPackets];
    packets.into_iter().for_each(|counter| counters.set(counter, seconds * 500_000, Range::Wraps(64)));
    for counter in [Counter::SymbolErrors, Counter::RcvErrors] {
        counters.set(counter, 0, Range::Wraps(64));
    }
    counters.set(Counter::LinkDowned, link_drops, Range::Wraps(64));
    let facts = PortFacts { state: Some(PortState::Active), ..PortFacts::default() };
    Reading {
        stream: StreamId::from(PortId { node: NodeGuid(node), port: 1 }),
        time: Some(time),
        counters,
        other: Vec::new(),
        gauges: Vec::new(),
        facts: Some(Box::new(facts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_that_overlap_are_one_and_the_port_is_away_while_they_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let event = |time: f64, kind: &str, class: &str, what: &str| {
            format!(
                r#"{{"node_id":"n","event_time":{time},"event_type":"{kind}","fault_type":{{"Level":"x","Class":"{class}","Desc":"{what}"}}}}"#
            )
        };
        let cable = ("Parameter Plane Cable", "Link Down");
        let crash = ("System Crash", "Server down");
        let events = [
            event(1.0, "fault_start", cable.0, cable.1),
            event(1.5, "fault_start", crash.0, crash.1),
            event(1.2, "fault_start", "Fan", "Speed"),
            event(2.0, "fault_end", cable.0, cable.1),
            event(3.0, "fault_end", crash.0, crash.1),
            event(4.0, "fault_end", "Fan", "Speed"),
        ];
        std::fs::write(&path, format!("[{}]", events.join(","))).unwrap();
        let servers = servers(&path).unwrap();
        let server = &servers["n"];
        assert_eq!((server.outages.len(), server.unseen.len()), (1, 1));
        let sweeps = server.sweeps();
        let away = sweeps.iter().filter(|sweep| sweep.readings.len() == 1).count();
        assert_eq!(
            (sweeps.len(), away),
            (2 * 76, 61 + 15),
            "an hour after it began, and a quarter before it ended"
        );
    }
}
