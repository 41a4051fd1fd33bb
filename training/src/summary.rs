//! A classifier in six figures, for setting two of them side by side.

use linkcast_domain::PredictionType;
use linkcast_scoring::Calibration;
use serde::Serialize;

use crate::calibrate::{Scored, apply};
use crate::metrics::{ClassifierFigures, judge_classifier, rounded, share};
use crate::ranking::area_under_roc;
use crate::search::SearchReport;

/// A classifier on rows it never saw, each counted by its weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassifierSummary {
    /// The share whose class was right.
    pub accuracy: f64,
    /// The mean of the F1 of the classes that have rows.
    pub macro_f1: f64,
    /// The same mean, each class counted by the weight of its rows.
    pub weighted_f1: f64,
    /// Mean negative log probability of the true class.
    pub log_loss: f64,
    /// Expected calibration error over bins of equal weight.
    pub calibration_error: f64,
    /// The mean over the classes that have rows of the area under the ROC curve of that class against all others.
    pub area_under_roc: Option<f64>,
}

/// The settings a search began with and those it ended with, on the test part, which neither of them has seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What it began with.
    pub baseline: ClassifierSummary,
    /// What it ended with: the classifier that is exported.
    pub chosen: ClassifierSummary,
}

/// A search, and what the test part says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchStory<'a> {
    pub(crate) report: &'a SearchReport,
    pub(crate) test: Comparison,
}

impl Comparison {
    /// What must not be passed over in silence.
    pub fn warning(&self) -> Option<&'static str> {
        let is_worse =
            self.chosen.log_loss > self.baseline.log_loss && self.chosen.macro_f1 < self.baseline.macro_f1;
        is_worse.then_some(
            "On the test part the chosen settings are worse than the baseline, in log loss and in macro F1.",
        )
    }
}

impl ClassifierSummary {
    /// The summary of these margins under `calibration`.
    pub(crate) fn of(scored: Scored<'_>, calibration: &Calibration) -> Self {
        let figures = judge_classifier(scored, calibration);
        ClassifierSummary {
            accuracy: figures.accuracy,
            macro_f1: figures.macro_f1,
            weighted_f1: rounded(weighted_f1(scored, &figures)),
            log_loss: figures.log_loss,
            calibration_error: figures.calibration_error,
            area_under_roc: mean_area(scored, calibration).map(rounded),
        }
    }
}

fn weighted_f1(scored: Scored<'_>, figures: &ClassifierFigures) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (_, class, weight) in scored.rows() {
        sum += weight * figures.classes.get(class.index()).map_or(0.0, |figures| figures.f1);
        total += weight;
    }
    share(sum, total)
}

fn mean_area(scored: Scored<'_>, calibration: &Calibration) -> Option<f64> {
    let probabilities: Vec<_> = scored.rows().map(|(margins, ..)| apply(calibration, margins)).collect();
    let areas: Vec<f64> = PredictionType::ALL
        .into_iter()
        .filter_map(|class| {
            let of_class = |row: &[f64; PredictionType::COUNT]| row.get(class.index()).copied();
            let scores: Vec<f64> = probabilities.iter().filter_map(of_class).collect();
            let labels: Vec<bool> = scored.classes.iter().map(|truth| *truth == class).collect();
            area_under_roc(&scores, &labels, scored.weights)
        })
        .collect();
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use PredictionType::{AnomalyDetected, Normal};

    #[test]
    fn figures_of_two_classes_follow_from_the_answers() {
        let row = |class: usize, margin: f64| {
            let mut margins = [-9.0; PredictionType::COUNT];
            margins[0] = 0.0;
            margins[class] = margin;
            margins
        };
        let margins = [row(2, -2.0), row(2, -1.0), row(2, 1.0), row(2, 2.0)].concat();
        let classes = [Normal, AnomalyDetected, Normal, AnomalyDetected];
        let scored = Scored { margins: &margins, classes: &classes, weights: &[3.0, 1.0, 1.0, 1.0] };
        let summary = ClassifierSummary::of(scored, &Calibration::identity());
        // Of the pairs, (3 + 1 + 3) of the weight 8 are in order.
        assert_eq!(summary.area_under_roc, Some(0.875));
        // Normal: 3 of 4 right either way; the anomaly: 1 of 2 right either way.
        assert_eq!((summary.macro_f1, summary.weighted_f1), (0.625, 0.666_667));
    }
}
