//! What counting takes in time, which is printed for docs/DRIFT.md, and in room, which an item of a table bounds.

use std::time::Instant;

use linkcast_domain::{FeatureVector, PredictionType};

use crate::FeatureSketches;
use crate::simulation::Dice;

/// A vector as a busy fabric's: a third absent, a third mostly zero, the others spread over octaves.
fn vector(dice: &mut Dice) -> FeatureVector {
    FeatureVector(std::array::from_fn(|place| match place % 3 {
        0 if place < 30 => (1.5 * dice.normal()).exp(),
        1 if dice.uniform() < 0.95 => 0.0,
        2 => 50.0 + 20.0 * dice.normal(),
        0 => f64::NAN,
        _ => dice.uniform() / 1000.0,
    }))
}

/// The most an item of DynamoDB may hold.
const LARGEST_ITEM: usize = 400 * 1024;

#[test]
fn an_hours_counts_fit_an_item_and_come_back_from_it() {
    let mut dice = Dice::new(1);
    let vectors: Vec<FeatureVector> = (0..4_096).map(|_| vector(&mut dice)).collect();
    let mut sketches = FeatureSketches::default();
    let rounds = 6;
    let started = Instant::now();
    for _ in 0..rounds {
        vectors.iter().for_each(|vector| sketches.add(vector));
    }
    let taken = started.elapsed().as_nanos() as f64 / (rounds * vectors.len()) as f64;
    for vector in &vectors {
        sketches.add_score(PredictionType::Normal, vector.0[0].min(100.0), 0.9);
    }
    let started = Instant::now();
    let text = sketches.to_text();
    let (written, size) = (started.elapsed(), text.len());
    let started = Instant::now();
    assert_eq!(FeatureSketches::parse(&text).ok(), Some(sketches));
    assert!(size < LARGEST_ITEM / 2, "{size} bytes");
    println!(
        "{taken:.0} ns a vector of 40; an hour's text {size} bytes, written in {written:?}, read in {:?}",
        started.elapsed()
    );
}
