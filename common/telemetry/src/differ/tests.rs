//! One test for each way a counter can mislead.

use linkcast_domain::{
    CounterName, LinkRate, NodeGuid, PortFacts, PortId, PortState, Sample, SampleField, Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::{Counter, Range};

const CLAMPS_16: Range = Range::Clamps(16);
const CLAMPS_64: Range = Range::Clamps(64);

fn at(seconds: i64) -> Reading {
    Reading {
        stream: PortId { node: NodeGuid(0x20_0000), port: 2 }.into(),
        time: Some(Timestamp::from_millis(seconds * 1000)),
        counters: Counters::default(),
        other: Vec::new(),
        gauges: Vec::new(),
        facts: None,
    }
}

fn reading(seconds: i64, counters: &[(Counter, u64, Range)]) -> Reading {
    let mut reading = at(seconds);
    for (counter, value, range) in counters {
        reading.counters.set(*counter, *value, *range);
    }
    reading
}

/// A busy port: data, packets and symbol errors.
fn busy(seconds: i64, bytes: u64, packets: u64, symbols: u64) -> Reading {
    reading(
        seconds,
        &[
            (Counter::XmitBytes, bytes, CLAMPS_64),
            (Counter::RcvBytes, bytes / 2, CLAMPS_64),
            (Counter::XmitPackets, packets, CLAMPS_64),
            (Counter::RcvPackets, packets / 2, CLAMPS_64),
            (Counter::SymbolErrors, symbols, CLAMPS_16),
        ],
    )
}

fn facts(gbps: f64) -> PortFacts {
    PortFacts {
        rate: LinkRate::from_gbps(gbps),
        lanes: Some(4),
        state: Some(PortState::Active),
        ..PortFacts::default()
    }
}

/// The last of several readings' difference.
fn last_of(readings: &[Reading], facts: &PortFacts) -> Difference {
    let mut differ = Differ::new();
    let differences = readings.iter().map(|reading| differ.difference(reading, facts));
    differences.last().expect("at least one reading")
}

fn sample_of(readings: &[Reading], facts: &PortFacts) -> Sample {
    last_of(readings, facts).outcome.expect("a sample")
}

fn get(sample: &Sample, field: SampleField) -> Option<f64> {
    sample.values.get(field)
}

fn other(sample: &Sample, name: &str) -> Option<f64> {
    sample.other.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| *value)
}

#[test]
fn the_busier_direction_gives_bandwidth_and_utilization() {
    let sample = sample_of(&[busy(0, 0, 0, 0), busy(30, 375_000_000_000, 300_000_000, 4)], &facts(200.0));
    assert_eq!(get(&sample, SampleField::BandwidthGbps), Some(100.0));
    assert_eq!(get(&sample, SampleField::Utilization), Some(50.0));
    assert_eq!(other(&sample, "rcv_gbps"), Some(50.0));
    assert_eq!(get(&sample, SampleField::SymbolErrors), Some(4.0));
    assert_eq!(get(&sample, SampleField::IntervalS), Some(30.0));
    assert_eq!(get(&sample, SampleField::Reset), Some(0.0));
}

#[test]
fn a_counter_absent_in_either_reading_has_no_change() {
    let with = [(Counter::SymbolErrors, 5, CLAMPS_16), (Counter::RcvErrors, 1, CLAMPS_16)];
    let without = [(Counter::RcvErrors, 1, CLAMPS_16)];
    let appeared = sample_of(&[reading(0, &without), reading(30, &with)], &PortFacts::default());
    assert_eq!(get(&appeared, SampleField::SymbolErrors), None);
    assert_eq!(get(&appeared, SampleField::RcvErrors), Some(0.0));
    let vanished = sample_of(&[reading(0, &with), reading(30, &without)], &PortFacts::default());
    assert_eq!(get(&vanished, SampleField::SymbolErrors), None);
}

#[test]
fn a_saturated_counter_has_no_change_and_is_counted() {
    let sample =
        sample_of(&[busy(0, 0, 0, 65_400), busy(30, 30_000_000, 30_000, 65_535)], &PortFacts::default());
    assert_eq!(get(&sample, SampleField::SymbolErrors), None);
    assert_eq!(get(&sample, SampleField::SaturatedCounters), Some(1.0));
}

#[test]
fn saturated_words_read_as_bytes_are_recognised() {
    let words = |value| [(Counter::XmitBytes, value, Range::Clamps(32))];
    let full = 4 * u64::from(u32::MAX);
    let sample = sample_of(&[reading(0, &words(400)), reading(30, &words(full))], &PortFacts::default());
    assert_eq!(get(&sample, SampleField::BandwidthGbps), None);
    assert_eq!(get(&sample, SampleField::SaturatedCounters), Some(1.0));
}

#[test]
fn without_a_stated_range_the_classic_limit_counts_until_the_counter_was_beyond_it() {
    let wait = |seconds, value| reading(seconds, &[(Counter::XmitWait, value, Range::Unstated)]);
    let limit = u64::from(u32::MAX);
    let stuck = sample_of(&[wait(0, limit), wait(30, limit)], &facts(100.0));
    assert_eq!(get(&stuck, SampleField::XmitWaitRatio), None);
    assert_eq!(get(&stuck, SampleField::SaturatedCounters), Some(1.0));
    let mut differ = Differ::new();
    for (seconds, value) in [(0, limit), (30, limit + 10)] {
        differ.difference(&wait(seconds, value), &facts(100.0)).outcome.ok();
    }
    let wide = differ.difference(&wait(60, limit + 20), &facts(100.0)).outcome.unwrap();
    assert_eq!(other(&wide, "PortXmitWait"), Some(10.0));
}

#[test]
fn all_counters_falling_together_are_a_reset_and_count_from_zero() {
    let sample = sample_of(
        &[busy(0, 715_000_000_000_000, 400_000_000, 900), busy(30, 3_000_000, 3_000, 2)],
        &facts(200.0),
    );
    assert_eq!(get(&sample, SampleField::Reset), Some(1.0));
    assert_eq!(get(&sample, SampleField::SymbolErrors), Some(2.0));
    assert_eq!(get(&sample, SampleField::RcvPackets), Some(1_500.0));
    assert_eq!(get(&sample, SampleField::BandwidthGbps), Some(0.0008));
}

#[test]
fn a_reset_that_forgets_one_counter_is_still_a_reset() {
    let counters = |values: [u64; 6]| {
        [
            (Counter::XmitBytes, values[0], CLAMPS_64),
            (Counter::RcvBytes, values[1], CLAMPS_64),
            (Counter::XmitPackets, values[2], CLAMPS_64),
            (Counter::RcvPackets, values[3], CLAMPS_64),
            (Counter::SymbolErrors, values[4], CLAMPS_16),
            (Counter::LinkDowned, values[5], Range::Clamps(8)),
        ]
    };
    let before = reading(0, &counters([9_000, 8_000, 70, 60, 65_535, 3]));
    let after = reading(30, &counters([288, 288, 4, 64, 0, 0]));
    let sample = sample_of(&[before, after], &PortFacts::default());
    assert_eq!(get(&sample, SampleField::Reset), Some(1.0));
    assert_eq!(get(&sample, SampleField::RcvPackets), Some(4.0));
    assert_eq!(get(&sample, SampleField::LinkDowned), Some(0.0));
}

#[test]
fn errors_cleared_apart_from_data_are_a_reset_of_the_errors() {
    let counters = |bytes, symbols, downs| {
        [
            (Counter::XmitBytes, bytes, CLAMPS_64),
            (Counter::SymbolErrors, symbols, CLAMPS_16),
            (Counter::LinkDowned, downs, Range::Clamps(8)),
        ]
    };
    let readings = [reading(0, &counters(1_000, 40, 2)), reading(30, &counters(2_000, 1, 0))];
    let sample = sample_of(&readings, &PortFacts::default());
    assert_eq!(get(&sample, SampleField::Reset), Some(1.0));
    assert_eq!(get(&sample, SampleField::SymbolErrors), Some(1.0));
    assert!(get(&sample, SampleField::BandwidthGbps).is_some());
}

#[test]
fn a_lone_counter_falling_is_a_glitch_and_costs_no_other() {
    let difference = last_of(&[busy(0, 1_000, 10, 900), busy(30, 2_000, 20, 2)], &PortFacts::default());
    let sample = difference.outcome.unwrap();
    assert_eq!(get(&sample, SampleField::SymbolErrors), None);
    assert_eq!(get(&sample, SampleField::Reset), Some(0.0));
    assert_eq!(get(&sample, SampleField::RcvPackets), Some(5.0));
    let glitch = Doubt::Glitch { counter: Counter::SymbolErrors, before: 900, after: 2 };
    assert_eq!(difference.doubts, [glitch]);
}

#[test]
fn a_step_back_in_time_is_no_reset() {
    let readings =
        [busy(0, 900_000_000_000_000, 2_000_000_000, 0), busy(30, 899_999_999_000_000, 1_999_000_000, 0)];
    let sample = sample_of(&readings, &facts(100.0));
    assert_eq!(get(&sample, SampleField::Reset), Some(0.0));
    assert_eq!(get(&sample, SampleField::BandwidthGbps), None);
    assert_eq!(get(&sample, SampleField::RcvPackets), None);
}

#[test]
fn a_hardware_counter_wraps_alone_and_starts_again_with_all() {
    let wraps = Range::Wraps(32);
    let counters = |timeouts, drops| {
        [(Counter::LocalAckTimeouts, timeouts, wraps), (Counter::OutOfBuffer, drops, wraps)]
    };
    let top = u64::from(u32::MAX) - 4;
    let wrapped =
        sample_of(&[reading(0, &counters(top, 7)), reading(30, &counters(5, 7))], &PortFacts::default());
    assert_eq!(get(&wrapped, SampleField::AckTimeouts), Some(10.0));
    assert_eq!(get(&wrapped, SampleField::Reset), Some(0.0));
    let reloaded =
        sample_of(&[reading(0, &counters(900, 7)), reading(30, &counters(5, 1))], &PortFacts::default());
    assert_eq!(get(&reloaded, SampleField::AckTimeouts), Some(5.0));
    assert_eq!(get(&reloaded, SampleField::Reset), Some(1.0));
}

#[test]
fn a_hardware_counter_that_falls_from_far_below_its_top_has_not_wrapped() {
    let wraps = Range::Wraps(32);
    let counters = |timeouts, drops| {
        [(Counter::LocalAckTimeouts, timeouts, wraps), (Counter::OutOfBuffer, drops, wraps)]
    };
    let readings = [reading(0, &counters(900, 7)), reading(30, &counters(5, 7))];
    assert_eq!(get(&sample_of(&readings, &PortFacts::default()), SampleField::AckTimeouts), None);
}

#[test]
fn another_peer_or_another_adapter_starts_a_new_series() {
    let with_peer =
        |port| PortFacts { peer: Some(PortId { node: NodeGuid(7), port }), ..PortFacts::default() };
    let mut differ = Differ::new();
    let mut outcome = |seconds, facts: &PortFacts| differ.difference(&busy(seconds, 0, 0, 0), facts).outcome;
    assert_eq!(outcome(0, &with_peer(1)), Err(NoSample::First));
    assert!(outcome(30, &PortFacts::default()).is_ok());
    assert_eq!(outcome(60, &with_peer(2)), Err(NoSample::PeerChanged));
    assert!(outcome(90, &with_peer(2)).is_ok());
    let replaced = |guid| PortFacts { port_guid: Some(NodeGuid(guid)), ..with_peer(2) };
    assert!(outcome(120, &replaced(1)).is_ok());
    assert_eq!(outcome(150, &replaced(2)), Err(NoSample::PortReplaced));
}

#[test]
fn readings_within_the_lifespan_or_not_newer_are_dropped_and_counted() {
    let mut differ = Differ::new();
    let mut outcome = |millis: Option<i64>| {
        let mut reading = busy(0, 0, 0, 0);
        reading.time = millis.map(Timestamp::from_millis);
        differ.difference(&reading, &PortFacts::default()).outcome.err()
    };
    assert_eq!(outcome(None), Some(NoSample::NoTime));
    assert_eq!(outcome(Some(1_000)), Some(NoSample::First));
    assert_eq!(outcome(Some(1_010)), Some(NoSample::WithinLifespan));
    assert_eq!(outcome(Some(1_000)), Some(NoSample::NotNewer));
    assert_eq!(outcome(Some(900)), Some(NoSample::NotNewer));
    assert_eq!(outcome(Some(1_011)), None);
    assert_eq!(differ.dropped(), 3);
}

#[test]
fn a_gap_is_told_against_the_streams_own_interval() {
    let mut differ = Differ::new();
    let mut gap = |seconds| {
        let outcome = differ.difference(&busy(seconds, 0, 0, 0), &PortFacts::default()).outcome;
        outcome.ok().and_then(|sample| get(&sample, SampleField::Gap))
    };
    assert_eq!([0, 30, 60, 130, 260].map(&mut gap), [None, Some(0.0), Some(0.0), Some(0.0), Some(1.0)]);
    let slower: Vec<_> = (1..=10).map(|step| gap(260 + step * 300)).collect();
    assert_eq!(slower.first(), Some(&Some(1.0)));
    assert_eq!(slower.last(), Some(&Some(0.0)), "a new schedule is learned");
}

#[test]
fn more_than_the_link_can_carry_is_held_back() {
    let difference =
        last_of(&[busy(0, 0, 0, 0), busy(30, 1_000_000_000_000, 1_000_000_000, 1)], &facts(100.0));
    let sample = difference.outcome.unwrap();
    assert_eq!(get(&sample, SampleField::BandwidthGbps), None);
    assert_eq!(get(&sample, SampleField::SymbolErrors), Some(1.0));
    assert!(matches!(difference.doubts[..], [Doubt::BeyondLink { .. }, ..]), "{:?}", difference.doubts);
}

#[test]
fn words_passed_off_as_bytes_are_noticed_and_not_repaired() {
    let mut differ = Differ::new();
    let mut doubts = Vec::new();
    for step in 0_u16..6 {
        let packets = u64::from(step) * 1_000;
        let reading = busy(i64::from(step) * 30, packets * 18, packets, 0);
        doubts.extend(differ.difference(&reading, &PortFacts::default()).doubts);
    }
    assert_eq!(doubts, [Doubt::LooksLikeWords { bytes_per_packet: 18.0 }]);
}

#[test]
fn an_unconnected_port_has_no_utilization() {
    let sdr = PortFacts { state: None, ..facts(8.0) };
    let readings = [busy(0, 0, 0, 0), busy(30, 3_000, 30, 0)];
    assert_eq!(get(&sample_of(&readings, &sdr), SampleField::Utilization), None);
    let named = PortFacts { peer_name: Some("gpu01".into()), ..sdr };
    assert!(get(&sample_of(&readings, &named), SampleField::Utilization).is_some());
}

#[test]
fn a_port_that_never_was_up_says_so() {
    let down = PortFacts { state: Some(PortState::Down), ..PortFacts::default() };
    let mut differ = Differ::new();
    assert!(!differ.difference(&busy(0, 0, 0, 0), &down).seen_up);
    assert!(!differ.difference(&busy(30, 0, 0, 9), &down).seen_up, "noise is no link");
    assert!(differ.difference(&busy(60, 0, 0, 9), &facts(100.0)).seen_up);
    assert!(differ.difference(&busy(90, 0, 0, 9), &down).seen_up, "once seen, always seen");
}

#[test]
fn errors_waiting_and_queue_pairs_follow_their_formulas() {
    let counters = |factor: u64| {
        [
            (Counter::RcvErrors, 3 * factor, CLAMPS_16),
            (Counter::RcvRemotePhysicalErrors, factor, CLAMPS_16),
            (Counter::RcvPackets, 1_000 * factor, CLAMPS_64),
            (Counter::XmitWait, 29_296_875 * factor, CLAMPS_64),
            (Counter::OutOfBuffer, 4 * factor, Range::Wraps(32)),
            (Counter::PacketSequenceErrors, factor, Range::Wraps(32)),
            (Counter::NotificationPointCnpSent, 2 * factor, Range::Wraps(32)),
            (Counter::ReactionPointCnpHandled, 5 * factor, Range::Wraps(32)),
        ]
    };
    let sample = sample_of(&[reading(0, &counters(1)), reading(30, &counters(2))], &facts(100.0));
    assert_eq!(get(&sample, SampleField::ErrorRate), Some(0.004));
    assert_eq!(get(&sample, SampleField::XmitWaitRatio), Some(0.01));
    assert_eq!(get(&sample, SampleField::QpErrors), Some(10.0));
    assert_eq!(get(&sample, SampleField::CongestionNotifications), Some(7.0));
    assert_eq!(other(&sample, "packet_seq_err"), Some(1.0));
}

#[test]
fn unknown_counters_and_gauges_pass_through_under_their_own_names() {
    let with = |seconds, value, latency| {
        let mut reading = at(seconds);
        reading.other =
            vec![(CounterName::from("rx_icrc_encapsulated"), value), (CounterName::from("zz"), 5)];
        reading.gauges = vec![
            (CounterName::from("latency_p99"), latency),
            (CounterName::from("module_temperature"), 45.0),
        ];
        reading
    };
    let sample = sample_of(&[with(0, 10, 1.0), with(30, 25, 7.5)], &PortFacts::default());
    let expected = [("module_temperature", 45.0), ("rx_icrc_encapsulated", 15.0), ("zz", 0.0)];
    let found: Vec<_> = sample.other.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
    assert_eq!(found, expected);
    assert_eq!(get(&sample, SampleField::LatencyP99), Some(7.5));
}

#[test]
fn everything_passed_on_is_sorted_by_name() {
    let all = |factor: u64| {
        let counters = Counter::ALL.iter().map(|counter| (*counter, 7 * factor, CLAMPS_64));
        counters.collect::<Vec<_>>()
    };
    let sample = sample_of(&[reading(0, &all(1)), reading(30, &all(2))], &PortFacts::default());
    assert!(sample.other.is_sorted_by(|left, right| left.0 < right.0), "{:?}", sample.other);
    assert_eq!(sample.other.len() + 13, Counter::COUNT, "each counter but those with a field");
}

#[test]
fn a_host_ports_state_stays_small() {
    let mut full = at(1_700_000_000);
    for (place, counter) in Counter::ALL.iter().enumerate() {
        full.counters.set(*counter, 1 << (place + 16), CLAMPS_64);
    }
    full.other =
        (0..25).map(|place| (CounterName::from(format!("rx_counter_{place:02}")), 1 << place)).collect();
    let mut differ = Differ::new();
    differ.difference(&full, &facts(400.0)).outcome.ok();
    assert!(differ.to_bytes().len() <= 600, "{} bytes", differ.to_bytes().len());
}

#[test]
fn a_damaged_state_is_refused_wherever_it_is_damaged() {
    let mut differ = Differ::new();
    differ.difference(&busy(0, 1_000, 10, 3), &facts(100.0)).outcome.ok();
    let bytes = differ.to_bytes();
    assert_eq!(Differ::from_bytes(&bytes), Ok(differ));
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        assert!(Differ::from_bytes(&damaged).is_err(), "byte {place}");
        assert!(Differ::from_bytes(&bytes[..place]).is_err(), "{place} bytes");
    }
}

fn any_range() -> impl Strategy<Value = Range> {
    prop_oneof![
        Just(Range::Clamps(4)),
        Just(Range::Clamps(16)),
        Just(Range::Clamps(32)),
        Just(Range::Clamps(64)),
        Just(Range::Wraps(32)),
        Just(Range::Wraps(64)),
        Just(Range::Unstated),
    ]
}

fn any_reading() -> impl Strategy<Value = (i64, Reading)> {
    let value = prop_oneof![0..100_u64, any::<u64>(), 0..=u64::from(u32::MAX), Just(65_535), Just(u64::MAX)];
    let counters = prop::collection::vec((0..Counter::COUNT, value.clone(), any_range()), 0..12);
    let other = prop::collection::btree_map("[a-d]", value, 0..3);
    (-5..200_000_i64, counters, other).prop_map(|(step, counters, other)| {
        let mut reading = at(0);
        for (place, value, range) in counters {
            reading.counters.set(Counter::ALL[place], value, range);
        }
        reading.other = other.into_iter().map(|(name, value)| (CounterName::from(name), value)).collect();
        (step, reading)
    })
}

fn in_time(steps: Vec<(i64, Reading)>) -> Vec<Reading> {
    let mut millis = 0;
    let at_steps = steps.into_iter().map(|(step, mut reading)| {
        millis += step;
        reading.time = Some(Timestamp::from_millis(millis));
        reading
    });
    at_steps.collect()
}

proptest! {
    #[test]
    fn no_readings_whatever_give_a_negative_or_absurd_change(
        steps in prop::collection::vec(any_reading(), 1..20),
    ) {
        let mut differ = Differ::new();
        for reading in in_time(steps) {
            let Ok(sample) = differ.difference(&reading, &facts(400.0)).outcome else { continue };
            let seconds = get(&sample, SampleField::IntervalS).unwrap();
            let most = 400.0 * 1.25e9 / 8.0 * seconds;
            for (field, value) in sample.values.present() {
                let limit = if field == SampleField::QpErrors { most * 11.0 * 60.0 / seconds } else { most.max(1_000.0) };
                prop_assert!((0.0..=limit * 2.0).contains(&value), "{field} {value}");
            }
            for (name, value) in &sample.other {
                prop_assert!((0.0..=most).contains(value), "{name} {value}");
            }
            prop_assert!(get(&sample, SampleField::BandwidthGbps).unwrap_or(0.0) <= 500.1);
        }
    }

    #[test]
    fn a_differ_resumed_from_its_bytes_gives_the_same_samples(
        steps in prop::collection::vec(any_reading(), 1..20),
    ) {
        let mut whole = Differ::new();
        let mut resumed = Differ::new();
        for reading in in_time(steps) {
            resumed = Differ::from_bytes(&resumed.to_bytes()).unwrap();
            let expected = whole.difference(&reading, &facts(400.0));
            prop_assert_eq!(resumed.difference(&reading, &facts(400.0)), expected);
        }
        prop_assert_eq!(resumed, whole);
    }

    #[test]
    fn bytes_that_are_no_state_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Differ::from_bytes(&bytes).ok();
    }
}
