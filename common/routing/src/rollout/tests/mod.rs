//! Rollouts over made-up evidence: what is refused, what is judged, what it does to a policy, and how often it is wrong.

use std::collections::BTreeMap;

use linkcast_domain::Timestamp;

use super::{Asked, PlanText, Rollout, RolloutPlan, StoredPolicy};
use crate::Evidence;

mod cohorts;
mod life;
mod plans;
mod simulated;

pub(super) const HOUR_MS: i64 = 3_600_000;
/// An hour's beginning.
pub(super) const BEGAN: i64 = 480_000 * HOUR_MS;

pub(super) const POLICY: &str = r#"{"salt":"s","fallback":["live","embedded"],"variants":[
    {"name":"claude","weight":10,"target":{"kind":"bedrock","model":"anthropic.claude-haiku","temperature":0}},
    {"name":"live","weight":90,"target":{"kind":"sagemaker","endpoint":"live"}},
    {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#;

pub(super) const PLAN: &str = r#"{"candidate":{"name":"v2","target":{"kind":"sagemaker","endpoint":"v2"},
    "model":{"version":"2026.2"}},"slow_ms":50,"shortest_hours":0,"least_questions":100}"#;

pub(super) fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(BEGAN + hour * HOUR_MS)
}

pub(super) fn asked(at: Timestamp) -> Asked<'static> {
    Asked { by: "ada", reason: "better on the frozen set", at }
}

pub(super) fn stored(revision: u64, text: &str) -> StoredPolicy {
    StoredPolicy { revision, text: text.to_owned() }
}

pub(super) fn plan(change: impl FnOnce(&mut PlanText)) -> RolloutPlan {
    let mut text = RolloutPlan::parse(PLAN).unwrap().text().clone();
    change(&mut text);
    RolloutPlan::of(text).unwrap()
}

/// A rollout that has begun, and the policy it stands in.
pub(super) fn begun(plan: RolloutPlan) -> (Rollout, StoredPolicy) {
    let policy = stored(3, POLICY);
    let rollout = Rollout::begin(plan, &policy, &BTreeMap::new(), None, asked(at(0))).unwrap();
    done(rollout, policy)
}

/// What is under way carried out.
pub(super) fn done(rollout: Rollout, policy: StoredPolicy) -> (Rollout, StoredPolicy) {
    let write = rollout.pending.as_ref().and_then(|change| change.policy.clone());
    let policy = write.map_or(policy, |write| stored(write.read + 1, &write.text));
    (rollout.carried_out(), policy)
}

/// An hour in which each of these answered and failed and differed so often.
pub(super) fn hour(seen: &[(&str, u64, u64, u64)]) -> Evidence {
    let variants: Vec<String> = seen
        .iter()
        .map(|(name, answered, failed, disagreed)| {
            format!(
                r#""{name}":{{"answered":{answered},"failures":{{"timeout":{failed}}},"agreed":{},
                    "disagreed":{{"normal>latency_spike":{disagreed}}},"latency":{{"180":{answered}}}}}"#,
                answered - disagreed
            )
        })
        .collect();
    serde_json::from_str(&format!("{{{}}}", variants.join(","))).unwrap()
}

/// Hours from the one after the beginning on.
pub(super) fn hours(seen: impl IntoIterator<Item = Evidence>) -> BTreeMap<i64, Evidence> {
    (BEGAN / HOUR_MS + 1..).zip(seen).collect()
}
