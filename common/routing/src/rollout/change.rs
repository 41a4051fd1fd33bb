//! What a rollout does next, whole: evidence, the policy's new text, and where it stands afterwards.
//!
//! A change is written down before it is carried out. Whoever finds it carries it on, and since it says which revision of the policy it
//! was made for and what it leads to, it does not matter how far the one before came or how many carry it on at once.

use std::collections::BTreeMap;

use linkcast_domain::{ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};

use super::seen::{Counted, Cut, hour_of};
use super::state::{self, PinnedPolicy, PolicyMark, StoredPolicy};
use super::weights::{differences, live_of, stepped};
use super::{
    AUTOMATIC, Rollout, RolloutPhase, RolloutPlan, RolloutRefusal, RolloutVerdict, Step, policy_digest,
};
use crate::{Evidence, Policy, Weight};

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What it does.
    #[serde(flatten)]
    pub phase: RolloutPhase,
    /// The step's place.
    pub step: usize,
    /// Since when it is at this step.
    pub since: Timestamp,
    /// When it was told that the step's longest time has passed.
    pub expired: Option<Timestamp>,
    /// The policy it left in force.
    pub policy: PolicyMark,
    /// From when on an answer is slow, µs: frozen when streams first become the candidate's.
    pub slow_us: Option<f64>,
    /// Where steps began.
    pub cuts: Vec<Cut>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The first step was taken.
    Started,
    /// A further one was.
    Stepped,
    /// The last one was: the candidate is live.
    Finished,
    /// The previous policy was brought back.
    Aborted,
    /// A person's change of the policy was found.
    Paused,
    /// A person lets it go on.
    Resumed,
    /// The step's longest time has passed.
    Expired,
}

/// One write of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyWrite {
    /// The revision it replaces.
    pub read: u64,
    /// The text.
    pub text: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its number within the rollout, from 1.
    pub sequence: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What is done.
    pub what: What,
    /// The step that holds afterwards.
    pub step: Step,
    /// Who decided: a person's name, or [`AUTOMATIC`].
    pub by: String,
    /// Why.
    pub reason: String,
    /// The numbers it rests on, if any were looked at.
    pub verdict: Option<RolloutVerdict>,
    /// The policy's write, if it changes.
    pub policy: Option<PolicyWrite>,
    /// Where the rollout stands afterwards.
    pub after: Box<Standing>,
}

/// Who asks for a change, when and why.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
}

impl What {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            What::Started => "started",
            What::Stepped => "stepped",
            What::Finished => "finished",
            What::Aborted => "aborted",
            What::Paused => "paused",
            What::Resumed => "resumed",
            What::Expired => "expired",
        }
    }
}

impl Rollout {
    /// A rollout whose first step is its pending change. `hours` is what was seen of late, which says what is slow.
    ///
    /// # Errors
    /// A policy or plan with which it cannot be begun.
    pub fn begin(
        plan: RolloutPlan,
        stored: &StoredPolicy,
        hours: &BTreeMap<i64, Evidence>,
        previous_model: Option<ModelVersion>,
        asked: Asked<'_>,
    ) -> Result<Rollout, RolloutRefusal> {
        let policy = Policy::parse(&stored.text).map_err(RolloutRefusal::Policy)?;
        let name = &plan.text().candidate.name;
        let known = policy.variants().iter().find(|variant| variant.name == *name);
        if let Some(weight) = known.map(|variant| variant.weight).filter(|weight| *weight > Weight::default())
        {
            return Err(RolloutRefusal::value(
                "candidate.name",
                format!("{name}, which has {weight} already"),
                "a variant without a share of its own",
            ));
        }
        let live = live_of(&policy, name);
        let live =
            live.ok_or_else(|| RolloutRefusal::value("the policy", "nobody", "a variant that is live"))?;
        for step in plan.steps().iter().filter(|step| **step != Step::Shadow) {
            stepped(&policy, &plan, &live, *step)?;
        }
        check_slow(&plan, &policy, &live, hours)?;
        let PolicyMark { revision, digest, text } = PolicyMark::of(stored.revision, &stored.text);
        let standing = Standing {
            phase: RolloutPhase::Running,
            step: 0,
            since: asked.at,
            expired: None,
            policy: PolicyMark { revision, digest: digest.clone(), text: text.clone() },
            slow_us: None,
            cuts: Vec::new(),
        };
        let mut rollout = Rollout {
            format: Rollout::FORMAT,
            id: asked.at.millis().to_string(),
            plan,
            live,
            pinned: PinnedPolicy { revision, digest, text },
            previous_model,
            standing,
            sequence: 0,
            pending: None,
        };
        rollout.pending = Some(rollout.entering(0, What::Started, stored, hours, None, asked)?);
        Ok(rollout)
    }

    /// The next step.
    ///
    /// # Errors
    /// A rollout that does not run or has no next step, or a policy in which the step cannot be taken.
    pub fn step_up(
        &self,
        stored: &StoredPolicy,
        hours: &BTreeMap<i64, Evidence>,
        verdict: Option<RolloutVerdict>,
        asked: Asked<'_>,
    ) -> Result<Change, RolloutRefusal> {
        self.expect_phase("runs", self.standing.phase == RolloutPhase::Running)?;
        let place = self.standing.step + 1;
        let what = if self.plan.step(place) == Some(Step::ALL) { What::Finished } else { What::Stepped };
        self.entering(place, what, stored, hours, verdict, asked)
    }

    /// Back to the policy before the rollout, byte for byte; after its end too, as long as that is kept.
    ///
    /// # Errors
    /// A rollout that was aborted before, or ended too long ago.
    pub fn abort(
        &self,
        stored: &StoredPolicy,
        verdict: Option<RolloutVerdict>,
        asked: Asked<'_>,
    ) -> Result<Change, RolloutRefusal> {
        let is_aborted = matches!(self.standing.phase, RolloutPhase::Aborted { .. });
        self.expect_phase("is not aborted", !is_aborted)?;
        if let RolloutPhase::Finished { at } = self.standing.phase {
            let until = at.plus(self.plan.kept());
            if asked.at > until {
                return Err(RolloutRefusal::TooLate { id: self.id.clone(), at, until });
            }
        }
        if policy_digest(&self.pinned.text) != self.pinned.digest {
            let (found, expected) = (policy_digest(&self.pinned.text), "the digest it was pinned with");
            return Err(RolloutRefusal::value("the pinned policy", found, expected));
        }
        let write = self.write(stored, self.pinned.text.clone());
        let mut after = self.standing.clone();
        after.phase = RolloutPhase::Aborted { at: asked.at };
        after.policy = mark(stored, write.as_ref());
        Ok(self.change((What::Aborted, Step::Shadow), write, after, verdict, asked))
    }

    /// A stop, because `stored` is not what the rollout left.
    pub fn pause(&self, stored: &StoredPolicy, at: Timestamp) -> Change {
        let changed = match (Policy::parse(&self.standing.policy.text), Policy::parse(&stored.text)) {
            (Ok(left), Ok(found)) => differences(&left, &found),
            _ => vec!["what is written is no policy".to_owned()],
        };
        let reason = format!(
            "the policy is at revision {} and not at {}, which the rollout left: {}",
            stored.revision,
            self.standing.policy.revision,
            changed.join("; ")
        );
        let mut after = self.standing.clone();
        after.phase = RolloutPhase::Paused { at, revision: stored.revision, changed };
        after.cuts.push(Cut { at, step: None, already: Counted::default() });
        let asked = Asked { by: AUTOMATIC, reason: &reason, at };
        self.change((What::Paused, self.step()), None, after, None, asked)
    }

    /// On from what a person made of the policy: at the highest step that the candidate's share has reached.
    ///
    /// # Errors
    /// A rollout that is not paused, or a policy in which there is nothing to go on with.
    pub fn resume(
        &self,
        stored: &StoredPolicy,
        hours: &BTreeMap<i64, Evidence>,
        asked: Asked<'_>,
    ) -> Result<Change, RolloutRefusal> {
        self.expect_phase("is paused", matches!(self.standing.phase, RolloutPhase::Paused { .. }))?;
        let policy = Policy::parse(&stored.text).map_err(RolloutRefusal::Policy)?;
        let name = &self.plan.text().candidate.name;
        let of = |name: &crate::VariantName| policy.variants().iter().find(|variant| variant.name == *name);
        let own = of(name).map_or(Weight::default(), |variant| variant.weight);
        let reached = self.plan.steps().iter().rposition(|step| step.weight() <= own && *step != Step::ALL);
        let (Some(place), Some(_)) = (reached, of(&self.live)) else {
            return Err(RolloutRefusal::value(
                "the policy",
                format!("{own} for {name} beside {}", self.live),
                "a share of the first step or more, and the variant that was live; or abort",
            ));
        };
        let mut after = self.standing.clone();
        (after.phase, after.step, after.since) = (RolloutPhase::Running, place, asked.at);
        (after.expired, after.policy) = (None, mark(stored, None));
        after.cuts.push(self.cut(Some(place), hours, asked.at));
        let step = self.plan.step(place).unwrap_or(Step::Shadow);
        Ok(self.change((What::Resumed, step), None, after, None, asked))
    }

    /// That the step's longest time has passed: told once.
    pub fn expire(&self, verdict: RolloutVerdict, at: Timestamp) -> Change {
        let mut after = self.standing.clone();
        after.expired = Some(at);
        let reason = "the step's longest time has passed, and it could not be left";
        let asked = Asked { by: AUTOMATIC, reason, at };
        self.change((What::Expired, self.step()), None, after, Some(verdict), asked)
    }

    /// The same rollout with another change under way, or none.
    #[must_use]
    pub fn with_pending(mut self, change: Option<Change>) -> Rollout {
        self.pending = change;
        self
    }

    /// The rollout once its pending change is carried out.
    #[must_use]
    pub fn carried_out(mut self) -> Rollout {
        if let Some(change) = self.pending.take() {
            self.sequence = change.sequence;
            self.standing = *change.after;
        }
        self
    }

    /// The step it stands at.
    pub fn step(&self) -> Step {
        self.plan.step(self.standing.step).unwrap_or(Step::ALL)
    }

    fn entering(
        &self,
        place: usize,
        what: What,
        stored: &StoredPolicy,
        hours: &BTreeMap<i64, Evidence>,
        verdict: Option<RolloutVerdict>,
        asked: Asked<'_>,
    ) -> Result<Change, RolloutRefusal> {
        let step = self.plan.step(place);
        let step = step.ok_or_else(|| RolloutRefusal::value("steps", "no further one", "one after this"))?;
        let policy = Policy::parse(&stored.text).map_err(RolloutRefusal::Policy)?;
        let write = match step {
            Step::Shadow => None,
            Step::Weight(_) => self.write(stored, written(&stepped(&policy, &self.plan, &self.live, step)?)?),
        };
        let mut after = self.standing.clone();
        (after.step, after.since, after.expired) = (place, asked.at, None);
        after.policy = mark(stored, write.as_ref());
        if step != Step::Shadow {
            after.slow_us = self.slow_us(hours).ok().flatten();
        }
        if what == What::Finished {
            after.phase = RolloutPhase::Finished { at: asked.at };
        }
        // What was counted by now is counted by the limit that holds from now on.
        let with_limit = Rollout { standing: after.clone(), pending: None, ..self.clone() };
        after.cuts.push(with_limit.cut(Some(place), hours, asked.at));
        Ok(self.change((what, step), write, after, verdict, asked))
    }

    fn cut(&self, step: Option<usize>, hours: &BTreeMap<i64, Evidence>, at: Timestamp) -> Cut {
        let already = hours.get(&hour_of(at)).map(|hour| Counted::of(hour, &self.sides()));
        Cut { at, step, already: already.unwrap_or_default() }
    }

    fn write(&self, stored: &StoredPolicy, text: String) -> Option<PolicyWrite> {
        (text != stored.text).then_some(PolicyWrite { read: stored.revision, text })
    }

    fn change(
        &self,
        (what, step): (What, Step),
        policy: Option<PolicyWrite>,
        after: Standing,
        verdict: Option<RolloutVerdict>,
        asked: Asked<'_>,
    ) -> Change {
        Change {
            sequence: self.sequence + 1,
            at: asked.at,
            what,
            step,
            by: asked.by.to_owned(),
            reason: asked.reason.to_owned(),
            verdict,
            policy,
            after: Box::new(after),
        }
    }

    fn expect_phase(&self, expected: &'static str, holds: bool) -> Result<(), RolloutRefusal> {
        if holds {
            return Ok(());
        }
        Err(RolloutRefusal::Phase { id: self.id.clone(), phase: self.standing.phase.name(), expected })
    }
}

/// The policy that is in force once the write is done.
fn mark(stored: &StoredPolicy, write: Option<&PolicyWrite>) -> PolicyMark {
    match write {
        Some(write) => PolicyMark::of(write.read + 1, &write.text),
        None => PolicyMark::of(stored.revision, &stored.text),
    }
}

fn written(policy: &Policy) -> Result<String, RolloutRefusal> {
    serde_json::to_string_pretty(policy.text())
        .map_err(|error| RolloutRefusal::Plan(super::PlanError::Json(error)))
}

/// A rollout that begins with streams must know what is slow; one whose live variant is inside the process never learns it.
fn check_slow(
    plan: &RolloutPlan,
    policy: &Policy,
    live: &crate::VariantName,
    hours: &BTreeMap<i64, Evidence>,
) -> Result<(), RolloutRefusal> {
    let begins_with_shadow = plan.step(0) == Some(Step::Shadow);
    let is_far =
        policy.variants().iter().any(|variant| variant.name == *live && state::is_far(&variant.target));
    match state::slow_us(plan, live, hours) {
        Err(_) if begins_with_shadow && is_far => Ok(()),
        Ok(Some(_)) if !is_far && plan.text().slow_ms.is_none() => Err(0),
        found => found.map(|_| ()),
    }
    .map_err(|answers| {
        RolloutRefusal::value(
            "slow_ms",
            format!("none, and {answers} answers of {live} from across a network"),
            "an agreed limit, no latency guardrail, or 100 answers of the live variant",
        )
    })
}
