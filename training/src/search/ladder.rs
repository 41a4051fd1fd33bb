//! Successive halving: how many rungs there are, how much of the data each sees, and who climbs.

use super::TrialRecord;
use super::candidate::Candidate;

/// One in so many goes on, and each rung sees so many times the groups of the one below.
const FACTOR: usize = 3;
/// Rungs at most: on less than a ninth of the groups the rare classes are told by chance.
const MOST_RUNGS: usize = 3;

/// The rungs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ladder {
    shares: Vec<f64>,
}

impl Ladder {
    /// The ladder for so many drawn candidates: where three or fewer are left, they are on the last rung.
    pub(super) fn of(trials: usize) -> Self {
        let mut shares = vec![1.0];
        let mut left = trials;
        while left > FACTOR && shares.len() < MOST_RUNGS {
            left = left.div_ceil(FACTOR);
            shares.push(shares.last().map_or(1.0, |share| share / FACTOR as f64));
        }
        shares.reverse();
        Ladder { shares }
    }

    /// How many rungs there are.
    pub(super) fn rungs(&self) -> usize {
        self.shares.len()
    }

    /// The share of each fold's groups that rung `rung` fits on.
    pub(super) fn share(&self, rung: usize) -> f64 {
        self.shares.get(rung).copied().unwrap_or(1.0)
    }

    /// Who is on the first rung.
    pub(super) fn starters(&self, trials: usize) -> Vec<usize> {
        (0..=trials).collect()
    }

    /// The baseline and the best third of the drawn, by number.
    pub(super) fn survivors(&self, records: &[TrialRecord]) -> Vec<usize> {
        let is_drawn =
            |record: &&TrialRecord| record.trial > 0 && matches!(record.candidate, Candidate::Trees { .. });
        let mut drawn: Vec<&TrialRecord> = records.iter().filter(is_drawn).collect();
        drawn.sort_by(|one, other| one.order(other));
        drawn.truncate(drawn.len().div_ceil(FACTOR));
        let mut numbers: Vec<usize> =
            [0].into_iter().chain(drawn.iter().map(|record| record.trial)).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainingConfig;
    use crate::search::FoldScore;
    use crate::search::SearchSettings;

    #[test]
    fn the_last_rung_sees_all_and_each_below_a_third_of_the_next() {
        let shares = |trials| Ladder::of(trials).shares;
        assert_eq!(shares(1), [1.0]);
        assert_eq!(shares(3), [1.0]);
        assert_eq!(shares(9), [1.0 / 3.0, 1.0]);
        assert_eq!(shares(50), [1.0 / 3.0 / 3.0, 1.0 / 3.0, 1.0]);
        assert_eq!(shares(500).len(), MOST_RUNGS);
    }

    #[test]
    fn the_baseline_always_climbs_and_of_equals_the_lower_number() {
        let settings = SearchSettings { trials: 6, ..SearchSettings::default() };
        let candidates = super::super::candidate::all(&settings, &TrainingConfig::default());
        let losses = [9.0, 0.5, 0.3, 0.5, 0.7, 0.6, 0.8];
        let records: Vec<TrialRecord> = losses
            .iter()
            .enumerate()
            .map(|(trial, loss)| {
                let fold = FoldScore { loss: *loss, ..FoldScore::default() };
                TrialRecord::new(trial, 0, candidates[trial], vec![fold; 3])
            })
            .collect();
        assert_eq!(Ladder::of(6).survivors(&records), [0, 1, 2]);
    }
}
