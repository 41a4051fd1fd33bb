//! How right answers are, and how right they are about that.

use linkcast_domain::PredictionType;
use linkcast_scoring::Score;
use linkcast_training::evaluation::{Answer, Confusion, reliability_diagram};
use serde::Serialize;

use super::sample::Row;

/// Bins of equal mass behind the calibration error, as `linkcast evaluate` takes them.
const BINS: usize = 15;

/// How right answers are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Rows that were answered: what the figures rest on.
    pub(crate) rows: usize,
    /// The mean recall of the classes that are there.
    pub(crate) accuracy: f64,
    /// Their mean F1, each weighing the same.
    pub(crate) macro_f1: f64,
    /// The share that is right of rows as they come.
    pub(crate) accuracy_as_they_come: f64,
    /// Expected calibration error of the class named, over bins of equal mass, rows as they come.
    pub(crate) calibration_error: f64,
}

impl Figures {
    /// Of `rows` and what was answered to each; none where nothing was.
    pub(crate) fn of<'a>(answers: impl Iterator<Item = (&'a Row, &'a Score)>) -> Option<Self> {
        let (mut table, mut sure) = (Confusion::default(), Vec::new());
        for (row, score) in answers {
            table.add(row.truth, score.class, row.weight);
            sure.push(answer(score.class, row, score));
        }
        let rows = sure.len();
        let calibration_error = reliability_diagram(sure, BINS).calibration_error?;
        let balanced = table.balanced().report();
        let (accuracy, macro_f1) = (balanced.accuracy, balanced.macro_f1);
        let accuracy_as_they_come = table.report().accuracy;
        Some(Figures { rows, accuracy, macro_f1, accuracy_as_they_come, calibration_error })
    }
}

fn answer(said: PredictionType, row: &Row, score: &Score) -> Answer {
    Answer { confidence: score.confidence, is_right: said == row.truth, weight: row.weight }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use PredictionType::{LatencySpike, Normal};

    pub(in crate::tiers) fn score(class: PredictionType, confidence: f64) -> Score {
        let rest = (1.0 - confidence) / (PredictionType::COUNT - 1) as f64;
        let probability = |place| if place == class.index() { confidence } else { rest };
        Score { probabilities: std::array::from_fn(probability), class, confidence, risk: 1.0 }
    }

    pub(in crate::tiers) fn row(stream: &str, truth: PredictionType, weight: f64) -> Row {
        Row {
            stream: stream.parse().unwrap(),
            time: linkcast_domain::Timestamp::from_millis(0),
            features: linkcast_domain::FeatureVector::default(),
            truth,
            weight,
        }
    }

    #[test]
    fn classes_weigh_the_same_and_rows_as_they_come() {
        let rows = [row("a/1", Normal, 97.0), row("a/1", LatencySpike, 2.0), row("a/1", LatencySpike, 1.0)];
        let said = [score(Normal, 0.97), score(LatencySpike, 0.97), score(Normal, 0.97)];
        let figures = Figures::of(rows.iter().zip(&said)).unwrap();
        assert_eq!(figures.rows, 3);
        assert_eq!((figures.accuracy, figures.accuracy_as_they_come), (0.833_333, 0.99));
        // Balanced: normal's F1 is 2 of 2 + 1/3, the spike's 4/3 of 5/3.
        assert_eq!(figures.macro_f1, 0.828_571);
        assert_eq!(figures.calibration_error, 0.02);
        assert_eq!(Figures::of(std::iter::empty()), None);
    }
}
