//! How long answers took, in counters that add up.
//!
//! Buckets whose bounds grow by a twentieth (Masson et al. 2019, DDSketch): a quantile is right to 2.5 %, and two histograms
//! merge by adding, in any order, with the same result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How much larger each bucket's bound is than the one before.
const GROWTH: f64 = 1.05;

/// Times in microseconds, counted by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LatencyHistogram(BTreeMap<u16, u64>);

impl LatencyHistogram {
    /// Counts one.
    pub fn add(&mut self, micros: u64) {
        *self.0.entry(bucket_of(micros as f64)).or_default() += 1;
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many are in buckets above that of `micros`.
    pub fn above(&self, micros: f64) -> u64 {
        let bucket = bucket_of(micros);
        self.0.iter().filter(|(above, _)| **above > bucket).map(|(_, count)| count).sum()
    }

    /// The time, µs, that `share` (0 to 1) of them took at most; none if there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.0.iter().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then_some(*bucket)
        })?;
        // The middle of the bucket, whose bounds are a growth apart.
        Some(GROWTH.powi(i32::from(bucket)) * 2.0 / (1.0 + GROWTH))
    }
}

/// The bucket of a time, µs; whatever is below one is one.
fn bucket_of(micros: f64) -> u16 {
    (micros.max(1.0).ln() / GROWTH.ln()).ceil() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_a_fortieth_and_merging_has_no_order() {
        let (mut whole, mut odd, mut even) =
            (LatencyHistogram::default(), LatencyHistogram::default(), LatencyHistogram::default());
        for micros in 1..=10_000 {
            whole.add(micros);
            if micros % 2 == 1 { odd.add(micros) } else { even.add(micros) }
        }
        for share in [0.01, 0.5, 0.9, 0.99, 1.0] {
            let (found, right) = (whole.quantile(share).unwrap(), share * 10_000.0);
            assert!((found / right - 1.0).abs() < 0.026, "{share}: {found} for {right}");
        }
        for share in [0.5, 0.95] {
            let above = whole.above(whole.quantile(share).unwrap()) as f64 / 10_000.0;
            assert!((above + share - 1.0).abs() < 0.03, "{above} lie above the quantile of {share}");
        }
        let mut first = odd.clone();
        first.merge(&even);
        even.merge(&odd);
        assert_eq!((&first, &even), (&whole, &whole));
        assert_eq!(LatencyHistogram::default().quantile(0.5), None);
    }
}
