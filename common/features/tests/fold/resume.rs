//! A stream that was stopped and resumed, or folded as a batch, has the bits of one that never stopped.
//!
//! More than a million samples of many cadences, stopped at random points, and at every point for some.

use linkcast_features::{Calendar, STATE_BYTES_LIMIT, StreamState, advance_many};

use crate::series::{Cadence, Random, series};

const CADENCES: [Cadence; 8] = [
    Cadence::Regular(30_000),
    Cadence::Regular(60_000),
    Cadence::Regular(1_000),
    Cadence::Regular(300_000),
    Cadence::Ragged(30_000),
    Cadence::Ragged(400),
    Cadence::Ragged(5_000),
    Cadence::Ragged(900_000),
];

fn resumed(state: &StreamState) -> StreamState {
    let bytes = state.to_bytes();
    assert!(bytes.len() <= STATE_BYTES_LIMIT);
    let resumed = StreamState::from_bytes(&bytes).unwrap();
    assert_eq!(resumed.to_bytes(), bytes, "a state read and written again is the same");
    let unpacked = StreamState::from_packed(&state.to_packed()).unwrap();
    assert_eq!(unpacked.to_bytes(), bytes, "a state packed and unpacked is the same");
    resumed
}

/// Folds a series straight, in a batch, and with stops of the given probability; all must agree.
fn check(seed: u64, cadence: Cadence, count: usize, stop_probability: f64) {
    let calendar = Calendar::utc();
    let samples = series(seed, cadence, count);
    let mut batch = Vec::new();
    assert_eq!(advance_many(&mut StreamState::new(), &samples, &calendar, &mut batch), 0);
    let mut random = Random::new(!seed);
    let mut straight = StreamState::new();
    let mut stopping = StreamState::new();
    for (place, ((time, values), in_batch)) in samples.iter().zip(batch).enumerate() {
        if random.chance(stop_probability) {
            stopping = resumed(&stopping);
        }
        let streamed = straight.advance(*time, values, &calendar).unwrap();
        assert_eq!(Some(streamed), in_batch, "batch, seed {seed}, sample {place}");
        let after_stops = stopping.advance(*time, values, &calendar).unwrap();
        assert_eq!(streamed, after_stops, "resumed, seed {seed}, sample {place}");
    }
    assert_eq!(straight.to_bytes(), stopping.to_bytes());
}

#[test]
fn streaming_batch_and_stop_and_resume_agree_to_the_bit_on_a_million_samples() {
    for (place, cadence) in CADENCES.into_iter().enumerate() {
        for round in 0..8 {
            check(place as u64 * 100 + round, cadence, 16_384, 0.01);
        }
    }
}

#[test]
fn a_stream_stopped_after_every_sample_has_the_same_bits() {
    for (place, cadence) in CADENCES.into_iter().enumerate() {
        check(7_000 + place as u64, cadence, 3_000, 1.0);
    }
}
