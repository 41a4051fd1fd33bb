//! A task on SageMaker, against moto's control plane and S3: what is asked for is what AWS would be asked, and a call that was
//! broken off goes on.
//!
//! The managed image is played by Python's XGBoost: it is given the rows that lie in the bucket and the hyperparameters that
//! the job was created with, and its model is put where the job says its model lies.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use linkcast_tests::{Moto, REGION, ask_python, binary, field, labelled_fabric};
use serde_json::{Value, json};

const TASK: &str = "\
training:
  type: boosted_trees
  platform: sagemaker
  deployment_target: serverless
  endpoint: {memory_mb: 2048, max_concurrency: 5}
  parameters:
    version: from-sagemaker
    classifier: {rounds: 20}
    regressor: {rounds: 20}
    sagemaker:
      role: arn:aws:iam::123456789012:role/train
      bucket: rows-and-models
      max_minutes: 30
      tags: {team: fabric}
";

/// `linkcast task run` with moto for AWS: its exit code and what it said.
fn run(moto: &Moto, task: &Path, data: &Path, out: &Path) -> Result<(Option<i32>, String)> {
    let output = Command::new(binary("linkcast")?)
        .args(["task", "run"])
        .arg(task)
        .arg("--data")
        .arg(data)
        .arg("--out")
        .arg(out)
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .context("cannot start linkcast")?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// The job that was written down for a forest.
fn noted(out: &Path, aim: &str) -> Result<Value> {
    let text = std::fs::read_to_string(out.join(format!("jobs/{aim}.job.json")))?;
    Ok(serde_json::from_str(&text)?)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("not a text: {value}"))
}

/// What of a job's description AWS was asked for, held against what was noted and against the task.
fn check_request(described: &Value, job: &Value) {
    let at = |pointer: &str| described.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/RoleArn"), json!("arn:aws:iam::123456789012:role/train"));
    let image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5";
    assert_eq!(at("/AlgorithmSpecification/TrainingImage"), json!(image));
    assert_eq!(at("/AlgorithmSpecification/TrainingInputMode"), json!("File"));
    assert_eq!(&at("/HyperParameters"), field(job, "hyperparameters"));
    assert_eq!(at("/HyperParameters/num_round"), json!("20"));
    assert_eq!(at("/StoppingCondition"), json!({"MaxRuntimeInSeconds": 1800}));
    assert_eq!(
        at("/ResourceConfig"),
        json!({"InstanceType": "ml.m5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 20})
    );
    assert_eq!(at("/OutputDataConfig/S3OutputPath"), json!("s3://rows-and-models/linkcast/models/"));
    for (place, channel) in ["train", "validation"].into_iter().enumerate() {
        let channel_at = |pointer: &str| at(&format!("/InputDataConfig/{place}/{pointer}"));
        assert_eq!(channel_at("ChannelName"), json!(channel));
        assert_eq!(channel_at("ContentType"), json!("text/csv"));
        assert_eq!(channel_at("DataSource/S3DataSource/S3DataType"), json!("S3Prefix"));
    }
}

/// Lets Python train what the jobs asked for, on the rows that lie in the bucket, and puts the models where the jobs say.
fn train_as_the_image_would(moto: &Moto, out: &Path, folder: &Path) -> Result<()> {
    let (rows, models) = (folder.join("rows"), folder.join("xgboost"));
    std::fs::create_dir(&models)?;
    let mut addresses = Vec::new();
    for aim in ["classifier", "regressor"] {
        let noted = noted(out, aim)?;
        let job = noted.pointer("/progressing/job").context("no job is noted")?;
        let described =
            moto.sagemaker("DescribeTrainingJob", &json!({"TrainingJobName": field(job, "name")}))?;
        check_request(&described, job);
        let own = rows.join(aim);
        std::fs::create_dir_all(&own)?;
        std::fs::write(own.join("hyperparameters.json"), field(&described, "HyperParameters").to_string())?;
        for channel in field(&described, "InputDataConfig").as_array().context("no channels")? {
            let address = text(channel.pointer("/DataSource/S3DataSource/S3Uri").unwrap_or(&Value::Null))?;
            let path = address.strip_prefix("s3://").context("no address in S3")?;
            let bytes = moto.get(&format!("{path}rows-00000.csv"))?;
            std::fs::write(own.join(format!("{}.csv", text(field(channel, "ChannelName"))?)), bytes)?;
        }
        let model = text(described.pointer("/ModelArtifacts/S3ModelArtifacts").unwrap_or(&Value::Null))?;
        addresses.push((aim, model.strip_prefix("s3://").context("no address in S3")?.to_owned()));
    }
    ask_python(&[Path::new("train"), &rows, &models])?;
    for (aim, address) in addresses {
        moto.put(&address, &std::fs::read(models.join(format!("{aim}.tar.gz")))?)?;
    }
    Ok(())
}

#[test]
fn a_task_runs_on_sagemaker_and_a_call_that_was_broken_off_goes_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let moto = Moto::start(folder.path())?;
    moto.put("rows-and-models", b"")?;
    let (data, out) = (labelled_fabric(folder.path())?, folder.path().join("model"));
    let task = folder.path().join("task.yaml");
    std::fs::write(&task, TASK)?;

    // moto's jobs are completed at once and leave no model, which ends the first call after both were started.
    let (code, said) = run(&moto, &task, &data, &out)?;
    if code != Some(1) || !said.contains("is done and is not run again") {
        bail!("{code:?}: {said}\n{}", moto.log());
    }
    train_as_the_image_would(&moto, &out, folder.path())?;
    let before = moto.sagemaker("ListTrainingJobs", &json!({}))?;

    let (code, said) = run(&moto, &task, &data, &out)?;
    assert_eq!(code, Some(0), "{said}");
    let after = moto.sagemaker("ListTrainingJobs", &json!({}))?;
    let jobs = |answer: &Value| field(answer, "TrainingJobSummaries").as_array().map_or(0, Vec::len);
    assert_eq!((jobs(&before), jobs(&after)), (2, 2), "nothing was started twice");
    let card: Value = serde_json::from_str(&std::fs::read_to_string(out.join("card.json"))?)?;
    assert_eq!(field(&card, "model_version"), "from-sagemaker");
    let engine = card.pointer("/training/engine").and_then(Value::as_str).unwrap_or_default();
    assert!(engine.starts_with("XGBoost 3."), "{engine}");
    Ok(())
}

#[test]
fn a_task_that_is_wrong_is_refused_before_anything_is_asked_of_aws() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let task = folder.path().join("task.yaml");
    std::fs::write(&task, TASK.replace("memory_mb: 2048", "memory_mb: 2000").replace("role:", "rolle:"))?;
    let output = Command::new(binary("linkcast")?).args(["task", "check"]).arg(&task).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 5: training.endpoint.memory_mb is 2000: expected one of 1024"), "{said}");
    assert!(said.contains("training.parameters.sagemaker.rolle is not known: expected role?"), "{said}");
    Ok(())
}
