//! What was seen of a candidate, cut where steps began.
//!
//! Evidence is kept by the hour. A step is taken somewhere within one, and the candidate's share differs before and after; what the
//! hour had counted by then is kept with the step, so that each piece is of one share and the pieces' evidence may be multiplied.

use std::collections::BTreeMap;

use linkcast_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Evidence, Exposure, VariantEvidence, VariantName};

/// Evidence is kept by so many milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// What the guardrails count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Questions that failed, the candidate's beside the live variant's.
    pub failures: Exposure,
    /// Questions answered too slowly, likewise.
    pub latency: Exposure,
    /// Answers unlike the embedded model's, the candidate's beside what its shadow said of the same samples; beside the live variant's
    /// where it has no shadow.
    pub disagreements: Exposure,
    /// Judgements unlike the embedded model's, the shadow's beside the live variant's of the same samples.
    pub shadowing: Exposure,
}

/// Where pieces end and begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// When.
    pub at: Timestamp,
    /// The place of the step that began; none if what follows is not to be judged.
    pub step: Option<usize>,
    /// What its hour had counted by then.
    pub already: Counted,
}

/// Who is held against whom.
#[derive(Clone, Debug)]
pub(super) struct Sides<'a> {
    pub(super) candidate: &'a VariantName,
    pub(super) live: &'a VariantName,
    pub(super) shadow: Option<VariantName>,
    /// From when on an answer is slow, µs.
    pub(super) slow_us: Option<f64>,
}

/// The hour, since 1970, of a time.
pub(super) fn hour_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(HOUR_MS)
}

impl Counted {
    /// What one hour's evidence says.
    pub(super) fn of(hour: &Evidence, sides: &Sides<'_>) -> Counted {
        let (candidate, live) = (hour.of(sides.candidate), hour.of(sides.live));
        let shadow = sides.shadow.as_ref().and_then(|shadow| hour.of(shadow)).map_or((0, 0), disagreements);
        // What the shadow said of the same samples; of all samples, where that was not counted. Who answered nothing has no samples: a
        // step's first cut would else hold all the shadow said against the little it says afterwards.
        let beside = |answered: Option<&VariantEvidence>| {
            let name = sides.shadow.as_ref().map_or("", VariantName::as_str);
            answered.map_or((0, 0), |answered| {
                let counted = answered.shadows.get(name);
                counted.map_or(shadow, |counted| (counted.agreed + counted.differed, counted.differed))
            })
        };
        let own = candidate.map_or((0, 0), disagreements);
        let others = live.map_or((0, 0), disagreements);
        let slow = |seen: &VariantEvidence| {
            let latency = seen.latency_by_question();
            sides.slow_us.map_or((0, 0), |slow| (latency.count(), latency.above(slow)))
        };
        Counted {
            failures: exposure(candidate, live, VariantEvidence::failures_by_question),
            latency: exposure(candidate, live, slow),
            disagreements: of_both(own, if sides.shadow.is_some() { beside(candidate) } else { others }),
            shadowing: of_both(beside(live), others),
        }
    }

    fn since(self, earlier: Counted) -> Counted {
        Counted {
            failures: self.failures.since(earlier.failures),
            latency: self.latency.since(earlier.latency),
            disagreements: self.disagreements.since(earlier.disagreements),
            shadowing: self.shadowing.since(earlier.shadowing),
        }
    }
}

fn disagreements(seen: &VariantEvidence) -> (u64, u64) {
    (seen.agreed + seen.disagreements(), seen.disagreements())
}

fn exposure(
    candidate: Option<&VariantEvidence>,
    other: Option<&VariantEvidence>,
    counts: impl Fn(&VariantEvidence) -> (u64, u64),
) -> Exposure {
    of_both(candidate.map_or((0, 0), &counts), other.map_or((0, 0), &counts))
}

fn of_both((own, own_wrong): (u64, u64), (others, others_wrong): (u64, u64)) -> Exposure {
    Exposure { candidate: own, candidate_wrong: own_wrong, other: others, other_wrong: others_wrong }
}

/// The pieces between the cuts with the step each belongs to, in time's order.
pub(super) fn pieces(
    cuts: &[Cut],
    hours: &BTreeMap<i64, Evidence>,
    sides: &Sides<'_>,
) -> Vec<(usize, Counted)> {
    let mut found = Vec::new();
    for (hour, evidence) in hours {
        let earlier = cuts.iter().rev().find(|cut| hour_of(cut.at) < *hour);
        let (mut step, mut before) = (earlier.and_then(|cut| cut.step), Counted::default());
        for cut in cuts.iter().filter(|cut| hour_of(cut.at) == *hour) {
            found.extend(step.map(|step| (step, cut.already.since(before))));
            (step, before) = (cut.step, cut.already);
        }
        found.extend(step.map(|step| (step, Counted::of(evidence, sides).since(before))));
    }
    found.retain(|(_, seen)| *seen != Counted::default());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(candidate: (u64, u64), live: (u64, u64)) -> Evidence {
        serde_json::from_str(&format!(
            r#"{{"new":{{"answered":{},"failures":{{"timeout":{}}}}},
                "live":{{"answered":{},"failures":{{"timeout":{}}}}}}}"#,
            candidate.0, candidate.1, live.0, live.1
        ))
        .unwrap()
    }

    #[test]
    fn a_candidate_is_held_against_what_its_shadow_said_of_the_same_samples() {
        let (new, live) = ("new".parse().unwrap(), "live".parse().unwrap());
        let shadow = Some("shadow-2".parse().unwrap());
        let sides = Sides { candidate: &new, live: &live, shadow, slow_us: None };
        // Hard streams fell to the candidate: over all samples its shadow differs less.
        let hour: Evidence = serde_json::from_str(
            r#"{"new":{"answered":100,"agreed":70,"disagreed":{"normal>latency_spike":30},
                       "shadows":{"shadow-2":{"agreed":71,"differed":29}}},
                "live":{"answered":900,"agreed":899,"disagreed":{"normal>latency_spike":1},
                        "shadows":{"shadow-2":{"agreed":880,"differed":20}}},
                "shadow-2":{"answered":1000,"agreed":951,"disagreed":{"normal>latency_spike":49}}}"#,
        )
        .unwrap();
        let seen = Counted::of(&hour, &sides);
        let counts = |seen: Exposure| (seen.candidate_wrong, seen.candidate, seen.other_wrong, seen.other);
        assert_eq!(counts(seen.disagreements), (30, 100, 29, 100));
        assert_eq!(counts(seen.shadowing), (20, 900, 1, 900));
        assert!(crate::evidence_of_harm(&[seen.disagreements]) < 1.5);
    }

    #[test]
    fn before_its_first_answer_a_candidate_has_no_samples_to_be_held_against() {
        let (new, live) = ("new".parse().unwrap(), "live".parse().unwrap());
        let sides =
            Sides { candidate: &new, live: &live, shadow: Some("shadow-2".parse().unwrap()), slow_us: None };
        let hour: Evidence = serde_json::from_str(
            r#"{"live":{"answered":300,"agreed":300,"shadows":{"shadow-2":{"agreed":250,"differed":50}}},
                "shadow-2":{"answered":300,"agreed":250,"disagreed":{"normal>latency_spike":50}}}"#,
        )
        .unwrap();
        assert_eq!(Counted::of(&hour, &sides).disagreements, Exposure::default());
        assert_eq!(Counted::of(&hour, &sides).shadowing.candidate_wrong, 50);
    }

    #[test]
    fn an_hour_is_cut_where_a_step_began_and_what_is_not_judged_is_left_out() {
        let (new, live) = ("new".parse().unwrap(), "live".parse().unwrap());
        let sides = Sides { candidate: &new, live: &live, shadow: None, slow_us: None };
        let at = |hour: i64, minute: i64| Timestamp::from_millis(hour * HOUR_MS + minute * 60_000);
        let cut = |at, step, evidence: Option<Evidence>| Cut {
            at,
            step,
            already: evidence.map(|hour| Counted::of(&hour, &sides)).unwrap_or_default(),
        };
        let cuts = [
            cut(at(10, 30), Some(0), Some(hour((0, 0), (400, 2)))),
            cut(at(11, 20), Some(1), Some(hour((50, 1), (450, 3)))),
            cut(at(12, 0), None, None),
        ];
        let hours = BTreeMap::from([
            (9, hour((0, 0), (900, 9))),
            (10, hour((40, 0), (800, 4))),
            (11, hour((150, 3), (800, 5))),
            (12, hour((100, 50), (100, 0))),
        ]);
        let found: Vec<(usize, u64, u64, u64)> = pieces(&cuts, &hours, &sides)
            .iter()
            .map(|(step, counted)| {
                let seen = counted.failures;
                (*step, seen.candidate, seen.candidate_wrong, seen.other)
            })
            .collect();
        assert_eq!(found, [(0, 40, 0, 402), (0, 51, 1, 453), (1, 102, 2, 352)]);
    }
}
