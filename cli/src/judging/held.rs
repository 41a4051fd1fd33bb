//! A recording held still at its end: traffic goes on as it went, and no error counter moves any more.
//!
//! A recording of ten minutes ends before anyone may be told of a link that is down, for a host that restarts takes longer. Held for
//! half an hour, it says what is told of the state it ends in. What is told then is no measurement of what happened.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{StreamId, Timestamp};
use linkcast_telemetry::{Counter, Counters, Range, Reading};

const EVERY: Duration = Duration::from_secs(30);

/// Counters of traffic.
const TRAFFIC: [Counter; 4] =
    [Counter::XmitBytes, Counter::RcvBytes, Counter::XmitPackets, Counter::RcvPackets];

/// The last two readings of each stream.
#[derive(Debug, Default)]
pub(crate) struct Held {
    streams: BTreeMap<StreamId, (Option<Reading>, Reading)>,
}

impl Held {
    /// Notes the readings of one instant.
    pub(crate) fn note(&mut self, readings: &[Reading], time: Timestamp) {
        for reading in readings {
            let reading = Reading { time: Some(reading.time.unwrap_or(time)), ..reading.clone() };
            let before = self.streams.remove(&reading.stream).map(|(_, last)| last);
            self.streams.insert(reading.stream.clone(), (before, reading));
        }
    }

    /// The instants after the end, for so long.
    pub(crate) fn instants(&self, length: Duration) -> impl Iterator<Item = (Timestamp, Vec<Reading>)> + '_ {
        let end = self.streams.values().filter_map(|(_, last)| last.time).max().unwrap_or(Timestamp::EPOCH);
        let steps = length.as_secs().div_ceil(EVERY.as_secs());
        (1..=steps).map(move |step| {
            let time = end.plus(EVERY.saturating_mul(u32::try_from(step).unwrap_or(u32::MAX)));
            (time, self.streams.values().map(|(before, last)| at(before.as_ref(), last, time)).collect())
        })
    }
}

fn at(before: Option<&Reading>, last: &Reading, time: Timestamp) -> Reading {
    let mut counters = Counters::default();
    let seconds = |from: &Reading, to: Timestamp| from.time.map_or(0.0, |from| to.seconds_since(from));
    for (counter, value) in last.counters.iter() {
        let earlier = before.filter(|_| TRAFFIC.contains(&counter)).and_then(|before| {
            let took = last.time.map_or(0.0, |last| seconds(before, last));
            Some(value.saturating_sub(before.counters.get(counter)?) as f64 / took.max(1.0))
        });
        let grown = earlier.unwrap_or(0.0) * seconds(last, time);
        counters.set(counter, value.saturating_add(grown as u64), Range::Unstated);
    }
    Reading { time: Some(time), counters, ..last.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_goes_on_as_it_went_and_errors_stand_still() {
        let reading = |seconds: i64, bytes: u64, errors: u64| {
            let mut counters = Counters::default();
            counters.set(Counter::RcvBytes, bytes, Range::Unstated);
            counters.set(Counter::RcvErrors, errors, Range::Unstated);
            let (other, gauges) = (Vec::new(), Vec::new());
            let time = Some(Timestamp::from_millis(seconds * 1_000));
            Reading { stream: "x".parse().unwrap(), time, counters, other, gauges, facts: None }
        };
        let mut held = Held::default();
        held.note(&[reading(10, 1_000, 1)], Timestamp::EPOCH);
        held.note(&[reading(20, 1_500, 7)], Timestamp::EPOCH);
        let instants: Vec<_> = held.instants(Duration::from_secs(60)).collect();
        assert_eq!(instants.len(), 2);
        let (time, readings) = &instants[1];
        assert_eq!(*time, Timestamp::from_millis(80_000));
        assert_eq!(readings[0].counters.get(Counter::RcvBytes), Some(4_500));
        assert_eq!(readings[0].counters.get(Counter::RcvErrors), Some(7));
        assert_eq!(held.instants(Duration::ZERO).count(), 0);
    }
}
