//! Rows of a fabric that no model was trained on, each answered by everyone who is judged.

use linkcast_domain::FeatureVector;
use linkcast_domain::PredictionType;
use linkcast_scoring::{Model, Score};
use linkcast_training::Phase;

use super::bystander::PortTraits;

const COUNT: usize = PredictionType::COUNT;

/// One row in so many is kept: of faults, of what looks like one, of all others. Each kept row carries the weight of those it
/// stands for.
pub(crate) const ONE_IN: OneIn = OneIn { faulty: 2, benign: 6, quiet: 200 };

/// How rows are thinned.
pub(crate) struct OneIn {
    pub(crate) faulty: u64,
    pub(crate) benign: u64,
    pub(crate) quiet: u64,
}

/// A row, the truth, and what was said of it.
#[derive(Clone, Debug)]
pub(crate) struct JudgedRow {
    /// What is drawn together: see [`super::kin::Kin`].
    pub(crate) group: (u64, u32),
    /// The true class.
    pub(crate) truth: PredictionType,
    /// Where in a fault's life it lies.
    pub(crate) phase: Phase,
    /// How many rows it stands for.
    pub(crate) weight: f64,
    /// What the model says.
    pub(crate) model: Saying,
    /// What the live model says, where there is another.
    pub(crate) live: Option<Saying>,
    /// What the rules say.
    pub(crate) rules: PredictionType,
    /// How sure they are.
    pub(crate) rules_confidence: f64,
    /// What this sample says of its port.
    pub(crate) port: PortTraits,
    /// The hour of the day, UTC.
    pub(crate) hour: i64,
}

/// Probabilities by class, short enough to keep hundreds of thousands of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saying {
    probabilities: [f32; COUNT],
    pub(crate) class: PredictionType,
}

impl Saying {
    /// What `model` says of `features`.
    pub(crate) fn of(score: &Score) -> Self {
        Saying {
            probabilities: score.probabilities.map(|probability| probability as f32),
            class: score.class,
        }
    }

    /// The likeliest class if classes came in other shares: each probability times the class's weight.
    pub(crate) fn class_under(&self, weights: &[f64; COUNT]) -> PredictionType {
        let weighed = |class: PredictionType| self.weighed(class, weights);
        PredictionType::ALL
            .into_iter()
            .reduce(|best, class| if weighed(class) > weighed(best) { class } else { best })
            .unwrap_or(self.class)
    }

    /// The probability of a class if classes came in other shares (Saerens, Latinne and Decaestecker 2002).
    pub(crate) fn probability_under(&self, class: PredictionType, weights: &[f64; COUNT]) -> f64 {
        let sum: f64 = PredictionType::ALL.into_iter().map(|class| self.weighed(class, weights)).sum();
        if sum > 0.0 { self.weighed(class, weights) / sum } else { 0.0 }
    }

    fn weighed(&self, class: PredictionType, weights: &[f64; COUNT]) -> f64 {
        self.probability(class) * weights.get(class.index()).copied().unwrap_or(0.0)
    }

    /// No doubt about `class`.
    #[cfg(test)]
    pub(crate) fn sure_of(class: PredictionType) -> Self {
        let certain = |place| if place == class.index() { 1.0 } else { 0.0 };
        Saying { probabilities: std::array::from_fn(certain), class }
    }

    /// The probability of a class.
    pub(crate) fn probability(&self, class: PredictionType) -> f64 {
        self.probabilities.get(class.index()).copied().map_or(0.0, f64::from)
    }
}

/// How much each feature moved the verdicts of trouble.
#[derive(Clone, Debug)]
pub(crate) struct Attributions {
    sums: [f64; linkcast_domain::FEATURE_COUNT],
    rows: u64,
}

impl Default for Attributions {
    fn default() -> Self {
        Attributions { sums: [0.0; linkcast_domain::FEATURE_COUNT], rows: 0 }
    }
}

impl Attributions {
    /// Counts the shares of a verdict; verdicts of normal say little about what trouble is told by.
    pub(crate) fn note(&mut self, model: &Model, features: &FeatureVector, score: &Score) {
        if score.class == PredictionType::Normal {
            return;
        }
        self.rows += 1;
        let shares = model.contributions(features, score);
        self.sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share.abs());
    }

    /// Counts another fabric's as well.
    pub(crate) fn merge(&mut self, other: &Attributions) {
        self.rows += other.rows;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
    }

    /// The mean size of each feature's share in log-odds, largest first.
    pub(crate) fn means(&self) -> Vec<(&'static str, f64)> {
        let names = linkcast_domain::FEATURES.iter().map(|feature| feature.name);
        let mean = |sum: f64| if self.rows > 0 { sum / self.rows as f64 } else { 0.0 };
        let mut means: Vec<_> = names.zip(self.sums.iter().map(|sum| mean(*sum))).collect();
        means.sort_by(|one, other| other.1.total_cmp(&one.1));
        means
    }
}
