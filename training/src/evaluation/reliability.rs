//! Whether what is said with 80 % confidence is right four times in five.
//!
//! Bins hold equal mass, so that none is empty and none decides by a handful of rows; each bin's share comes with its interval,
//! for a bin off the diagonal may be chance.

use serde::Serialize;

use super::intervals::{Interval, wilson_of_share};
use crate::metrics::{rounded, share};

/// One answer: how sure, whether right, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The confidence, 0 to 1.
    pub confidence: f64,
    /// Whether it was right.
    pub is_right: bool,
    /// How many answers it stands for.
    pub weight: f64,
}

/// Answers about equally sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MassBin {
    /// How many.
    pub answers: usize,
    /// By weight.
    pub weight: f64,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share that was right.
    pub right: f64,
    /// The 95 % interval of that share.
    pub interval: Interval,
}

/// All bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReliabilityDiagram {
    /// Answers.
    pub answers: usize,
    /// The mean distance of confidence and share, by weight; none without answers.
    pub calibration_error: Option<f64>,
    /// By rising confidence.
    pub bins: Vec<MassBin>,
}

/// Bins `answers` into at most `most_bins` of equal mass. Equally sure answers are not torn apart.
pub fn reliability_diagram(mut answers: Vec<Answer>, most_bins: usize) -> ReliabilityDiagram {
    answers.sort_by(|one, other| one.confidence.total_cmp(&other.confidence));
    let total: f64 = answers.iter().map(|answer| answer.weight).sum();
    let mut bins: Vec<(usize, Sums)> = Vec::new();
    let mut passed = 0.0;
    for equal in answers.chunk_by(|one, other| one.confidence.total_cmp(&other.confidence).is_eq()) {
        let weight: f64 = equal.iter().map(|answer| answer.weight).sum();
        let place = (share(passed + weight / 2.0, total) * most_bins as f64) as usize;
        passed += weight;
        if bins.last().is_none_or(|(last, _)| *last != place) {
            bins.push((place, Sums::default()));
        }
        if let Some((_, sums)) = bins.last_mut() {
            equal.iter().for_each(|answer| sums.add(answer));
        }
    }
    let bins: Vec<MassBin> = bins.into_iter().map(|(_, sums)| sums.bin()).collect();
    let distance: f64 = bins.iter().map(|bin| (bin.confidence - bin.right).abs() * bin.weight).sum();
    ReliabilityDiagram {
        answers: answers.len(),
        calibration_error: (total > 0.0).then(|| rounded(distance / total)),
        bins,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    answers: usize,
    weight: f64,
    squares: f64,
    confidence: f64,
    right: f64,
}

impl Sums {
    fn add(&mut self, answer: &Answer) {
        self.answers += 1;
        self.weight += answer.weight;
        self.squares += answer.weight * answer.weight;
        self.confidence += answer.confidence * answer.weight;
        self.right += if answer.is_right { answer.weight } else { 0.0 };
    }

    /// The interval counts answers of unequal weight by their effective number (Kish).
    fn bin(self) -> MassBin {
        let right = share(self.right, self.weight);
        MassBin {
            answers: self.answers,
            weight: rounded(self.weight),
            confidence: rounded(share(self.confidence, self.weight)),
            right: rounded(right),
            interval: wilson_of_share(right, share(self.weight * self.weight, self.squares)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(levels: &[(f64, usize, usize)]) -> Vec<Answer> {
        let of = |(confidence, count, right): &(f64, usize, usize)| {
            let (confidence, right) = (*confidence, *right);
            (0..*count).map(move |place| Answer { confidence, is_right: place < right, weight: 1.0 })
        };
        levels.iter().flat_map(of).collect()
    }

    #[test]
    fn the_error_is_the_mean_distance_of_the_bins() {
        let diagram = reliability_diagram(answers(&[(0.5, 100, 50), (0.9, 100, 70)]), 2);
        assert_eq!(diagram.calibration_error, Some(0.1));
        let shares: Vec<_> = diagram.bins.iter().map(|bin| (bin.answers, bin.right)).collect();
        assert_eq!(shares, [(100, 0.5), (100, 0.7)]);
        assert!(diagram.bins[1].interval.low > 0.6 && diagram.bins[1].interval.high < 0.79);
    }

    #[test]
    fn equally_sure_answers_stay_together_and_none_give_no_error() {
        assert_eq!(reliability_diagram(answers(&[(0.7, 1000, 700)]), 15).bins.len(), 1);
        assert_eq!(reliability_diagram(Vec::new(), 15).calibration_error, None);
    }

    #[test]
    fn heavy_answers_count_more_and_are_trusted_no_more_than_their_number() {
        let heavy = [(0.8, true, 9.0), (0.8, false, 1.0)];
        let heavy = heavy.map(|(confidence, is_right, weight)| Answer { confidence, is_right, weight });
        let bin = reliability_diagram(heavy.to_vec(), 5).bins[0];
        assert_eq!(bin.right, 0.9);
        assert!(bin.interval.low < 0.3, "{:?}", bin.interval);
    }
}
