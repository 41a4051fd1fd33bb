//! What growing minimises, and what it stops by: gradients and losses in f64 with exponentials of our own.
//!
//! The booster's own kernels pick their code by the processor and would give another bit here and there; these give the
//! same on every machine (see [`crate::math`]).

use hessboost::objective::GradPair;
use linkcast_domain::PredictionType;

use crate::math;

/// Gradients of the cross entropy of softmax; the second derivative is doubled, as XGBoost does, which halves the
/// step of each tree and is what its default settings are tuned to.
pub(crate) fn softmax_gradient(
    margins: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    out: &mut [GradPair],
) {
    const COUNT: usize = PredictionType::COUNT;
    let rows = margins.as_chunks::<COUNT>().0.iter().zip(out.as_chunks_mut::<COUNT>().0);
    for (row, ((margins, out), label)) in rows.zip(labels).enumerate() {
        let weight = weight_at(weights, row);
        let mut probabilities = margins.map(f64::from);
        math::softmax(&mut probabilities);
        for (class, (probability, pair)) in probabilities.iter().zip(out).enumerate() {
            let target = if class as f32 == *label { 1.0 } else { 0.0 };
            let curvature = (2.0 * probability * (1.0 - probability)).max(1e-16);
            *pair = GradPair::new(((probability - target) * weight) as f32, (curvature * weight) as f32);
        }
    }
}

pub(crate) fn squared_gradient(
    margins: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    out: &mut [GradPair],
) {
    for (row, ((margin, label), pair)) in margins.iter().zip(labels).zip(out).enumerate() {
        let weight = weight_at(weights, row) as f32;
        *pair = GradPair::new((margin - label) * weight, weight);
    }
}

pub(crate) fn cross_entropy(margins: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let rows = margins.as_chunks::<{ PredictionType::COUNT }>().0.iter().zip(labels);
    let losses = rows.map(|(margins, label)| {
        let mut probabilities = margins.map(f64::from);
        math::softmax(&mut probabilities);
        let true_class = probabilities.get(*label as usize).copied().unwrap_or(0.0);
        -math::ln(true_class.max(1e-15))
    });
    mean(losses, weights)
}

pub(crate) fn mean_squared_error(margins: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let losses = margins.iter().zip(labels).map(|(margin, label)| {
        let error = f64::from(*margin) - f64::from(*label);
        error * error
    });
    mean(losses, weights)
}

/// Gradients of the cross entropy of one probability. The second derivative is not doubled: with one output there is
/// nothing it would balance.
pub(crate) fn logistic_gradient(
    margins: &[f32],
    labels: &[f32],
    weights: Option<&[f32]>,
    out: &mut [GradPair],
) {
    for (row, ((margin, label), pair)) in margins.iter().zip(labels).zip(out).enumerate() {
        let weight = weight_at(weights, row);
        let probability = math::logistic(f64::from(*margin));
        let curvature = (probability * (1.0 - probability)).max(1e-16);
        let slope = probability - f64::from(*label);
        *pair = GradPair::new((slope * weight) as f32, (curvature * weight) as f32);
    }
}

/// Mean negative log probability of what was the case.
pub(crate) fn binary_entropy(margins: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let losses = margins.iter().zip(labels).map(|(margin, label)| {
        let probability = math::logistic(f64::from(*margin));
        let of_truth = if *label > 0.5 { probability } else { 1.0 - probability };
        -math::ln(of_truth.max(1e-15))
    });
    mean(losses, weights)
}

/// The logarithm of the odds of a probability, held away from certainty.
pub(crate) fn log_odds(probability: f32) -> f32 {
    let probability = f64::from(probability).clamp(1e-6, 1.0 - 1e-6);
    math::ln(probability / (1.0 - probability)) as f32
}

pub(crate) fn weighted_mean(values: &[f32], weights: &[f32]) -> f32 {
    mean(values.iter().map(|value| f64::from(*value)), Some(weights)) as f32
}

fn mean(values: impl Iterator<Item = f64>, weights: Option<&[f32]>) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, value) in values.enumerate() {
        let weight = weight_at(weights, row);
        sum += value * weight;
        total += weight;
    }
    if total > 0.0 { sum / total } else { 0.0 }
}

fn weight_at(weights: Option<&[f32]>, row: usize) -> f64 {
    weights.and_then(|weights| weights.get(row)).map_or(1.0, |weight| f64::from(*weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_gradient_is_the_slope_of_the_binary_entropy() {
        let (labels, weights) = ([1.0, 0.0], [2.0, 3.0]);
        let margins = [0.4f32, -0.7];
        let mut pairs = [GradPair::new(0.0, 0.0); 2];
        logistic_gradient(&margins, &labels, Some(&weights), &mut pairs);
        for place in 0..2 {
            let moved = |by: f32| {
                let mut margins = margins;
                margins[place] += by;
                binary_entropy(&margins, &labels, Some(&weights)) * 5.0
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((slope - f64::from(pairs[place].grad)).abs() < 1e-3, "{slope} at {place}");
        }
    }

    #[test]
    fn odds_of_a_certain_thing_are_finite() {
        assert!(log_odds(1.0).is_finite() && log_odds(0.0).is_finite());
        assert_eq!(log_odds(0.5), 0.0);
    }
}
