//! Plans that can be followed and those that cannot.

use std::collections::BTreeMap;

use super::super::{CandidateText, Rollout, RolloutPlan, Step};
use super::{PLAN, POLICY, asked, at, plan, stored};
use crate::Guardrail;

fn refused(from: &str, to: &str) -> String {
    assert!(PLAN.contains(from), "{from}");
    let error = RolloutPlan::parse(&PLAN.replacen(from, to, 1)).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error} {cause}")
}

#[test]
fn a_plan_says_little_and_comes_back_whole() {
    let plan = RolloutPlan::parse(PLAN).unwrap();
    let steps: Vec<String> = plan.steps().iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["shadow", "10", "25", "50", "100"]);
    assert_eq!(plan.stop_at(), 80.0, "one twentieth, split over four guardrails");
    assert_eq!(plan.shadow().unwrap().as_str(), "shadow-2026-2");
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(RolloutPlan::parse(&text).unwrap(), plan);
    let candidate: CandidateText =
        serde_json::from_str(r#"{"name":"v3","target":{"kind":"sagemaker"}}"#).unwrap();
    let usual = RolloutPlan::usual(candidate).unwrap();
    assert_ne!(usual.step(0), Some(Step::Shadow), "nobody knows whose shadow it would be");
}

#[test]
fn a_plan_that_cannot_be_followed_says_where_and_why() {
    for (from, to, said) in [
        (r#""slow_ms":50"#, r#""slow_ms":0"#, "slow_ms: found 0"),
        (r#""slow_ms":50"#, r#""steps":[10,25,50]"#, "rise to 100"),
        (r#""slow_ms":50"#, r#""steps":[25,10,100]"#, "rise to 100"),
        (r#""slow_ms":50"#, r#""steps":[0,100]"#, "no step"),
        (r#""slow_ms":50"#, r#""steps":["most",100]"#, "no step"),
        (r#""slow_ms":50"#, r#""alpha":0.7"#, "alpha"),
        (r#""slow_ms":50"#, r#""beta":0"#, "beta"),
        (r#""slow_ms":50"#, r#""guardrails":{}"#, "guardrails"),
        (r#""slow_ms":50"#, r#""guardrails":{"latency":{"margin":2}}"#, "guardrails.latency.margin: found 2"),
        (r#""slow_ms":50"#, r#""guardrails":{"failures":{"margin":0.1,"tolerated":0.2}}"#, "tolerated"),
        (r#""slow_ms":50"#, r#""guardrails":{"feelings":{}}"#, "feelings"),
        (r#""slow_ms":50"#, r#""longest_hours":0"#, "longest_hours"),
        (r#""shortest_hours":0"#, r#""shortest_hours":999"#, "shortest_hours"),
        (r#""least_questions":100"#, r#""least_questions":0"#, "least_questions"),
        (r#""slow_ms":50"#, r#""kept_days":0"#, "kept_days"),
        (r#""slow_ms":50"#, r#""colour":1"#, "colour"),
        (r#""model":{"version":"2026.2"}"#, r#""longest_ms":50"#, "candidate.shadow"),
        (r#"{"kind":"sagemaker","endpoint":"v2"}"#, r#"{"kind":"embedded"}"#, "candidate.target"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(said), "{to}: {error}");
    }
}

#[test]
fn a_rollout_that_cannot_be_begun_says_why() {
    let begin = |plan, policy: &str| {
        let begun = Rollout::begin(plan, &stored(3, policy), &BTreeMap::new(), None, asked(at(0)));
        begun.unwrap_err().to_string()
    };
    let has_weight = POLICY.replace("\"claude\"", "\"v2\"");
    assert!(begin(plan(|_| ()), &has_weight).contains("has 10 % already"));
    let too_much = plan(|text| text.steps = vec!["95".parse().unwrap(), Step::ALL]);
    assert!(begin(too_much, POLICY).contains("95 % beside 90 % of live"));
    let nothing_is_slow = plan(|text| {
        text.slow_ms = None;
        text.steps.remove(0);
    });
    assert!(begin(nothing_is_slow.clone(), POLICY).contains("slow_ms"));
    let no_matter = plan(|text| {
        *text = nothing_is_slow.text().clone();
        text.guardrails.remove(&Guardrail::Latency);
    });
    assert!(Rollout::begin(no_matter, &stored(3, POLICY), &BTreeMap::new(), None, asked(at(0))).is_ok());
}
