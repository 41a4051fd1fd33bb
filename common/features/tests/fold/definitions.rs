//! Every feature against the reference that keeps the whole history.
//!
//! What depends on a baseline is checked from the outside only where the fallback still holds, or by its algebra.

use linkcast_domain::{Feature, FeatureVector, SampleField, SampleValues, Timestamp};
use linkcast_features::{Calendar, StreamState};

use crate::reference::{History, by_definition};
use crate::series::{Cadence, START_MILLIS, series};

const AGAINST_A_BASELINE: [Feature; 5] = [
    Feature::LatencyP99DeltaPercent,
    Feature::LatencyP99Delta,
    Feature::UtilizationDelta,
    Feature::BandwidthDeltaPercent,
    Feature::HealthScore,
];

/// The largest relative difference of each feature from its definition over a series.
fn worst_differences(samples: &[(Timestamp, SampleValues)]) -> Vec<(Feature, f64)> {
    let calendar = Calendar::utc();
    let mut state = StreamState::new();
    let mut worst: Vec<(Feature, f64)> = Feature::ALL.map(|feature| (feature, 0.0)).to_vec();
    for (place, (time, values)) in samples.iter().enumerate() {
        let vector = state.advance(*time, values, &calendar).unwrap();
        let expected = by_definition(&History(&samples[..=place]));
        for (feature, worst) in &mut worst {
            if !AGAINST_A_BASELINE.contains(feature) {
                let (found, wanted) = (vector.raw(*feature), expected.raw(*feature));
                assert_eq!(found.is_nan(), wanted.is_nan(), "{feature} at {place}: {found} for {wanted}");
                let smallest = smallest_compared(*feature);
                if wanted.abs() >= smallest {
                    *worst = worst.max(difference(found, wanted));
                }
            }
        }
    }
    worst
}

/// Below this a value is smaller than what its sums can tell apart well.
fn smallest_compared(feature: Feature) -> f64 {
    match feature {
        // Summed in millionths of a per cent.
        Feature::UtilizationMean5m => 0.05,
        // Latencies of 3 µs kept to 24 bits.
        Feature::LatencyP99Deviation5m => 0.01,
        _ => 0.0,
    }
}

fn difference(found: f64, wanted: f64) -> f64 {
    if found == wanted || wanted.is_nan() { 0.0 } else { (found - wanted).abs() / wanted.abs().max(1e-30) }
}

/// The precision of a window that holds one closed bucket; a full one averages far below it.
fn allowed(feature: Feature) -> f64 {
    match feature {
        // 13 significant bits, what the minute before kept back, and counts above 15 rounded.
        Feature::LatencyP99Mean15m | Feature::LatencyP99Mean1h => 2e-4,
        // 14 significant bits above and below.
        Feature::SymbolBer125m | Feature::WaitRatio1h => 1.3e-4,
        // 16 significant bits above and below.
        _ => 4e-5,
    }
}

#[test]
fn every_feature_is_its_definition_to_the_documented_precision() {
    for seed in 0..12 {
        let cadence = match seed % 4 {
            0 => Cadence::Regular(30_000),
            1 => Cadence::Ragged(30_000),
            2 => Cadence::Ragged(7_000),
            _ => Cadence::Ragged(120_000),
        };
        for (feature, worst) in worst_differences(&series(seed, cadence, 1500)) {
            assert!(worst <= allowed(feature), "{feature} is off by {worst:e} with seed {seed}");
        }
    }
}

#[test]
fn regular_cadences_with_whole_counts_are_exact() {
    let calendar = Calendar::utc();
    for seconds in [10, 15, 30, 60, 300] {
        let mut state = StreamState::new();
        let samples: Vec<(Timestamp, SampleValues)> = (1..1500)
            .map(|step| {
                let values = SampleValues::default()
                    .with(SampleField::IntervalS, seconds as f64)
                    .with(SampleField::LinkRateGbps, 100.0)
                    .with(SampleField::SymbolErrors, (step % 7) as f64)
                    .with(SampleField::XmitDiscards, (step % 50) as f64)
                    .with(SampleField::LinkErrorRecoveries, (step % 3) as f64)
                    .with(SampleField::LinkDowned, (step % 2) as f64)
                    .with(SampleField::BufferOverruns, (step % 5) as f64);
                (Timestamp::from_millis(START_MILLIS + step * seconds * 1000), values)
            })
            .collect();
        for (place, (time, values)) in samples.iter().enumerate() {
            let vector = state.advance(*time, values, &calendar).unwrap();
            let expected = by_definition(&History(&samples[..=place]));
            for feature in [
                Feature::SymbolBer12m,
                Feature::SymbolBer125m,
                Feature::XmitDiscardsPerSecond5m,
                Feature::LinkErrorRecoveries1h,
                Feature::IntegrityErrors1h,
            ] {
                let (found, wanted) = (vector.raw(feature), expected.raw(feature));
                assert!(difference(found, wanted) < 1e-15, "{feature}: {found} for {wanted} at {seconds} s");
            }
        }
    }
}

fn first(values: SampleValues) -> FeatureVector {
    StreamState::new().advance(Timestamp::from_millis(START_MILLIS), &values, &Calendar::utc()).unwrap()
}

#[test]
fn a_new_stream_is_compared_with_the_fallbacks() {
    let values = SampleValues::default()
        .with(SampleField::LatencyP99, 6.0)
        .with(SampleField::Utilization, 50.0)
        .with(SampleField::BandwidthGbps, 50.0);
    let unknown_rate = first(values);
    assert_eq!(unknown_rate.raw(Feature::LatencyP99Delta), 1.0);
    assert_eq!(unknown_rate.raw(Feature::LatencyP99DeltaPercent), 20.0);
    assert_eq!(unknown_rate.raw(Feature::UtilizationDelta), -10.0);
    assert_eq!(unknown_rate.raw(Feature::BandwidthDeltaPercent), -50.0);
    assert_eq!(unknown_rate.raw(Feature::HealthScore), 100.0 - (0.4 * 50.0 + 0.3 * 20.0));
    let known_rate = first(values.with(SampleField::LinkRateGbps, 200.0));
    assert_eq!(known_rate.raw(Feature::BandwidthDeltaPercent), -75.0);
}

#[test]
fn the_link_s_rate_is_remembered_for_the_fallback() {
    let mut state = StreamState::new();
    let calendar = Calendar::utc();
    let rate = SampleValues::default().with(SampleField::LinkRateGbps, 400.0);
    state.advance(Timestamp::from_millis(START_MILLIS), &rate, &calendar).unwrap();
    let bandwidth = SampleValues::default().with(SampleField::BandwidthGbps, 100.0);
    let vector = state.advance(Timestamp::from_millis(START_MILLIS + 1), &bandwidth, &calendar).unwrap();
    assert_eq!(vector.raw(Feature::BandwidthDeltaPercent), -75.0);
}

#[test]
fn after_thirty_samples_the_stream_s_own_median_is_the_baseline() {
    let mut state = StreamState::new();
    let calendar = Calendar::utc();
    for step in 0..40 {
        let values = SampleValues::default().with(SampleField::LatencyP99, 3.3);
        let time = Timestamp::from_millis(START_MILLIS + step * 30_000);
        let vector = state.advance(time, &values, &calendar).unwrap();
        let baseline = 3.3 - vector.raw(Feature::LatencyP99Delta);
        let wanted = if step < 30 { 5.0 } else { 3.3 };
        assert!((baseline / wanted - 1.0).abs() < 0.02, "{baseline} at {step}");
    }
}

#[test]
fn the_local_hour_decides_business_hours_and_the_weekend() {
    let calendar = Calendar::named("Asia/Tokyo").unwrap();
    let sunday_evening: Timestamp = "2026-11-15T16:00:00Z".parse().unwrap();
    let vector = StreamState::new().advance(sunday_evening, &SampleValues::default(), &calendar).unwrap();
    assert_eq!(vector.raw(Feature::Hour), 1.0);
    assert_eq!(vector.raw(Feature::DayOfWeek), 0.0);
    assert_eq!(vector.raw(Feature::IsWeekend), 0.0);
    assert_eq!(vector.raw(Feature::IsBusinessHours), 0.0);
}
