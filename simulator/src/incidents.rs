//! When the benign things happen, and to which ports.

use linkcast_domain::{BenignKind, EpisodeKind, StreamId, Timestamp};

use crate::benign::Cause;
use crate::effect::End;
use crate::random::Draw;
use crate::schedule::Drawing;
use crate::topology::{Node, PortIndex, Tier};
use crate::traffic::HOUR_MS;
use crate::truth::MaintenanceWindow;

const MINUTE_MS: f64 = 60_000.0;

/// Draws all benign events of a plan.
pub(crate) fn draw(drawing: &mut Drawing<'_>, seed: Draw) {
    reboots(drawing, seed.at(0));
    maintenance(drawing, seed.at(1));
    counter_resets(drawing, seed.at(2));
    fresh_cables(drawing, seed.at(3));
    busy_jobs(drawing, seed.at(4));
    dead_exporters(drawing, seed.at(5));
}

impl Drawing<'_> {
    /// The instants of events of this rate an hour for each of `subjects`: (draw, subject, instant).
    fn instants(&self, seed: Draw, per_hour: f64, subjects: usize) -> Vec<(Draw, usize, i64)> {
        let expected = per_hour * subjects as f64 * self.plan.hours;
        (0..seed.at(0).count(expected))
            .map(|number| {
                let draw = seed.at(1).at(number);
                let instant = self.start + (draw.at(0).unit() * self.length as f64) as i64;
                (draw.at(2), draw.at(1).choice(subjects), instant)
            })
            .collect()
    }

    fn nodes(&self, wanted: impl Fn(&Node) -> bool) -> Vec<Node> {
        self.topology.nodes.iter().filter(|node| wanted(node)).cloned().collect()
    }

    /// These ports and the ports at their other ends.
    fn with_peers(&self, ports: &[PortIndex]) -> Vec<PortIndex> {
        let peers = |port: &PortIndex| self.topology.ports.get(*port as usize).and_then(|port| port.peer);
        ports.iter().flat_map(|port| [Some(*port), peers(port)]).flatten().collect()
    }

    /// The cabled ports of a node.
    fn cabled(&self, node: &Node) -> Vec<PortIndex> {
        self.topology.ports_of(node).filter(|port| self.link_of(*port).is_some()).collect()
    }
}

/// Hosts restart, alone or in groups of neighbours within ten minutes.
fn reboots(drawing: &mut Drawing<'_>, seed: Draw) {
    let mut hosts: Vec<Vec<PortIndex>> = Vec::new();
    let mut last = None;
    for port in 0..drawing.topology.adapters_of_leaf.iter().sum::<usize>() as PortIndex {
        let host = drawing.topology.host(port);
        if host != last {
            hosts.push(Vec::new());
            last = host;
        }
        if let Some(adapters) = hosts.last_mut() {
            adapters.push(port);
        }
    }
    // Half of the events take one host, half take two to eight: three on average.
    let per_event = 3.0;
    for (draw, first, instant) in drawing.instants(seed, drawing.plan.benign.reboots / per_event, hosts.len())
    {
        let count = if draw.at(0).happens(0.5) { 1 } else { 2 + draw.at(1).choice(7) };
        for (place, adapters) in (0..).zip(hosts.iter().skip(first).take(count)) {
            let own = draw.at(2).at(place);
            let from =
                instant + (own.at(0).unit() * 10.0 * MINUTE_MS * f64::from(u8::from(count > 1))) as i64;
            let to = from + (own.at(1).spread(2.0, 15.0) * MINUTE_MS) as i64;
            for port in adapters {
                drawing.affect(*port, from, to, |end| Cause::Outage { from, to, restarts: Some(end) });
            }
            let ports = drawing.with_peers(adapters);
            drawing.record(
                EpisodeKind::Benign(BenignKind::HostReboot),
                &ports,
                [from, from, to],
                "host restarted",
            );
        }
    }
}

/// Announced work on a switch: some of its links go down, once or several times.
fn maintenance(drawing: &mut Drawing<'_>, seed: Draw) {
    let switches = drawing.nodes(|node| node.tier != Tier::Adapter);
    for (draw, index, from) in drawing.instants(seed, drawing.plan.benign.maintenance, switches.len()) {
        let Some(node) = switches.get(index) else { continue };
        let to = from + (draw.at(0).spread(0.4, 3.0) * HOUR_MS as f64) as i64;
        let share = draw.at(1).between(0.2, 1.0);
        let mut touched = Vec::new();
        for port in drawing.cabled(node) {
            let own = draw.at(2).at(u64::from(port));
            if own.at(0).happens(share) {
                touched.push(port);
                for time in 0..1 + own.at(1).choice(3) as u64 {
                    let down = from + (own.at(2).at(time).unit() * 0.8 * (to - from) as f64) as i64;
                    let up = (down + (own.at(3).at(time).spread(0.5, 20.0) * MINUTE_MS) as i64).min(to);
                    drawing.affect(port, down, up, |_| Cause::Outage { from: down, to: up, restarts: None });
                }
            }
        }
        let ports = drawing.with_peers(&touched);
        let streams: Vec<StreamId> =
            ports.iter().filter_map(|port| drawing.topology.stream(*port).cloned()).collect();
        let reason = format!("planned work on {}", drawing.topology.name(node));
        let kind = EpisodeKind::Benign(BenignKind::PlannedMaintenance);
        drawing.record(kind, &ports, [from, from, to], &reason);
        let (start, end) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
        drawing.schedule.windows.push(MaintenanceWindow { streams, start, end, reason });
    }
    drawing.schedule.windows.sort_by_key(|window| window.start);
}

/// Another tool clears one node's port counters.
fn counter_resets(drawing: &mut Drawing<'_>, seed: Draw) {
    let nodes = drawing.topology.nodes.len();
    for (_, index, at) in drawing.instants(seed, drawing.plan.benign.counter_resets, nodes) {
        let Some(node) = drawing.topology.nodes.get(index).cloned() else { continue };
        let ports = drawing.cabled(&node);
        for port in &ports {
            drawing.affect(*port, at, at, |end| Cause::Cleared { at, end });
        }
        let cause = "counters cleared by another tool";
        drawing.record(EpisodeKind::Benign(BenignKind::CounterReset), &ports, [at, at, at], cause);
    }
}

/// A cable is replaced: minutes without link, then a burst of symbol errors that dies away.
fn fresh_cables(drawing: &mut Drawing<'_>, seed: Draw) {
    let ports: Vec<PortIndex> =
        (0..drawing.topology.len() as PortIndex).filter(|port| drawing.link_of(*port).is_some()).collect();
    for (draw, index, from) in drawing.instants(seed, drawing.plan.benign.fresh_cables / 2.0, ports.len()) {
        let Some(port) = ports.get(index).copied() else { continue };
        let plugged = from + (draw.at(0).spread(0.5, 8.0) * MINUTE_MS) as i64;
        let settled = plugged + (20.0 * MINUTE_MS) as i64;
        let per_second = draw.at(1).spread(0.5, 40.0);
        drawing.affect(port, from, plugged, |_| Cause::Outage { from, to: plugged, restarts: None });
        drawing.affect(port, plugged, settled, |_| Cause::Settling { from: plugged, per_second });
        let both = drawing.with_peers(&[port]);
        drawing.record(
            EpisodeKind::Benign(BenignKind::FreshCable),
            &both,
            [from, from, settled],
            "cable replaced",
        );
    }
}

/// A job fills some links of a leaf.
fn busy_jobs(drawing: &mut Drawing<'_>, seed: Draw) {
    let leaves = drawing.nodes(|node| node.tier == Tier::Leaf);
    for (draw, index, from) in drawing.instants(seed, drawing.plan.benign.busy_jobs, leaves.len()) {
        let Some(leaf) = leaves.get(index) else { continue };
        let to = from + (draw.at(0).spread(0.15, 1.5) * HOUR_MS as f64) as i64;
        let share = draw.at(1).between(0.1, 0.5);
        let load = draw.at(2).between(0.78, 0.95);
        let discards = draw.at(3).spread(0.0005, 0.05);
        let links: Vec<PortIndex> = drawing
            .cabled(leaf)
            .into_iter()
            .filter(|port| draw.at(4).at(u64::from(*port)).happens(share))
            .collect();
        for port in &links {
            drawing.affect(*port, from, to, |sender| Cause::Busy { from, to, sender, load, discards });
        }
        let ports = drawing.with_peers(&links);
        drawing.record(
            EpisodeKind::Benign(BenignKind::BusyJob),
            &ports,
            [from, from, to],
            "congestion from a busy job",
        );
    }
}

/// The exporter of a leaf and its hosts dies and is restarted.
fn dead_exporters(drawing: &mut Drawing<'_>, seed: Draw) {
    let leaves = drawing.nodes(|node| node.tier == Tier::Leaf);
    for (draw, index, from) in drawing.instants(seed, drawing.plan.benign.dead_exporters, leaves.len()) {
        let to = from + (draw.at(0).spread(0.08, 2.0) * HOUR_MS as f64) as i64;
        let group = leaves.get(index).map(|leaf| leaf.group);
        let nodes = drawing.nodes(|node| Some(node.group) == group);
        let ports: Vec<PortIndex> = nodes.iter().flat_map(|node| drawing.cabled(node)).collect();
        for port in &ports {
            drawing.affect(*port, from, to, |end: End| Cause::Unread { from, to, end });
        }
        let kind = EpisodeKind::Benign(BenignKind::ExporterDead);
        drawing.record(kind, &ports, [from, from, to], "exporter died");
    }
}
