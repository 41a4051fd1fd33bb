//! Whole rollouts with chance: how often a good candidate is taken back, how soon a bad one is, how often either passes a step.
//!
//! Every run is judged by [`Rollout::judge`] itself. `cargo test -p linkcast-routing simulated -- --nocapture` prints the tables of
//! docs/ROLLOUT.md.

use std::collections::BTreeMap;

use super::super::{Decision, Rollout, Step};
use super::{BEGAN, HOUR_MS, asked, at, begun, done, plan};
use crate::{Evidence, Exposure, Guardrail};

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

/// How often each goes wrong, by failures, slowness, disagreements and quality.
#[derive(Clone, Copy)]
struct Rates([f64; 4]);

const USUAL: Rates = Rates([0.02, 0.05, 0.04, 0.10]);
/// One answer in so many is reviewed.
const REVIEWED: f64 = 0.05;

/// What one variant did within an hour.
#[derive(Clone, Copy, Default)]
struct Did {
    answered: u64,
    failed: u64,
    slow: u64,
    differed: u64,
    reviewed: u64,
    wrong: u64,
}

impl Did {
    fn ask(&mut self, chance: &mut Chance, Rates([fails, slow, differs, wrong]): Rates) {
        if chance.below(fails) {
            self.failed += 1;
            return;
        }
        self.answered += 1;
        self.slow += u64::from(chance.below(slow));
        self.differed += u64::from(chance.below(differs));
        if chance.below(REVIEWED) {
            self.reviewed += 1;
            self.wrong += u64::from(chance.below(wrong));
        }
    }

    fn text(&self, name: &str) -> String {
        let Did { answered, failed, slow, differed, .. } = self;
        let (fast, agreed) = (answered - slow, answered - differed);
        format!(
            r#""{name}":{{"answered":{answered},"failures":{{"timeout":{failed}}},"agreed":{agreed},
                "disagreed":{{"normal>latency_spike":{differed}}},"latency":{{"180":{fast},"240":{slow}}}}}"#
        )
    }
}

/// An hour's questions, and what was found of them.
#[derive(Clone, Copy, Default)]
struct Hour {
    candidate: Did,
    live: Did,
    shadow: (u64, u64),
    /// What of it is of samples that the candidate answered.
    beside: (u64, u64),
}

impl Hour {
    fn ask(&mut self, chance: &mut Chance, weight: f64, (candidate, live): (Rates, Rates)) {
        let differs = chance.below(USUAL.0[2]);
        self.shadow = (self.shadow.0 + 1, self.shadow.1 + u64::from(differs));
        if chance.below(weight) {
            let answered = self.candidate.answered;
            self.candidate.ask(chance, candidate);
            let is_answered = self.candidate.answered - answered;
            let (samples, differed) = self.beside;
            self.beside = (samples + is_answered, differed + is_answered * u64::from(differs));
        } else {
            self.live.ask(chance, live);
        }
    }

    fn evidence(&self) -> Evidence {
        let (samples, differed) = self.shadow;
        let shadow = Did { answered: samples, differed, ..Did::default() };
        let (agreed, differed) = (self.beside.0 - self.beside.1, self.beside.1);
        let beside = format!(r#"{{"shadow-2026-2":{{"agreed":{agreed},"differed":{differed}}}}}"#);
        let candidate = self.candidate.text("v2").replacen('{', &format!(r#"{{"shadows":{beside},"#), 1);
        let all = [candidate, self.live.text("live"), shadow.text("shadow-2026-2")];
        serde_json::from_str(&format!("{{{}}}", all.join(","))).unwrap()
    }

    fn quality(&self) -> Exposure {
        Exposure {
            candidate: self.candidate.reviewed,
            candidate_wrong: self.candidate.wrong,
            other: self.live.reviewed,
            other_wrong: self.live.wrong,
        }
    }
}

/// Whether what is slight is put up with.
#[derive(Clone, Copy, PartialEq)]
enum Tolerates {
    AsUsual,
    Nothing,
}

/// A whole rollout: its weights, questions at each, questions between looks.
#[derive(Clone, Copy)]
struct Course<'a> {
    weights: &'a [u32],
    each: u64,
    look: u64,
    tolerates: Tolerates,
}

/// After how many questions a rollout was aborted, if it was.
fn ended(chance: &mut Chance, rates: (Rates, Rates), course: Course<'_>) -> Option<u64> {
    let Course { weights, each, look, tolerates } = course;
    let steps = weights.iter().map(|weight| weight.to_string().parse().unwrap()).chain([Step::ALL]);
    let (mut rollout, mut policy) = begun(plan(|text| {
        text.steps = steps.collect();
        if tolerates == Tolerates::Nothing {
            text.guardrails.values_mut().for_each(|terms| terms.tolerated = 0.0);
        }
    }));
    let (mut hours, mut quality): (BTreeMap<i64, Evidence>, Vec<Exposure>) = Default::default();
    let mut asked_in_all = 0;
    for (place, weight) in weights.iter().enumerate() {
        for _ in 0..each / 500 {
            let (mut hour, number) = (Hour::default(), asked_in_all / 500);
            let now = BEGAN / HOUR_MS + 1 + number as i64;
            for _ in 0..500 / look {
                for _ in 0..look {
                    hour.ask(chance, f64::from(*weight) / 100.0, rates);
                }
                asked_in_all += look;
                hours.insert(now, hour.evidence());
                let known: Vec<Exposure> = quality.iter().copied().chain([hour.quality()]).collect();
                let verdict = rollout.judge(&hours, &known, at(number as i64 + 2));
                if matches!(verdict.decision, Decision::Abort { .. }) {
                    return Some(asked_in_all);
                }
            }
            quality.push(hour.quality());
        }
        if place + 1 < weights.len() {
            let at = at((asked_in_all / 500) as i64 + 1);
            let change = rollout.step_up(&policy, &BTreeMap::new(), None, asked(at)).unwrap();
            (rollout, policy) = done(rollout.with_pending(Some(change)), policy);
        }
    }
    None
}

fn share_ended(rates: (Rates, Rates), course: Course<'_>, runs: u64) -> (f64, u64, u64) {
    let mut chance = Chance(20_261_122);
    let mut after: Vec<u64> = (0..runs).filter_map(|_| ended(&mut chance, rates, course)).collect();
    after.sort_unstable();
    let at = |share: usize| after.get(after.len() * share / 10).copied().unwrap_or(0);
    (after.len() as f64 / runs as f64, at(5), at(9))
}

#[test]
fn a_candidate_like_the_live_one_is_taken_back_in_at_most_one_rollout_of_twenty() {
    println!("| steps | questions at each | looked at every | aborted | of runs |");
    println!("|---|---|---|---|---|");
    for (weights, each, look, runs) in [
        ([10, 25, 50].as_slice(), 1_500, 50, 300),
        (&[10, 25, 50], 1_500, 500, 600),
        (&[10, 25, 50], 5_000, 500, 200),
        (&[10], 5_000, 50, 200),
    ] {
        let course = Course { weights, each, look, tolerates: Tolerates::Nothing };
        let (share, _, _) = share_ended((USUAL, USUAL), course, runs);
        println!("| {weights:?} % | {each} | {look} | {:.1} % | {runs} |", share * 100.0);
        assert!(share <= 0.05, "{share} of rollouts without harm were taken back");
    }
}

#[test]
fn the_more_harm_the_sooner_it_is_taken_back() {
    println!("| failures of candidate and live | share aborted | median question | nine in ten by |");
    println!("|---|---|---|---|");
    let course = Course { weights: &[10], each: 5_000, look: 50, tolerates: Tolerates::AsUsual };
    let mut earlier = (0.0, u64::MAX);
    for (times, most) in [(2.0, u64::MAX), (3.0, u64::MAX), (5.0, 1_500), (15.0, 500)] {
        let bad = Rates([0.02 * times, 0.05, 0.04, 0.10]);
        let (share, median, ninth) = share_ended((bad, USUAL), course, 100);
        println!("| {times} x ({:.0} % v 2 %) | {:.0} % | {median} | {ninth} |", times * 2.0, share * 100.0);
        assert!(share >= earlier.0 && median <= most, "{times}: {share} after {median}");
        earlier = (share, median);
    }
    assert!(earlier.0 > 0.99, "gross harm is always found: {}", earlier.0);
}

/// The share of candidates whose step is ever open to be left within `questions`, looked at every 100.
fn share_passed(candidate: Rates, weight: u32, questions: u64, runs: u64) -> (f64, u64) {
    let mut chance = Chance(7);
    let mut after = Vec::new();
    for _ in 0..runs {
        let mut hours: BTreeMap<i64, Evidence> = BTreeMap::new();
        let (rollout, _): (Rollout, _) = begun(plan(|text| {
            text.steps = vec![weight.to_string().parse().unwrap(), Step::ALL];
            text.guardrails.retain(|guardrail, _| *guardrail != Guardrail::Quality);
        }));
        for number in 0..questions as i64 / 500 {
            let mut hour = Hour::default();
            for _ in 0..500 {
                hour.ask(&mut chance, f64::from(weight) / 100.0, (candidate, USUAL));
            }
            hours.insert(BEGAN / HOUR_MS + 1 + number, hour.evidence());
            if matches!(rollout.judge(&hours, &[], at(number + 2)).decision, Decision::Promote { .. }) {
                after.push((number + 1) as u64 * 500);
                break;
            }
        }
    }
    after.sort_unstable();
    let median = after.get(after.len() / 2).copied().unwrap_or(0);
    (after.len() as f64 / runs as f64, median)
}

#[test]
fn a_step_is_open_to_a_candidate_like_the_live_one_and_closed_to_an_unacceptable_one() {
    println!("| at | candidate | may take the next step | median question |");
    println!("|---|---|---|---|");
    for weight in [10, 50] {
        let told = |name: &str, rates: [f64; 4]| {
            let (share, median) = share_passed(Rates(rates), weight, 10_000, 300);
            println!("| {weight} % | {name} | {:.1} % | {median} |", share * 100.0);
            share
        };
        let alike = told("like the live one", USUAL.0);
        let failing = told("fails 2 points more", [0.04, 0.05, 0.04, 0.10]);
        let slow = told("slow 5 points more", [0.02, 0.10, 0.04, 0.10]);
        let unlike = told("differs 5 points more", [0.02, 0.05, 0.09, 0.10]);
        assert!(alike > 0.85, "{alike}");
        for bad in [failing, slow, unlike] {
            assert!(bad <= 0.05, "at {weight} %: {bad} of unacceptable candidates passed");
        }
    }
}
