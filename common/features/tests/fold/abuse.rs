//! Wild values, samples out of order and states that are none.
//!
//! Whatever comes, the state stays within its budget, comes back to the bit, and nothing refused leaves a trace.

use linkcast_domain::{SAMPLE_FIELD_COUNT, SampleField, SampleValues, Timestamp};
use linkcast_features::{Calendar, STATE_BYTES_LIMIT, STATE_VERSION, StaleSample, StateError, StreamState};
use proptest::prelude::*;

use crate::series::{Cadence, series};

fn values_from(wild: &[f64]) -> SampleValues {
    SampleField::ALL
        .into_iter()
        .zip(wild)
        .fold(SampleValues::default(), |values, (field, value)| values.with(field, *value))
}

fn wild_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(-1.0),
        Just(5e-324),
        0.0..100.0,
        (0_u32..70_000).prop_map(f64::from),
        Just(4_294_967_295.0),
        Just(18_446_744_073_709_551_615.0),
    ]
}

fn wild_samples() -> impl Strategy<Value = Vec<(i64, Vec<f64>)>> {
    let step = prop_oneof![
        1_i64..1000,
        Just(30_000),
        1_i64..600_000,
        1_i64..100_000_000,
        1_i64..40_000_000_000_000,
    ];
    prop::collection::vec((step, prop::collection::vec(wild_value(), SAMPLE_FIELD_COUNT)), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_state_stays_in_its_budget_and_comes_back_to_the_bit_whatever_comes(
        start in -62_135_596_800_000_i64..2_000_000_000_000,
        samples in wild_samples(),
    ) {
        let calendar = Calendar::utc();
        let mut straight = StreamState::new();
        let mut stopped = StreamState::new();
        let mut millis = start;
        for (step, wild) in samples {
            millis += step;
            let (time, values) = (Timestamp::from_millis(millis), values_from(&wild));
            let bytes = stopped.to_bytes();
            prop_assert!(bytes.len() <= STATE_BYTES_LIMIT);
            stopped = StreamState::from_packed(&stopped.to_packed()).unwrap();
            prop_assert_eq!(&stopped.to_bytes(), &bytes);
            prop_assert_eq!(straight.advance(time, &values, &calendar), stopped.advance(time, &values, &calendar));
            prop_assert_eq!(straight.to_bytes(), stopped.to_bytes());
        }
    }

    #[test]
    fn bytes_that_are_no_state_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..1100)) {
        prop_assert!(StreamState::from_bytes(&bytes).is_err());
        prop_assert!(StreamState::from_packed(&bytes).is_err());
    }
}

fn some_state() -> StreamState {
    let calendar = Calendar::utc();
    let mut state = StreamState::new();
    for (time, values) in series(5, Cadence::Ragged(20_000), 500) {
        state.advance(time, &values, &calendar).unwrap();
    }
    state
}

#[test]
fn a_sample_not_newer_than_the_last_is_refused_and_changes_nothing() {
    let mut state = some_state();
    let before = state.to_bytes();
    let last = state.last_time().unwrap();
    for behind_millis in [0, 1, 60_000, 86_400_000_000] {
        let time = Timestamp::from_millis(last.millis() - behind_millis);
        let refused = state.advance(time, &SampleValues::default(), &Calendar::utc());
        assert_eq!(refused, Err(StaleSample { time, last }));
        assert_eq!(state.to_bytes(), before);
    }
}

#[test]
fn a_state_of_another_version_is_refused_by_name() {
    let mut bytes = some_state().to_bytes();
    bytes[0] ^= 0x40;
    let found = STATE_VERSION ^ 0x40;
    let refused = StreamState::from_bytes(&bytes).unwrap_err();
    assert_eq!(refused, StateError::Version { found, expected: STATE_VERSION });
}

#[test]
fn damage_anywhere_in_a_state_is_told() {
    let bytes = some_state().to_bytes();
    for place in 2..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        let refused = StreamState::from_bytes(&damaged).unwrap_err();
        assert!(matches!(refused, StateError::Checksum { .. }), "byte {place}: {refused}");
    }
}

#[test]
fn a_state_cut_short_or_grown_is_told() {
    let mut bytes = some_state().to_bytes();
    bytes.push(0);
    assert!(matches!(StreamState::from_bytes(&bytes), Err(StateError::Length { .. })));
    bytes.truncate(40);
    assert!(matches!(StreamState::from_bytes(&bytes), Err(StateError::Length { .. })));
    assert!(matches!(StreamState::from_bytes(&[]), Err(StateError::Length { .. })));
}
