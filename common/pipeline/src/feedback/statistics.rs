//! How right each variant's model versions were, and how sure that is.

use std::collections::BTreeMap;

use linkcast_domain::{FeedbackStanding, FeedbackVerdict};
use serde::{Deserialize, Serialize};

use super::JudgedFeedback;

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// How often a variant was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityCounts {
    /// Insights of which the class was confirmed.
    pub confirmed: u64,
    /// Insights of which it was wrong.
    pub wrong: u64,
}

impl QualityCounts {
    /// Counts one insight; one that is contested counts for nobody.
    pub fn count(&mut self, standing: FeedbackStanding) {
        match standing {
            FeedbackStanding::Confirmed => self.confirmed += 1,
            FeedbackStanding::Wrong => self.wrong += 1,
            FeedbackStanding::Contested => {}
        }
    }

    /// Insights that count.
    pub fn judged(self) -> u64 {
        self.confirmed + self.wrong
    }

    /// The share that was right, 0 to 1; none if none counts.
    pub fn accuracy(self) -> Option<f64> {
        (self.judged() > 0).then(|| self.confirmed as f64 / self.judged() as f64)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, more: QualityCounts) -> QualityCounts {
        QualityCounts { confirmed: self.confirmed + more.confirmed, wrong: self.wrong + more.wrong }
    }
}

/// A share's bounds, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower.
    pub low: f64,
    /// The upper.
    pub high: f64,
}

/// What was said of one model version's answers as one variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VersionQuality {
    /// The variant that answered.
    pub variant: String,
    /// The version of its model.
    pub model_version: String,
    /// Insights that were right, and wrong.
    #[serde(flatten)]
    pub counts: QualityCounts,
    /// Insights people differ about, which count for nobody.
    pub contested: u64,
    /// Insights of which somebody corrected class or risk.
    pub corrected: u64,
    /// The share that was right, 0 to 1.
    pub accuracy: Option<f64>,
    /// Where it lies with 95 %.
    pub interval: Option<Interval>,
}

/// The 95 % interval of a share (Wilson 1927); none of none.
pub fn wilson(counts: QualityCounts) -> Option<Interval> {
    let (n, share) = (counts.judged() as f64, counts.accuracy()?);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some(Interval { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) })
}

/// Feedback summed up by variant and model version, in that order.
pub fn quality_by_version(all: &[JudgedFeedback]) -> Vec<VersionQuality> {
    let mut versions: BTreeMap<(&str, &str), VersionQuality> = BTreeMap::new();
    for one in all {
        let key = (one.feedback.variant.as_str(), one.feedback.model_version.as_str());
        let sum = versions.entry(key).or_default();
        sum.counts.count(one.standing);
        sum.contested += u64::from(one.standing == FeedbackStanding::Contested);
        let corrects = |verdict| matches!(verdict, FeedbackVerdict::Corrected(_));
        sum.corrected += u64::from(one.feedback.words.iter().any(|word| corrects(word.verdict)));
    }
    let finished = |((variant, version), sum): ((&str, &str), VersionQuality)| VersionQuality {
        variant: variant.to_owned(),
        model_version: version.to_owned(),
        accuracy: sum.counts.accuracy(),
        interval: wilson(sum.counts),
        ..sum
    };
    versions.into_iter().map(finished).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_bounds_are_those_of_the_literature() {
        // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (right, all, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(QualityCounts { confirmed: right, wrong: all - right }).unwrap();
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        }
        assert_eq!(wilson(QualityCounts::default()), None);
    }
}
