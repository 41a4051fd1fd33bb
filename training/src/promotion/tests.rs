//! The gate's rates, by simulation with fixed seeds: how often an equal model passes, and how often a better one does.

use linkcast_domain::PredictionType;

use super::{GateSettings, GateVerdict, Judged, judge_candidate};
use crate::evaluation::Conclusion;

/// Numerical Recipes' generator: short, and the same on every machine.
struct Dice(u64);

impl Dice {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, standard deviation 1, near enough.
    fn noise(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// Rows of `groups` groups, half of them with trouble. Both models see every group with noise of their own that its rows share: what one
/// model finds hard in a stream it finds hard in all of it. `merit` is what the candidate knows more, in log-odds.
fn rows(dice: &mut Dice, groups: usize, merit: f64) -> Vec<Judged> {
    let mut rows = Vec::new();
    for group in 0..groups {
        let hard = dice.noise();
        let (candidate_of_group, live_of_group) = (dice.noise(), dice.noise());
        for row in 0..6 {
            let is_troubled = group % 2 == 0 && row < 3;
            let mut said = |of_group: f64, merit: f64| {
                let logit = 1.2 + hard + merit + 0.7 * of_group + 0.5 * dice.noise();
                1.0 / (1.0 + (-logit).exp())
            };
            rows.push(Judged {
                group: format!("g{group}/1").parse().unwrap(),
                truth: if is_troubled { PredictionType::PacketLossDetected } else { PredictionType::Normal },
                weight: if is_troubled { 4.0 } else { 60.0 },
                candidate: said(candidate_of_group, merit),
                live: said(live_of_group, 0.0),
            });
        }
    }
    rows
}

fn quick() -> GateSettings {
    GateSettings { draws: 300, ..GateSettings::default() }
}

/// Of `runs` candidates: how many the frozen set alone calls better, and how many pass.
fn passing(runs: usize, groups: usize, merit: f64) -> (f64, f64) {
    let mut dice = Dice(groups as u64);
    let (mut one, mut both) = (0, 0);
    for _ in 0..runs {
        let (frozen, newest) = (rows(&mut dice, groups, merit), rows(&mut dice, groups, merit));
        let verdict = judge_candidate(&frozen, &newest, quick());
        one += usize::from(verdict.frozen.is_better());
        both += usize::from(verdict.has_passed());
    }
    (one as f64 / runs as f64, both as f64 / runs as f64)
}

#[test]
fn an_equal_model_passes_by_luck_no_more_often_than_is_said() {
    for groups in [24, 60] {
        let (one, both) = passing(400, groups, 0.0);
        assert!(one <= 0.05, "{one} on one set of {groups} groups");
        assert!(both <= 0.025, "{both} on both sets of {groups} groups");
    }
}

#[test]
fn a_better_model_passes_and_a_worse_one_never_does() {
    let (_, better) = passing(60, 60, 1.5);
    assert!(better >= 0.9, "{better}");
    let (one, worse) = passing(60, 60, -1.0);
    assert_eq!((one, worse), (0.0, 0.0));
}

fn verdict(frozen: usize, newest: usize, merit: f64) -> GateVerdict {
    let mut dice = Dice(7);
    let (frozen, newest) = (rows(&mut dice, frozen, merit), rows(&mut dice, newest, merit));
    judge_candidate(&frozen, &newest, quick())
}

#[test]
fn better_on_one_set_is_not_enough() {
    let mut dice = Dice(7);
    let (good, bad) = (rows(&mut dice, 60, 2.0), rows(&mut dice, 60, -2.0));
    let mixed = judge_candidate(&good, &bad, quick());
    assert!(mixed.frozen.is_better() && !mixed.has_passed());
    let reason = mixed.reason();
    assert!(
        reason.starts_with("not shown to be better than the live model: on the frozen set better"),
        "{reason}"
    );
    assert!(reason.contains("on the newest labels worse"), "{reason}");
    assert!(judge_candidate(&good, &good, quick()).reason().starts_with("better than the live model: "));
}

#[test]
fn few_groups_tell_nothing_however_good_the_candidate_is() {
    let few = verdict(60, 22, 3.0);
    assert!(few.frozen.is_better() && few.newest.difference.is_none() && !few.has_passed());
    assert!(
        few.reason().contains("the newest labels has not enough labels to tell (11 groups"),
        "{}",
        few.reason()
    );
    let none = judge_candidate(&[], &[], quick());
    assert!(!none.has_passed() && none.frozen.groups == 0);
}

#[test]
fn the_same_model_differs_by_nothing_and_does_not_pass() {
    let mut same = rows(&mut Dice(3), 60, 0.0);
    same.iter_mut().for_each(|row| row.candidate = row.live);
    let found = judge_candidate(&same, &same, quick());
    let difference = found.frozen.difference.unwrap();
    assert_eq!((difference.difference, difference.conclusion), (0.0, Conclusion::NotToldApart));
    assert!(!found.has_passed());
}

#[test]
fn quiet_that_is_surer_does_not_pay_for_trouble_that_is_missed() {
    let mut rows = rows(&mut Dice(3), 60, 0.0);
    for row in &mut rows {
        (row.candidate, row.live) =
            if row.truth == PredictionType::Normal { (0.999, 0.95) } else { (0.5, 0.8) };
    }
    let found = judge_candidate(&rows, &rows, quick());
    assert_eq!(
        found.frozen.difference.unwrap().conclusion,
        Conclusion::Worse,
        "ten in eleven samples are quiet"
    );
}
