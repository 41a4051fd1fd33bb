//! One port through one interval: what its link carried, what went wrong, and what its counters then say.

use linkcast_telemetry::Counter;

use crate::counters::{DriverTotals, PortTotals};
use crate::effect::{End, EndEffect, LinkEffect, Reset};
use crate::random::Draw;
use crate::topology::{Port, PortIndex, Tier};
use crate::traffic::{Interval, Load};

/// What a port keeps between sweeps, beside its adapter's driver counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortState {
    pub(crate) totals: PortTotals,
    /// How much more the link's lower end sends than the other, around 1.
    lean: f32,
    /// Symbol errors a second on a healthy day.
    symbol_rate: f32,
    /// µs a probe needs on an idle link; 0 without a probe.
    idle_latency_us: f32,
    /// What was last told of rate and state; 0 before anything was.
    pub(crate) told: u8,
    pub(crate) afflicted: bool,
}

/// What a port did in one interval, beside moving its counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// What a probe measured, µs.
    pub(crate) latency_us: Option<f64>,
    pub(crate) silent: bool,
    pub(crate) down: bool,
    /// Factor on the trained rate.
    pub(crate) speed: f64,
}

/// Everything one port's interval depends on.
pub(crate) struct Moment<'a> {
    pub(crate) interval: &'a Interval,
    pub(crate) load: Load,
    pub(crate) effect: Option<&'a LinkEffect>,
    /// The draw of the port's link in this interval: both ends see the same.
    pub(crate) link_draw: Draw,
    /// The draw of this port alone in this interval.
    pub(crate) own_draw: Draw,
    pub(crate) end: End,
}

impl PortState {
    /// A port that has run for a while before the first sweep.
    pub(crate) fn of(port: &Port, index: PortIndex, tier: Tier, seed: Draw, probed_share: f64) -> Self {
        let Some(peer) = port.peer else { return PortState::default() };
        let link = seed.at(0).at(u64::from(index.min(peer)));
        let own = seed.at(1).at(u64::from(index));
        let days = link.at(0).spread(2.0, 300.0);
        let bytes = days * 86_400.0 * f64::from(port.trained_gbps) * 1.25e8;
        let ours = (bytes * own.at(0).spread(0.01, 0.4)) as u64;
        let theirs = (bytes * own.at(1).spread(0.01, 0.4)) as u64;
        let mut totals = PortTotals {
            xmit_bytes: ours,
            rcv_bytes: theirs,
            xmit_packets: ours / 2_600,
            rcv_packets: theirs / 2_600,
            wait_ticks: ours / 900,
            ..PortTotals::default()
        };
        // Bit error ratios between 2.5e-19 and 7.5e-16: what error correction leaves of a sound cable.
        let symbol_rate = own.at(2).spread(1e-7, 3e-4);
        totals.add(Counter::SymbolErrors, (symbol_rate * days * 86_400.0) as u64);
        totals.add(Counter::LinkErrorRecoveries, own.at(3).count(days / 30.0));
        totals.add(Counter::LinkDowned, own.at(4).count(days / 20.0));
        let probed = tier == Tier::Adapter && is_probed(index, seed, probed_share);
        let idle_latency_us = if probed { own.at(5).between(1.6, 4.2) } else { 0.0 };
        PortState {
            totals,
            lean: link.at(1).between(0.82, 1.18) as f32,
            symbol_rate: symbol_rate as f32,
            idle_latency_us: idle_latency_us as f32,
            told: 0,
            afflicted: false,
        }
    }

    /// Moves the counters through one interval.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        port: &Port,
        driver: Option<&mut DriverTotals>,
        moment: &Moment<'_>,
    ) -> Outcome {
        if port.peer.is_none() {
            return Outcome { latency_us: None, silent: false, down: true, speed: 1.0 };
        }
        let mut driver = driver;
        if let Some(effect) = moment.effect {
            self.afflict(effect, &mut driver, moment);
        }
        let speed = moment.effect.map_or(1.0, |effect| effect.speed);
        let [sent, received] = self.utilizations(moment);
        let up_share = moment.effect.map_or(1.0, |effect| 1.0 - effect.down_share.min(1.0));
        let full_bytes = f64::from(port.trained_gbps) * speed * 1.25e8 * moment.interval.seconds();
        let own = moment.effect.map(|effect| effect.end(moment.end));
        let wait = (waiting(sent, &moment.load) + own.map_or(0.0, |own| own.wait)).min(0.97) * up_share;
        self.carry(full_bytes * up_share, [sent, received], moment.load.packet_bytes.max(64.0));
        self.totals.wait_ticks += (wait * full_bytes / TICK_BYTES) as u64;
        self.mishaps(&mut driver, moment, sent);
        Outcome {
            latency_us: self.latency(moment, sent, wait, own),
            silent: own.is_some_and(|own| own.silent),
            down: moment.effect.is_some_and(|effect| effect.ends_down),
            speed,
        }
    }

    fn carry(&mut self, bytes: f64, [sent, received]: [f64; 2], packet_bytes: f64) {
        let (sent, received) = ((bytes * sent) as u64, (bytes * received) as u64);
        self.totals.xmit_bytes += sent;
        self.totals.rcv_bytes += received;
        self.totals.xmit_packets += (sent as f64 / packet_bytes) as u64;
        self.totals.rcv_packets += (received as f64 / packet_bytes) as u64;
    }

    /// What this end and the other send, as shares of the rate in use.
    #[inline]
    fn utilizations(&self, moment: &Moment<'_>) -> [f64; 2] {
        let bits = moment.link_draw.bits();
        let lean = f64::from(self.lean);
        let noise = |shift: u32| 0.9 + 0.2 * ((bits >> shift & 0xffff) as f64 / 65_536.0);
        let share = |end: End, lean: f64, shift: u32| {
            let mut share = (moment.load.utilization * lean * noise(shift)).min(0.96);
            if let Some(effect) = moment.effect {
                let sender = effect.end(end);
                share = (share * sender.transmit / effect.speed).max(sender.floor).min(0.985);
            }
            share
        };
        let (low, high) = (share(End::Low, lean, 0), share(End::High, 2.0 - lean, 16));
        match moment.end {
            End::Low => [low, high],
            End::High => [high, low],
        }
    }

    /// Counts what the interval's events do to this end.
    #[cold]
    fn afflict(&mut self, effect: &LinkEffect, driver: &mut Option<&mut DriverTotals>, moment: &Moment<'_>) {
        let own = effect.end(moment.end);
        if own.reset >= Reset::PortCounters {
            self.totals = PortTotals::default();
        }
        if own.reset == Reset::Everything
            && let Some(driver) = driver.as_deref_mut()
        {
            *driver = DriverTotals::default();
        }
        self.totals.add(Counter::LinkDowned, effect.downs);
        for (counter, expected) in own.expected() {
            let events = moment.own_draw.at(100 + counter as u64).count(expected);
            self.count(driver, counter, events);
        }
    }

    fn count(&mut self, driver: &mut Option<&mut DriverTotals>, counter: Counter, events: u64) {
        self.totals.add(counter, events);
        if let Some(driver) = driver.as_deref_mut() {
            driver.add(counter, events);
        }
    }

    /// What goes wrong on healthy ports: a symbol now and then, a burst, an application's carelessness.
    #[inline]
    fn mishaps(&mut self, driver: &mut Option<&mut DriverTotals>, moment: &Moment<'_>, sent: f64) {
        let seconds = moment.interval.seconds();
        let host = if driver.is_some() { 1.0 } else { 0.0 };
        let congested = (sent - 0.6).max(0.0);
        let rates = [
            f64::from(self.symbol_rate),
            BURSTS_PER_S,
            2e-7 + 2e-3 * congested * congested,
            host * (4e-5 * sent + 5e-6),
            host * (8e-5 * sent + 5e-6),
            host * 1e-5,
        ];
        let ending = host * moment.load.ended * 0.05;
        let total = rates.iter().sum::<f64>() * seconds + ending;
        if moment.own_draw.unit() < total {
            self.mishap(driver, moment.own_draw.at(1), &rates);
        }
        if let Some(driver) = driver.as_deref_mut() {
            let congestion = moment.load.incast * sent * sent * 6.0 * seconds;
            let fraction = (moment.own_draw.bits() & 0xffff) as f64 / 65_536.0;
            driver.add(Counter::NotificationPointCnpSent, (congestion + fraction) as u64);
            driver.add(Counter::ReactionPointCnpHandled, (congestion * 0.8 + fraction) as u64);
        }
    }

    #[cold]
    fn mishap(&mut self, driver: &mut Option<&mut DriverTotals>, draw: Draw, rates: &[f64]) {
        let mut left = draw.at(0).unit() * rates.iter().sum::<f64>();
        let kind = rates.iter().position(|rate| {
            left -= rate;
            left < 0.0
        });
        let several = |most: f64| draw.at(1).spread(1.0, most) as u64;
        match kind {
            Some(0) => {
                self.totals.add(Counter::SymbolErrors, 1);
                self.totals.add(Counter::RcvErrors, u64::from(draw.at(2).happens(0.08)));
            }
            Some(1) => {
                self.totals.add(Counter::SymbolErrors, several(400.0));
                self.totals.add(Counter::LinkErrorRecoveries, draw.at(2).count(0.4));
                self.totals.add(Counter::RcvErrors, draw.at(3).count(1.5));
            }
            Some(2) => self.totals.add(Counter::XmitDiscards, several(30.0)),
            Some(3) => self.count(driver, Counter::RnrNakRetryErrors, several(60.0)),
            Some(4) => {
                self.count(driver, Counter::PacketSequenceErrors, several(12.0));
                self.count(driver, Counter::LocalAckTimeouts, draw.at(2).count(0.3));
            }
            Some(5) => self.count(driver, Counter::OutOfBuffer, several(80.0)),
            _ => self.count(driver, Counter::ReqCqeErrors, several(20.0)),
        }
    }

    fn latency(&self, moment: &Moment<'_>, sent: f64, wait: f64, own: Option<&EndEffect>) -> Option<f64> {
        let noise = 0.94 + 0.16 * ((moment.own_draw.bits() >> 16 & 0xffff) as f64 / 65_536.0);
        let queueing = 1.0 + 0.5 * sent * sent + 2.0 * wait;
        let factor = own.map_or(1.0, |own| own.latency);
        (self.idle_latency_us > 0.0).then(|| f64::from(self.idle_latency_us) * noise * queueing * factor)
    }
}

/// The draw that ports' lasting traits come from.
pub(crate) fn port_seed(seed: u64) -> Draw {
    Draw::of(seed).at(21)
}

/// Whether an adapter has a latency probe; `seed` is the ports' own.
pub(crate) fn is_probed(index: PortIndex, seed: Draw, probed_share: f64) -> bool {
    seed.at(2).at(u64::from(index)).happens(probed_share)
}

/// Bytes that could have been sent in one tick of `PortXmitWait`: Quantum switches and their adapters count one tick
/// for 8 bytes.
pub(crate) const TICK_BYTES: f64 = 8.0;

/// A healthy port's bursts of symbol errors a second: somebody touched a cable, about every two months.
const BURSTS_PER_S: f64 = 2e-7;

/// The share of time in which a port of this load waits to send.
#[inline]
fn waiting(sent: f64, load: &Load) -> f64 {
    let crowded = (sent - 0.45).max(0.0);
    0.002 * sent + load.incast * crowded * crowded
}
