//! What a search came to: who won, by how much, and whether that is more than chance.

use serde::Serialize;

use super::SearchSettings;
use super::candidate::Candidate;
use super::record::TrialRecord;
use crate::metrics::{rounded, share};
use crate::{TrainingConfig, TrainingError};

/// A rung as it was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The share of each fold's stream groups it fitted on.
    pub share: f64,
    /// How many candidates were on it.
    pub candidates: usize,
}

/// Two candidates on the same folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// By how much the first one's loss is lower, in the mean over the folds.
    pub gain: f64,
    /// The standard error of that mean. Folds share most of their rows, so it reads too small rather than too large.
    pub standard_error: f64,
    /// On how many folds the first one is better.
    pub better_on: usize,
    /// Of how many.
    pub folds: usize,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SearchReport {
    /// How it was held.
    pub settings: SearchSettings,
    /// The rungs.
    pub rungs: Vec<Shown>,
    /// The settings at hand.
    pub baseline: TrialRecord,
    /// The best trees: the baseline itself where nothing drawn was better.
    pub best: TrialRecord,
    /// The best of the other family.
    pub other_family: TrialRecord,
    /// The best trees against the baseline.
    pub over_baseline: Paired,
    /// The best trees against the other family.
    pub over_other_family: Paired,
}

/// The report of the last rung's records, which come by number.
pub(super) fn conclude(
    settings: &SearchSettings,
    rungs: Vec<Shown>,
    last: &[TrialRecord],
) -> Result<SearchReport, TrainingError> {
    let is_trees = |record: &&TrialRecord| matches!(record.candidate, Candidate::Trees { .. });
    let best_of = |takes: &dyn Fn(&&TrialRecord) -> bool| {
        last.iter().filter(takes).min_by(|one, other| one.order(other)).cloned()
    };
    let baseline = best_of(&|record| record.trial == 0);
    let (best, other_family) = (best_of(&is_trees), best_of(&|record| !is_trees(record)));
    let (Some(baseline), Some(best), Some(other_family)) = (baseline, best, other_family) else {
        let found = format!("{} records of the last rung", last.len());
        let expected = "the baseline and one of each family";
        return Err(TrainingError::BadSetting { name: "the search's record", found, expected });
    };
    Ok(SearchReport {
        settings: *settings,
        rungs,
        over_baseline: Paired::of(&best, &baseline),
        over_other_family: Paired::of(&best, &other_family),
        baseline,
        best,
        other_family,
    })
}

impl Paired {
    fn of(first: &TrialRecord, second: &TrialRecord) -> Self {
        let pairs = first.folds.iter().zip(&second.folds);
        let gains: Vec<f64> = pairs.map(|(first, second)| second.loss - first.loss).collect();
        let count = gains.len() as f64;
        let gain = share(gains.iter().sum(), count);
        let spread: f64 = gains.iter().map(|one| (one - gain) * (one - gain)).sum();
        Paired {
            gain: rounded(gain),
            standard_error: rounded(share(spread, count * (count - 1.0)).sqrt()),
            better_on: gains.iter().filter(|gain| **gain > 0.0).count(),
            folds: gains.len(),
        }
    }
}

impl SearchReport {
    /// Whether settings better than those at hand were found.
    pub fn found_better(&self) -> bool {
        self.best.trial != 0
    }

    /// Whether the trees were better than the other family. Where they were not, a model of trees is still what is
    /// made, and whoever gets it must be told.
    pub fn trees_win(&self) -> bool {
        self.over_other_family.gain > 0.0
    }

    /// `config` with the settings that were found.
    pub fn applied_to(&self, config: &TrainingConfig) -> TrainingConfig {
        let mut config = config.clone();
        if let Candidate::Trees { settings, balance } = self.best.candidate {
            config.classifier = settings;
            config.balance = balance;
        }
        config
    }

    /// Why the winner won, in sentences that stand in the card and on the terminal alike.
    pub fn verdict(&self) -> String {
        let best = format!(
            "trial {} (loss {:.4}, macro F1 {:.4})",
            self.best.trial, self.best.loss, self.best.macro_f1
        );
        let chosen = if self.found_better() {
            format!(
                "Of {} drawn settings {best} is the best; the baseline has loss {:.4} and macro F1 {:.4}. It is better by {}.",
                self.settings.trials,
                self.baseline.loss,
                self.baseline.macro_f1,
                self.over_baseline.words()
            )
        } else {
            format!(
                "None of {} drawn settings is better than the baseline (loss {:.4}, macro F1 {:.4}), which is kept.",
                self.settings.trials, self.baseline.loss, self.baseline.macro_f1
            )
        };
        let other = &self.other_family;
        let family = if self.trees_win() {
            format!(
                "Trees were chosen over straight planes (multinomial logistic regression, loss {:.4}, macro F1 {:.4}) because \
                 on the same folds their loss is lower by {}.",
                other.loss,
                other.macro_f1,
                self.over_other_family.words()
            )
        } else {
            format!(
                "STRAIGHT PLANES DID BETTER: multinomial logistic regression has loss {:.4} and macro F1 {:.4} on the same \
                 folds, lower by {}. The model's form holds trees alone, so this model is the best of the trees and not the \
                 best that was tried.",
                other.loss,
                other.macro_f1,
                self.over_other_family.reversed().words()
            )
        };
        format!("{chosen} {family}")
    }
}

impl Paired {
    fn reversed(self) -> Self {
        Paired { gain: -self.gain, better_on: self.folds - self.better_on, ..self }
    }

    fn words(self) -> String {
        format!(
            "{:.4} ± {:.4} and on {} of {} folds",
            self.gain, self.standard_error, self.better_on, self.folds
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::FoldScore;

    fn record(trial: usize, losses: [f64; 3]) -> TrialRecord {
        let config = TrainingConfig::default();
        let settings = crate::ForestSettings { depth: 3 + trial, ..config.classifier };
        let candidate = match trial {
            9 => Candidate::Linear { strength: 0.1, balance: 0.5 },
            _ => Candidate::Trees { settings, balance: 0.25 },
        };
        let folds = losses.map(|loss| FoldScore { loss, ..FoldScore::default() }).to_vec();
        TrialRecord::new(trial, 2, candidate, folds)
    }

    fn report(planes: f64) -> SearchReport {
        let last =
            [record(0, [0.5, 0.4, 0.6]), record(4, [0.4, 0.4, 0.4]), record(9, [planes, planes, planes])];
        conclude(&SearchSettings::default(), Vec::new(), &last).unwrap()
    }

    #[test]
    fn the_best_trees_are_paired_with_the_baseline_by_fold_and_applied() {
        let report = report(0.9);
        assert_eq!((report.best.trial, report.found_better(), report.trees_win()), (4, true, true));
        assert_eq!(
            report.over_baseline,
            Paired { gain: 0.1, standard_error: 0.057_735, better_on: 2, folds: 3 }
        );
        let config = report.applied_to(&TrainingConfig::default());
        assert_eq!((config.classifier.depth, config.balance), (7, 0.25));
        assert!(report.verdict().contains("0.1000 ± 0.0577 and on 2 of 3 folds"), "{}", report.verdict());
    }

    #[test]
    fn a_win_of_the_planes_is_said_aloud_and_trees_are_made_all_the_same() {
        let report = report(0.1);
        assert!(!report.trees_win());
        assert!(report.verdict().contains("STRAIGHT PLANES DID BETTER"), "{}", report.verdict());
        assert!(report.verdict().contains("0.3000 ± 0.0000 and on 3 of 3 folds"), "{}", report.verdict());
        assert_eq!(report.applied_to(&TrainingConfig::default()).balance, 0.25);
    }

    #[test]
    fn where_nothing_is_better_the_baseline_is_kept() {
        let last = [record(0, [0.3; 3]), record(4, [0.3; 3]), record(9, [0.9; 3])];
        let report = conclude(&SearchSettings::default(), Vec::new(), &last).unwrap();
        assert!(!report.found_better());
        assert!(report.verdict().contains("which is kept"), "{}", report.verdict());
    }
}
