//! Wald's sequential probability ratio test (Wald 1945) of a share: is it the live variant's, or as much higher as was agreed to be
//! unacceptable?
//!
//! The ratio of the two likelihoods is looked at against bounds that are fixed beforehand, log(b/(1-a)) and log((1-b)/a). Were the
//! live variant's share known, the inverse ratio of an unacceptable candidate would be a martingale, so that the lower bound is ever
//! reached with a probability of at most b/(1-a), however often one looks (Ville 1939). It is not known: each likelihood is taken
//! at the share of the live variant that explains both variants' counts best (a generalised ratio), and the simulations hold the
//! bound against what comes of it.

use serde::{Deserialize, Serialize};

use crate::Exposure;

/// Shares are taken to be at least so far from 0 and 1, where logarithms end.
const LEAST_SHARE: f64 = 1e-9;
/// How often the search for the best share closes in: 0.67 to the 60th is below 1e-10.
const THIRDS: u32 = 60;

/// To which side the test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaning {
    /// The unacceptable rate is ruled out.
    Acceptable,
    /// The live variant's rate is.
    Unacceptable,
    /// Neither.
    Undecided,
}

/// A test as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sprt {
    /// What goes wrong of what the other is asked in the same hours, as a share.
    pub live_rate: f64,
    /// What is agreed to be unacceptable, as a share.
    pub unacceptable_rate: f64,
    /// The logarithm of how much better the unacceptable rate explains what was seen.
    pub log_likelihood_ratio: f64,
    /// At this or below the unacceptable rate is ruled out.
    pub acceptable_at: f64,
    /// At this or above the live variant's is.
    pub unacceptable_at: f64,
    /// What of the two it is.
    pub leaning: Leaning,
}

impl Sprt {
    /// The test of what was seen in `hours`, at the risks `(alpha, beta)`; none before anything was seen of both.
    ///
    /// The other's rate is that of the same hours, each weighed by the candidate's questions in it: an hour in which everybody
    /// failed then speaks against nobody, whatever the weights were.
    pub(crate) fn of(hours: &[Exposure], margin: f64, (alpha, beta): (f64, f64)) -> Option<Sprt> {
        let shared = || hours.iter().filter(|hour| hour.candidate > 0 && hour.other > 0);
        let seen = shared().fold(Exposure::default(), |all, hour| all.and(*hour));
        if seen.candidate == 0 {
            return None;
        }
        let expected: f64 =
            shared().map(|hour| hour.candidate as f64 * hour.other_wrong as f64 / hour.other as f64).sum();
        let live = (expected / seen.candidate as f64).min(1.0);
        let counts = Counts {
            wrong: seen.candidate_wrong as f64,
            right: seen.candidate.saturating_sub(seen.candidate_wrong) as f64,
            other_wrong: live * seen.other as f64,
            other_right: (1.0 - live) * seen.other as f64,
        };
        let ratio = counts.best(margin) - counts.best(0.0);
        let (acceptable_at, unacceptable_at) = ((beta / (1.0 - alpha)).ln(), ((1.0 - beta) / alpha).ln());
        let leaning = if ratio <= acceptable_at {
            Leaning::Acceptable
        } else if ratio >= unacceptable_at {
            Leaning::Unacceptable
        } else {
            Leaning::Undecided
        };
        Some(Sprt {
            live_rate: live,
            unacceptable_rate: (live + margin).min(1.0),
            log_likelihood_ratio: ratio,
            acceptable_at,
            unacceptable_at,
            leaning,
        })
    }
}

/// Both variants' counts; those of the other at its share in the candidate's hours.
#[derive(Clone, Copy)]
struct Counts {
    wrong: f64,
    right: f64,
    other_wrong: f64,
    other_right: f64,
}

impl Counts {
    /// The logarithm of the likelihood if the candidate's share is the other's and `margin`, at the best share of the other.
    fn best(&self, margin: f64) -> f64 {
        // The logarithm is concave in the share: thirds close in on its top, by a third each.
        let (mut low, mut high) = (LEAST_SHARE, 1.0 - margin - LEAST_SHARE);
        for _ in 0..THIRDS {
            let third = (high - low) / 3.0;
            if self.at(low + third, margin) < self.at(high - third, margin) {
                low += third;
            } else {
                high -= third;
            }
        }
        self.at(low.midpoint(high), margin)
    }

    fn at(&self, share: f64, margin: f64) -> f64 {
        let own = share + margin;
        self.wrong * own.ln()
            + self.right * (1.0 - own).ln()
            + self.other_wrong * share.ln()
            + self.other_right * (1.0 - share).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(candidate: (u64, u64), other: (u64, u64)) -> Exposure {
        let ((candidate, candidate_wrong), (other, other_wrong)) = (candidate, other);
        Exposure { candidate, candidate_wrong, other, other_wrong }
    }

    fn leaning(hours: &[Exposure]) -> Option<Leaning> {
        Sprt::of(hours, 0.02, (0.05, 0.05)).map(|test| test.leaning)
    }

    #[test]
    fn bounds_and_ratio_are_walds() {
        // Beside ten million questions the other's share is known, and the ratio is Wald's own.
        let test = Sprt::of(&[hour((100, 3), (10_000_000, 100_000))], 0.02, (0.05, 0.1)).unwrap();
        assert!((test.acceptable_at - (0.1_f64 / 0.95).ln()).abs() < 1e-12);
        assert!((test.unacceptable_at - (0.9_f64 / 0.05).ln()).abs() < 1e-12);
        let ratio = 3.0 * 3.0_f64.ln() + 97.0 * (0.97_f64 / 0.99).ln();
        assert!((test.log_likelihood_ratio - ratio).abs() < 1e-3, "{test:?}");
    }

    #[test]
    fn a_candidate_like_the_live_one_passes_a_bad_one_is_leaned_against_and_little_says_nothing() {
        assert_eq!(leaning(&[hour((600, 3), (5_400, 27))]), Some(Leaning::Acceptable));
        assert_eq!(leaning(&[hour((600, 24), (5_400, 27))]), Some(Leaning::Unacceptable));
        assert_eq!(leaning(&[hour((30, 0), (270, 1))]), Some(Leaning::Undecided));
        assert_eq!(leaning(&[hour((30, 0), (0, 0))]), None, "nobody to hold it against");
        assert_eq!(leaning(&[]), None);
    }

    #[test]
    fn an_hour_in_which_everybody_fails_speaks_against_nobody() {
        // The outage fell into the hour with the larger share: pooled over hours the candidate would look three times as bad.
        let hours = [hour((100, 1), (900, 9)), hour((500, 250), (500, 250))];
        let test = Sprt::of(&hours, 0.1, (0.05, 0.05)).unwrap();
        assert!((test.live_rate - 251.0 / 600.0).abs() < 1e-9, "{test:?}");
        assert_ne!(test.leaning, Leaning::Unacceptable);
    }
}
