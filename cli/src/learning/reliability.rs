//! Whether insights are right as often as they say.
//!
//! An insight that is 80 % sure should name the truth four times in five. What is held against the truth here are the
//! insights people see, from the whole system on a fabric the model never saw, and not rows of a test part; both ends of
//! a fault's life that training leaves out (too young to show, just over) are left out here too.

use linkcast_domain::{Episode, Insight};
use linkcast_training::{EpisodeIndex, label};
use serde::Serialize;

const BINS: usize = 10;

/// Counts of insights by how sure they were.
#[derive(Debug)]
pub(crate) struct Reliability {
    truth: EpisodeIndex,
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    insights: u64,
    right: u64,
    confidence: f64,
}

/// How sure insights were, and how often right.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReliabilityReport {
    /// Insights held against the truth.
    pub(crate) insights: u64,
    /// Expected calibration error over ten equal bins of confidence (Naeini et al. 2015), 0 to 1.
    pub(crate) calibration_error: Option<f64>,
    /// The bins that are not empty, by rising confidence.
    pub(crate) bins: Vec<ReliabilityBin>,
}

/// Insights about equally sure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ReliabilityBin {
    /// How many.
    pub(crate) insights: u64,
    /// Their mean confidence.
    pub(crate) confidence: f64,
    /// The share that named the truth.
    pub(crate) right: f64,
}

impl Reliability {
    /// Nothing yet, against the truth of `episodes`.
    pub(crate) fn of(episodes: &[Episode]) -> Self {
        Reliability { truth: EpisodeIndex::new(episodes), bins: [Bin::default(); BINS] }
    }

    /// Holds insights against the truth.
    pub(crate) fn note(&mut self, insights: &[Insight]) {
        for insight in insights {
            let truth = label(&insight.related_entity, insight.timestamp, &self.truth);
            let place = ((insight.confidence * BINS as f64) as usize).min(BINS - 1);
            if let Some(bin) = self.bins.get_mut(place).filter(|_| truth.is_trained_on()) {
                bin.insights += 1;
                bin.right += u64::from(insight.prediction_type == truth.class);
                bin.confidence += insight.confidence;
            }
        }
    }

    /// What it came to.
    pub(crate) fn report(&self) -> ReliabilityReport {
        let insights: u64 = self.bins.iter().map(|bin| bin.insights).sum();
        let bins: Vec<ReliabilityBin> = self
            .bins
            .iter()
            .filter(|bin| bin.insights > 0)
            .map(|bin| ReliabilityBin {
                insights: bin.insights,
                confidence: bin.confidence / bin.insights as f64,
                right: bin.right as f64 / bin.insights as f64,
            })
            .collect();
        let off = |bin: &ReliabilityBin| bin.insights as f64 * (bin.confidence - bin.right).abs();
        let calibration_error = (insights > 0).then(|| bins.iter().map(off).sum::<f64>() / insights as f64);
        ReliabilityReport { insights, calibration_error, bins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insights_as_right_as_they_are_sure_have_no_error_and_others_have_theirs() {
        let mut reliability = Reliability::of(&[]);
        assert_eq!(reliability.report().calibration_error, None);
        reliability.bins[7] = Bin { insights: 4, right: 3, confidence: 3.0 };
        assert_eq!(reliability.report().calibration_error, Some(0.0));
        reliability.bins[9] = Bin { insights: 4, right: 2, confidence: 4.0 };
        assert_eq!(reliability.report().calibration_error, Some(0.25));
        assert_eq!(reliability.report().bins.len(), 2);
    }
}
