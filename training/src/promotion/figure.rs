//! The logarithmic score of rows, trouble and quiet apart, so that groups of rows add up.

use linkcast_domain::PredictionType;

use crate::math;
use crate::metrics::share;

/// The least probability that counts: a model that rules the truth out loses no more than this much, however sure it was.
const LEAST: f64 = 1e-4;

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LogScore {
    trouble: Half,
    quiet: Half,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Half {
    score: f64,
    weight: f64,
}

impl LogScore {
    /// Counts a row of which `probability` was said of the truth.
    pub(super) fn add(&mut self, truth: PredictionType, probability: f64, weight: f64) {
        let half = if truth == PredictionType::Normal { &mut self.quiet } else { &mut self.trouble };
        half.score += weight * math::ln(probability.clamp(LEAST, 1.0));
        half.weight += weight;
    }

    pub(super) fn has_trouble(&self) -> bool {
        self.trouble.weight > 0.0
    }

    pub(super) fn has_quiet(&self) -> bool {
        self.quiet.weight > 0.0
    }

    /// All groups drawn, as often as each was.
    pub(super) fn summed(drawn: &mut dyn Iterator<Item = (&LogScore, f64)>) -> LogScore {
        let mut sum = LogScore::default();
        for (one, times) in drawn {
            for (mine, theirs) in [(&mut sum.trouble, one.trouble), (&mut sum.quiet, one.quiet)] {
                mine.score += theirs.score * times;
                mine.weight += theirs.weight * times;
            }
        }
        sum
    }

    /// The mean score, each half weighing the same; 0 is the best there is. A half without rows counts nothing.
    pub(super) fn mean(&self) -> f64 {
        (share(self.trouble.score, self.trouble.weight) + share(self.quiet.score, self.quiet.weight)) / 2.0
    }
}
