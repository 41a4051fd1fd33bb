//! How well a score ranks: ROC and precision against recall, over every threshold there is.
//!
//! Rows of equal score stand or fall together, so ties never flatter. The area under the ROC curve is the chance that a
//! positive ranks above a negative, ties counting half; average precision is the step-wise area under the other curve,
//! without interpolation.

use serde::Serialize;

use crate::metrics::{rounded, share};

/// A row as a threshold sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The higher, the sooner it is called positive.
    pub score: f64,
    /// Whether it truly is.
    pub is_positive: bool,
    /// How much it counts.
    pub weight: f64,
}

/// Both curves of one score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The area under the ROC curve.
    pub auc: f64,
    /// The average precision.
    pub average_precision: f64,
    /// False positive rate and true positive rate, from (0, 0) to (1, 1), thinned for drawing.
    pub roc: Vec<[f64; 2]>,
    /// Recall and precision by falling threshold, thinned for drawing.
    pub precision_recall: Vec<[f64; 2]>,
}

/// The weights called positive at one threshold.
#[derive(Clone, Copy, Debug, Default)]
struct Called {
    positives: f64,
    negatives: f64,
}

/// Ranks rows; none unless there is a positive and a negative one. The curves keep at most `most_points` points, the areas
/// are those of all.
pub fn rank(mut rows: Vec<Ranked>, most_points: usize) -> Option<Ranking> {
    rows.sort_by(|one, other| other.score.total_cmp(&one.score));
    let steps = steps(&rows);
    let whole = steps.last().copied()?;
    if whole.positives <= 0.0 || whole.negatives <= 0.0 {
        return None;
    }
    let mut previous = Called::default();
    let (mut auc, mut average_precision) = (0.0, 0.0);
    for called in &steps {
        let (positives, negatives) =
            (called.positives - previous.positives, called.negatives - previous.negatives);
        auc += negatives * (previous.positives + positives / 2.0);
        average_precision += positives * share(called.positives, called.positives + called.negatives);
        previous = *called;
    }
    let roc = |called: &Called| [called.negatives / whole.negatives, called.positives / whole.positives];
    let precision_recall = |called: &Called| {
        let precision = share(called.positives, called.positives + called.negatives);
        [called.positives / whole.positives, precision]
    };
    let begin = std::iter::once([0.0, 0.0]);
    Some(Ranking {
        auc: rounded(auc / (whole.positives * whole.negatives)),
        average_precision: rounded(average_precision / whole.positives),
        roc: thinned(&begin.chain(steps.iter().map(roc)).collect::<Vec<_>>(), most_points),
        precision_recall: thinned(&steps.iter().map(precision_recall).collect::<Vec<_>>(), most_points),
    })
}

/// What is called positive after each distinct score, by falling score.
fn steps(rows: &[Ranked]) -> Vec<Called> {
    let mut steps = Vec::new();
    let mut called = Called::default();
    let equal = |one: &Ranked, other: &Ranked| one.score.total_cmp(&other.score).is_eq();
    for ties in rows.chunk_by(equal) {
        for row in ties {
            let side = if row.is_positive { &mut called.positives } else { &mut called.negatives };
            *side += row.weight;
        }
        steps.push(called);
    }
    steps
}

/// Points at least a step apart in either direction, the first and the last among them.
fn thinned(points: &[[f64; 2]], most: usize) -> Vec<[f64; 2]> {
    let step = 2.0 / most.max(2) as f64;
    let mut kept: Vec<[f64; 2]> = Vec::new();
    let last = points.len().saturating_sub(1);
    for (place, point) in points.iter().enumerate() {
        let is_far =
            kept.last().is_none_or(|near| (near[0] - point[0]).abs() + (near[1] - point[1]).abs() >= step);
        if is_far || place == last {
            kept.push(point.map(rounded));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(scores: &[(f64, bool)]) -> Vec<Ranked> {
        let row = |(score, is_positive): &(f64, bool)| Ranked {
            score: *score,
            is_positive: *is_positive,
            weight: 1.0,
        };
        scores.iter().map(row).collect()
    }

    #[test]
    fn areas_are_those_worked_out_by_hand() {
        // Pairs: (.9 > .8), (.9 > .1), (.5 < .8), (.5 > .1): three of four. Precision at hits: 1/1 and 2/3.
        let ranking = rank(rows(&[(0.9, true), (0.8, false), (0.5, true), (0.1, false)]), 100).unwrap();
        assert_eq!(ranking.auc, 0.75);
        assert_eq!(ranking.average_precision, rounded((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(ranking.roc, [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(ranking.precision_recall[2], [1.0, 0.666_667]);
    }

    #[test]
    fn ties_count_half_and_not_by_the_order_of_the_rows() {
        for order in [[true, false], [false, true]] {
            let ranking = rank(rows(&order.map(|is_positive| (0.5, is_positive))), 100).unwrap();
            assert_eq!((ranking.auc, ranking.average_precision), (0.5, 0.5));
        }
    }

    #[test]
    fn a_row_of_weight_three_is_three_rows() {
        let mut heavy = rows(&[(0.9, true), (0.5, false), (0.2, true)]);
        heavy[1].weight = 3.0;
        let threefold = rows(&[(0.9, true), (0.5, false), (0.5, false), (0.5, false), (0.2, true)]);
        assert_eq!(rank(heavy, 100), rank(threefold, 100));
    }

    #[test]
    fn one_kind_of_row_ranks_nothing() {
        assert_eq!(rank(rows(&[(0.9, true), (0.1, true)]), 100), None);
        assert_eq!(rank(Vec::new(), 100), None);
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_area() {
        let many: Vec<(f64, bool)> =
            (0..10_000).map(|place| (f64::from(place), place % 3 == 0 || place > 8_000)).collect();
        let (few, all) = (rank(rows(&many), 50).unwrap(), rank(rows(&many), 100_000).unwrap());
        assert!(few.roc.len() <= 52, "{}", few.roc.len());
        assert_eq!((few.auc, few.roc.last()), (all.auc, all.roc.last()));
    }
}
