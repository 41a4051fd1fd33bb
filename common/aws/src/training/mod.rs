//! Training on SageMaker: the three calls of its control plane that a job needs, and the objects it reads and writes.
//!
//! What the calls hold stands in [`request`], to be compared with AWS's reference. Nothing is tried again here: whoever drives
//! the job remembers how often it was not heard.

mod request;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::timeout::TimeoutConfig;
use linkcast_domain::ports::{JobError, JobStatus, TrainingJob, TrainingJobs};
use linkcast_domain::{Clock, Retry, SystemClock};
use serde_json::json;

use crate::client::Shared;
use crate::control_plane::ControlPlane;

/// The longest one file may take on its way.
const LONGEST_TRANSFER: Duration = Duration::from_secs(1_800);
/// The longest a call of the control plane may take.
const LONGEST_CALL: Duration = Duration::from_secs(30);
/// The longest to wait for a connection.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// SageMaker and S3, in the region of the environment.
#[derive(Debug)]
pub struct SageMaker<C = SystemClock> {
    pub(crate) plane: ControlPlane<C>,
    pub(crate) objects: aws_sdk_s3::Client,
}

impl<C: Clock> SageMaker<C> {
    /// Over the account, region and endpoint of the environment; signatures are made at `clock`'s time.
    pub fn new(shared: &Shared, clock: C) -> Self {
        let patience = TimeoutConfig::builder()
            .connect_timeout(LONGEST_CONNECT)
            .operation_attempt_timeout(LONGEST_TRANSFER)
            .operation_timeout(LONGEST_TRANSFER)
            .build();
        let config = aws_sdk_s3::config::Builder::from(&shared.config)
            .force_path_style(true)
            .timeout_config(patience)
            .build();
        SageMaker { plane: ControlPlane::new(shared, clock), objects: aws_sdk_s3::Client::from_conf(config) }
    }

    /// The region that jobs run in, if the environment names one.
    pub fn region(&self) -> Option<&str> {
        self.plane.region()
    }
}

impl<C: Clock> TrainingJobs for SageMaker<C> {
    async fn start(&self, job: &TrainingJob) -> Result<(), JobError> {
        let attempt = format!("start the training job {}", job.name);
        match self.plane.call("CreateTrainingJob", &request::create(job), attempt, LONGEST_CALL).await {
            Ok(_) => Ok(()),
            Err(refused) if refused.code == "ResourceInUse" => {
                Err(JobError::Exists { name: job.name.clone() })
            }
            Err(refused) => Err(refused.into()),
        }
    }

    async fn status(&self, name: &str) -> Result<Option<JobStatus>, JobError> {
        let attempt = format!("look at the training job {name}");
        let body = json!({"TrainingJobName": name});
        match self.plane.call("DescribeTrainingJob", &body, attempt, LONGEST_CALL).await {
            Ok(answer) => request::status(&answer).map(Some),
            Err(refused) if refused.says_not_found() => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn stop(&self, name: &str) -> Result<(), JobError> {
        let attempt = format!("stop the training job {name}");
        let body = json!({"TrainingJobName": name});
        match self.plane.call("StopTrainingJob", &body, attempt, LONGEST_CALL).await {
            Ok(_) => Ok(()),
            // It has ended meanwhile.
            Err(refused) if refused.code == "ValidationException" => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn put(&self, address: &str, file: &Path) -> Result<(), JobError> {
        let attempt = format!("write {address}");
        let (bucket, key) = bucket_and_key(address, &attempt)?;
        let body = ByteStream::from_path(file).await.map_err(|error| JobError::Failed {
            attempt: format!("read {}", file.display()),
            retry: Retry::Never,
            source: error.into(),
        })?;
        let sent = self.objects.put_object().bucket(bucket).key(key).body(body).send().await;
        sent.map(drop).map_err(|error| failed(attempt, error))
    }

    async fn get(&self, address: &str, limit: usize) -> Result<Vec<u8>, JobError> {
        let attempt = format!("read {address}");
        let (bucket, key) = bucket_and_key(address, &attempt)?;
        let answer = self.objects.get_object().bucket(bucket).key(key).send().await;
        let mut body = answer.map_err(|error| failed(attempt.clone(), error))?.body;
        let mut bytes = Vec::new();
        let broken = |retry, source| JobError::Failed { attempt: attempt.clone(), retry, source };
        while let Some(part) = body.next().await {
            bytes.extend_from_slice(&part.map_err(|error| broken(Retry::Later, error.into()))?);
            if bytes.len() > limit {
                return Err(broken(Retry::Never, format!("it holds more than {limit} bytes").into()));
            }
        }
        Ok(bytes)
    }
}

fn bucket_and_key<'a>(address: &'a str, attempt: &str) -> Result<(&'a str, &'a str), JobError> {
    let rest = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    rest.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()).ok_or_else(|| JobError::Failed {
        attempt: attempt.to_owned(),
        retry: Retry::Never,
        source: "it is no address of an object: expected s3://bucket/key".into(),
    })
}

/// S3's failures; what the SDK has tried often enough may still be heard later.
fn failed<E>(attempt: String, error: SdkError<E>) -> JobError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let retry = match &error {
        SdkError::ServiceError(service) if service.raw().status().is_server_error() => Retry::Later,
        SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => Retry::Never,
        _ => Retry::Later,
    };
    JobError::Failed { attempt, retry, source: error.into() }
}
