//! How good a model is, row by row, on rows it never saw.
//!
//! Row metrics say whether the trees learnt; whether anyone is helped is judged by episode, in
//! [`crate::evaluation`]. All figures are rounded to six digits so that a card is the same text on every machine.

use linkcast_domain::PredictionType;
use serde::Serialize;

use crate::calibrate::{Scored, apply};
use crate::math;
use linkcast_scoring::Calibration;

const COUNT: usize = PredictionType::COUNT;
/// Bins of the reliability table, of equal weight.
const BINS: usize = 15;

/// One class, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// The class.
    pub class: PredictionType,
    /// Rows that truly are of it.
    pub rows: usize,
    /// Of the rows said to be of it, the share that are.
    pub precision: f64,
    /// Of the rows that are of it, the share said to be.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}

/// Rows of about the same confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Rows, by weight.
    pub weight: f64,
    /// The mean confidence.
    pub confidence: f64,
    /// The share that was right.
    pub accuracy: f64,
}

/// The classifier, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassifierFigures {
    /// Rows.
    pub rows: usize,
    /// The share whose class was right.
    pub accuracy: f64,
    /// The mean of the F1 of the classes that have rows.
    pub macro_f1: f64,
    /// Mean negative log probability of the true class.
    pub log_loss: f64,
    /// Expected calibration error over bins of equal weight.
    pub calibration_error: f64,
    /// Each class.
    pub classes: Vec<ClassFigures>,
    /// The bins behind the calibration error.
    pub reliability: Vec<ReliabilityBin>,
}

/// The regressor, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegressorFigures {
    /// Root of the mean squared error, in points of risk.
    pub root_mean_squared_error: f64,
    /// Mean absolute error, in points of risk.
    pub mean_absolute_error: f64,
}

/// Judges the classifier's margins under `calibration`.
pub(crate) fn judge_classifier(scored: Scored<'_>, calibration: &Calibration) -> ClassifierFigures {
    let mut table = [[0.0; COUNT]; COUNT];
    let mut counts = [0usize; COUNT];
    let mut confidences = Vec::new();
    let (mut loss, mut total) = (0.0, 0.0);
    for (margins, truth, weight) in scored.rows() {
        let probabilities = apply(calibration, margins);
        let said = math::largest(&probabilities);
        let place = table.get_mut(truth.index()).and_then(|row| row.get_mut(said));
        place.into_iter().for_each(|cell| *cell += weight);
        counts.get_mut(truth.index()).into_iter().for_each(|count| *count += 1);
        let of_truth = probabilities.get(truth.index()).copied().unwrap_or(0.0);
        loss -= math::ln(of_truth.max(1e-15)) * weight;
        total += weight;
        let confidence = probabilities.get(said).copied().unwrap_or(0.0);
        confidences.push(Answer { confidence, is_right: said == truth.index(), weight });
    }
    let classes = class_figures(&table, &counts);
    let present: Vec<f64> = classes.iter().filter(|class| class.rows > 0).map(|class| class.f1).collect();
    let right: f64 = (0..COUNT).filter_map(|class| table.get(class).and_then(|row| row.get(class))).sum();
    let reliability = reliability(confidences);
    ClassifierFigures {
        rows: scored.classes.len(),
        accuracy: rounded(share(right, total)),
        macro_f1: rounded(share(present.iter().sum(), present.len() as f64)),
        log_loss: rounded(share(loss, total)),
        calibration_error: calibration_error(&reliability),
        classes,
        reliability,
    }
}

/// Judges the regressor's risks.
pub(crate) fn judge_regressor(said: &[f64], truth: &[f32], weights: &[f32]) -> RegressorFigures {
    let (mut squares, mut sizes, mut total) = (0.0, 0.0, 0.0);
    for ((said, truth), weight) in said.iter().zip(truth).zip(weights) {
        let error = said.clamp(0.0, 100.0) - f64::from(*truth);
        squares += error * error * f64::from(*weight);
        sizes += error.abs() * f64::from(*weight);
        total += f64::from(*weight);
    }
    RegressorFigures {
        root_mean_squared_error: rounded(share(squares, total).sqrt()),
        mean_absolute_error: rounded(share(sizes, total)),
    }
}

fn class_figures(table: &[[f64; COUNT]; COUNT], counts: &[usize; COUNT]) -> Vec<ClassFigures> {
    let figures = PredictionType::ALL.into_iter().zip(table).zip(counts);
    let figures = figures.map(|((class, row), rows)| {
        let hit = row.get(class.index()).copied().unwrap_or(0.0);
        let said: f64 = table.iter().filter_map(|row| row.get(class.index())).sum();
        let precision = share(hit, said);
        let recall = share(hit, row.iter().sum());
        ClassFigures {
            class,
            rows: *rows,
            precision: rounded(precision),
            recall: rounded(recall),
            f1: rounded(share(2.0 * precision * recall, precision + recall)),
        }
    });
    figures.collect()
}

/// One answer: how sure, whether right, and how much it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) confidence: f64,
    pub(crate) is_right: bool,
    pub(crate) weight: f64,
}

/// Bins of equal weight, from the least sure to the surest.
pub(crate) fn reliability(mut answers: Vec<Answer>) -> Vec<ReliabilityBin> {
    answers.sort_by(|one, other| one.confidence.total_cmp(&other.confidence));
    let total: f64 = answers.iter().map(|answer| answer.weight).sum();
    let mut bins = vec![(0.0, 0.0, 0.0); BINS];
    let mut passed = 0.0;
    for answer in &answers {
        let middle = (passed + answer.weight / 2.0) / total;
        let place = ((middle * BINS as f64) as usize).min(BINS - 1);
        passed += answer.weight;
        if let Some((weight, confidence, right)) = bins.get_mut(place) {
            *weight += answer.weight;
            *confidence += answer.confidence * answer.weight;
            *right += if answer.is_right { answer.weight } else { 0.0 };
        }
    }
    let bins = bins.into_iter().filter(|(weight, ..)| *weight > 0.0);
    let bin = |(weight, confidence, right): (f64, f64, f64)| ReliabilityBin {
        weight: rounded(weight),
        confidence: rounded(confidence / weight),
        accuracy: rounded(right / weight),
    };
    bins.map(bin).collect()
}

/// The mean distance between what bins say and what happened, by weight.
pub(crate) fn calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: f64 = bins.iter().map(|bin| bin.weight).sum();
    let distance = bins.iter().map(|bin| (bin.confidence - bin.accuracy).abs() * bin.weight).sum();
    rounded(share(distance, total))
}

pub(crate) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Six digits after the point.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_recall_and_accuracy_follow_from_the_answers() {
        use PredictionType::{AnomalyDetected, Normal};
        let row = |class: usize| {
            let mut margins = [0.0; COUNT];
            margins[class] = 5.0;
            margins
        };
        let margins = [row(0), row(0), row(2), row(2), row(2)].concat();
        let classes = [Normal, AnomalyDetected, AnomalyDetected, AnomalyDetected, Normal];
        let weights = [1.0, 1.0, 1.0, 1.0, 3.0];
        let scored = Scored { margins: &margins, classes: &classes, weights: &weights };
        let figures = judge_classifier(scored, &Calibration::identity());
        let anomaly = &figures.classes[2];
        assert_eq!((anomaly.precision, anomaly.recall), (0.4, 0.666_667));
        assert_eq!(figures.classes[0].recall, 0.25);
        assert_eq!(figures.accuracy, 0.428_571);
    }

    #[test]
    fn answers_that_are_right_as_often_as_they_are_sure_have_no_calibration_error() {
        let answers = (0..1500).map(|place| {
            let level = f64::from(place / 100) / 15.0;
            Answer { confidence: level, is_right: f64::from(place % 100) < level * 100.0, weight: 1.0 }
        });
        assert!(calibration_error(&reliability(answers.collect())) < 0.01);
        let sure = (0..100).map(|place| Answer { confidence: 0.9, is_right: place % 2 == 0, weight: 2.0 });
        assert_eq!(calibration_error(&reliability(sure.collect())), 0.4);
    }

    #[test]
    fn a_risk_beyond_the_scale_is_held_to_it() {
        let figures = judge_regressor(&[120.0, -5.0, 50.0], &[100.0, 0.0, 40.0], &[1.0, 1.0, 2.0]);
        assert_eq!(figures.mean_absolute_error, 5.0);
    }
}
