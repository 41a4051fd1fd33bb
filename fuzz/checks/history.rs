//! An arbitrary history of one port, told to the differ by a script of bytes.
//!
//! Nothing in its samples is infinite, negative or more than a link can carry, each change is one that the two values
//! allow, and a differ written down and taken up again after every reading tells the same.

use linkcast_domain::{
    CounterName, LinkRate, NodeGuid, PortFacts, PortId, PortState, Sample, SampleField, Timestamp,
};
use linkcast_telemetry::{Counter, Counters, Differ, NoSample, Range, Reading};

/// What no link carries, with the clock's tolerance, Gb/s.
const ABOVE_ALL_LINKS: f64 = 2_400.0 * 1.25 + 0.001;

/// Plays the script.
pub(super) fn check(bytes: &[u8]) {
    let _ = Differ::from_bytes(bytes);
    let mut script = Script { bytes };
    let mut port = Port::default();
    let mut differ = Differ::new();
    let mut before: Option<Counters> = None;
    while !script.bytes.is_empty() {
        port.step(&mut script);
        let reading = port.reading();
        let mut twin = Differ::from_bytes(&differ.to_bytes()).expect("its own bytes are sound");
        assert_eq!(twin, differ);
        let told = differ.difference(&reading, &port.facts);
        let retold = twin.difference(&reading, &port.facts);
        assert_eq!(format!("{told:?}"), format!("{retold:?}"));
        if let Ok(sample) = &told.outcome {
            check_sample(sample, &port);
            check_changes(sample, before.as_ref(), &reading.counters);
        }
        if !matches!(told.outcome, Err(NoSample::NoTime | NoSample::NotNewer | NoSample::WithinLifespan)) {
            before = Some(reading.counters);
        }
    }
}

fn check_sample(sample: &Sample, port: &Port) {
    for (field, value) in sample.values.present() {
        assert!(value.is_finite() && value >= 0.0, "{field} is {value}");
    }
    for (name, value) in &sample.other {
        assert!(value.is_finite() && *value >= 0.0, "{name} is {value}");
    }
    let names: Vec<_> = sample.other.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
    let rates = [port.facts.rate, port.facts.capable].into_iter().flatten().map(LinkRate::gbps);
    let limit = rates.reduce(f64::max).map_or(ABOVE_ALL_LINKS, |rate| rate * 1.25 + 0.001);
    let carried = sample.values.get(SampleField::BandwidthGbps).unwrap_or(0.0);
    assert!(carried <= limit, "{carried} Gb/s on a link of {limit}");
    assert!(sample.values.get(SampleField::XmitWaitRatio).is_none_or(|ratio| ratio <= 1.0));
    assert!(sample.values.get(SampleField::ErrorRate).is_none_or(|rate| rate <= 1.0));
}

/// A change is a rise, a restart from zero after a reset, or a wrap.
fn check_changes(sample: &Sample, before: Option<&Counters>, after: &Counters) {
    let before = before.expect("a sample has a reading before it");
    let told = [
        (Counter::SymbolErrors, SampleField::SymbolErrors),
        (Counter::LinkDowned, SampleField::LinkDowned),
        (Counter::RcvErrors, SampleField::RcvErrors),
        (Counter::RcvPackets, SampleField::RcvPackets),
        (Counter::XmitDiscards, SampleField::XmitDiscards),
        (Counter::OutOfBuffer, SampleField::OutOfBuffer),
    ];
    let was_reset = sample.values.get(SampleField::Reset) == Some(1.0);
    for (counter, field) in told {
        let Some(change) = sample.values.get(field) else { continue };
        let old = before.get(counter).expect("a change needs an earlier value");
        let new = after.get(counter).expect("a change needs a later value");
        let wrapped = match after.range(counter) {
            Range::Wraps(64) => Some(new.wrapping_sub(old)),
            Range::Wraps(bits) => Some(new.wrapping_sub(old) & ((1_u64 << bits) - 1)),
            Range::Clamps(_) | Range::Unstated => None,
        };
        let allowed = (new >= old && change == (new - old) as f64)
            || (new < old && was_reset && change == new as f64)
            || (new < old && wrapped.is_some_and(|wrapped| change == wrapped as f64));
        assert!(allowed, "{field}: {old} to {new} told as {change}");
    }
}

/// The input, taken from its front; zeros once it is used up.
struct Script<'a> {
    bytes: &'a [u8],
}

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn wide(&mut self) -> u64 {
        (0..8).fold(0, |value, _| value << 8 | u64::from(self.byte()))
    }
}

/// A port as the script leaves it.
#[derive(Default)]
struct Port {
    millis: i64,
    counters: Counters,
    other: Vec<(CounterName, u64)>,
    gauges: Vec<(CounterName, f64)>,
    facts: PortFacts,
}

impl Port {
    fn step(&mut self, script: &mut Script<'_>) {
        self.millis = match script.byte() {
            0 => script.wide() as i64,
            1 => self.millis.saturating_sub(i64::from(script.byte())),
            2 => self.millis,
            3 => self.millis.saturating_add((script.wide() >> 24) as i64),
            other => self.millis.saturating_add(i64::from(other) * 500),
        };
        for _ in 0..script.byte() % 24 {
            self.change(script);
        }
    }

    fn change(&mut self, script: &mut Script<'_>) {
        let what = script.byte();
        let counter = Counter::ALL[usize::from(what) % Counter::COUNT];
        let value = self.counters.get(counter).unwrap_or(0);
        let range = self.counters.range(counter);
        match script.byte() % 16 {
            0 => self.counters.set(counter, script.wide(), range),
            1 => self.counters.set(counter, 0, range),
            2 => self.counters.set(counter, value, range_of(script.byte())),
            3 => self.counters = Counters::default(),
            4 => self.zero_all(),
            5 => self.set_other(what % 8, script.wide()),
            6 => self.set_gauge(what % 4, (script.wide() >> 20) as f64),
            7 => self.facts.rate = LinkRate::from_gbps(f64::from(what) * 12.5),
            8 => self.facts.capable = LinkRate::from_gbps(f64::from(what) * 12.5),
            9 => {
                self.facts.state =
                    [None, Some(PortState::Active), Some(PortState::Down)][usize::from(what % 3)]
            }
            10 => self.facts.peer = Some(PortId { node: NodeGuid(u64::from(what)), port: 1 }),
            11 => self.facts.port_guid = Some(NodeGuid(u64::from(what))),
            12 => self.facts.lanes = Some(what),
            13 => self.counters.set(counter, value.saturating_add(script.wide() >> 16), range),
            _ => self.counters.set(counter, value.saturating_add(u64::from(script.byte())), range),
        }
    }

    fn zero_all(&mut self) {
        for (counter, _) in self.counters.clone().iter() {
            self.counters.set(counter, 0, self.counters.range(counter));
        }
    }

    fn set_other(&mut self, name: u8, value: u64) {
        let name = format!("vendor_{name}");
        self.other.retain(|(known, _)| known.as_ref() != name);
        self.other.push((name.into(), value));
        self.other.sort();
    }

    fn set_gauge(&mut self, name: u8, value: f64) {
        let name = ["latency_p99", "utilization", "temperature", "Symbol_BER"][usize::from(name)];
        self.gauges.retain(|(known, _)| known.as_ref() != name);
        self.gauges.push((name.into(), value));
        self.gauges.sort_by(|left, right| left.0.cmp(&right.0));
    }

    fn reading(&self) -> Reading {
        Reading {
            stream: PortId { node: NodeGuid(0x20_0000), port: 2 }.into(),
            time: Some(Timestamp::from_millis(self.millis)),
            counters: self.counters.clone(),
            other: self.other.clone(),
            gauges: self.gauges.clone(),
            facts: None,
        }
    }
}

fn range_of(byte: u8) -> Range {
    match byte % 8 {
        0 => Range::Clamps(4),
        1 => Range::Clamps(8),
        2 => Range::Clamps(16),
        3 => Range::Clamps(32),
        4 => Range::Clamps(64),
        5 => Range::Wraps(32),
        6 => Range::Wraps(64),
        _ => Range::Unstated,
    }
}
