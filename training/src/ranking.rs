//! How well scores rank what happened above what did not, whatever the threshold.
//!
//! Rows of equal scores are taken together, so the order in which they come changes nothing.

/// Rows of one score: how much weight happened there, and how much did not.
struct Level {
    happened: f64,
    did_not: f64,
}

/// The area under the ROC curve: how often a row that happened scores above one that did not, equals counting half.
/// `None` where only one of the two is there, or a score is no number.
pub fn area_under_roc(scores: &[f64], labels: &[bool], weights: &[f32]) -> Option<f64> {
    let levels = levels(scores, labels, weights)?;
    let (mut passed, mut won) = (0.0, 0.0);
    for level in levels.iter().rev() {
        won += level.happened * (passed + level.did_not / 2.0);
        passed += level.did_not;
    }
    let happened: f64 = levels.iter().map(|level| level.happened).sum();
    (happened > 0.0 && passed > 0.0).then(|| won / (happened * passed))
}

/// The mean precision over the recalls, from the highest score down: the area under the precision-recall curve without
/// drawing it through points nobody measured. `None` where nothing happened, or a score is no number.
pub fn average_precision(scores: &[f64], labels: &[bool], weights: &[f32]) -> Option<f64> {
    let levels = levels(scores, labels, weights)?;
    let (mut happened, mut taken, mut sum) = (0.0, 0.0, 0.0);
    for level in &levels {
        happened += level.happened;
        taken += level.happened + level.did_not;
        sum += if taken > 0.0 { level.happened * happened / taken } else { 0.0 };
    }
    (happened > 0.0).then(|| sum / happened)
}

/// The rows by score, the highest first.
fn levels(scores: &[f64], labels: &[bool], weights: &[f32]) -> Option<Vec<Level>> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut rows: Vec<(f64, bool, f64)> = scores
        .iter()
        .zip(labels)
        .zip(weights)
        .map(|((score, label), weight)| (*score, *label, f64::from(*weight)))
        .collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let same = rows.chunk_by(|one, other| one.0 == other.0);
    let sum = |rows: &[(f64, bool, f64)], wanted: bool| -> f64 {
        rows.iter().filter(|(_, label, _)| *label == wanted).map(|(.., weight)| weight).sum()
    };
    Some(same.map(|rows| Level { happened: sum(rows, true), did_not: sum(rows, false) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_share_of_pairs_in_the_right_order() {
        let (scores, labels) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        assert_eq!(area_under_roc(&scores, &labels, &[1.0; 4]), Some(0.75));
        // Twice the weight is the row twice.
        let doubled = area_under_roc(&scores, &labels, &[1.0, 1.0, 2.0, 1.0]);
        let repeated =
            area_under_roc(&[0.1, 0.4, 0.35, 0.35, 0.8], &[false, false, true, true, true], &[1.0; 5]);
        assert_eq!(doubled, repeated);
    }

    #[test]
    fn equal_scores_count_half_in_any_order() {
        assert_eq!(area_under_roc(&[0.5; 4], &[true, false, true, false], &[1.0; 4]), Some(0.5));
        assert_eq!(area_under_roc(&[0.5; 4], &[false, false, true, true], &[1.0; 4]), Some(0.5));
        assert_eq!(average_precision(&[0.5; 4], &[false, false, false, true], &[1.0; 4]), Some(0.25));
    }

    #[test]
    fn average_precision_is_that_of_the_textbook_example() {
        let (scores, labels) = ([0.1, 0.4, 0.35, 0.8], [false, false, true, true]);
        let precision = average_precision(&scores, &labels, &[1.0; 4]).unwrap();
        assert!((precision - 0.833_333_333).abs() < 1e-8, "{precision}");
    }

    #[test]
    fn one_class_alone_or_a_score_that_is_no_number_has_no_figure() {
        assert_eq!(area_under_roc(&[0.1, 0.2], &[true, true], &[1.0; 2]), None);
        assert_eq!(average_precision(&[0.1, 0.2], &[false, false], &[1.0; 2]), None);
        assert_eq!(area_under_roc(&[f64::NAN, 0.2], &[true, false], &[1.0; 2]), None);
    }
}
