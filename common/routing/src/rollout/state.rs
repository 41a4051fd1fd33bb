//! A rollout as it is kept: what was agreed, where it stands, what it is about to do.

use std::collections::BTreeMap;

use linkcast_domain::{ModelVersion, Target, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::seen::Sides;
use super::{Change, PlanError, RolloutPlan, Standing};
use crate::{Evidence, Guardrail, LatencyHistogram, PolicyError, VariantName};

/// The layout of what is kept.
const FORMAT: u32 = 1;
/// Answers of the live variant that say what is slow: with fewer a twentieth of them is a handful.
pub(super) const LEAST_ANSWERS: u64 = 100;
/// Slow is what takes longer than this share of the live variant's answers.
const USUAL: f64 = 0.95;
/// Who acts where no person does.
pub const AUTOMATIC: &str = "rollout";

/// A policy as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Its revision.
    pub revision: u64,
    /// Its text.
    pub text: String,
}

/// The policy before the rollout, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedPolicy {
    /// Its revision then.
    pub revision: u64,
    /// The digest of its text.
    pub digest: String,
    /// Its text.
    pub text: String,
}

/// A policy that the rollout left in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyMark {
    /// Its revision.
    pub revision: u64,
    /// The digest of its text.
    pub digest: String,
    /// Its text: what a person changed is told by it.
    pub text: String,
}

/// What a rollout does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum RolloutPhase {
    /// It goes on by itself.
    Running,
    /// A person changed the policy in its middle: it does nothing until a person says so.
    Paused {
        /// Since when.
        at: Timestamp,
        /// The revision it found.
        revision: u64,
        /// What was changed, in words.
        changed: Vec<String>,
    },
    /// The candidate is live.
    Finished {
        /// Since when.
        at: Timestamp,
    },
    /// The policy before it is in force again.
    Aborted {
        /// Since when.
        at: Timestamp,
    },
}

impl RolloutPhase {
    /// The name for people.
    pub fn name(&self) -> &'static str {
        match self {
            RolloutPhase::Running => "running",
            RolloutPhase::Paused { .. } => "paused by a person",
            RolloutPhase::Finished { .. } => "finished",
            RolloutPhase::Aborted { .. } => "aborted",
        }
    }

    /// Whether another rollout may begin.
    pub fn is_over(&self) -> bool {
        matches!(self, RolloutPhase::Finished { .. } | RolloutPhase::Aborted { .. })
    }
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub(super) format: u32,
    /// Names it: the millisecond in which it began.
    pub id: String,
    /// What was agreed.
    pub plan: RolloutPlan,
    /// Whom the candidate is to follow.
    pub live: VariantName,
    /// The policy it brings back.
    pub pinned: PinnedPolicy,
    /// The version that was live in the registry.
    pub previous_model: Option<ModelVersion>,
    /// Where it stands.
    pub standing: Standing,
    /// How many changes were carried out.
    pub sequence: u64,
    /// The change that is under way: whoever finds it carries it out.
    pub pending: Option<Change>,
}

/// Why a rollout does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum RolloutRefusal {
    /// Another runs.
    #[error("rollout {id} is {phase}: one at a time")]
    UnderWay {
        /// Which.
        id: String,
        /// What it does.
        phase: &'static str,
    },
    /// It does not run.
    #[error("rollout {id} is {phase}: expected one that {expected}")]
    Phase {
        /// Which.
        id: String,
        /// What it does.
        phase: &'static str,
        /// What it should.
        expected: &'static str,
    },
    /// The previous policy was kept, and is not any more.
    #[error("rollout {id} ended at {at}: its previous policy could be brought back until {until}")]
    TooLate {
        /// Which.
        id: String,
        /// When it ended.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Something that cannot be.
    #[error("{field}: found {found}, expected {expected}")]
    Value {
        /// What.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// What would come of it is no policy.
    #[error("the policy of this step")]
    Policy(#[source] PolicyError),
    /// What is kept is none.
    #[error("the rollout that is kept")]
    Plan(#[source] PlanError),
}

impl RolloutRefusal {
    pub(super) fn value(field: &'static str, found: impl ToString, expected: &'static str) -> Self {
        RolloutRefusal::Value { field, found: found.to_string(), expected }
    }
}

/// The digest of a policy's text: 32 hexadecimal digits (XXH3). It tells texts apart, and is no seal.
pub fn policy_digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

impl PolicyMark {
    pub(super) fn of(revision: u64, text: &str) -> Self {
        PolicyMark { revision, digest: policy_digest(text), text: text.to_owned() }
    }
}

impl Rollout {
    /// Reads what is kept.
    ///
    /// # Errors
    /// A text that is none, or one of a later layout.
    pub fn parse(json: &str) -> Result<Rollout, RolloutRefusal> {
        let found: Rollout =
            serde_json::from_str(json).map_err(|error| RolloutRefusal::Plan(PlanError::Json(error)))?;
        if found.format > FORMAT {
            return Err(RolloutRefusal::value("format", found.format, "1: use a newer linkcast"));
        }
        Ok(found)
    }

    pub(super) const FORMAT: u32 = FORMAT;

    /// The last time of whose evidence it has need.
    pub fn since(&self) -> Timestamp {
        let first = self.standing.cuts.first().map_or(self.standing.since, |cut| cut.at);
        // What is slow is said by the day before it.
        first.minus(std::time::Duration::from_secs(24 * 3_600))
    }

    /// Whether the policy is the one the rollout left.
    pub fn left(&self, stored: &StoredPolicy) -> bool {
        stored.revision == self.standing.policy.revision
    }

    pub(super) fn sides(&self) -> Sides<'_> {
        Sides {
            candidate: &self.plan.text().candidate.name,
            live: &self.live,
            shadow: self.plan.shadow(),
            slow_us: self.standing.slow_us,
        }
    }

    /// From when on an answer is slow, µs; none if no guardrail asks, and an error with how many answers were seen if they are too few.
    pub(super) fn slow_us(&self, hours: &BTreeMap<i64, Evidence>) -> Result<Option<f64>, u64> {
        match self.standing.slow_us {
            Some(slow) => Ok(Some(slow)),
            None => slow_us(&self.plan, &self.live, hours),
        }
    }
}

/// The same of a plan that nothing was frozen for yet.
pub(super) fn slow_us(
    plan: &RolloutPlan,
    live: &VariantName,
    hours: &BTreeMap<i64, Evidence>,
) -> Result<Option<f64>, u64> {
    if !plan.text().guardrails.contains_key(&Guardrail::Latency) {
        return Ok(None);
    }
    if let Some(slow) = plan.text().slow_ms {
        return Ok(Some(slow * 1_000.0));
    }
    let mut seen = LatencyHistogram::default();
    let of_live = hours.values().filter_map(|hour| hour.of(live));
    of_live.for_each(|hour| seen.merge(hour.latency_by_question()));
    match seen.quantile(USUAL) {
        Some(slow) if seen.count() >= LEAST_ANSWERS => Ok(Some(slow)),
        _ => Err(seen.count()),
    }
}

/// Whether a target answers across a network, where being slow means something.
pub(super) fn is_far(target: &Target) -> bool {
    *target != Target::Embedded
}
