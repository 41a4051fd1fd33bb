//! A training job elsewhere, from rows to model: what was done, what comes next, and how long to wait before.
//!
//! Pure: whoever drives a job does what [`Progressing::next`] says, tells it what came of it, and writes it down after each
//! step. Written down it survives a restart: uploads are put again at the same addresses, a job is started again under the
//! same name and found to run already. Throttling is waited out with doubling pauses, and nothing waits past the deadline.

mod order;
mod pipeline;
#[cfg(test)]
mod tests;

use std::time::Duration;

use linkcast_domain::ports::{JobError, JobStatus, TrainingJob};
use linkcast_domain::{Retry, Timestamp};
use serde::{Deserialize, Serialize};

pub use order::{Order, UnknownRegionError, managed_image, order};
pub use pipeline::PipelineOrder;

/// The first pause before a look at a job, and after a call that was not heard; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(30);
/// The longest pause after calls that were not heard.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// How long a job may wait for its machines on top of the longest it may run.
const QUEUE: Duration = Duration::from_secs(3_600);
/// Calls in a row that may come to nothing before it is given up.
const MOST_TRIES: u32 = 12;

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Nothing is done.
    NotStarted,
    /// Its rows are there.
    Uploaded,
    /// It runs.
    Running {
        /// Since it was asked for.
        since: Timestamp,
        /// Whether it was asked to stop, its time being up.
        overdue: bool,
    },
    /// It is done.
    Completed {
        /// Where its model lies.
        model: String,
    },
    /// It came to nothing.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was stopped.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the rows where the job reads them, then tell [`Progressing::uploaded`].
    Upload,
    /// Start it, then tell [`Progressing::started`].
    Start,
    /// Look at it, then tell [`Progressing::seen`].
    Look,
    /// Ask it to stop, then tell [`Progressing::stopped`].
    Stop,
    /// Fetch the model.
    Fetch(String),
    /// Nothing: it came to nothing, for this reason.
    GiveUp(String),
}

/// A job under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progressing {
    /// What was asked for.
    pub job: TrainingJob,
    /// How far it has come.
    pub state: JobState,
    /// Calls in a row that came to nothing and may be tried again.
    #[serde(default)]
    unheard: u32,
    /// Looks at it so far.
    #[serde(default)]
    looks: u32,
}

impl Progressing {
    /// A job of which nothing is done.
    pub fn new(job: TrainingJob) -> Self {
        Progressing { job, state: JobState::NotStarted, unheard: 0, looks: 0 }
    }

    /// What comes next, and how long to wait before.
    pub fn next(&self, now: Timestamp) -> (Step, Duration) {
        let pause = self.pause();
        match &self.state {
            JobState::NotStarted => (Step::Upload, pause),
            JobState::Uploaded => (Step::Start, pause),
            JobState::Running { since, overdue: false } if now > self.deadline(*since) => (Step::Stop, pause),
            JobState::Running { .. } if self.unheard == 0 => {
                (Step::Look, doubled(self.looks).min(LONGEST_LOOK))
            }
            JobState::Running { .. } => (Step::Look, pause),
            JobState::Completed { model } => (Step::Fetch(model.clone()), Duration::ZERO),
            JobState::Failed { reason } | JobState::Stopped { reason } => {
                (Step::GiveUp(reason.clone()), Duration::ZERO)
            }
        }
    }

    /// The rows were put, or not.
    pub fn uploaded(&mut self, outcome: Result<(), JobError>) {
        if self.heard(outcome).is_some() {
            self.state = JobState::Uploaded;
        }
    }

    /// The job was started, or not.
    pub fn started(&mut self, outcome: Result<(), JobError>, now: Timestamp) {
        // A job of this name does what this one should: it was started before a restart.
        let outcome = match outcome {
            Err(JobError::Exists { .. }) => Ok(()),
            other => other,
        };
        if self.heard(outcome).is_some() {
            self.state = JobState::Running { since: now, overdue: false };
        }
    }

    /// The job was looked at.
    pub fn seen(&mut self, outcome: Result<Option<JobStatus>, JobError>) {
        let Some(status) = self.heard(outcome) else { return };
        let overdue = matches!(self.state, JobState::Running { overdue: true, .. });
        self.state = match status {
            Some(JobStatus::Running { .. }) => {
                self.looks = self.looks.saturating_add(1);
                return;
            }
            Some(JobStatus::Completed { model }) => JobState::Completed { model },
            Some(JobStatus::Failed { reason }) => JobState::Failed { reason },
            Some(JobStatus::Stopped) if overdue => {
                JobState::Stopped { reason: "it was not done by its deadline".to_owned() }
            }
            Some(JobStatus::Stopped) => {
                JobState::Stopped { reason: "it was stopped from outside".to_owned() }
            }
            None => JobState::Failed { reason: "the platform knows nothing of it any more".to_owned() },
        };
    }

    /// The job was asked to stop; what it ends as is seen later.
    pub fn stopped(&mut self, outcome: Result<(), JobError>) {
        if self.heard(outcome).is_some()
            && let JobState::Running { overdue, .. } = &mut self.state
        {
            *overdue = true;
        }
    }

    /// The value, if there is one; a call that may be heard later is counted, one that will not ends the job.
    fn heard<T>(&mut self, outcome: Result<T, JobError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.unheard = 0;
                Some(value)
            }
            Err(error) => {
                self.unheard += 1;
                if error.retry() == Retry::Never || self.unheard >= MOST_TRIES {
                    self.state = JobState::Failed { reason: chain(&error) };
                }
                None
            }
        }
    }

    fn pause(&self) -> Duration {
        match self.unheard.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => doubled(doublings).min(LONGEST_PAUSE),
        }
    }

    fn deadline(&self, since: Timestamp) -> Timestamp {
        since.plus(self.job.longest_run).plus(QUEUE)
    }
}

fn doubled(times: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << times.min(16))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
