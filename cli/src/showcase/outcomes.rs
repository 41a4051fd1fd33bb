//! Which alert was about which fault, and which about none.
//!
//! The rule is the training room's (`evaluation`): an alert belongs to an episode when it names one of its streams, or
//! the far end of one, between the onset and half an hour after the end. Alerts that say that data is missing are facts
//! and no forecasts: they are not judged here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use linkcast_domain::ports::Lookup;
use linkcast_domain::{Alert, Cause, Episode, EpisodeKind, NodeKind, PortFacts, StreamId, Timestamp};
use linkcast_simulator::Fabric;
use linkcast_training::evaluation::is_in_time;

use super::Tracker;
use crate::database::wait;
use crate::exit::Failure;
use crate::report::{AlertSpan, BenignOutcome, FaultOutcome, NodeRow, PortCell, PortFate};

/// All alerts of a demo fit in memory many times over.
const MOST_ALERTS: usize = 1_000_000;

/// The run's outcome.
pub(crate) struct Outcomes {
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) alerts: u64,
    pub(crate) faults: Vec<FaultOutcome>,
    pub(crate) benign: Vec<BenignOutcome>,
    pub(crate) false_alarms: Vec<AlertSpan>,
    pub(crate) nodes: Vec<NodeRow>,
}

/// The fabric's ports: names for people, far ends for judging.
struct Ports(BTreeMap<StreamId, PortFacts>);

/// Sets the alerts in `store` against what truly happened on `fabric`.
pub(crate) fn outcomes(fabric: &Fabric, store: &impl Lookup, tracker: Tracker) -> Result<Outcomes, Failure> {
    let ports = Ports(fabric.topology().ports().collect());
    let mut alerts = wait(store.alerts(None, MOST_ALERTS))?;
    alerts.retain(|alert| matches!(alert.cause, Cause::Predicted(_)));
    alerts.sort_by(|one, other| (one.opened, &one.alert_id).cmp(&(other.opened, &other.alert_id)));
    let about = assign(&alerts, fabric.episodes(), &ports);
    let of_episode = |place: usize| {
        let pairs = alerts.iter().zip(&about);
        pairs.filter(move |(_, about)| **about == Some(place)).map(|(alert, _)| alert)
    };
    let (mut faults, mut benign, mut false_alarms) = (Vec::new(), Vec::new(), Vec::new());
    for (place, episode) in fabric.episodes().iter().enumerate() {
        let spans: Vec<AlertSpan> = of_episode(place).map(|alert| ports.span(alert)).collect();
        match episode.kind {
            EpisodeKind::Fault(class) => faults.push(FaultOutcome {
                class,
                port: ports.name_of_first(episode),
                cause: episode.cause.clone(),
                onset: episode.onset,
                impact: episode.impact,
                end: episode.end,
                track: tracker.track(episode, spans.first().map(|span| span.opened)),
                alerts: spans,
            }),
            EpisodeKind::Benign(kind) => {
                benign.push(BenignOutcome { kind, alerts: spans.len() });
                false_alarms.extend(spans);
            }
        }
    }
    false_alarms.extend(
        alerts.iter().zip(&about).filter(|(_, about)| about.is_none()).map(|(alert, _)| ports.span(alert)),
    );
    false_alarms.sort_by_key(|span| span.opened);
    let begin = fabric.plan().start;
    Ok(Outcomes {
        begin,
        end: begin.plus(Duration::from_secs_f64(fabric.plan().hours * 3600.0)),
        alerts: alerts.len() as u64,
        nodes: nodes(&ports, fabric.episodes(), &alerts, &about),
        faults,
        benign,
        false_alarms,
    })
}

/// The episode each alert is about: a fault goes before something benign, the one of the type named before others.
fn assign(alerts: &[Alert], episodes: &[Episode], ports: &Ports) -> Vec<Option<usize>> {
    let mut by_stream: BTreeMap<&StreamId, Vec<usize>> = BTreeMap::new();
    for (place, episode) in episodes.iter().enumerate() {
        episode.streams.iter().for_each(|stream| by_stream.entry(stream).or_default().push(place));
    }
    let about = |alert: &Alert| {
        let streams: BTreeSet<StreamId> = alert
            .streams
            .iter()
            .flat_map(|stream| [Some(stream.clone()), ports.peer(stream)])
            .flatten()
            .collect();
        let places: BTreeSet<usize> =
            streams.iter().filter_map(|stream| by_stream.get(stream)).flatten().copied().collect();
        places
            .into_iter()
            .filter_map(|place| Some((place, episodes.get(place)?)))
            .filter(|(_, episode)| is_in_time(episode, alert.opened))
            .min_by_key(|(place, episode)| {
                let is_named = episode.fault().map(Cause::Predicted) == Some(alert.cause);
                (episode.fault().is_none(), !is_named, *place)
            })
            .map(|(place, _)| place)
    };
    alerts.iter().map(about).collect()
}

impl Ports {
    fn peer(&self, stream: &StreamId) -> Option<StreamId> {
        self.0.get(stream)?.peer.map(StreamId::from)
    }

    /// `leaf-003/17`, or the stream's id where the node has no name.
    fn name(&self, stream: &StreamId) -> String {
        let name = self.0.get(stream).and_then(|facts| facts.node_name.as_deref());
        match (name, stream.port()) {
            (Some(name), Some(port)) => format!("{name}/{}", port.port),
            _ => stream.to_string(),
        }
    }

    fn name_of_first(&self, episode: &Episode) -> String {
        episode.streams.first().map_or_else(|| "the fabric".into(), |stream| self.name(stream))
    }

    fn span(&self, alert: &Alert) -> AlertSpan {
        AlertSpan {
            opened: alert.opened,
            resolved: (alert.state == linkcast_domain::AlertState::Resolved).then_some(alert.updated),
            cause: alert.cause.name().into(),
            summary: alert.summary.clone(),
            ports: alert.streams.iter().map(|stream| self.name(stream)).collect(),
        }
    }
}

/// The switches' ports with what became of them. A host's port is the far end of one of these.
fn nodes(ports: &Ports, episodes: &[Episode], alerts: &[Alert], about: &[Option<usize>]) -> Vec<NodeRow> {
    let mut fates: BTreeMap<StreamId, (PortFate, Option<f64>)> = BTreeMap::new();
    for (place, episode) in episodes.iter().enumerate().filter(|(_, episode)| episode.fault().is_some()) {
        let fate = if about.contains(&Some(place)) { PortFate::Found } else { PortFate::Missed };
        fates.extend(episode.streams.iter().map(|stream| (stream.clone(), (fate, None))));
    }
    for (alert, about) in alerts.iter().zip(about) {
        let is_false =
            about.and_then(|place| episodes.get(place)).is_none_or(|episode| episode.fault().is_none());
        for stream in &alert.streams {
            let fresh = if is_false { PortFate::FalseAlarm } else { PortFate::Found };
            let (_, risk) = fates.entry(stream.clone()).or_insert((fresh, None));
            *risk = Some(risk.map_or(alert.risk_score, |risk| risk.max(alert.risk_score)));
        }
    }
    let mut rows: BTreeMap<String, NodeRow> = BTreeMap::new();
    for (stream, facts) in ports.0.iter().filter(|(_, facts)| facts.node_kind == Some(NodeKind::Switch)) {
        let name = facts.node_name.clone().unwrap_or_else(|| stream.to_string());
        let far = facts.peer.map(StreamId::from).and_then(|peer| fates.get(&peer).copied());
        let (fate, peak_risk) = fates.get(stream).copied().or(far).unwrap_or((PortFate::Well, None));
        let row = rows.entry(name.clone()).or_insert_with(|| NodeRow { name, ports: Vec::new() });
        row.ports.push(PortCell { stream: stream.clone(), peak_risk, fate });
    }
    for row in rows.values_mut() {
        row.ports.sort_by_key(|cell| cell.stream.port().map(|port| port.port));
    }
    rows.into_values().collect()
}
