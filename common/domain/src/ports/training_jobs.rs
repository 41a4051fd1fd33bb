//! Training on somebody else's machines: rows go there, a job runs, a model comes back.
//!
//! A job is named by what it does, so that starting it twice is starting it once. No call here is tried again by who answers
//! it: that is the caller's, who remembers over restarts how far a job has come.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Retry;

/// Rows of one kind, as a job is given them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobChannel {
    /// What they are for, as `train`.
    pub name: String,
    /// What the addresses of their files begin with.
    pub address: String,
    /// Their form, as `text/csv`.
    pub content_type: String,
}

/// A training job, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingJob {
    /// Its name, which no other job ever has.
    pub name: String,
    /// The image that trains.
    pub image: String,
    /// The role it takes on.
    pub role: String,
    /// What it is told.
    pub hyperparameters: BTreeMap<String, String>,
    /// What it learns from.
    pub channels: Vec<JobChannel>,
    /// Where its model goes.
    pub output: String,
    /// The machines' type.
    pub instance_type: String,
    /// How many of them; the files of a channel are dealt among them.
    pub instance_count: u32,
    /// The disk of each.
    pub volume_gb: u32,
    /// The longest it may run.
    pub longest_run: Duration,
    /// What it is labelled with.
    pub tags: BTreeMap<String, String>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It waits or works.
    Running {
        /// At what, in the platform's words.
        stage: String,
    },
    /// It is done.
    Completed {
        /// Where its model lies.
        model: String,
    },
    /// It came to nothing.
    Failed {
        /// Why, in the platform's words.
        reason: String,
    },
    /// Somebody stopped it, or its time was up.
    Stopped,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Too many calls: a later one may be heard.
    #[error("the platform is too busy to {attempt}")]
    Throttled {
        /// What was tried.
        attempt: String,
    },
    /// There is a job of that name.
    #[error("there is a training job called {name} already")]
    Exists {
        /// The name.
        name: String,
    },
    /// Anything else.
    #[error("could not {attempt}")]
    Failed {
        /// What was tried.
        attempt: String,
        /// Whether another try may help.
        retry: Retry,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl JobError {
    /// Whether another try may help.
    pub fn retry(&self) -> Retry {
        match self {
            JobError::Throttled { .. } => Retry::Later,
            JobError::Exists { .. } => Retry::Never,
            JobError::Failed { retry, .. } => *retry,
        }
    }
}

/// A platform that trains.
pub trait TrainingJobs: Send + Sync {
    /// Starts a job. Keyed by its name: [`JobError::Exists`] says that it was started before.
    fn start(&self, job: &TrainingJob) -> impl Future<Output = Result<(), JobError>> + Send;

    /// How far the job called `name` has come; none if there is no such job.
    fn status(&self, name: &str) -> impl Future<Output = Result<Option<JobStatus>, JobError>> + Send;

    /// Asks a job to stop; one that has ended stays as it is.
    fn stop(&self, name: &str) -> impl Future<Output = Result<(), JobError>> + Send;

    /// Puts a file at `address`, in place of what is there.
    fn put(&self, address: &str, file: &Path) -> impl Future<Output = Result<(), JobError>> + Send;

    /// The bytes at `address`, of which there may be at most `limit`.
    fn get(&self, address: &str, limit: usize) -> impl Future<Output = Result<Vec<u8>, JobError>> + Send;
}

/// An execution of a pipeline to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineStart {
    /// The pipeline's name.
    pub pipeline: String,
    /// The same for every attempt to start this one: 32 to 128 letters, digits and hyphens.
    pub token: String,
    /// What it is called.
    pub display_name: String,
    /// What it is told.
    pub parameters: BTreeMap<String, String>,
}

/// A platform that runs pipelines.
pub trait TrainingPipelines: Send + Sync {
    /// Starts an execution, and gives its ARN. Keyed by the token: started again under it, it is the same one.
    fn start_execution(&self, start: &PipelineStart)
    -> impl Future<Output = Result<String, JobError>> + Send;

    /// Asks an execution to stop; one that has ended stays as it is.
    fn stop_execution(&self, execution: &str) -> impl Future<Output = Result<(), JobError>> + Send;
}
