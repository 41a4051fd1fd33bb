//! How far a share or a count can be trusted.
//!
//! A share of ten cases and one of ten thousand read alike; the interval beside them does not. Wilson's interval stays within
//! 0 and 1 and says something of no hits at all; a count's upper bound is the exact one of a Poisson count.

use serde::Serialize;

use crate::math;
use crate::metrics::rounded;

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// From where to where, with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Wilson's 95 % interval of `hits` in `trials`; none without a trial.
pub fn wilson(hits: usize, trials: usize) -> Option<Interval> {
    (trials > 0).then(|| wilson_of_share(hits as f64 / trials as f64, trials as f64))
}

/// Wilson's 95 % interval of a share seen in `trials`, which may be an effective number where trials weigh differently.
pub(crate) fn wilson_of_share(share: f64, trials: f64) -> Interval {
    let spread = Z * Z / trials;
    let middle = (share + spread / 2.0) / (1.0 + spread);
    let reach = Z / (1.0 + spread) * (share * (1.0 - share) / trials + spread / (4.0 * trials)).sqrt();
    Interval { low: rounded((middle - reach).max(0.0)), high: rounded((middle + reach).min(1.0)) }
}

/// The rate that a Poisson count of at most `count` leaves only 1 chance in 20.
pub fn poisson_upper(count: usize) -> f64 {
    let at_most = |rate: f64| {
        let mut term = math::exp(-rate);
        let mut sum = term;
        for step in 1..=count {
            term *= rate / step as f64;
            sum += term;
        }
        sum
    };
    let (mut low, mut high) = (count as f64, 4.0 * count as f64 + 20.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if at_most(middle) > 0.05 { low = middle } else { high = middle }
    }
    rounded((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_gives_the_textbook_interval_and_bounds_no_hits_at_all() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(0, 10), Some(Interval { low: 0.0, high: 0.277_533 }));
        assert_eq!(wilson(81, 263), Some(Interval { low: 0.255_289, high: 0.366_210 }));
    }

    #[test]
    fn a_count_of_nothing_is_bounded_by_the_rule_of_three() {
        assert!((poisson_upper(0) - 2.995_732).abs() < 1e-5, "{}", poisson_upper(0));
        assert!((poisson_upper(5) - 10.513).abs() < 1e-3, "{}", poisson_upper(5));
    }
}
