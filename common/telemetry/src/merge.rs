//! Several accounts of one port at one instant become one reading.
//!
//! `perfquery -x` and plain `perfquery` of the same port share counter names at different widths: the wider one is
//! the truth, the narrower stands at its limit within a second. Error counters come from whoever has them.

use std::collections::BTreeMap;

use linkcast_domain::{CounterName, StreamId, Timestamp};

use crate::{Counter, Counters, Range, Reading};

/// Merges readings of the same stream and time; the result is ordered by time, then stream.
pub fn merge_readings(readings: Vec<Reading>) -> Vec<Reading> {
    let mut merged: BTreeMap<(Option<Timestamp>, StreamId), Reading> = BTreeMap::new();
    for reading in readings {
        match merged.entry((reading.time, reading.stream.clone())) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(reading);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => merge_into(place.get_mut(), reading),
        }
    }
    merged.into_values().collect()
}

fn merge_into(reading: &mut Reading, other: Reading) {
    merge_counters(&mut reading.counters, &other.counters);
    merge_named(&mut reading.other, other.other);
    merge_named(&mut reading.gauges, other.gauges);
    if let Some(newer) = other.facts {
        match &mut reading.facts {
            Some(facts) => facts.update(*newer),
            none => *none = Some(newer),
        }
    }
}

/// The wider counter wins; of equals, the one read later.
fn merge_counters(counters: &mut Counters, other: &Counters) {
    for counter in Counter::ALL.iter().copied() {
        let Some(value) = other.get(counter) else { continue };
        if !counters.is_present(counter) || width(other.range(counter)) >= width(counters.range(counter)) {
            counters.set(counter, value, other.range(counter));
        }
    }
}

fn width(range: Range) -> u8 {
    match range {
        Range::Clamps(bits) | Range::Wraps(bits) => bits,
        Range::Unstated => 64,
    }
}

/// Adds what is new by name, keeping the order by name; of two values the later one stays.
fn merge_named<V>(values: &mut Vec<(CounterName, V)>, newer: Vec<(CounterName, V)>) {
    for (name, value) in newer {
        match values.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(place) => {
                if let Some(entry) = values.get_mut(place) {
                    entry.1 = value;
                }
            }
            Err(place) => values.insert(place, (name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(counters: &[(Counter, u64, Range)]) -> Reading {
        let mut set = Counters::default();
        for (counter, value, range) in counters {
            set.set(*counter, *value, *range);
        }
        Reading {
            stream: "0000000000200000/2".parse().unwrap(),
            time: Some(Timestamp::from_millis(30_000)),
            counters: set,
            other: vec![],
            gauges: vec![],
            facts: None,
        }
    }

    #[test]
    fn the_wide_counter_wins_over_the_clamped_one_whichever_is_read_first() {
        let wide = reading(&[(Counter::XmitBytes, 715_166_628_709_076, Range::Clamps(64))]);
        let narrow = reading(&[
            (Counter::XmitBytes, 4_294_967_295, Range::Clamps(32)),
            (Counter::SymbolErrors, 65_000, Range::Clamps(16)),
        ]);
        for order in [vec![wide.clone(), narrow.clone()], vec![narrow, wide]] {
            let merged = merge_readings(order);
            assert_eq!(merged.len(), 1);
            assert_eq!(merged[0].counters.get(Counter::XmitBytes), Some(715_166_628_709_076));
            assert_eq!(merged[0].counters.get(Counter::SymbolErrors), Some(65_000));
            assert_eq!(merged[0].counters.range(Counter::SymbolErrors), Range::Clamps(16));
        }
    }

    #[test]
    fn another_instant_is_another_reading() {
        let first = reading(&[(Counter::SymbolErrors, 1, Range::Clamps(16))]);
        let mut second = first.clone();
        second.time = Some(Timestamp::from_millis(60_000));
        assert_eq!(merge_readings(vec![second, first]).len(), 2);
    }
}
