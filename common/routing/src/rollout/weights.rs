//! What a step does to a policy, and what a person did to it.
//!
//! The candidate stands directly before the live variant, and takes its streams from that end of the live variant's: a stream that
//! was the candidate's stays, and no other variant's streams move. The order of fallback is left alone until the last step, when
//! the candidate goes before the live variant, which stays behind it. Names stay with their models: insights, evidence and
//! feedback carry them, and what is live is whoever most streams belong to.

use super::{RolloutPlan, RolloutRefusal, Step};
use crate::{Policy, VariantName, Weight};

/// The policy in which the candidate has this step's share.
pub(super) fn stepped(
    current: &Policy,
    plan: &RolloutPlan,
    live: &VariantName,
    step: Step,
) -> Result<Policy, RolloutRefusal> {
    let mut text = current.text().clone();
    let name = &plan.text().candidate.name;
    let of = |name: &VariantName| current.variants().iter().find(|variant| variant.name == *name);
    let Some(live_weight) = of(live).map(|variant| variant.weight) else {
        return Err(RolloutRefusal::value(
            "the policy",
            format!("no variant {live}"),
            "the variant that was live",
        ));
    };
    let own = of(name).map_or(Weight::default(), |variant| variant.weight);
    let together = live_weight.hundredths() + own.hundredths();
    let wanted = if step == Step::ALL { together } else { step.weight().hundredths() };
    if wanted > together || (wanted == together && step != Step::ALL) || wanted < own.hundredths() {
        return Err(RolloutRefusal::value(
            "steps",
            format!("{step} % beside {live_weight} of {live} and {own} of the candidate"),
            "a share that is above the candidate's and below both together, or 100 for all of it",
        ));
    }
    let mut candidate = plan.variant(Weight::default());
    if own > Weight::default() {
        // A person may have given it another limit meanwhile.
        candidate = of(name).cloned().unwrap_or(candidate);
    } else {
        text.variants.retain(|variant| variant.name != *name);
        let place = text.variants.iter().position(|variant| variant.name == *live).unwrap_or_default();
        text.variants.insert(place, candidate.clone());
    }
    candidate.weight = Weight::of_hundredths(wanted);
    for variant in &mut text.variants {
        if variant.name == *name {
            *variant = candidate.clone();
        } else if variant.name == *live {
            variant.weight = Weight::of_hundredths(together - wanted);
        }
    }
    if step == Step::ALL && !text.fallback.contains(name) {
        let place = text.fallback.iter().position(|stands_in| stands_in == live);
        place.into_iter().for_each(|place| text.fallback.insert(place, name.clone()));
    }
    Policy::of(text).map_err(RolloutRefusal::Policy)
}

/// The variant that most streams belong to, besides the candidate.
pub(super) fn live_of(policy: &Policy, candidate: &VariantName) -> Option<VariantName> {
    let others = policy.variants().iter().filter(|variant| variant.name != *candidate);
    others
        .filter(|variant| variant.weight > Weight::default())
        .max_by_key(|variant| variant.weight)
        .map(|variant| variant.name.clone())
}

/// In what a policy differs from the one before it, in words.
pub(super) fn differences(before: &Policy, after: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    for was in before.variants() {
        match after.variants().iter().find(|variant| variant.name == was.name) {
            None => found.push(format!("{} is gone", was.name)),
            Some(is) if is.weight != was.weight => {
                found.push(format!("{} has {} in place of {}", was.name, is.weight, was.weight));
            }
            Some(is) if is != was => found.push(format!("{} is another", was.name)),
            Some(_) => {}
        }
    }
    let is_new = |name: &VariantName| before.variants().iter().all(|variant| variant.name != *name);
    let new = after.variants().iter().filter(|variant| is_new(&variant.name));
    found.extend(new.map(|variant| format!("{} is new with {}", variant.name, variant.weight)));
    if before.text().fallback != after.text().fallback {
        let order: Vec<&str> = after.text().fallback.iter().map(VariantName::as_str).collect();
        found.push(format!("who stands in is {}", order.join(", then ")));
    }
    if found.is_empty() {
        found.push("neither weights nor the order of fallback".to_owned());
    }
    found
}
