//! What counting takes in time and room: figures for docs/DRIFT.md, printed and not judged.

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

#[test]
#[ignore = "a figure, not a rule"]
fn what_counting_takes() {
    let mut dice = Dice::new(1);
    let vectors: Vec<FeatureVector> = (0..4_096).map(|_| vector(&mut dice)).collect();
    let mut sketches = FeatureSketches::default();
    let rounds = 60;
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
    assert!(FeatureSketches::parse(&text).is_ok());
    println!(
        "{taken:.0} ns a vector of 40; an hour's text {size} bytes, written in {written:?}, read in {:?}",
        started.elapsed()
    );
}
