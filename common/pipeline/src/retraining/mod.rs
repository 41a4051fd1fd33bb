//! Retraining: who may begin a run of a task's training, what becomes of it, and what is remembered.
//!
//! A model that is trained anew at every sign of trouble costs money and learns from noise, and one that is never trained
//! grows old. So whoever asks passes four guards ([`examine`]), each with its numbers; a run is a state machine ([`Run`]) that takes
//! every event as often and as late as it comes; and the desk ([`RetrainingDesk`]) writes both down, one conditional write a step.

mod cost;
mod desk;
mod follow;
mod guards;
mod labels;
mod ledger;
mod platform;
mod request;
mod run;
mod start;
#[cfg(test)]
mod tests;

pub use cost::{RunCost, Workplace};
pub use desk::{Asked, RetrainingDesk, RetrainingError};
pub use follow::{Followed, follow};
pub use guards::{Circumstances, GuardSettings, Refusal, examine};
pub use labels::{LINEAGE, live_data_until, new_labels};
pub use ledger::{Answered, Ledger, Spent};
pub use platform::{ExecutionStatus, PlatformEvent};
pub use request::{Override, RequestError, RunRequest, Trigger};
pub use run::{
    Candidate, DataFacts, Moved, Run, RunEvent, Stage, StageEntry, Trainer, VerdictFacts, run_name,
};

pub use start::{NoPipelines, begin};

/// The tasks that have a model to train.
pub const TASKS: [&str; 1] = ["link-health"];
