//! A rollout's life: from shadow to live, held, aborted, paused by a person, brought back.

use std::collections::BTreeMap;

use super::super::{
    Decision, Hold, Rollout, RolloutPhase, RolloutVerdict, StoredPolicy, What, policy_digest,
};
use super::{POLICY, asked, at, begun, done, hour, hours, plan, stored};
use crate::{Evidence, Exposure, Guardrail, Policy};

/// A good hour at the candidate's share, percent.
fn good(share: u64) -> Evidence {
    let own = 40 * share;
    hour(&[("v2", own, own / 200, own / 50), ("live", 4_000 - own, 18, 0), ("shadow-2026-2", 4_000, 0, 80)])
}

fn stepped(
    rollout: Rollout,
    policy: StoredPolicy,
    seen: &BTreeMap<i64, Evidence>,
    hour: i64,
) -> (Rollout, StoredPolicy) {
    let change = rollout.step_up(&policy, seen, None, asked(at(hour))).unwrap();
    done(rollout.with_pending(Some(change)), policy)
}

/// At 10 % since the second hour.
fn at_ten() -> (Rollout, StoredPolicy, BTreeMap<i64, Evidence>) {
    let (rollout, policy) = begun(plan(|_| ()));
    let seen = hours([good(0)]);
    let (rollout, policy) = stepped(rollout, policy, &seen, 2);
    (rollout, policy, seen)
}

fn reasons(verdict: &RolloutVerdict) -> String {
    match &verdict.decision {
        Decision::Hold { because } => because.iter().map(|hold| format!("{hold}. ")).collect(),
        other => panic!("{other:?} is no hold"),
    }
}

#[test]
fn a_good_candidate_goes_from_shadow_to_live_and_the_live_one_stands_in_behind_it() {
    let (mut rollout, mut policy) = begun(plan(|_| ()));
    assert_eq!(policy.text, POLICY, "a shadow needs no streams");
    let mut seen = BTreeMap::new();
    for (passed, (share, next)) in [(0, "10"), (10, "25"), (25, "50"), (50, "100")].into_iter().enumerate() {
        let now = passed as i64 + 1;
        let waiting = rollout.judge(&seen, &[], at(now));
        assert!(reasons(&waiting).contains("insufficient data: 0 of 100"), "{waiting:?}");
        seen.insert(at(now).millis() / super::HOUR_MS, good(share));
        let verdict = rollout.judge(&seen, &[], at(now + 1));
        assert_eq!(verdict.decision, Decision::Promote { to: next.parse().unwrap() }, "{verdict:?}");
        (rollout, policy) = stepped(rollout, policy, &seen, now + 1);
    }
    assert!(matches!(rollout.standing.phase, RolloutPhase::Finished { .. }));
    let last = Policy::parse(&policy.text).unwrap();
    let weights: Vec<(&str, f64)> =
        last.variants().iter().map(|one| (one.name.as_str(), one.weight.percent())).collect();
    assert_eq!(weights, [("claude", 10.0), ("v2", 90.0), ("live", 0.0), ("embedded", 0.0)]);
    let order: Vec<&str> = last.text().fallback.iter().map(crate::VariantName::as_str).collect();
    assert_eq!(order, ["v2", "live", "embedded"]);
    let text = serde_json::to_string(&rollout).unwrap();
    assert_eq!(Rollout::parse(&text).unwrap(), rollout, "it comes back from its text");
    assert!(Rollout::parse(&text.replacen("\"format\":1", "\"format\":2", 1)).is_err());
}

#[test]
fn a_candidate_that_fails_is_aborted_with_the_numbers_and_the_policy_is_the_old_one_to_the_byte() {
    let (rollout, policy, mut seen) = at_ten();
    seen.extend(hours([good(0), good(0), hour(&[("v2", 280, 40, 6), ("live", 3_600, 18, 0)])]));
    let verdict = rollout.judge(&seen, &[], at(4));
    assert_eq!(verdict.decision, Decision::Abort { guardrail: Guardrail::Failures });
    let held = verdict.guardrails.iter().find(|held| held.aborts()).unwrap();
    let harm = held.harm.unwrap();
    assert!(harm.evidence > 1e6 && harm.stop_at == 80.0 && held.excess > 0.1, "{held:?}");
    assert!(held.candidate_interval.low > held.other_interval.high);
    let change = rollout.abort(&policy, Some(verdict), asked(at(4))).unwrap();
    let (aborted, back) = done(rollout.with_pending(Some(change)), policy);
    assert_eq!((back.text.as_str(), policy_digest(&back.text)), (POLICY, aborted.pinned.digest.clone()));
    let again = aborted.abort(&back, None, asked(at(5))).unwrap_err().to_string();
    assert!(again.contains("aborted"), "{again}");
}

#[test]
fn what_is_slow_wrong_or_unlike_its_shadow_is_aborted_too() {
    let (rollout, _, seen) = at_ten();
    let with = |one: Evidence| seen.clone().into_iter().chain(hours([good(0), one]).split_off(&480_002));
    let slow: Evidence = serde_json::from_str(
        r#"{"v2":{"answered":400,"agreed":400,"latency":{"180":200,"240":200}},
            "live":{"answered":3600,"agreed":3600,"latency":{"180":3500,"240":100}}}"#,
    )
    .unwrap();
    let unlike = hour(&[("v2", 400, 0, 80), ("live", 3_600, 0, 0), ("shadow-2026-2", 4_000, 0, 80)]);
    let alike = hour(&[("v2", 400, 0, 80), ("live", 3_600, 0, 0), ("shadow-2026-2", 4_000, 0, 800)]);
    let judged = |one, quality: &[Exposure]| rollout.judge(&with(one).collect(), quality, at(3)).decision;
    assert_eq!(judged(slow, &[]), Decision::Abort { guardrail: Guardrail::Latency });
    assert_eq!(judged(unlike, &[]), Decision::Abort { guardrail: Guardrail::Disagreements });
    assert!(
        !matches!(judged(alike.clone(), &[]), Decision::Abort { .. }),
        "as its shadow differs, so may it"
    );
    let wrong = [Exposure { candidate: 40, candidate_wrong: 30, other: 360, other_wrong: 40 }];
    assert_eq!(judged(alike, &wrong), Decision::Abort { guardrail: Guardrail::Quality });
}

#[test]
fn little_traffic_holds_says_so_once_when_time_is_up_and_never_passes() {
    let (rollout, policy, mut seen) = at_ten();
    seen.insert(480_002, hour(&[("v2", 3, 0, 0), ("live", 30, 0, 0), ("shadow-2026-2", 33, 0, 0)]));
    let verdict = rollout.judge(&seen, &[], at(100));
    assert!(reasons(&verdict).contains("insufficient data: 3 of 100"), "{verdict:?}");
    let late = at(2 + 14 * 24 + 1);
    let verdict = rollout.judge(&seen, &[], late);
    assert!(reasons(&verdict).contains("promote or abort by hand"), "{verdict:?}");
    let change = rollout.expire(verdict, late);
    assert_eq!((change.what, change.policy.as_ref()), (What::Expired, None));
    let (rollout, policy) = done(rollout.with_pending(Some(change)), policy);
    seen.extend([(480_400, good(10))]);
    let verdict = rollout.judge(&seen, &[], at(402));
    let Decision::Hold { because } = &verdict.decision else { panic!("it passed: {verdict:?}") };
    assert!(matches!(because.as_slice(), [Hold::Expired { .. }]), "enough came too late: {because:?}");
    let (rollout, _) = stepped(rollout, policy, &seen, 403);
    assert_eq!((rollout.step().to_string().as_str(), rollout.standing.expired), ("25", None));
}

#[test]
fn a_person_who_changed_the_policy_is_not_undone() {
    let (rollout, policy, seen) = at_ten();
    let edited = stored(
        policy.revision + 1,
        &policy.text.replace("\"weight\": 80", "\"weight\": 65").replace(
            "\"weight\": 10,\n      \"target\": {\n        \"kind\": \"sagemaker\"",
            "\"weight\": 25,\n      \"target\": {\n        \"kind\": \"sagemaker\"",
        ),
    );
    assert!(Policy::parse(&edited.text).is_ok(), "{}", edited.text);
    assert!(!rollout.left(&edited));
    let pause = rollout.pause(&edited, at(3));
    let (paused, edited) = done(rollout.with_pending(Some(pause)), edited);
    let RolloutPhase::Paused { changed, .. } = &paused.standing.phase else { panic!("it is not paused") };
    assert!(changed.iter().any(|one| one.contains("v2 has 25 % in place of 10 %")), "{changed:?}");
    assert!(paused.step_up(&edited, &seen, None, asked(at(3))).is_err());
    assert!(reasons(&paused.judge(&seen, &[], at(3))).contains("paused by a person"));
    let change = paused.resume(&edited, &seen, asked(at(4))).unwrap();
    let (resumed, edited) = done(paused.clone().with_pending(Some(change)), edited);
    assert_eq!(resumed.step().to_string(), "25", "it goes on from what the person made of it");
    let (next, policy) = stepped(resumed, edited, &seen, 5);
    let weight = |name: &str| {
        let policy = Policy::parse(&policy.text).unwrap();
        policy.variants().iter().find(|one| one.name.as_str() == name).unwrap().weight.percent()
    };
    assert_eq!((next.step().to_string().as_str(), weight("v2"), weight("live")), ("50", 50.0, 40.0));
    let without = stored(9, POLICY);
    let resumed = paused.resume(&without, &seen, asked(at(4))).unwrap();
    assert_eq!(resumed.step.to_string(), "shadow", "without streams it is a shadow again");
}

#[test]
fn the_previous_policy_is_kept_after_the_end_and_not_for_ever() {
    let (mut rollout, mut policy) = begun(plan(|text| text.kept_days = 2));
    let seen = hours([good(10)]);
    for hour in 1..=4 {
        (rollout, policy) = stepped(rollout, policy, &seen, hour);
    }
    assert!(rollout.standing.phase.is_over());
    let late = rollout.abort(&policy, None, asked(at(4 + 49))).unwrap_err().to_string();
    assert!(late.contains("until"), "{late}");
    let change = rollout.abort(&policy, None, asked(at(4 + 47))).unwrap();
    assert_eq!(change.policy.unwrap().text, POLICY);
}
