//! The baseline against the exact weighted median of everything earlier.
//!
//! The estimate must lie within 2 % of a value whose weighted rank is between 0.49 and 0.51. Where a stream leaps
//! from one mode to another the histogram knows the new mode only roughly at first; how rarely and for how long
//! is bounded here too.

use linkcast_domain::{Feature, SampleField, SampleValues, Timestamp};
use linkcast_features::{Calendar, StreamState};

use crate::series::{Random, START_MILLIS};

const DAY_MILLIS: f64 = 86_400_000.0;

/// The values between which the weighted median may lie: ranks 0.49 to 0.51 of what came before `now`.
fn median_range(earlier: &[(i64, f64)], now: i64) -> (f64, f64) {
    let mut weighted: Vec<(f64, f64)> =
        earlier.iter().map(|(millis, value)| (*value, ((millis - now) as f64 / DAY_MILLIS).exp2())).collect();
    weighted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let value_at_rank = |rank: f64| {
        let mut below = 0.0;
        for (value, weight) in &weighted {
            below += weight;
            if below >= rank * total {
                return *value;
            }
        }
        f64::NAN
    };
    (value_at_rank(0.49), value_at_rank(0.51))
}

/// How far, in parts of the value, each checked estimate lay outside what was allowed.
fn errors(step_millis: i64, count: usize, mut next: impl FnMut(f64, &mut Random) -> f64) -> Vec<f64> {
    let calendar = Calendar::utc();
    let mut random = Random::new(11);
    let mut state = StreamState::new();
    let mut earlier: Vec<(i64, f64)> = Vec::new();
    let mut errors = Vec::new();
    for place in 0..count {
        let millis = START_MILLIS + place as i64 * step_millis;
        let value = next((millis - START_MILLIS) as f64 / DAY_MILLIS, &mut random);
        let values = SampleValues::default().with(SampleField::LatencyP99, value);
        let vector = state.advance(Timestamp::from_millis(millis), &values, &calendar).unwrap();
        if place >= 194 && place % 194 == 0 {
            let estimate = value - vector.raw(Feature::LatencyP99Delta);
            let (low, high) = median_range(&earlier, millis);
            errors.push((low / estimate - 1.0).max(1.0 - high / estimate).max(0.0));
        }
        earlier.push((millis, value));
    }
    errors
}

fn worst(errors: &[f64]) -> f64 {
    errors.iter().copied().fold(0.0, f64::max)
}

#[track_caller]
fn check(
    name: &str,
    allowed: f64,
    (step_millis, count): (i64, usize),
    next: impl FnMut(f64, &mut Random) -> f64,
) {
    let worst = worst(&errors(step_millis, count, next));
    assert!(worst <= allowed, "{name}: the estimate is off by {worst}");
}

#[test]
fn the_median_of_narrow_and_wide_lognormal_values_is_within_two_per_cent() {
    for spread in [0.02, 0.1, 0.3, 0.6, 1.0, 2.0] {
        // Where most values are doublings from the median, the bins are wider.
        let allowed = if spread < 1.0 { 0.02 } else { 0.03 };
        check("lognormal", allowed, (60_000, 8_000), |_, random| 4.0 * (spread * random.normal()).exp());
    }
}

#[test]
fn the_median_of_uniform_values_is_within_two_per_cent() {
    check("uniform", 0.02, (60_000, 8_000), |_, random| 100.0 * random.unit());
    check("uniform, every 5 s", 0.02, (5_000, 20_000), |_, random| 20.0 + 60.0 * random.unit());
    check("constant", 0.02, (30_000, 8_000), |_, _| 3.3);
}

#[test]
fn the_median_of_drifting_values_is_within_two_per_cent_and_of_fast_ones_within_four() {
    for weekly in [0.5, 1.3, 2.0] {
        check("drifting slowly", 0.02, (120_000, 5_040), |day, random| {
            3.0 * f64::powf(weekly, day / 7.0) * (0.1 * random.normal()).exp()
        });
    }
    check("growing tenfold in a week", 0.04, (120_000, 5_040), |day, random| {
        3.0 * 10_f64.powf(day / 7.0) * (0.1 * random.normal()).exp()
    });
    check("falling to a tenth in a week", 0.04, (120_000, 5_040), |day, random| {
        3.0 * 10_f64.powf(-day / 7.0) * (0.1 * random.normal()).exp()
    });
}

#[test]
fn the_median_of_a_daily_rhythm_is_within_two_per_cent() {
    check("daily", 0.02, (60_000, 10_080), |day, random| {
        (45.0 + 35.0 * (std::f64::consts::TAU * day).sin()) * (0.05 * random.normal()).exp()
    });
}

#[test]
fn the_median_of_jobs_on_and_off_is_within_two_per_cent() {
    for busy in [0.3, 0.7] {
        check("jobs of an hour", 0.02, (60_000, 10_080), |day, random| {
            let job = Random::new((day * 24.0) as u64).chance(busy);
            if job { 85.0 + 10.0 * random.unit() } else { 0.5 + 0.3 * random.unit() }
        });
    }
}

#[test]
fn after_a_leap_from_one_mode_to_another_the_median_is_rarely_far_off() {
    let errors = errors(60_000, 10_080, |day, random| {
        let mode = if ((day / 2.0) as u64).is_multiple_of(2) { 2.0 } else { 60.0 };
        mode * (0.1 * random.normal()).exp()
    });
    let off = errors.iter().filter(|error| **error > 0.02).count() as f64 / errors.len() as f64;
    assert!(off <= 0.02, "{off} of the estimates are off by more than 2 %");
    assert!(worst(&errors) <= 0.04, "the worst estimate is off by {}", worst(&errors));
}
