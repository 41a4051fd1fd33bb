//! The fabric through time: one sweep after another, each the readings of all wanted ports.
//!
//! What happens is drawn before the first sweep; a sweep then moves every port's counters by one interval. A port's
//! readings depend on the plan and its own past only, so any subset of ports gives the same bytes as the whole.

use linkcast_domain::{CounterName, Episode, LinkRate, PortFacts, PortState as State, StreamId, Timestamp};
use linkcast_telemetry::{Counters, Reading};

use crate::counters::DriverTotals;
use crate::effect::{End, LinkEffect};
use crate::plan::{FabricPlan, PlanError};
use crate::port::{Moment, Outcome, PortState, port_seed};
use crate::random::Draw;
use crate::schedule::Schedule;
use crate::selection::Wanted;
use crate::topology::{Port, PortIndex, Topology, lanes_at};
use crate::traffic::{Interval, Traffic};
use crate::truth::MaintenanceWindow;

/// A simulated fabric.
#[derive(Clone, Debug)]
pub struct Fabric {
    plan: FabricPlan,
    topology: Topology,
    schedule: Schedule,
    wanted: Wanted,
    traffic: Traffic,
    sources: Vec<u32>,
    states: Vec<PortState>,
    drivers: Vec<DriverTotals>,
    /// Effects that have begun and not ended, as places in the schedule.
    active: Vec<usize>,
    begun: usize,
    /// What this sweep's effects do, by link, in order.
    afflictions: Vec<(PortIndex, LinkEffect)>,
    step: u64,
    latency_name: CounterName,
}

impl Fabric {
    /// The fabric a plan asks for, before its first sweep.
    pub fn new(plan: FabricPlan) -> Result<Self, PlanError> {
        plan.check()?;
        let seed = Draw::of(plan.seed);
        let topology = Topology::of(&plan);
        let schedule = Schedule::of(&topology, &plan);
        let (traffic, sources) = Traffic::of(&topology, seed.at(20), plan.start.millis());
        let wanted = Wanted::of(&plan, &topology, &schedule);
        let states = (0..)
            .zip(&topology.ports)
            .filter_map(|(index, port)| {
                let (_, node) = topology.port_and_node(index)?;
                Some(PortState::of(port, index, node.tier, port_seed(plan.seed), plan.probed_share))
            })
            .collect();
        let adapters = topology.adapters_of_leaf.iter().sum();
        Ok(Fabric {
            plan,
            topology,
            schedule,
            wanted,
            traffic,
            sources,
            states,
            drivers: vec![DriverTotals::default(); adapters],
            active: Vec::new(),
            begun: 0,
            afflictions: Vec::new(),
            step: 0,
            latency_name: CounterName::own("latency_p99"),
        })
    }

    /// The plan it was made from.
    pub fn plan(&self) -> &FabricPlan {
        &self.plan
    }

    /// Nodes, ports and cables.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Everything that happens, faults and benign, in the order of onset.
    pub fn episodes(&self) -> &[Episode] {
        &self.schedule.episodes
    }

    /// The work that was announced, in the order of its beginning.
    pub fn maintenance_windows(&self) -> &[MaintenanceWindow] {
        &self.schedule.windows
    }

    /// How many ports a stream stands for; see [`crate::Selection::Stratum`]. `None` if its readings are not wanted.
    pub fn weight(&self, stream: &StreamId) -> Option<f64> {
        self.wanted.weight(stream)
    }

    /// What is known of a port as of the last sweep.
    pub fn facts(&self, stream: &StreamId) -> Option<PortFacts> {
        let index = self.topology.index_of(stream.port()?)?;
        let mut facts = self.topology.facts(index);
        let told = self.states.get(index as usize)?.told;
        if told & TOLD_DOWN != 0 {
            facts.state = Some(State::Down);
        }
        if told & TOLD_NARROW != 0 {
            let port = self.topology.ports.get(index as usize)?;
            let gbps = f64::from(port.trained_gbps) / 2.0;
            facts.rate = LinkRate::from_gbps(gbps);
            facts.lanes = Some(lanes_at(gbps, port.capable_gbps));
        }
        Some(facts)
    }

    /// The name of the host a stream is an adapter of.
    pub fn host_name(&self, stream: &StreamId) -> Option<String> {
        let host = self.topology.host(self.topology.index_of(stream.port()?)?)?;
        Some(format!("gpu{host:05}"))
    }

    /// How many ports one sweep reads if none is silent.
    pub fn wanted_ports(&self) -> usize {
        self.wanted.ports.len()
    }

    /// Reads all wanted ports once. `readings` is overwritten, and what it holds is reused: handing in the same vector
    /// again makes a sweep free of allocations. The first reading of a stream carries all that is known of the port, and
    /// later ones its rate and state where they changed. `None` when the plan's hours are over.
    pub fn next_sweep(&mut self, readings: &mut Vec<Reading>) -> Option<Timestamp> {
        if self.step >= self.plan.sweeps() {
            readings.clear();
            return None;
        }
        let length = i64::from(self.plan.interval_s) * 1000;
        let to = self.plan.start.millis() + length * i64::try_from(self.step).unwrap_or(i64::MAX / length);
        let interval = Interval { from: to - length, to, step: self.step };
        self.traffic.advance(&interval, self.plan.load_factor(to));
        self.afflict(&interval);
        let filled = self.read(&interval, readings);
        readings.truncate(filled);
        self.recover();
        self.step += 1;
        Some(Timestamp::from_millis(to))
    }

    /// Folds the effects of this interval by link and marks their ports.
    fn afflict(&mut self, interval: &Interval) {
        let effects = &self.schedule.effects;
        while effects.get(self.begun).is_some_and(|effect| effect.from <= interval.to) {
            self.active.push(self.begun);
            self.begun += 1;
        }
        self.active.retain(|effect| effects.get(*effect).is_some_and(|effect| effect.to > interval.from));
        self.active.sort_by_key(|effect| (effects.get(*effect).map(|effect| effect.link), *effect));
        for effect in self.active.iter().filter_map(|effect| effects.get(*effect)) {
            if self.afflictions.last().is_none_or(|(link, _)| *link != effect.link) {
                self.afflictions.push((effect.link, LinkEffect::default()));
            }
            if let Some((_, affliction)) = self.afflictions.last_mut() {
                effect.cause.apply(interval, affliction);
            }
        }
        self.mark(Affliction::Present);
    }

    /// Forgets this sweep's effects.
    fn recover(&mut self) {
        self.mark(Affliction::Past);
        self.afflictions.clear();
    }

    fn mark(&mut self, afflicted: Affliction) {
        for (link, _) in &self.afflictions {
            let peer = self.topology.ports.get(*link as usize).and_then(|port| port.peer);
            for port in [Some(*link), peer].into_iter().flatten() {
                if let Some(state) = self.states.get_mut(port as usize) {
                    state.afflicted = afflicted == Affliction::Present;
                }
            }
        }
    }

    /// Moves every wanted port and writes the readings of those that answer; gives how many did.
    fn read(&mut self, interval: &Interval, readings: &mut Vec<Reading>) -> usize {
        let seed = Draw::of(self.plan.seed);
        let (link_seed, own_seed, jitter_seed) = (seed.at(30), seed.at(31), seed.at(32));
        let mut filled = 0;
        for index in self.wanted.ports.iter().copied() {
            let place = index as usize;
            let (Some(port), Some(state)) = (self.topology.ports.get(place), self.states.get_mut(place))
            else {
                continue;
            };
            let link = index.min(port.peer.unwrap_or(index));
            let effect = if state.afflicted { affliction(&self.afflictions, link) } else { None };
            let moment = Moment {
                interval,
                load: self.traffic.load(self.sources.get(place).copied().unwrap_or(0)),
                effect,
                link_draw: link_seed.at(u64::from(link)).at(interval.step),
                own_draw: own_seed.at(u64::from(index)).at(interval.step),
                end: if link == index { End::Low } else { End::High },
            };
            let outcome = state.advance(port, self.drivers.get_mut(place), &moment);
            let Some(stream) = self.topology.streams.get(place) else { continue };
            if outcome.silent {
                continue;
            }
            let late_ms = match self.plan.jitter_ms as usize {
                0 => 0,
                most => jitter_seed.at(u64::from(port.node)).at(interval.step).choice(most + 1),
            };
            let time = Timestamp::from_millis(interval.to + late_ms as i64);
            let reading = slot(readings, filled, stream, time);
            state.totals.report(self.plan.widths, &mut reading.counters);
            if let Some(driver) = self.drivers.get(place) {
                driver.report(&mut reading.counters);
            }
            if let Some(latency_us) = outcome.latency_us {
                reading.gauges.push((self.latency_name.clone(), latency_us));
            }
            reading.facts = news(&self.topology, index, port, state, &outcome);
            filled += 1;
        }
        filled
    }
}

/// Whether an effect works on a port in this sweep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Affliction {
    Present,
    Past,
}

fn affliction(afflictions: &[(PortIndex, LinkEffect)], link: PortIndex) -> Option<&LinkEffect> {
    let place = afflictions.binary_search_by_key(&link, |(link, _)| *link).ok()?;
    afflictions.get(place).map(|(_, effect)| effect)
}

/// The reading to write next: an old one emptied, or a new one.
fn slot<'a>(
    readings: &'a mut Vec<Reading>,
    place: usize,
    stream: &StreamId,
    time: Timestamp,
) -> &'a mut Reading {
    if place >= readings.len() {
        readings.push(Reading {
            stream: stream.clone(),
            time: None,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: Vec::new(),
            facts: None,
        });
    }
    #[expect(clippy::indexing_slicing, reason = "the place was filled just above if it was not before")]
    let reading = &mut readings[place];
    if reading.stream != *stream {
        reading.stream = stream.clone();
    }
    reading.time = Some(time);
    reading.counters = Counters::default();
    reading.other.clear();
    reading.gauges.clear();
    reading
}

/// What was told of a port, as bits: anything at all, that it is down, that it trained to half its rate.
const TOLD: u8 = 1;
const TOLD_DOWN: u8 = 2;
const TOLD_NARROW: u8 = 4;

/// What to tell of a port beside its counters: everything the first time, then rate and state where they changed.
#[inline]
fn news(
    topology: &Topology,
    index: PortIndex,
    port: &Port,
    state: &mut PortState,
    outcome: &Outcome,
) -> Option<Box<PortFacts>> {
    let now = TOLD + u8::from(outcome.down) * TOLD_DOWN + u8::from(outcome.speed < 1.0) * TOLD_NARROW;
    if state.told == now {
        return None;
    }
    let mut facts = if state.told == 0 { topology.facts(index) } else { PortFacts::default() };
    state.told = now;
    facts.state = Some(if outcome.down { State::Down } else { State::Active });
    if port.peer.is_some() {
        let rate = f64::from(port.trained_gbps) * outcome.speed;
        facts.rate = LinkRate::from_gbps(rate);
        facts.lanes = Some(lanes_at(rate, port.capable_gbps));
    }
    Some(Box::new(facts))
}
