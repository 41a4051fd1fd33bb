//! The baseline of published thresholds: what SckyzO's alert pack would have told.
//!
//! The numbers are those of `examples/prometheus/rules/infiniband_alerts.yml` in github.com/SckyzO/infiniband_exporter (version
//! 2), the one open pack of InfiniBand alerts with thresholds: switch ports, rates over 5 min, and how long each must hold. Its
//! rules on the exporter itself, on temperatures, fans and power supplies need what a fabric's counters do not hold; its
//! congestion rule is of severity `info` and by its own words no fault, so nobody is told of it here either.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use linkcast_domain::{
    NodeKind, PortFacts, PortState, PredictionType, Sample, SampleField, StreamId, Timestamp,
};

const MINUTE: u64 = 60;

/// The span of every rate.
const RATE_SPAN: Duration = Duration::from_secs(5 * MINUTE);

/// Counters the pack looks at.
const COUNTERS: [SampleField; 4] =
    [SampleField::LinkDowned, SampleField::SymbolErrors, SampleField::RcvErrors, SampleField::XmitDiscards];

/// One rule on a counter.
struct Threshold {
    /// Its place among the counters.
    counter: usize,
    /// The rate must be above so many a second.
    above_per_second: f64,
    /// For so long.
    lasts: Duration,
    /// The type an operator would take it for; the pack itself names none.
    class: PredictionType,
}

const THRESHOLDS: [Threshold; 4] = [
    Threshold {
        counter: 0,
        above_per_second: 0.0,
        lasts: Duration::from_secs(5 * MINUTE),
        class: PredictionType::ConnectionInstability,
    },
    Threshold {
        counter: 1,
        above_per_second: 100.0 / 60.0,
        lasts: Duration::from_secs(10 * MINUTE),
        class: PredictionType::ConnectionInstability,
    },
    Threshold {
        counter: 2,
        above_per_second: 1.0,
        lasts: Duration::from_secs(10 * MINUTE),
        class: PredictionType::PacketLossDetected,
    },
    Threshold {
        counter: 3,
        above_per_second: 1.0,
        lasts: Duration::from_secs(10 * MINUTE),
        class: PredictionType::PacketLossDetected,
    },
];

/// A port that was up before and is down for so long.
const DOWN_FOR: Duration = Duration::from_secs(5 * MINUTE);

/// The pack's risk: it knows two severities of what people are told, and no numbers.
const RISK: f64 = 90.0;

/// Every switch port's recent past.
#[derive(Debug, Default)]
pub(crate) struct AlertPack {
    ports: HashMap<StreamId, PortPast>,
}

#[derive(Debug, Default)]
struct PortPast {
    recent: VecDeque<(Timestamp, [f64; COUNTERS.len()])>,
    sums: [f64; COUNTERS.len()],
    since: [Option<Timestamp>; THRESHOLDS.len()],
    was_up: bool,
    down_since: Option<Timestamp>,
}

impl AlertPack {
    /// Takes over what is said of a port; ports that are no switch's are left out, as the pack leaves them out.
    pub(crate) fn learn(&mut self, stream: &StreamId, facts: &PortFacts, time: Timestamp) {
        if facts.node_kind == Some(NodeKind::Switch) && !self.ports.contains_key(stream) {
            self.ports.insert(stream.clone(), PortPast::default());
        }
        let (Some(port), Some(state)) = (self.ports.get_mut(stream), facts.state) else { return };
        match state {
            PortState::Down => drop(port.down_since.get_or_insert(time)),
            _ => (port.was_up, port.down_since) = (true, None),
        }
    }

    /// What a sample makes the pack tell.
    pub(crate) fn judge(&mut self, sample: &Sample) -> Option<(PredictionType, f64)> {
        let port = self.ports.get_mut(&sample.stream)?;
        port.turn(sample);
        let down = port.down_since.is_some_and(|since| sample.time.since(since) >= DOWN_FOR);
        let holds = |(rule, since): (&Threshold, &Option<Timestamp>)| {
            since.is_some_and(|since| sample.time.since(since) >= rule.lasts).then_some(rule.class)
        };
        let told = (down && port.was_up).then_some(PredictionType::ConnectionInstability);
        let class = told.or_else(|| THRESHOLDS.iter().zip(&port.since).find_map(holds))?;
        Some((class, RISK))
    }
}

impl PortPast {
    fn turn(&mut self, sample: &Sample) {
        let counts = COUNTERS.map(|counter| sample.values.get(counter).unwrap_or(0.0));
        self.recent.push_back((sample.time, counts));
        self.sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        while let Some((time, counts)) = self.recent.front().copied() {
            if sample.time.since(time) < RATE_SPAN {
                break;
            }
            self.sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum -= count);
            self.recent.pop_front();
        }
        for (rule, since) in THRESHOLDS.iter().zip(&mut self.since) {
            let rate = self.sums.get(rule.counter).copied().unwrap_or(0.0) / RATE_SPAN.as_secs_f64();
            *since = if rate > rule.above_per_second { Some(since.unwrap_or(sample.time)) } else { None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::SampleValues;

    fn switch() -> PortFacts {
        PortFacts {
            node_kind: Some(NodeKind::Switch),
            state: Some(PortState::Active),
            ..PortFacts::default()
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn told(pack: &mut AlertPack, minute: i64, field: SampleField, count: f64) -> bool {
        let values = SampleValues::default().with(field, count);
        let sample = Sample { stream: "a/1".parse().unwrap(), time: at(minute), values, other: Vec::new() };
        pack.judge(&sample).is_some()
    }

    fn first_told(field: SampleField, count: impl Fn(i64) -> f64) -> Option<i64> {
        let mut pack = AlertPack::default();
        pack.learn(&"a/1".parse().unwrap(), &switch(), at(0));
        (0..60).find(|minute| told(&mut pack, *minute, field, count(*minute)))
    }

    #[test]
    fn each_rate_is_told_of_once_it_has_held_for_its_time() {
        // 501 in five minutes is the first sum above 100 a minute: the fifth of 101 a minute, and ten minutes on.
        assert_eq!(first_told(SampleField::SymbolErrors, |_| 101.0), Some(14));
        assert_eq!(first_told(SampleField::SymbolErrors, |_| 100.0), None);
        assert_eq!(first_told(SampleField::XmitDiscards, |_| 61.0), Some(14));
        // One drop stays in the rate for five samples, which is four minutes and not five.
        assert_eq!(first_told(SampleField::LinkDowned, |minute| f64::from(minute == 3)), None);
        assert_eq!(
            first_told(SampleField::LinkDowned, |minute| f64::from(minute == 3 || minute == 6)),
            Some(8)
        );
    }

    #[test]
    fn a_port_that_was_up_is_told_of_when_down_and_an_adapter_or_an_empty_port_is_not() {
        let stream = "a/1".parse().unwrap();
        let down = PortFacts { state: Some(PortState::Down), ..switch() };
        let mut pack = AlertPack::default();
        pack.learn(&stream, &down, at(0));
        assert!(!told(&mut pack, 9, SampleField::RcvErrors, 0.0), "never up");
        pack.learn(&stream, &switch(), at(10));
        pack.learn(&stream, &down, at(20));
        assert!(!told(&mut pack, 24, SampleField::RcvErrors, 0.0));
        assert!(told(&mut pack, 25, SampleField::RcvErrors, 0.0));
        let mut adapters = AlertPack::default();
        adapters.learn(&stream, &PortFacts { node_kind: Some(NodeKind::ChannelAdapter), ..down }, at(0));
        assert!(!told(&mut adapters, 25, SampleField::LinkDowned, 5.0));
    }
}
