//! What SageMaker tells EventBridge of its pipelines and jobs, as far as a run is moved by it.
//!
//! The shapes are those of AWS's guide (Amazon EventBridge events SageMaker AI sends): `SageMaker Model Building Pipeline Execution
//! Status Change`, whose fields begin with small letters, and `SageMaker Training Job State Change`, whose fields are those of
//! DescribeTrainingJob. A status that is not known yet decides nothing.

use serde::Deserialize;
use serde_json::Value;

/// How an execution does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It runs.
    Executing,
    /// It did all its steps.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was stopped.
    Stopped,
    /// It is about to stop, or something newer than this program.
    Other,
}

/// Something that happened on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformEvent {
    /// To a pipeline's execution.
    Execution {
        /// The pipeline's name.
        pipeline: String,
        /// The execution's ARN.
        execution: String,
        /// What it is called.
        display_name: Option<String>,
        /// How it does now.
        status: ExecutionStatus,
    },
    /// To a training job.
    Job {
        /// The job's name.
        name: String,
        /// Why it failed, if it did.
        failure: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecutionDetail {
    pipeline_arn: String,
    pipeline_execution_arn: String,
    pipeline_execution_display_name: Option<String>,
    current_pipeline_execution_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JobDetail {
    training_job_name: String,
    training_job_status: String,
    failure_reason: Option<String>,
}

impl PlatformEvent {
    /// The event of this `detail-type`, if it is one of these.
    ///
    /// # Errors
    /// A detail that is not of its type.
    pub fn of(detail_type: &str, detail: &Value) -> Result<Option<Self>, serde_json::Error> {
        match detail_type {
            "SageMaker Model Building Pipeline Execution Status Change" => {
                ExecutionDetail::deserialize(detail).map(|found| Some(found.into()))
            }
            "SageMaker Training Job State Change" => {
                JobDetail::deserialize(detail).map(|found| Some(found.into()))
            }
            _ => Ok(None),
        }
    }
}

impl From<ExecutionDetail> for PlatformEvent {
    fn from(found: ExecutionDetail) -> Self {
        let status = match found.current_pipeline_execution_status.as_str() {
            "Executing" => ExecutionStatus::Executing,
            "Succeeded" => ExecutionStatus::Succeeded,
            "Failed" => ExecutionStatus::Failed,
            "Stopped" => ExecutionStatus::Stopped,
            _ => ExecutionStatus::Other,
        };
        PlatformEvent::Execution {
            pipeline: found.pipeline_arn.rsplit('/').next().unwrap_or_default().to_owned(),
            execution: found.pipeline_execution_arn,
            display_name: found.pipeline_execution_display_name,
            status,
        }
    }
}

impl From<JobDetail> for PlatformEvent {
    fn from(found: JobDetail) -> Self {
        let failed = found.training_job_status == "Failed";
        let reason = found.failure_reason.filter(|reason| !reason.is_empty());
        let failure = failed.then(|| reason.unwrap_or_else(|| "no reason was given".to_owned()));
        PlatformEvent::Job { name: found.training_job_name, failure }
    }
}
