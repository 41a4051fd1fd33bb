//! One guardrail's numbers: what was seen, how sure harm is, how far the unacceptable is from being ruled out.

use serde::{Deserialize, Serialize};

use super::Sprt;
use super::sprt::Leaning;
use crate::{Exposure, Guardrail, VariantName, evidence_of_harm};

/// Evidence is said to be this at most: more is beyond doubt, and files have no infinity.
const MOST_EVIDENCE: f64 = 1e12;
/// The normal distribution's quantile of 97.5 %.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

/// Wilson's interval of 95 % for a share: for display, nothing is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// From.
    pub low: f64,
    /// To.
    pub high: f64,
}

/// How sure it is that the candidate harms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// The evidence: 1 says nothing.
    pub evidence: f64,
    /// From how much on it aborts.
    pub stop_at: f64,
    /// Unless no more than this goes wrong beyond what goes wrong anyway, as a share.
    pub tolerated: f64,
}

/// A candidate held against another by one guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// By what.
    pub guardrail: Guardrail,
    /// Whom it is held against.
    pub other: VariantName,
    /// What was seen in all steps.
    pub seen: Exposure,
    /// What of it in this step.
    pub in_step: Exposure,
    /// What goes wrong beyond what goes wrong with the other in the same hours, as a share of the candidate's questions.
    pub excess: f64,
    /// How sure harm is; not asked of a shadow, which harms nobody.
    pub harm: Option<Harm>,
    /// How far the unacceptable is from being ruled out in this step; none if nothing is agreed or nothing was seen.
    pub test: Option<Sprt>,
    /// Where the candidate's share of what goes wrong lies.
    pub candidate_interval: Interval,
    /// Where the other's does.
    pub other_interval: Interval,
}

impl Held {
    /// Numbers of `hours`, of which `in_step` are the step's own; the test of `margin` is of the step's own.
    pub(super) fn of(
        (guardrail, other): (Guardrail, &VariantName),
        hours: &[Exposure],
        in_step: &[Exposure],
        (margin, risks): (Option<f64>, (f64, f64)),
    ) -> Held {
        let sum = |hours: &[Exposure]| hours.iter().fold(Exposure::default(), |all, hour| all.and(*hour));
        let seen = sum(hours);
        Held {
            guardrail,
            other: other.clone(),
            seen,
            in_step: sum(in_step),
            excess: excess(hours),
            harm: None,
            test: margin.and_then(|margin| Sprt::of(in_step, margin, risks)),
            candidate_interval: Interval::of(seen.candidate_wrong, seen.candidate),
            other_interval: Interval::of(seen.other_wrong, seen.other),
        }
    }

    /// The same with the evidence of harm.
    pub(super) fn with_harm(mut self, hours: &[Exposure], stop_at: f64, tolerated: f64) -> Held {
        let evidence = evidence_of_harm(hours).min(MOST_EVIDENCE);
        self.harm = Some(Harm { evidence, stop_at, tolerated });
        self
    }

    /// Whether it aborts.
    pub fn aborts(&self) -> bool {
        self.harm.is_some_and(|harm| harm.evidence >= harm.stop_at && self.excess > harm.tolerated)
    }

    /// To which side its test has come.
    pub fn leaning(&self) -> Leaning {
        self.test.map_or(Leaning::Undecided, |test| test.leaning)
    }
}

/// What went wrong beyond what the other's shares in the same hours let expect.
fn excess(hours: &[Exposure]) -> f64 {
    let shared = || hours.iter().filter(|hour| hour.candidate > 0 && hour.other > 0);
    let asked: u64 = shared().map(|hour| hour.candidate).sum();
    let beyond: f64 = shared()
        .map(|hour| {
            hour.candidate_wrong as f64 - hour.candidate as f64 * hour.other_wrong as f64 / hour.other as f64
        })
        .sum();
    if asked == 0 { 0.0 } else { beyond / asked as f64 }
}

impl Interval {
    /// Wilson's interval (Wilson 1927) of `wrong` of `asked`; 0 to 1 if none was asked.
    fn of(wrong: u64, asked: u64) -> Interval {
        if asked == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let (n, z) = (asked as f64, TWO_SIDED_95);
        let share = wrong as f64 / n;
        let middle = share + z * z / (2.0 * n);
        let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        let all = 1.0 + z * z / n;
        Interval { low: ((middle - half) / all).max(0.0), high: ((middle + half) / all).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_wilsons() {
        // Computed by hand and by statsmodels' proportion_confint(method="wilson").
        let Interval { low, high } = Interval::of(10, 100);
        assert!((low - 0.055_229).abs() < 1e-5 && (high - 0.174_366).abs() < 1e-5, "{low} {high}");
        let nothing_wrong = Interval::of(0, 300);
        assert!(nothing_wrong.low < 1e-12 && (nothing_wrong.high - 0.0126).abs() < 1e-4);
        assert_eq!(Interval::of(0, 0), Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn what_is_sure_and_slight_is_put_up_with() {
        let other = "live".parse().unwrap();
        let hours = [Exposure { candidate: 2_000, candidate_wrong: 6, other: 18_000, other_wrong: 0 }];
        let held = |tolerated| {
            let terms = (None, (0.05, 0.05));
            Held::of((Guardrail::Failures, &other), &hours, &[], terms).with_harm(&hours, 80.0, tolerated)
        };
        assert!(held(0.0).aborts(), "three in a thousand beside none of eighteen thousand is no chance");
        assert!(!held(0.005).aborts(), "and five in a thousand were agreed to be nothing");
    }
}
