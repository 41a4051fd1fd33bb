//! What is tried: the baseline, settings drawn from ranges, and the other family.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SearchSettings;
use crate::config::ForestSettings;
use crate::{TrainingConfig, TrainingError, math};

/// How strongly the planes that stand for the other family are held down.
const PLANES: [f64; 2] = [1e-5, 1e-3];

/// What candidates are drawn from. Sizes that matter by their ratio are drawn evenly over their logarithms.
///
/// The shipped settings lie inside every range, and each range ends where something is known to go wrong: deeper than 8,
/// leaves hold single streams; below a rate of 0.05, the rounds a model may have are over before it has learnt;
/// lighter leaves than 1 remember single rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// Depth of a tree, both ends included.
    pub depth: [usize; 2],
    /// How much of each tree's answer is kept, by logarithm.
    pub eta: [f64; 2],
    /// The least sum of second derivatives in a leaf, by logarithm.
    pub min_child_weight: [f64; 2],
    /// L2 regularisation, by logarithm.
    pub lambda: [f64; 2],
    /// The share of features each tree may look at.
    pub features_per_tree: [f64; 2],
    /// The power by which rare classes are raised.
    pub balance: [f64; 2],
}

impl Default for Ranges {
    fn default() -> Self {
        Ranges {
            depth: [3, 8],
            eta: [0.05, 0.4],
            min_child_weight: [1.0, 100.0],
            lambda: [0.3, 30.0],
            features_per_tree: [0.4, 1.0],
            balance: [0.0, 1.0],
        }
    }
}

/// One thing that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Candidate {
    /// A forest of boosted trees.
    Trees {
        /// How it grows.
        settings: ForestSettings,
        /// How its classes are balanced.
        balance: f64,
    },
    /// Straight planes: multinomial logistic regression.
    Linear {
        /// How strongly slopes are held down.
        strength: f64,
        /// How its classes are balanced.
        balance: f64,
    },
}

impl Ranges {
    pub(super) fn check(&self) -> Result<(), TrainingError> {
        let [shallow, deep] = self.depth;
        if !(1 <= shallow && shallow <= deep && deep <= 10) {
            let found = format!("{shallow} to {deep}");
            return Err(TrainingError::BadSetting {
                name: "ranges.depth",
                found,
                expected: "a range within 1 to 10",
            });
        }
        let reals = [
            ("ranges.eta", self.eta, 1e-3, 1.0),
            ("ranges.min_child_weight", self.min_child_weight, 1e-3, 1e6),
            ("ranges.lambda", self.lambda, 1e-3, 1e6),
            ("ranges.features_per_tree", self.features_per_tree, 0.05, 1.0),
            ("ranges.balance", self.balance, 0.0, 1.0),
        ];
        let bad = reals
            .iter()
            .find(|(_, [from, to], lowest, highest)| !(lowest <= from && from <= to && to <= highest));
        match bad {
            None => Ok(()),
            Some((name, [from, to], ..)) => Err(TrainingError::BadSetting {
                name,
                found: format!("{from} to {to}"),
                expected: "a range that rises, within what the setting may be",
            }),
        }
    }

    /// Candidate number `trial` of `seed`.
    fn draw(&self, seed: u64, trial: usize, baseline: &ForestSettings) -> Candidate {
        let unit = |name: &str| unit(seed, trial, name);
        let even = |name: &str, [from, to]: [f64; 2]| short(from + (to - from) * unit(name));
        let spread = |name: &str, [from, to]: [f64; 2]| {
            short(math::exp(math::ln(from) + (math::ln(to) - math::ln(from)) * unit(name)))
        };
        let [shallow, deep] = self.depth;
        let depths = (deep - shallow + 1) as f64;
        let settings = ForestSettings {
            depth: (shallow + (unit("depth") * depths) as usize).min(deep),
            eta: spread("eta", self.eta),
            min_child_weight: spread("min_child_weight", self.min_child_weight),
            lambda: spread("lambda", self.lambda),
            features_per_tree: even("features_per_tree", self.features_per_tree),
            ..*baseline
        };
        Candidate::Trees { settings, balance: even("balance", self.balance) }
    }
}

/// All that are tried: the baseline, the drawn, the other family; a candidate's place is its number.
pub(super) fn all(settings: &SearchSettings, config: &TrainingConfig) -> Vec<Candidate> {
    let baseline = Candidate::Trees { settings: config.classifier, balance: config.balance };
    let drawn =
        (1..=settings.trials).map(|trial| settings.ranges.draw(config.seed, trial, &config.classifier));
    let planes = PLANES.map(|strength| Candidate::Linear { strength, balance: config.balance });
    [baseline].into_iter().chain(drawn).chain(planes).collect()
}

/// Even over 0 to 1, and a function of what it is for.
fn unit(seed: u64, trial: usize, name: &str) -> f64 {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update((trial as u64).to_le_bytes());
    hasher.update(name);
    let bits = hasher.finalize().iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Three digits: nobody reads more, and a setting copied from a card is then the setting that was tried.
fn short(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_keep_to_their_ranges_and_are_a_function_of_seed_and_number() {
        let settings = SearchSettings { trials: 200, ..SearchSettings::default() };
        let config = TrainingConfig::default();
        let candidates = all(&settings, &config);
        assert_eq!(candidates.len(), 1 + 200 + PLANES.len());
        let ranges = settings.ranges;
        let mut depths = std::collections::BTreeSet::new();
        for candidate in &candidates[1..=200] {
            let Candidate::Trees { settings, balance } = candidate else { panic!("{candidate:?}") };
            let within = |value: f64, [from, to]: [f64; 2]| (from..=to).contains(&value);
            assert!(within(settings.eta, ranges.eta) && within(settings.lambda, ranges.lambda));
            assert!(within(settings.min_child_weight, ranges.min_child_weight));
            assert!(within(settings.features_per_tree, ranges.features_per_tree));
            assert!(within(*balance, ranges.balance));
            assert_eq!(settings.rounds, config.classifier.rounds);
            depths.insert(settings.depth);
        }
        assert_eq!(depths.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        let fewer = SearchSettings { trials: 5, ..settings };
        assert_eq!(all(&fewer, &config)[..6], candidates[..6], "more trials change none of the first");
        let another = TrainingConfig { seed: 1, ..config };
        assert_ne!(all(&settings, &another)[1], candidates[1]);
    }

    #[test]
    fn a_range_that_falls_is_refused_by_name() {
        let ranges = Ranges { eta: [0.4, 0.1], ..Ranges::default() };
        let error = ranges.check().unwrap_err().to_string();
        assert!(error.contains("ranges.eta is 0.4 to 0.1"), "{error}");
    }
}
