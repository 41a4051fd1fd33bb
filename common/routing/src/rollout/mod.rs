//! A candidate's way from a shadow to all of the live variant's streams, and back as soon as it harms.
//!
//! Three parts, all pure: what was agreed beforehand ([`RolloutPlan`]), what is judged at a look ([`Rollout::judge`]), and what a step
//! does to the policy ([`Change`]). Whoever keeps a rollout writes its next change down before it carries it out, so that a crash
//! between any two writes is carried on from there; what the change leads to stands in it whole.
//!
//! A step is taken by Wald's sequential test against a rate agreed to be unacceptable; a candidate is taken back by e-processes,
//! which may be looked at as often as one likes (see `harm`). Neither is asked for what the other is good at.

mod change;
mod held;
mod judging;
mod plan;
mod seen;
mod sprt;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod weights;

pub use change::{Asked, Change, PolicyWrite, Standing, What};
pub use held::{Harm, Held, Interval};
pub use judging::{Decision, Hold, Readiness, RolloutVerdict};
pub use plan::{CandidateText, Model, PlanError, PlanText, RolloutPlan, Terms};
pub use seen::{Counted, Cut};
pub use sprt::{Leaning, Sprt};
pub use state::{
    AUTOMATIC, PinnedPolicy, PolicyMark, Rollout, RolloutPhase, RolloutRefusal, StoredPolicy, policy_digest,
};
pub use step::Step;
