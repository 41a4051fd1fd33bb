//! What is to be trained, where, and for whom: a task, written down in YAML.
//!
//! A task is read whole before anything is done, and everything wrong with it is told at once, each by line and key, with what was
//! expected; a key that is not known is an error and never a setting that silently did nothing.

mod fault;
mod read;
mod section;
#[cfg(test)]
mod tests;

pub use fault::{TaskError, TaskFault};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::TrainingConfig;

/// What kind of model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Two forests of boosted trees.
    BoostedTrees,
}

/// Where it is trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Platform {
    /// In this process.
    Local,
    /// By SageMaker's managed XGBoost image.
    SageMaker(SageMakerSettings),
}

/// What a training job of SageMaker needs beside rows and hyperparameters.
#[derive(Clone, Debug, PartialEq)]
pub struct SageMakerSettings {
    /// The role that the job takes on: it reads the rows and writes the model.
    pub role: String,
    /// The bucket of both.
    pub bucket: String,
    /// What keys in it begin with.
    pub prefix: String,
    /// The machines.
    pub instance_type: String,
    /// How many of them; more than one trains distributed.
    pub instance_count: u32,
    /// The disk of each.
    pub volume_gb: u32,
    /// The longest a job may run.
    pub longest_run: Duration,
    /// Another image than the managed one of the region.
    pub image: Option<String>,
    /// Put on every job.
    pub tags: BTreeMap<String, String>,
}

/// Where the model will serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// Inside the program and the functions.
    Embedded,
    /// On a serverless endpoint.
    Serverless(ServerlessEndpoint),
    /// On an endpoint of its own machines.
    RealTime,
}

/// A serverless endpoint's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerlessEndpoint {
    /// Memory of each instance.
    pub memory_mb: u32,
    /// Calls answered side by side.
    pub max_concurrency: u32,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What is trained.
    pub kind: ModelKind,
    /// Where.
    pub platform: Platform,
    /// Where it will serve.
    pub deployment: Deployment,
    /// With which settings.
    pub config: TrainingConfig,
}

impl Task {
    /// Reads a task.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, by line and key.
    pub fn from_yaml(text: &str) -> Result<Self, TaskError> {
        read::task(text)
    }
}
