//! How good a forecast of failures is, on rows it never saw.

use serde::Serialize;

use crate::metrics::{Answer, calibration_error, reliability, rounded, share};
use crate::ranking::{area_under_roc, average_precision};

/// A head in figures, each row counted by its weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeadFigures {
    /// Rows.
    pub rows: usize,
    /// Of them, before a failure.
    pub failures: usize,
    /// The share before a failure, by weight: what a guess would be right about.
    pub base_rate: f64,
    /// How often a row before a failure scores above one that is not.
    pub area_under_roc: Option<f64>,
    /// The mean precision over the recalls; a guess has the base rate.
    pub average_precision: Option<f64>,
    /// The mean squared distance of the probability from what happened.
    pub brier: f64,
    /// The same of a forecaster who always says the base rate.
    pub brier_of_base_rate: f64,
    /// Expected calibration error over bins of equal weight.
    pub calibration_error: f64,
}

impl HeadFigures {
    /// The figures of probabilities `said` of what `happened`.
    pub(super) fn of(said: &[f64], happened: &[bool], weights: &[f32]) -> Self {
        let rows = || {
            let rows = said.iter().zip(happened).zip(weights);
            rows.map(|((said, happened), weight)| (*said, *happened, f64::from(*weight)))
        };
        let total: f64 = rows().map(|(.., weight)| weight).sum();
        let failed: f64 = rows().filter(|row| row.1).map(|(.., weight)| weight).sum();
        let base_rate = share(failed, total);
        let squares: f64 =
            rows().map(|(said, happened, weight)| weight * square(said - truth(happened))).sum();
        let answers =
            rows().map(|(confidence, is_right, weight)| Answer { confidence, is_right, weight }).collect();
        HeadFigures {
            rows: said.len(),
            failures: happened.iter().filter(|happened| **happened).count(),
            base_rate: rounded(base_rate),
            area_under_roc: area_under_roc(said, happened, weights).map(rounded),
            average_precision: average_precision(said, happened, weights).map(rounded),
            brier: rounded(share(squares, total)),
            brier_of_base_rate: rounded(base_rate * (1.0 - base_rate)),
            calibration_error: calibration_error(&reliability(answers)),
        }
    }
}

fn truth(happened: bool) -> f64 {
    if happened { 1.0 } else { 0.0 }
}

fn square(value: f64) -> f64 {
    value * value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecaster_who_always_says_the_base_rate_is_calibrated_and_ranks_nothing() {
        let happened: Vec<bool> = (0..400).map(|place| place % 4 == 0).collect();
        let figures = HeadFigures::of(&[0.25; 400], &happened, &[2.0; 400]);
        assert_eq!((figures.base_rate, figures.failures), (0.25, 100));
        assert_eq!(figures.area_under_roc, Some(0.5));
        assert_eq!(figures.average_precision, Some(0.25));
        assert_eq!((figures.brier, figures.brier_of_base_rate), (0.1875, 0.1875));
        let perfect: Vec<f64> = happened.iter().map(|happened| truth(*happened)).collect();
        let figures = HeadFigures::of(&perfect, &happened, &[2.0; 400]);
        assert_eq!((figures.brier, figures.area_under_roc), (0.0, Some(1.0)));
        assert_eq!(figures.calibration_error, 0.0);
    }
}
