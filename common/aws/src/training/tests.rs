//! The documents, held against AWS's reference, and refusals as the service words them.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::Retry;
use linkcast_domain::ports::{JobChannel, JobError, JobStatus, TrainingJob};
use serde_json::json;

use super::request::{create, status};
use crate::control_plane::refusal;

fn job(instance_count: u32) -> TrainingJob {
    TrainingJob {
        name: "linkcast-classifier-aa-1".to_owned(),
        image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5".to_owned(),
        role: "arn:aws:iam::123456789012:role/train".to_owned(),
        hyperparameters: BTreeMap::from([("num_round".to_owned(), "50".to_owned())]),
        channels: vec![JobChannel {
            name: "train".to_owned(),
            address: "s3://rows/linkcast/train/".to_owned(),
            content_type: "text/csv".to_owned(),
        }],
        output: "s3://rows/linkcast/models/".to_owned(),
        instance_type: "ml.m5.2xlarge".to_owned(),
        instance_count,
        volume_gb: 20,
        longest_run: Duration::from_secs(600),
        tags: BTreeMap::from([("team".to_owned(), "fabric".to_owned())]),
    }
}

#[test]
fn a_job_is_asked_for_in_sagemakers_words() {
    let asked = create(&job(1));
    let at = |pointer: &str| asked.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/StoppingCondition/MaxRuntimeInSeconds"), json!(600));
    assert_eq!(at("/HyperParameters/num_round"), json!("50"));
    assert_eq!(
        at("/InputDataConfig/0/DataSource/S3DataSource/S3DataDistributionType"),
        json!("FullyReplicated")
    );
    assert_eq!(at("/InputDataConfig/0/ContentType"), json!("text/csv"));
    assert_eq!(at("/Tags"), json!([{"Key": "team", "Value": "fabric"}]));
    let shared = create(&job(3));
    let distribution = shared.pointer("/InputDataConfig/0/DataSource/S3DataSource/S3DataDistributionType");
    assert_eq!(distribution, Some(&json!("ShardedByS3Key")));
}

#[test]
fn every_status_is_understood_and_an_unknown_one_is_refused() {
    let of = |answer| status(&answer).unwrap();
    assert!(matches!(of(json!({"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training"})),
        JobStatus::Running { stage } if stage == "Training"));
    assert_eq!(
        of(json!({"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": "s3://a/b"}})),
        JobStatus::Completed { model: "s3://a/b".to_owned() }
    );
    assert_eq!(
        of(json!({"TrainingJobStatus": "Failed", "FailureReason": "AlgorithmError"})),
        JobStatus::Failed { reason: "AlgorithmError".to_owned() }
    );
    assert_eq!(of(json!({"TrainingJobStatus": "Stopped"})), JobStatus::Stopped);
    assert!(status(&json!({"TrainingJobStatus": "Dreaming"})).is_err());
    assert!(status(&json!({"TrainingJobStatus": "Completed"})).is_err());
}

#[test]
fn throttling_a_missing_job_and_a_wrong_request_are_told_apart() {
    let of = |status, body: &str| refusal("look".to_owned(), status, body.as_bytes());
    let throttled = of(400, r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#);
    assert!(matches!(JobError::from(throttled), JobError::Throttled { .. }));
    assert!(matches!(JobError::from(of(429, "")), JobError::Throttled { .. }));
    assert!(
        of(400, r#"{"__type":"com.amazon#ValidationException","message":"Requested resource not found."}"#)
            .says_not_found()
    );
    let wrong = of(400, r#"{"__type": "ValidationException", "message": "1 validation error detected"}"#);
    assert!(!wrong.says_not_found());
    let wrong = JobError::from(wrong);
    assert_eq!(wrong.retry(), Retry::Never);
    assert_eq!(JobError::from(of(503, "<html>")).retry(), Retry::Later);
}
