//! CreateTrainingJob's document, and what DescribeTrainingJob's answer says, in SageMaker's words.

use linkcast_domain::Retry;
use linkcast_domain::ports::{JobError, JobStatus, TrainingJob};
use serde_json::{Value, json};

/// What CreateTrainingJob is asked.
pub(super) fn create(job: &TrainingJob) -> Value {
    // Several machines each take their share of a channel's files; one takes all.
    let distribution = if job.instance_count > 1 { "ShardedByS3Key" } else { "FullyReplicated" };
    let channels = job.channels.iter().map(|channel| {
        json!({
            "ChannelName": channel.name,
            "ContentType": channel.content_type,
            "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": channel.address,
                "S3DataDistributionType": distribution,
            }},
            "CompressionType": "None",
            "InputMode": "File",
        })
    });
    let tags = job.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    json!({
        "TrainingJobName": job.name,
        "AlgorithmSpecification": {"TrainingImage": job.image, "TrainingInputMode": "File"},
        "RoleArn": job.role,
        "HyperParameters": job.hyperparameters,
        "InputDataConfig": channels.collect::<Vec<_>>(),
        "OutputDataConfig": {"S3OutputPath": job.output},
        "ResourceConfig": {
            "InstanceType": job.instance_type,
            "InstanceCount": job.instance_count,
            "VolumeSizeInGB": job.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.longest_run.as_secs()},
        "Tags": tags.collect::<Vec<_>>(),
    })
}

/// How far the job of a DescribeTrainingJob answer has come.
pub(super) fn status(answer: &Value) -> Result<JobStatus, JobError> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let unexpected = |what: String| JobError::Failed {
        attempt: "understand how far the training job has come".to_owned(),
        retry: Retry::Never,
        source: what.into(),
    };
    match text("TrainingJobStatus") {
        "InProgress" | "Stopping" => Ok(JobStatus::Running { stage: text("SecondaryStatus").to_owned() }),
        "Completed" => {
            let model = answer.pointer("/ModelArtifacts/S3ModelArtifacts").and_then(Value::as_str);
            let model = model.ok_or_else(|| unexpected("it is completed and names no model".to_owned()))?;
            Ok(JobStatus::Completed { model: model.to_owned() })
        }
        "Failed" => {
            let reason = text("FailureReason");
            let reason = if reason.is_empty() { "no reason was given" } else { reason };
            Ok(JobStatus::Failed { reason: reason.to_owned() })
        }
        "Stopped" => Ok(JobStatus::Stopped),
        other => Err(unexpected(format!("its status is {other:?}"))),
    }
}
