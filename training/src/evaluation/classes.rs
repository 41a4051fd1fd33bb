//! What was said against what was true, class by class.
//!
//! Nearly every row of a fabric is normal, so figures over rows as they come say how rare trouble is and little else. The
//! *balanced* figures weigh rows so that every class that is there has the same share; accuracy is then the mean recall.

use linkcast_domain::PredictionType;
use serde::Serialize;

use crate::metrics::{rounded, share};

const COUNT: usize = PredictionType::COUNT;

/// Weights of rows by true class and class said.
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    cells: [[f64; COUNT]; COUNT],
}

impl Default for Confusion {
    fn default() -> Self {
        Confusion { cells: [[0.0; COUNT]; COUNT] }
    }
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassReport {
    /// The class.
    pub class: PredictionType,
    /// The weight of the rows that truly are of it.
    pub weight: f64,
    /// Of what was said to be of it, the share that is; none where nothing was.
    pub precision: Option<f64>,
    /// Of what is of it, the share said to be; none where nothing is.
    pub recall: Option<f64>,
    /// The harmonic mean of both, 0 where nothing was hit; none where nothing is of it.
    pub f1: Option<f64>,
}

/// All classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationReport {
    /// The share that was right.
    pub accuracy: f64,
    /// The mean F1 of the classes that are there.
    pub macro_f1: f64,
    /// Their F1 by their weight.
    pub weighted_f1: f64,
    /// Each class.
    pub classes: Vec<ClassReport>,
    /// Of each true class's weight, the share said to be of each class; a class that is not there has zeros.
    pub confusion: Vec<Vec<f64>>,
}

impl Confusion {
    /// Counts a row.
    pub fn add(&mut self, truth: PredictionType, said: PredictionType, weight: f64) {
        let cell = self.cells.get_mut(truth.index()).and_then(|row| row.get_mut(said.index()));
        cell.into_iter().for_each(|cell| *cell += weight);
    }

    /// Counts the rows of another table `times` over as well.
    pub fn merge(&mut self, other: &Confusion, times: f64) {
        for (mine, theirs) in self.cells.iter_mut().flatten().zip(other.cells.iter().flatten()) {
            *mine += theirs * times;
        }
    }

    /// The same with each true class that is there weighing 1.
    #[must_use]
    pub fn balanced(&self) -> Confusion {
        let even = |row: [f64; COUNT]| {
            let whole: f64 = row.iter().sum();
            row.map(|cell| share(cell, whole))
        };
        Confusion { cells: self.cells.map(even) }
    }

    /// The mean F1 of the classes that are there.
    pub fn macro_f1(&self) -> f64 {
        let scores = (0..COUNT).filter_map(|class| self.f1(class));
        let (sum, classes) = scores.fold((0.0, 0.0), |(sum, classes), f1| (sum + f1, classes + 1.0));
        share(sum, classes)
    }

    /// The share that was right.
    pub fn accuracy(&self) -> f64 {
        let right: f64 = (0..COUNT).map(|class| self.hit(class)).sum();
        share(right, self.cells.iter().flatten().sum())
    }

    /// Everything told of the table.
    pub fn report(&self) -> ClassificationReport {
        let whole: f64 = self.cells.iter().flatten().sum();
        let weighted = (0..COUNT).filter_map(|class| Some(self.f1(class)? * self.is(class))).sum();
        ClassificationReport {
            accuracy: rounded(self.accuracy()),
            macro_f1: rounded(self.macro_f1()),
            weighted_f1: rounded(share(weighted, whole)),
            classes: PredictionType::ALL.into_iter().map(|class| self.of_class(class)).collect(),
            confusion: self.balanced().cells.map(|row| row.map(rounded).to_vec()).to_vec(),
        }
    }

    fn of_class(&self, class: PredictionType) -> ClassReport {
        let (hit, is, said) = (self.hit(class.index()), self.is(class.index()), self.said(class.index()));
        ClassReport {
            class,
            weight: rounded(is),
            precision: (said > 0.0).then(|| rounded(hit / said)),
            recall: (is > 0.0).then(|| rounded(hit / is)),
            f1: self.f1(class.index()).map(rounded),
        }
    }

    fn f1(&self, class: usize) -> Option<f64> {
        let is = self.is(class);
        (is > 0.0).then(|| share(2.0 * self.hit(class), is + self.said(class)))
    }

    fn hit(&self, class: usize) -> f64 {
        self.cells.get(class).and_then(|row| row.get(class)).copied().unwrap_or(0.0)
    }

    fn is(&self, class: usize) -> f64 {
        self.cells.get(class).map_or(0.0, |row| row.iter().sum())
    }

    fn said(&self, class: usize) -> f64 {
        self.cells.iter().filter_map(|row| row.get(class)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PredictionType::{LatencySpike, Normal, PacketLossDetected};

    fn table() -> Confusion {
        let mut table = Confusion::default();
        table.add(Normal, Normal, 90.0);
        table.add(Normal, PacketLossDetected, 10.0);
        table.add(PacketLossDetected, PacketLossDetected, 3.0);
        table.add(PacketLossDetected, Normal, 1.0);
        table
    }

    #[test]
    fn figures_follow_from_the_cells() {
        let report = table().report();
        let loss = &report.classes[PacketLossDetected.index()];
        assert_eq!((loss.precision, loss.recall, loss.f1), (Some(0.230_769), Some(0.75), Some(0.352_941)));
        assert_eq!(report.accuracy, 0.894_231);
        // F1 of normal: 180 of 191; of loss: 6 of 17.
        assert_eq!(report.macro_f1, rounded((180.0 / 191.0 + 6.0 / 17.0) / 2.0));
        assert_eq!(report.weighted_f1, rounded((100.0 * 180.0 / 191.0 + 4.0 * 6.0 / 17.0) / 104.0));
    }

    #[test]
    fn balanced_accuracy_is_the_mean_recall_of_the_classes_that_are_there() {
        assert_eq!(table().balanced().accuracy(), (0.9 + 0.75) / 2.0);
        let absent = &table().report().classes[LatencySpike.index()];
        assert_eq!((absent.precision, absent.recall, absent.f1), (None, None, None));
    }

    #[test]
    fn a_class_nobody_named_has_no_precision_and_an_f1_of_nothing() {
        let mut silent = Confusion::default();
        silent.add(PacketLossDetected, Normal, 2.0);
        silent.add(Normal, Normal, 2.0);
        let report = silent.report();
        assert_eq!(report.classes[PacketLossDetected.index()].precision, None);
        assert_eq!(report.classes[PacketLossDetected.index()].f1, Some(0.0));
        assert_eq!(report.macro_f1, rounded((2.0 / 3.0) / 2.0));
    }

    #[test]
    fn two_tables_count_as_one() {
        let mut both = table();
        both.merge(&table(), 1.0);
        assert_eq!(both.report().accuracy, table().report().accuracy);
        assert_eq!(both.report().classes[0].weight, 200.0);
    }
}
