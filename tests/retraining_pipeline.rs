//! A retraining's pipeline against moto's control plane: made once, changed when its definition is, and started for a run that the guards let
//! begin.
//!
//! moto keeps pipelines and executions as AWS does and runs no step of them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use linkcast_tests::{Moto, REGION, binary, field};
use serde_json::{Value, json};

/// `linkcast retrain …` with moto for AWS: its exit code, and what it printed or said.
fn retrain(moto: &Moto, arguments: &[&str]) -> Result<(Option<i32>, Value, String)> {
    let output = Command::new(binary("linkcast")?)
        .args(["--json", "retrain"])
        .args(arguments)
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .context("cannot start linkcast")?;
    let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok((output.status.code(), printed, String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn apply(moto: &Moto, volume: &str) -> Result<Value> {
    let role = "arn:aws:iam::123456789012:role/train";
    let named = ["pipeline", "--image", "image:1", "--role", role, "--bucket", "rows", "--table", "lab"];
    let (code, printed, said) = retrain(moto, &[&named[..], &["--volume-gb", volume, "--apply"]].concat())?;
    assert_eq!(code, Some(0), "{said}\n{}", moto.log());
    Ok(printed)
}

/// A store with one sample.
fn store(folder: &Path) -> Result<String> {
    let (samples, database) = (folder.join("samples.csv"), folder.join("lab.db"));
    std::fs::write(&samples, "stream_id,timestamp,error_rate\na/1,2026-01-05T00:00:00Z,0\n")?;
    let made =
        Command::new(binary("linkcast")?).arg("replay").arg(&samples).arg("--db").arg(&database).status()?;
    assert!(made.success());
    Ok(database.display().to_string())
}

#[test]
fn a_pipeline_is_applied_once_changed_when_its_definition_is_and_started_for_a_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let moto = Moto::start(folder.path())?;
    assert_eq!(field(&apply(&moto, "30")?, "outcome"), "created");
    assert_eq!(field(&apply(&moto, "30")?, "outcome"), "unchanged");
    assert_eq!(field(&apply(&moto, "31")?, "outcome"), "updated");
    let name = "linkcast-fabric-link-health-retrain";
    let described = moto.sagemaker("DescribePipeline", &json!({"PipelineName": name}))?;
    let definition: Value =
        serde_json::from_str(field(&described, "PipelineDefinition").as_str().context("no text")?)?;
    assert_eq!(
        definition.pointer("/Steps/0/Arguments/ProcessingResources/ClusterConfig/VolumeSizeInGB"),
        Some(&json!(31))
    );

    let database = store(folder.path())?;
    let run = ["run", "--db", &database, "--pipeline", name, "--least-labels", "0"];
    let (code, begun, said) = retrain(&moto, &run)?;
    assert_eq!(code, Some(0), "{said}\n{}", moto.log());
    let execution = begun.pointer("/trainer/execution").and_then(Value::as_str).context("no execution")?;
    let listed = moto.sagemaker("ListPipelineExecutions", &json!({"PipelineName": name}))?;
    let summary = listed.pointer("/PipelineExecutionSummaries/0").context("no execution is listed")?;
    assert_eq!(field(summary, "PipelineExecutionArn").as_str(), Some(execution));
    let called = field(summary, "PipelineExecutionDisplayName").as_str().context("no name")?;
    assert!(called.starts_with("linkcast-run-00017"), "{called}");

    let (code, _, said) = retrain(&moto, &run)?;
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("holds the task"), "{said}");
    let listed = moto.sagemaker("ListPipelineExecutions", &json!({"PipelineName": name}))?;
    assert_eq!(field(&listed, "PipelineExecutionSummaries").as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn a_pipeline_that_is_not_there_ends_the_run_and_releases_the_task() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let moto = Moto::start(folder.path())?;
    let database = store(folder.path())?;
    let run = ["run", "--db", &database, "--pipeline", "nobodys", "--least-labels", "0"];
    let (code, _, said) = retrain(&moto, &run)?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("came to nothing"), "{said}");
    let (_, _, said) = retrain(&moto, &run)?;
    assert!(said.contains("must pass"), "the task is free, and cools down: {said}");
    Ok(())
}
