//! Retrain apart: a request is validated, gets the task's lock, is recorded, and is told to whoever trains.
//!
//! A task trains once at a time: a drift seen by ten functions must not start ten runs. The lock is the task's own memory, which
//! only its last reader replaces, and it runs out by itself, for a trainer may die. The run is told after it is
//! recorded; a request delivered again finds its own run and tells it again.

use std::time::Duration;

use linkcast_domain::ports::{Bus, BusEvent, Keep, Memories, MemoryKey, StoreError, Written};
use linkcast_domain::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, ApartError};

/// How long a run holds the lock if nobody ends it.
const LONGEST_RUN: Duration = Duration::from_secs(6 * 3600);

/// The tasks that have a model to train.
const TASKS: [&str; 1] = ["link-health"];

/// The longest reason kept.
const LONGEST_REASON: usize = 256;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Which task.
    pub task: String,
    /// Why, for people.
    pub reason: String,
    /// Who asks: the same for every delivery of one request.
    pub request: String,
}

/// A run of a task's training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRun {
    /// The task.
    pub task: String,
    /// The fabric.
    pub fabric: String,
    /// When it was begun: its name within the task.
    pub run: Timestamp,
    /// Until when the task is locked.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// A run was begun, or this request's run was begun before.
    Run(TrainingRun),
    /// Another run holds the lock.
    Locked(TrainingRun),
}

/// A request that was refused, or work that was not done.
#[derive(Debug, thiserror::Error)]
pub enum RetrainError {
    /// No such task.
    #[error("{task:?} is not a task: expected link-health")]
    UnknownTask {
        /// What was asked for.
        task: String,
    },
    /// No reason, or a book of it.
    #[error("a reason of {length} characters: expected 1 to {LONGEST_REASON}")]
    Reason {
        /// Its length.
        length: usize,
    },
    /// The lock cannot be read.
    #[error("the training record of {task} is damaged")]
    Damaged {
        /// Whose.
        task: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Anything else.
    #[error(transparent)]
    Apart(#[from] ApartError),
}

impl From<StoreError> for RetrainError {
    fn from(error: StoreError) -> Self {
        RetrainError::Apart(error.into())
    }
}

/// Begins a run. Written: the task's lock, by task; the run, by task and time.
///
/// # Errors
/// A request that makes no sense, the store's failures, the bus's, or others who keep taking the lock.
pub async fn retrain<S: Memories, B: Bus>(
    (store, bus): (&S, &B),
    fabric: &str,
    request: &RunRequest,
    clock: &dyn Clock,
) -> Result<Begun, RetrainError> {
    validate(request)?;
    let damaged = |source| RetrainError::Damaged { task: request.task.clone(), source };
    for _ in 0..ATTEMPTS {
        let now = clock.now();
        let lock = MemoryKey::Training(request.task.clone());
        let kept = store.load(std::slice::from_ref(&lock)).await?.into_iter().flatten().next();
        let read = kept.as_ref().map_or(0, |kept| kept.version);
        let last: Option<TrainingRun> = match kept {
            Some(kept) => Some(serde_json::from_slice(&kept.bytes).map_err(damaged)?),
            None => None,
        };
        let run = match last {
            Some(last) if last.requested_by == request.request => last,
            Some(last) if last.until > now => return Ok(Begun::Locked(last)),
            _ => {
                let run = new_run(fabric, request, now);
                let bytes = serde_json::to_vec(&run).map_err(damaged)?;
                if !write(store, Keep { key: lock, read, bytes }).await? {
                    continue;
                }
                run
            }
        };
        record(store, &run).await?;
        announce(bus, &run).await?;
        return Ok(Begun::Run(run));
    }
    Err(ApartError::Contended { what: format!("the training lock of {}", request.task) }.into())
}

fn validate(request: &RunRequest) -> Result<(), RetrainError> {
    if !TASKS.contains(&request.task.as_str()) {
        return Err(RetrainError::UnknownTask { task: request.task.chars().take(64).collect() });
    }
    let length = request.reason.chars().count();
    if (1..=LONGEST_REASON).contains(&length) { Ok(()) } else { Err(RetrainError::Reason { length }) }
}

fn new_run(fabric: &str, request: &RunRequest, now: Timestamp) -> TrainingRun {
    TrainingRun {
        task: request.task.clone(),
        fabric: fabric.to_owned(),
        run: now,
        until: now.plus(LONGEST_RUN),
        reason: request.reason.clone(),
        requested_by: request.request.clone(),
    }
}

/// Keeps the run to be looked up; it was kept before if this is a repetition.
async fn record<S: Memories>(store: &S, run: &TrainingRun) -> Result<(), RetrainError> {
    let key = MemoryKey::Run(run.task.clone(), run.run);
    let bytes =
        serde_json::to_vec(run).map_err(|source| RetrainError::Damaged { task: run.task.clone(), source })?;
    write(store, Keep { key, read: 0, bytes }).await?;
    Ok(())
}

async fn write<S: Memories>(store: &S, change: Keep) -> Result<bool, RetrainError> {
    let outcome = store.keep(&[change]).await.into_iter().next().transpose()?;
    Ok(outcome == Some(Written::Yes))
}

async fn announce<B: Bus>(bus: &B, run: &TrainingRun) -> Result<(), RetrainError> {
    let detail = serde_json::to_string(run)
        .map_err(|source| RetrainError::Damaged { task: run.task.clone(), source })?;
    let event = BusEvent { kind: "Retraining Requested", detail, stream: None };
    for outcome in bus.tell(&[event]).await {
        outcome.map_err(ApartError::from)?;
    }
    Ok(())
}
