//! Whether a candidate harms, judged at every look without being wrong more often for it.
//!
//! Given that something went wrong with one of two variants, without harm it was the candidate's with the probability of the
//! candidate's share of the questions. How much better a candidate that does harm explains what was seen is a likelihood ratio;
//! its mean over a range of harm is an e-process (Vovk and Wang 2021; Ville 1939): without harm it ever reaches 1/a with a
//! probability of at most a, however often it is looked at. Hours of different shares add up, so that the steps of a rollout share
//! their evidence. What goes wrong among an hour's questions is drawn without putting back; the ratio's mean is then below that of
//! drawing with putting back (Hoeffding 1963, theorem 4), so that an hour taken whole is no less careful than each question alone.

use linkcast_domain::Target;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Policy, VariantEvidence, VariantName, Weight};

/// How many times more often a candidate that harms goes wrong: the range the mean is taken over, evenly in its logarithm.
const MOST_HARM: f64 = 64.0;
/// Rollouts without harm that may be called harmful, all guardrails together.
const FALSE_STOPS: f64 = 0.05;
/// Evidence is said to be this at most: more is beyond doubt, and files have no infinity.
const MOST_EVIDENCE: f64 = 1e12;
/// Points of that range.
const POINTS: u32 = 48;

/// Questions of one hour, to a candidate and to whom it is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Questions to the candidate.
    pub candidate: u64,
    /// Those of them that went wrong.
    pub candidate_wrong: u64,
    /// Questions to the other.
    pub other: u64,
    /// Those of them that went wrong.
    pub other_wrong: u64,
}

impl Exposure {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Exposure) -> Exposure {
        Exposure {
            candidate: self.candidate + more.candidate,
            candidate_wrong: self.candidate_wrong + more.candidate_wrong,
            other: self.other + more.other,
            other_wrong: self.other_wrong + more.other_wrong,
        }
    }

    /// What came to it since it was `earlier`.
    #[must_use]
    pub fn since(self, earlier: Exposure) -> Exposure {
        Exposure {
            candidate: self.candidate.saturating_sub(earlier.candidate),
            candidate_wrong: self.candidate_wrong.saturating_sub(earlier.candidate_wrong),
            other: self.other.saturating_sub(earlier.other),
            other_wrong: self.other_wrong.saturating_sub(earlier.other_wrong),
        }
    }
}

/// What goes wrong of what a candidate and another are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guardrail {
    /// Questions that were not answered.
    Failures,
    /// Answers that took longer than agreed.
    Latency,
    /// Answers of another class than the embedded model's.
    Disagreements,
    /// Answers that were found wrong afterwards.
    Quality,
}

/// A candidate held against another by one guardrail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Who is judged.
    pub candidate: VariantName,
    /// Whom it is held against.
    pub other: VariantName,
    /// By what.
    pub guardrail: Guardrail,
    /// What was seen, in all.
    pub seen: Exposure,
    /// The evidence of harm.
    pub evidence: f64,
    /// From how much on it harms: one rollout without harm in twenty gets there by any guardrail.
    pub stop_at: f64,
}

impl Guardrail {
    /// Every guardrail.
    pub const ALL: [Guardrail; 4] =
        [Guardrail::Failures, Guardrail::Latency, Guardrail::Disagreements, Guardrail::Quality];
    /// Those that need nothing agreed and nobody's verdict.
    const PLAIN: [Guardrail; 2] = [Guardrail::Failures, Guardrail::Disagreements];

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Guardrail::Failures => "failures",
            Guardrail::Latency => "latency",
            Guardrail::Disagreements => "disagreements",
            Guardrail::Quality => "quality",
        }
    }

    /// What was seen and what of it went wrong, by the guardrails that [`compare`] knows.
    fn wrong(self, seen: &VariantEvidence) -> (u64, u64) {
        match self {
            Guardrail::Failures => seen.failures_by_question(),
            Guardrail::Disagreements => (seen.agreed + seen.disagreements(), seen.disagreements()),
            Guardrail::Latency | Guardrail::Quality => (0, 0),
        }
    }
}

/// Every variant of a policy that streams belong to, held against the one that most belong to.
pub fn compare(policy: &Policy, hours: &[Evidence]) -> Vec<Comparison> {
    let asked = || {
        policy
            .variants()
            .iter()
            .filter(|one| one.weight > Weight::default() && one.target != Target::Embedded)
    };
    let Some(other) = asked().max_by_key(|one| one.weight) else { return Vec::new() };
    let candidates = asked().filter(|one| one.name != other.name);
    let pairs = candidates.flat_map(|candidate| Guardrail::PLAIN.map(|guardrail| (candidate, guardrail)));
    pairs.map(|(candidate, guardrail)| comparison((&candidate.name, &other.name), guardrail, hours)).collect()
}

fn comparison(
    (candidate, other): (&VariantName, &VariantName),
    guardrail: Guardrail,
    hours: &[Evidence],
) -> Comparison {
    let of = |hour: &Evidence, name| hour.of(name).map_or((0, 0), |seen| guardrail.wrong(seen));
    let exposures: Vec<Exposure> = hours
        .iter()
        .map(|hour| {
            let ((questions, wrong), (others, others_wrong)) = (of(hour, candidate), of(hour, other));
            Exposure {
                candidate: questions,
                candidate_wrong: wrong,
                other: others,
                other_wrong: others_wrong,
            }
        })
        .collect();
    let seen = exposures.iter().fold(Exposure::default(), |all, hour| all.and(*hour));
    Comparison {
        candidate: candidate.clone(),
        other: other.clone(),
        guardrail,
        seen,
        evidence: evidence_of_harm(&exposures).min(MOST_EVIDENCE),
        stop_at: Guardrail::PLAIN.len() as f64 / FALSE_STOPS,
    }
}

/// The evidence that the candidate goes wrong more often than the other: 1 says nothing, 20 is reached without harm in at most one
/// rollout of twenty.
pub fn evidence_of_harm(hours: &[Exposure]) -> f64 {
    let seen: Vec<(f64, f64, f64)> = hours
        .iter()
        .filter(|hour| hour.candidate > 0 && hour.other > 0)
        .map(|hour| {
            let share = hour.candidate as f64 / (hour.candidate + hour.other) as f64;
            (share, hour.candidate_wrong as f64, hour.other_wrong as f64)
        })
        .collect();
    let ratios: Vec<f64> = (1..=POINTS)
        .map(|point| {
            let harm = (MOST_HARM.ln() * f64::from(point) / f64::from(POINTS)).exp();
            // With this harm the candidate's share of what goes wrong is its share of questions, weighed by the harm.
            let ratio = |(share, own, others): &(f64, f64, f64)| {
                let all = 1.0 - share + share * harm;
                own * harm.ln() - (own + others) * all.ln()
            };
            seen.iter().map(ratio).sum()
        })
        .collect();
    let highest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = ratios.iter().map(|ratio| (ratio - highest).exp()).sum();
    (highest + (sum / f64::from(POINTS)).ln()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance that is the same in every run (Steele, Lea and Flood 2014, SplitMix).
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, probability: f64) -> bool {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ mixed >> 31) >> 11) as f64 / ((1_u64 << 53) as f64) < probability
        }
    }

    /// One rollout of 5,000 questions at 10, 25 and 50 %, looked at every 50: after how many it was stopped, if ever.
    fn stopped(chance: &mut Chance, wrong: (f64, f64), weights: &[f64]) -> Option<u64> {
        let mut hours: Vec<Exposure> = Vec::new();
        let questions = 5_000;
        for look in 0..questions / 50 {
            let step = look * 50 * weights.len() as u64 / questions;
            let weight = weights[step as usize];
            let mut hour = Exposure::default();
            for _ in 0..50 {
                if chance.below(weight) {
                    hour.candidate += 1;
                    hour.candidate_wrong += u64::from(chance.below(wrong.0));
                } else {
                    hour.other += 1;
                    hour.other_wrong += u64::from(chance.below(wrong.1));
                }
            }
            hours.push(hour);
            if evidence_of_harm(&hours) >= 20.0 {
                return Some((look + 1) * 50);
            }
        }
        None
    }

    fn share_stopped(wrong: (f64, f64), weights: &[f64], runs: u64) -> (f64, u64) {
        let mut chance = Chance(7);
        let mut after: Vec<u64> = (0..runs).filter_map(|_| stopped(&mut chance, wrong, weights)).collect();
        after.sort_unstable();
        (after.len() as f64 / runs as f64, after.get(after.len() / 2).copied().unwrap_or(0))
    }

    #[test]
    fn a_candidate_that_does_no_harm_is_stopped_in_at_most_one_rollout_of_twenty() {
        for weights in [[0.10].as_slice(), &[0.10, 0.25, 0.50], &[0.50]] {
            for wrong in [0.02, 0.2] {
                let (share, _) = share_stopped((wrong, wrong), weights, 400);
                assert!(share <= 0.05, "{weights:?} at {wrong}: {share} of the rollouts were stopped");
            }
        }
        let (share, _) = share_stopped((0.01, 0.02), &[0.25], 200);
        assert!(share <= 0.01, "a better one was stopped: {share}");
    }

    #[test]
    fn a_candidate_that_harms_is_stopped_the_sooner_the_more_it_does() {
        let (thrice, after_thrice) = share_stopped((0.06, 0.02), &[0.10], 200);
        let (five, after_five) = share_stopped((0.10, 0.02), &[0.10], 200);
        let (gross, after_gross) = share_stopped((0.30, 0.02), &[0.10], 200);
        assert!(thrice > 0.8, "{thrice} stopped after {after_thrice}");
        assert!(five > 0.99 && after_five <= 1_000, "{five} stopped after {after_five}");
        assert!(gross > 0.99 && after_gross <= 350, "{gross} stopped after {after_gross}");
    }

    #[test]
    fn a_policys_candidate_is_held_against_the_variant_most_streams_belong_to() {
        let policy = Policy::parse(
            r#"{"salt":"s","fallback":["live","embedded"],"variants":[
                {"name":"candidate","weight":10,"target":{"kind":"sagemaker","endpoint":"candidate"}},
                {"name":"live","weight":90,"target":{"kind":"sagemaker"}},
                {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#,
        )
        .unwrap();
        let hour: Evidence = serde_json::from_str(
            r#"{"candidate":{"answered":70,"failures":{"timeout":30},"agreed":70},
                "live":{"answered":895,"failures":{"timeout":5},"agreed":895}}"#,
        )
        .unwrap();
        let found = compare(&policy, &[hour.clone(), hour]);
        assert_eq!(found.len(), 2);
        let [failures, disagreements] = found.as_slice() else { panic!("two guardrails") };
        assert_eq!((failures.candidate.as_str(), failures.other.as_str()), ("candidate", "live"));
        let seen = Exposure { candidate: 200, candidate_wrong: 60, other: 1_800, other_wrong: 10 };
        assert_eq!(failures.seen, seen);
        assert!(failures.evidence > failures.stop_at && failures.stop_at == 40.0, "{failures:?}");
        assert!(disagreements.evidence <= 1.0, "{disagreements:?}");
        assert_eq!(compare(&Policy::standing("link-health", None), &[]), []);
    }

    #[test]
    fn nothing_seen_says_nothing_and_the_order_of_hours_does_not_matter() {
        assert!((evidence_of_harm(&[]) - 1.0).abs() < 1e-12);
        let alone = Exposure { candidate: 50, candidate_wrong: 50, ..Exposure::default() };
        assert!((evidence_of_harm(&[alone]) - 1.0).abs() < 1e-12, "nobody to hold it against");
        let calm = Exposure { candidate: 100, candidate_wrong: 1, other: 900, other_wrong: 9 };
        let bad = Exposure { candidate: 500, candidate_wrong: 40, other: 500, other_wrong: 5 };
        let both = [evidence_of_harm(&[calm, bad]), evidence_of_harm(&[bad, calm])];
        assert!((both[0] / both[1] - 1.0).abs() < 1e-9 && both[0] > 1e4, "{both:?}");
        let huge = Exposure { candidate: 1 << 40, candidate_wrong: 1 << 39, other: 1 << 40, other_wrong: 0 };
        assert!(evidence_of_harm(&[huge]).is_infinite(), "beyond all numbers, and no NaN");
    }
}
