//! One candidate on one fold, and the number it is compared by.
//!
//! Cross entropy, because it is a proper score: it cannot be won by being sure where one should not be, and it moves
//! with every row, where a macro F1 jumps with the few rows of the rarest class. Healthy rows are thousands to one, so
//! in a plain cross entropy the faults hardly count; in one balanced by each candidate's own weights, candidates would
//! be measured by different sticks. So classes weigh as the baseline weighs them, for everyone. A candidate that grew
//! under other class weights answers as if classes were as frequent as its weights made them; the logarithms of its
//! weights are subtracted from its margins and those of the yardstick added, which is exact for a posterior learnt to
//! the end (the prior shift of Saerens et al. 2002), and not a correction fitted to any row. A forest stopped early has
//! margins too small for the full shift: scores are for comparing and read worse than a calibrated model's.

use linkcast_domain::PredictionType;
use linkcast_scoring::Calibration;
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::folds::RungRows;
use crate::balance::ClassWeights;
use crate::boost::{self, grow_classifier};
use crate::calibrate::Scored;
use crate::metrics::{judge_classifier, rounded};
use crate::progress::Silent;
use crate::{TrainingConfig, TrainingError, TrainingSet, linear, math};

const COUNT: usize = PredictionType::COUNT;

/// How a candidate did on one fold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// The balanced cross entropy by which candidates are compared; lower is better.
    pub loss: f64,
    /// The mean of the F1 of the fold's classes, for people.
    pub macro_f1: f64,
    /// Rounds, or steps of descent, up to the best.
    pub rounds: usize,
}

/// What each class weighs in the score, whoever is scored.
pub(super) struct Yardstick {
    weights: ClassWeights,
}

impl Yardstick {
    /// The baseline's weights over all rows that fit.
    pub(super) fn of(fit: &TrainingSet, balance: f64) -> Self {
        Yardstick { weights: ClassWeights::of(fit, balance) }
    }
}

/// Teaches `candidate` on the fold's fitting rows and judges it on the fold.
pub(super) fn score(
    candidate: &Candidate,
    rows: &RungRows,
    stop: &TrainingSet,
    yardstick: &Yardstick,
    config: &TrainingConfig,
) -> Result<FoldScore, TrainingError> {
    let balance = match candidate {
        Candidate::Trees { balance, .. } | Candidate::Linear { balance, .. } => *balance,
    };
    let weights = ClassWeights::of(&rows.fit, balance);
    let fit_weights: Vec<f32> = weights.weigh(&rows.fit).iter().map(|weight| weight * rows.scale).collect();
    let stop_weights = weights.weigh(stop);
    let (mut margins, rounds) = match candidate {
        Candidate::Trees { settings, .. } => {
            let lesson = boost::Lesson {
                fit: &rows.fit,
                fit_weights: &fit_weights,
                stop,
                stop_weights: &stop_weights,
            };
            let threads = Some(std::num::NonZeroUsize::MIN);
            let config = TrainingConfig { classifier: *settings, threads, ..config.clone() };
            let grown = grow_classifier(&lesson, &config, &mut Silent)?;
            (grown.margins(rows.judge.features())?, grown.forest.trees.len() / COUNT)
        }
        Candidate::Linear { strength, .. } => {
            let lesson = linear::Lesson {
                fit: &rows.fit,
                fit_weights: &fit_weights,
                stop,
                stop_weights: &stop_weights,
            };
            let planes = linear::fit(&lesson, *strength);
            (planes.margins(rows.judge.features()), planes.steps)
        }
    };
    shift(&mut margins, &weights.logarithms(), -1.0);
    let natural = Scored { margins: &margins, classes: rows.judge.classes(), weights: rows.judge.weights() };
    let macro_f1 = judge_classifier(natural, &Calibration::identity()).macro_f1;
    shift(&mut margins, &yardstick.weights.logarithms(), 1.0);
    Ok(FoldScore { loss: rounded(loss(&margins, &rows.judge, yardstick)), macro_f1, rounds })
}

/// Adds `sign` times `by` to the margins of every row.
fn shift(margins: &mut [f64], by: &[f64; COUNT], sign: f64) {
    for row in margins.as_chunks_mut::<COUNT>().0 {
        row.iter_mut().zip(by).for_each(|(margin, by)| *margin += sign * by);
    }
}

fn loss(margins: &[f64], judge: &TrainingSet, yardstick: &Yardstick) -> f64 {
    let scored = Scored { margins, classes: judge.classes(), weights: judge.weights() };
    let (mut sum, mut total) = (0.0, 0.0);
    for (margins, class, weight) in scored.rows() {
        let weight = weight * yardstick.weights.factor(class);
        let mut probabilities = *margins;
        math::softmax(&mut probabilities);
        let of_truth = probabilities.get(class.index()).copied().unwrap_or(0.0);
        sum -= weight * math::ln(of_truth.max(1e-15));
        total += weight;
    }
    if total > 0.0 { sum / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::folds::Folds;
    use crate::tests::{made_up, small};

    #[test]
    fn class_weights_of_ones_own_are_taken_out_of_the_score() {
        let set = made_up(120);
        let folds = Folds::of(&set, 3, 7).unwrap();
        let rows = &folds.rows(&set, 1.0)[0];
        let config = small();
        let yardstick = Yardstick::of(&set, 0.5);
        let of = |balance: f64| {
            let candidate = Candidate::Linear { strength: 1e-3, balance };
            score(&candidate, rows, &rows.judge, &yardstick, &config).unwrap().loss
        };
        let (plain, balanced) = (of(0.0), of(1.0));
        assert!((plain / balanced - 1.0).abs() < 0.2, "{plain} against {balanced}");
    }

    #[test]
    fn trees_beat_knowing_nothing() {
        let set = made_up(120);
        let rows = &Folds::of(&set, 3, 7).unwrap().rows(&set, 1.0)[0];
        let yardstick = Yardstick::of(&set, 1.0);
        let config = small();
        let candidate = Candidate::Trees { settings: config.classifier, balance: 0.5 };
        let score = score(&candidate, rows, &rows.judge, &yardstick, &config).unwrap();
        assert!(score.loss < (COUNT as f64).ln() / 2.0, "{score:?}");
        assert!((1..=config.classifier.rounds).contains(&score.rounds), "{score:?}");
    }
}
