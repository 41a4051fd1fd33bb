//! False alarms at the stated rate, and power, one series at a time.

use super::{Cut, rates};
use crate::simulation::{Dice, autoregressive};

const THOUSANDS: Cut = Cut { chunk: 20, reference: 1_000, cycle: 1 };
const LONGER: Cut = Cut { chunk: 20, reference: 4_000, cycle: 1 };
const STATED: f64 = 0.05;

/// A series of `reference` + `look` numbers that keeps the share `phi` of itself, its look changed by `change`.
fn series(phi: f64, cut: &Cut, look: usize, change: impl Fn(f64) -> f64) -> impl Fn(u64) -> Vec<f64> {
    let reference = cut.reference;
    move |seed| {
        let mut dice = Dice::new(seed + 1_000);
        let values = autoregressive(&mut dice, phi).take(reference + look).enumerate();
        values.map(|(place, value)| if place < reference { value } else { change(value) }).collect()
    }
}

/// Mostly zero, in bursts, and heavy above: as error counters are.
fn counter(value: f64) -> f64 {
    if value < 1.0 { 0.0 } else { (4.0 * (value - 1.0)).exp().round() }
}

#[test]
fn the_false_alarm_rate_holds_however_long_the_series_remembers() {
    for phi in [0.0, 0.5, 0.9, 0.99] {
        let found = rates(300, &THOUSANDS, series(phi, &THOUSANDS, 1_000, |value| value));
        println!("1000 v 1000, phi {phi}: {found:?}");
        assert!(found.significant <= STATED && found.drift <= STATED, "{phi}: {found:?}");
        if phi < 0.95 {
            assert!(found.unknown < 0.2, "{phi}: {found:?}");
        } else {
            assert!(found.unknown > 0.8, "199 samples of memory in 1000 are five trials: {found:?}");
        }
    }
}

#[test]
fn it_holds_for_counters_that_are_mostly_zero_and_heavy_above() {
    for phi in [0.5, 0.9] {
        let of = series(phi, &LONGER, 1_000, |value| value);
        let found = rates(100, &LONGER, |seed| of(seed).into_iter().map(counter).collect());
        println!("counter, phi {phi}: {found:?}");
        assert!(found.significant <= STATED && found.unknown < 0.2, "{phi}: {found:?}");
    }
}

/// Days of a fabric whose load follows the clock, more than it scatters.
fn days(count: usize, chunk: usize, seed: u64, last_day: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut dice = Dice::new(seed + 5_000);
    let mut noise: Vec<f64> = autoregressive(&mut dice, 0.9).take(count * 24 * chunk).collect();
    for (place, value) in noise.iter_mut().enumerate() {
        let hour = (place / chunk) as f64;
        *value += 2.0 * (std::f64::consts::TAU * hour / 24.0).sin();
        if place >= (count - 1) * 24 * chunk {
            *value = last_day(*value);
        }
    }
    noise
}

#[test]
fn it_holds_through_the_day_and_a_change_of_half_a_deviation_is_seen_within_one() {
    let cut = Cut { chunk: 20, reference: 14 * 24 * 20, cycle: 24 };
    let found = rates(60, &cut, |seed| days(15, 20, seed, |value| value));
    println!("a day's pattern: {found:?}");
    assert!(found.significant <= STATED && found.unknown < 0.1, "{found:?}");
    let found = rates(20, &cut, |seed| days(15, 20, seed, |value| value + 0.5 * 3_f64.sqrt()));
    println!("a day's pattern, half a deviation up: {found:?}");
    assert!(found.drift >= 0.8, "{found:?}");
}

#[test]
fn real_changes_are_seen() {
    let power = |phi, change: fn(f64) -> f64| rates(40, &LONGER, series(phi, &LONGER, 1_000, change)).drift;
    let table = [
        ("half a deviation", 0.0, power(0.0, |value| value + 0.5), 0.95),
        ("half a deviation", 0.5, power(0.5, |value| value + 0.5), 0.95),
        ("half a deviation", 0.9, power(0.9, |value| value + 0.5), 0.4),
        ("one deviation", 0.9, power(0.9, |value| value + 1.0), 0.9),
        ("twice the variance", 0.5, power(0.5, |value| value * 2_f64.sqrt()), 0.95),
        ("twice the variance", 0.9, power(0.9, |value| value * 2_f64.sqrt()), 0.3),
    ];
    for (change, phi, found, least) in table {
        println!("power, phi {phi}, {change}: {found}");
        assert!(found >= least, "{change}, phi {phi}: {found}");
    }
    let zeros = |seed| {
        let mut values = series(0.5, &LONGER, 1_000, |value| value + 0.5)(seed);
        values.iter_mut().for_each(|value| *value = counter(*value));
        values
    };
    let found = rates(40, &LONGER, zeros);
    println!("power, zeros from 84 % to 69 %: {found:?}");
    assert!(found.drift >= 0.9, "{found:?}");
}

#[test]
fn a_series_that_remembers_two_hundred_samples_is_judged_with_more_of_them() {
    let cut = Cut { chunk: 100, reference: 30_000, cycle: 1 };
    let still = rates(40, &cut, series(0.99, &cut, 10_000, |value| value));
    println!("30000 v 10000, phi 0.99: {still:?}");
    assert!(still.significant <= STATED + 0.01 && still.unknown < 0.05, "{still:?}");
    let moved = rates(15, &cut, series(0.99, &cut, 10_000, |value| value + 1.0));
    println!("30000 v 10000, phi 0.99, one deviation up: {moved:?}");
    assert!(moved.drift >= 0.9, "{moved:?}");
}
