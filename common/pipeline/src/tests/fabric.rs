//! A fabric of one leaf switch and its hosts, whose counters a story moves by hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use linkcast_domain::ports::{MaintenanceWindow, OutboxMessage};
use linkcast_domain::{
    AlertState, FixedClock, LinkRate, NodeGuid, NodeKind, PortFacts, PortId, PortState, StreamId, Timestamp,
};
use linkcast_features::Calendar;
use linkcast_store::MemoryStore;
use linkcast_telemetry::{Counter, Counters, Range, Reading};

use super::doubles::{Ear, Life, Reach, Rule, now};
use crate::{Pipeline, PipelineError, Settings, Sweep, Tally};

/// The leaf switch; host `n` is node `n` and hangs on the leaf's port `n`.
pub(super) const LEAF: NodeGuid = NodeGuid(0xf00);

/// Links of the fabric.
pub(super) const LINKS: u16 = 4;

pub(super) fn leaf(port: u16) -> PortId {
    PortId { node: LEAF, port }
}

pub(super) fn host(number: u16) -> PortId {
    PortId { node: NodeGuid(u64::from(number)), port: 1 }
}

/// A port's counters and what the next sweep says of them.
#[derive(Clone)]
pub(super) struct Port {
    totals: BTreeMap<Counter, u64>,
    pub(super) facts: PortFacts,
    pub(super) is_listed: bool,
    /// Bytes a sweep.
    pub(super) traffic: u64,
}

impl Port {
    pub(super) fn add(&mut self, counter: Counter, count: u64) {
        *self.totals.entry(counter).or_default() += count;
    }

    pub(super) fn reset(&mut self) {
        self.totals.values_mut().for_each(|total| *total = 0);
    }
}

/// The fabric in time.
#[derive(Clone)]
pub(super) struct Lab {
    pub(super) ports: BTreeMap<PortId, Port>,
    pub(super) time: Timestamp,
    pub(super) interval_s: i64,
    positions: BTreeMap<String, u64>,
}

const COUNTERS: [Counter; 8] = [
    Counter::RcvErrors,
    Counter::LinkDowned,
    Counter::LinkErrorRecoveries,
    Counter::XmitWait,
    Counter::XmitBytes,
    Counter::RcvBytes,
    Counter::XmitPackets,
    Counter::RcvPackets,
];

impl Lab {
    pub(super) fn new() -> Self {
        let mut ports = BTreeMap::new();
        for number in 1..=LINKS {
            ports.insert(leaf(number), port(NodeKind::Switch, "leaf", host(number)));
            ports.insert(host(number), port(NodeKind::ChannelAdapter, "host", leaf(number)));
        }
        let time = Timestamp::from_millis(1_700_000_000_000);
        Lab { ports, time, interval_s: 30, positions: BTreeMap::new() }
    }

    pub(super) fn port(&mut self, id: PortId) -> &mut Port {
        self.ports.get_mut(&id).unwrap()
    }

    /// One interval later.
    pub(super) fn step(&mut self) {
        self.time = Timestamp::from_millis(self.time.millis() + self.interval_s * 1000);
        for port in self.ports.values_mut() {
            let traffic = port.traffic;
            for bytes in [Counter::XmitBytes, Counter::RcvBytes] {
                port.add(bytes, traffic);
            }
            for packets in [Counter::XmitPackets, Counter::RcvPackets] {
                port.add(packets, traffic / 2_000);
            }
        }
    }

    /// What `source` says now of the ports that `lists` names.
    pub(super) fn sweep(&mut self, source: &str, lists: impl Fn(PortId) -> bool) -> Sweep {
        let position = self.positions.entry(source.to_owned()).or_default();
        *position += 1;
        let listed = self.ports.iter().filter(|(id, port)| port.is_listed && lists(**id));
        let readings = listed.map(|(id, port)| reading(*id, port)).collect();
        Sweep { source: source.into(), position: *position, time: self.time, readings, ..Sweep::default() }
    }
}

fn port(kind: NodeKind, name: &str, peer: PortId) -> Port {
    let facts = PortFacts {
        node_kind: Some(kind),
        node_name: Some(name.into()),
        peer: Some(peer),
        rate: LinkRate::from_gbps(200.0),
        state: Some(PortState::Active),
        ..PortFacts::default()
    };
    let totals = COUNTERS.into_iter().map(|counter| (counter, 0)).collect();
    Port { totals, facts, is_listed: true, traffic: 40_000_000_000 }
}

fn reading(id: PortId, port: &Port) -> Reading {
    let mut counters = Counters::default();
    for (counter, total) in &port.totals {
        counters.set(*counter, *total, Range::Clamps(64));
    }
    Reading {
        stream: id.into(),
        time: None,
        counters,
        other: vec![("vendor".into(), 7)],
        gauges: Vec::new(),
        facts: Some(Box::new(port.facts.clone())),
    }
}

/// A pipeline on a memory store, and what its channel heard.
pub(super) struct Desk {
    pub(super) pipeline: Pipeline<Reach, Rule, Ear>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) heard: Arc<Mutex<Vec<OutboxMessage>>>,
    pub(super) tally: Tally,
}

pub(super) fn open(
    settings: &Settings,
    store: &Arc<MemoryStore>,
    heard: &Arc<Mutex<Vec<OutboxMessage>>>,
    life: &Life,
) -> Result<Pipeline<Reach, Rule, Ear>, PipelineError> {
    let reach = Reach { store: Arc::clone(store), life: life.clone() };
    let ear = Ear { heard: Arc::clone(heard), life: life.clone() };
    now(Pipeline::open(settings.clone(), Calendar::utc(), reach, Rule::new(), vec![ear]))
}

pub(super) fn ingest(
    pipeline: &mut Pipeline<Reach, Rule, Ear>,
    sweep: &Sweep,
) -> Result<Tally, PipelineError> {
    Ok(now(pipeline.ingest(sweep.clone(), &FixedClock(sweep.time)))?.tally)
}

impl Desk {
    pub(super) fn new() -> Self {
        Desk::with_windows(&[])
    }

    pub(super) fn with_windows(windows: &[MaintenanceWindow]) -> Self {
        use linkcast_domain::ports::Maintenance;
        let (store, heard) = (Arc::new(MemoryStore::new()), Arc::default());
        for window in windows {
            now(store.put_window(window)).unwrap();
        }
        let settings = Settings { workers: 2, ..Settings::default() };
        let pipeline = open(&settings, &store, &heard, &Life::without_end()).unwrap();
        Desk { pipeline, store, heard, tally: Tally::default() }
    }

    pub(super) fn take(&mut self, sweep: &Sweep) {
        self.tally.add(&ingest(&mut self.pipeline, sweep).unwrap());
    }

    /// Lets `sweeps` go by; `moves` is done to the fabric in each.
    pub(super) fn watch(&mut self, lab: &mut Lab, sweeps: usize, mut moves: impl FnMut(&mut Lab)) {
        for _ in 0..sweeps {
            lab.step();
            moves(lab);
            let sweep = lab.sweep("scrape", |_| true);
            self.take(&sweep);
        }
    }

    pub(super) fn messages(&self) -> Vec<OutboxMessage> {
        self.heard.lock().unwrap().clone()
    }

    /// Messages heard, by whether they say that an alert fires or is over.
    pub(super) fn count(&self, state: AlertState) -> usize {
        self.messages().iter().filter(|message| message.alert.state == state).count()
    }
}

pub(super) fn streams(ports: &[PortId]) -> Vec<StreamId> {
    let mut streams: Vec<StreamId> = ports.iter().map(|port| StreamId::from(*port)).collect();
    streams.sort();
    streams
}
