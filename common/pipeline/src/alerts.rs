//! Alerts: the open conditions that one event in the world explains, told to people once.
//!
//! A condition waits a little after it opened, so that the other end of its link and its neighbours can open too; then
//! the conditions that are due are put into groups: a node, if several of its links are in trouble at once, else the
//! link, else the stream. A group that is already firing takes new conditions in. An alert resolves when all of its
//! conditions have.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_domain::ports::{AlertRecord, ConditionKey, OutboxMessage};
use linkcast_domain::{
    Alert, AlertState, Cause, Condition, ConditionState, NodeGuid, PortFacts, StreamId, Timestamp,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::conditions::Conditions;
use crate::settings::{AlertPolicy, Settings};

/// The prefix of the stream ids that stand for sources.
pub const SOURCE_PREFIX: &str = "source:";

/// What grouping needs to know of ports.
pub trait KnownPorts {
    /// What is known of the stream's port.
    fn facts(&self, stream: &StreamId) -> Option<&PortFacts>;
}

/// Whether conditions may wait for others of the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As the policy says.
    Wait,
    /// The input has ended: tell all that is open.
    Over,
}

/// Every alert that is firing, and what waits to be told.
#[derive(Clone, Debug, Default)]
pub struct AlertBook {
    firing: BTreeMap<String, AlertRecord>,
    last_sequence: u64,
}

/// What settling the book changed.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// Alerts that opened, changed or resolved.
    pub records: Vec<AlertRecord>,
    /// What is to be told of them.
    pub messages: Vec<OutboxMessage>,
}

impl AlertBook {
    /// Takes the book up where a store left it.
    pub fn resume(alerts: Vec<AlertRecord>, last_sequence: u64) -> Self {
        let firing = alerts.into_iter().map(|record| (record.alert.alert_id.clone(), record)).collect();
        AlertBook { firing, last_sequence }
    }

    /// Every alert that is firing, by id.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.firing.values().map(|record| &record.alert)
    }

    /// Brings the alerts in line with the conditions.
    pub fn settle(
        &mut self,
        settings: &Settings,
        conditions: &Conditions,
        ports: &impl KnownPorts,
        now: Timestamp,
        patience: Patience,
    ) -> Settled {
        let mut settled = Settled::default();
        let mut touched = self.take_in(settings, conditions, ports, now, patience);
        touched.extend(self.firing.keys().cloned());
        for id in touched {
            let Some(record) = self.firing.get_mut(&id) else { continue };
            if !refresh(record, settings, conditions, ports, now) {
                continue;
            }
            self.last_sequence += 1;
            settled.messages.push(OutboxMessage {
                sequence: self.last_sequence,
                id: format!("{id}-{}", record.version),
                alert: record.alert.clone(),
            });
            settled.records.push(record.clone());
            if record.alert.state == AlertState::Resolved {
                self.firing.remove(&id);
            }
        }
        settled
    }

    /// Puts open conditions that no alert tells of into groups; gives the ids of the alerts that took some in.
    fn take_in(
        &mut self,
        settings: &Settings,
        conditions: &Conditions,
        ports: &impl KnownPorts,
        now: Timestamp,
        patience: Patience,
    ) -> BTreeSet<String> {
        let told: BTreeSet<&ConditionKey> = self.firing.values().flat_map(|record| &record.members).collect();
        let policy = &settings.alerts;
        let waiting: Vec<&Condition> = conditions
            .iter()
            .filter(|condition| {
                is_worth_telling(policy, condition) && !told.contains(&ConditionKey::from(*condition))
            })
            .collect();
        let due = |condition: &&&Condition| {
            patience == Patience::Over
                || condition.opened.is_some_and(|opened| now.since(opened) >= policy.group_wait)
        };
        let mut touched = BTreeSet::new();
        if waiting.iter().find(due).is_none() {
            return touched;
        }
        for (group, members) in group(policy, &waiting, ports, &self.firing) {
            let id = self.id_of(settings, &group, now);
            let record =
                self.firing.entry(id.clone()).or_insert_with(|| new_record(settings, id.clone(), group, now));
            record.members.extend(members);
            record.members.sort();
            touched.insert(id);
        }
        touched
    }

    /// The id of the alert firing for `group`, or of the one that would open now.
    fn id_of(&self, settings: &Settings, group: &str, now: Timestamp) -> String {
        let firing = self.firing.values().find(|record| record.alert.group == group);
        firing.map_or_else(
            || {
                let key = format!("{}\u{1f}{group}\u{1f}{}", settings.fabric, now.millis());
                format!("{:032x}", xxh3_128(key.as_bytes()))
            },
            |record| record.alert.alert_id.clone(),
        )
    }
}

fn is_worth_telling(policy: &AlertPolicy, condition: &Condition) -> bool {
    condition.state == ConditionState::Open
        && condition.peak_risk >= policy.minimum_risk
        && condition.confidence >= policy.minimum_confidence
}

/// The groups of the waiting conditions, each with its members.
fn group(
    policy: &AlertPolicy,
    waiting: &[&Condition],
    ports: &impl KnownPorts,
    firing: &BTreeMap<String, AlertRecord>,
) -> BTreeMap<String, Vec<ConditionKey>> {
    let mut links_at: BTreeMap<NodeGuid, BTreeSet<String>> = BTreeMap::new();
    for condition in waiting {
        for node in ends(&condition.stream, ports) {
            links_at.entry(node).or_default().insert(link_group(&condition.stream, ports));
        }
    }
    let fires = |group: &str| firing.values().any(|record| record.alert.group == group);
    let mut groups: BTreeMap<String, Vec<ConditionKey>> = BTreeMap::new();
    for condition in waiting {
        let busiest = ends(&condition.stream, ports)
            .into_iter()
            .map(|node| (links_at.get(&node).map_or(0, BTreeSet::len), std::cmp::Reverse(node)))
            .max();
        let node_fires =
            ends(&condition.stream, ports).into_iter().find(|node| fires(&format!("node:{node}")));
        let link = link_group(&condition.stream, ports);
        let group = match (node_fires, busiest) {
            _ if fires(&link) => link,
            (Some(node), _) => format!("node:{node}"),
            (None, Some((links, std::cmp::Reverse(node)))) if links >= policy.node_links.max(1) => {
                format!("node:{node}")
            }
            _ => link,
        };
        groups.entry(group).or_default().push(ConditionKey::from(*condition));
    }
    groups
}

/// The nodes at both ends of a stream's link, as far as known.
fn ends(stream: &StreamId, ports: &impl KnownPorts) -> Vec<NodeGuid> {
    let here = stream.port().map(|port| port.node);
    let there = ports.facts(stream).and_then(|facts| facts.peer).map(|peer| peer.node);
    here.into_iter().chain(there.filter(|there| Some(*there) != here)).collect()
}

/// `link:<a>--<b>` with the lower end first, `source:<name>`, or `stream:<id>`.
fn link_group(stream: &StreamId, ports: &impl KnownPorts) -> String {
    if stream.as_str().starts_with(SOURCE_PREFIX) {
        return stream.to_string();
    }
    match (stream.port(), ports.facts(stream).and_then(|facts| facts.peer)) {
        (Some(here), Some(there)) => format!("link:{}--{}", here.min(there), here.max(there)),
        _ => format!("stream:{stream}"),
    }
}

fn new_record(settings: &Settings, id: String, group: String, now: Timestamp) -> AlertRecord {
    AlertRecord {
        alert: Alert {
            alert_id: id,
            state: AlertState::Firing,
            fabric: settings.fabric.clone(),
            group,
            cause: Cause::SeriesMissing,
            streams: Vec::new(),
            names: Vec::new(),
            opened: now,
            updated: now,
            risk_score: 0.0,
            confidence: 0.0,
            summary: String::new(),
            recommendations: Vec::new(),
            insights: Vec::new(),
        },
        members: Vec::new(),
        version: 0,
    }
}

/// Brings one alert in line with its conditions; tells whether people must hear of it.
fn refresh(
    record: &mut AlertRecord,
    settings: &Settings,
    conditions: &Conditions,
    ports: &impl KnownPorts,
    now: Timestamp,
) -> bool {
    let open = |key: &ConditionKey| conditions.get(key).filter(|one| one.state == ConditionState::Open);
    let mut members: Vec<&Condition> = record.members.iter().filter_map(open).collect();
    members
        .sort_by(|left, right| right.peak_risk.total_cmp(&left.peak_risk).then(left.cause.cmp(&right.cause)));
    let Some(leading) = members.first() else {
        record.alert.state = AlertState::Resolved;
        record.alert.updated = now;
        record.alert.summary = format!("resolved: {}", record.alert.summary);
        record.version += 1;
        return true;
    };
    let streams: BTreeSet<StreamId> = record.members.iter().map(|key| key.stream.clone()).collect();
    let joined = streams.len() != record.alert.streams.len();
    let grown = leading.peak_risk >= record.alert.risk_score + settings.alerts.risk_growth;
    if record.version > 0 && !joined && !grown {
        return false;
    }
    let alert = &mut record.alert;
    alert.streams = streams.into_iter().collect();
    alert.names = alert.streams.iter().map(|stream| name(stream, ports)).collect();
    alert.cause = leading.cause;
    alert.risk_score = leading.peak_risk.max(alert.risk_score);
    alert.confidence = leading.confidence;
    alert.recommendations.clone_from(&leading.recommendations);
    alert.insights = members.iter().filter_map(|member| member.insight.clone()).collect();
    alert.updated = now;
    alert.summary = summary(alert, leading, ports);
    record.version += 1;
    true
}

/// A port's name for people: its node's name and its number, or its stream's id.
fn name(stream: &StreamId, ports: &impl KnownPorts) -> String {
    let node = ports.facts(stream).and_then(|facts| facts.node_name.as_deref());
    match (node, stream.port()) {
        (Some(node), Some(port)) => format!("{node}/{}", port.port),
        _ => stream.to_string(),
    }
}

fn summary(alert: &Alert, leading: &Condition, ports: &impl KnownPorts) -> String {
    let cause = alert.cause.name().replace('_', " ");
    let place = match alert.group.split_once(':') {
        Some(("node", node)) => format!("{} ports at node {node}", alert.streams.len()),
        _ => match ports.facts(&leading.stream).and_then(|facts| facts.peer_name.as_deref()) {
            Some(peer) => format!("{} (to {peer})", name(&leading.stream, ports)),
            None => name(&leading.stream, ports),
        },
    };
    if leading.explanation.is_empty() {
        format!("{cause} on {place}")
    } else {
        format!("{cause} on {place}: {}", leading.explanation)
    }
}
