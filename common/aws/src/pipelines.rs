//! Pipelines of SageMaker: made or changed as their definition says, and started.
//!
//! A definition that is there already is left alone, so that applying one twice changes nothing. An execution is started under a token that
//! SageMaker keeps: whoever is not sure whether it was heard asks again, and gets the same execution.

use std::time::Duration;

use linkcast_domain::ports::{JobError, PipelineStart, TrainingPipelines};
use linkcast_domain::{Clock, Retry, SystemClock};
use serde_json::{Value, json};

use crate::client::Shared;
use crate::control_plane::ControlPlane;

/// The longest a call may take: a function has a minute for all of its own.
const LONGEST_CALL: Duration = Duration::from_secs(15);

/// Pipelines in the region of the environment.
#[derive(Debug)]
pub struct SageMakerPipelines<C = SystemClock> {
    plane: ControlPlane<C>,
}

/// A pipeline as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineText {
    /// Its name.
    pub name: String,
    /// Its definition.
    pub definition: Value,
    /// The definition's digest: 32 to 128 letters and digits.
    pub digest: String,
    /// The role that runs its steps.
    pub role: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was made.
    Created,
    /// It was there with another definition or role.
    Updated,
    /// It was there as it should be.
    Unchanged,
}

impl Applied {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Applied::Created => "created",
            Applied::Updated => "updated",
            Applied::Unchanged => "unchanged",
        }
    }
}

impl<C: Clock> SageMakerPipelines<C> {
    /// Over the account, region and endpoint of the environment; signatures are made at `clock`'s time.
    pub fn new(shared: &Shared, clock: C) -> Self {
        SageMakerPipelines { plane: ControlPlane::new(shared, clock) }
    }

    /// Makes the pipeline, or changes it to what it should be; gives its ARN too. Keyed by name and definition.
    ///
    /// # Errors
    /// A call that is refused or not answered.
    pub async fn apply(&self, wanted: &PipelineText) -> Result<(Applied, String), JobError> {
        match self.describe(&wanted.name).await? {
            Some(found) if is_as_wanted(&found, wanted) => Ok((Applied::Unchanged, arn_of(&found))),
            Some(_) => Ok((Applied::Updated, self.write("UpdatePipeline", wanted).await?)),
            None => Ok((Applied::Created, self.write("CreatePipeline", wanted).await?)),
        }
    }

    /// What is there under that name.
    async fn describe(&self, name: &str) -> Result<Option<Value>, JobError> {
        let attempt = format!("look at the pipeline {name}");
        let body = json!({"PipelineName": name});
        match self.plane.call("DescribePipeline", &body, attempt, LONGEST_CALL).await {
            Ok(answer) => Ok(Some(answer)),
            Err(refused) if refused.says_not_found() => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn write(&self, operation: &str, wanted: &PipelineText) -> Result<String, JobError> {
        let attempt = format!("write the pipeline {}", wanted.name);
        let body = written(operation, wanted);
        let answer = self.plane.call(operation, &body, attempt, LONGEST_CALL).await?;
        Ok(arn_of(&answer))
    }
}

impl<C: Clock> TrainingPipelines for SageMakerPipelines<C> {
    async fn start_execution(&self, start: &PipelineStart) -> Result<String, JobError> {
        let attempt = format!("start the pipeline {}", start.pipeline);
        let answer =
            self.plane.call("StartPipelineExecution", &started(start), attempt.clone(), LONGEST_CALL).await?;
        let arn = answer.get("PipelineExecutionArn").and_then(Value::as_str).map(str::to_owned);
        arn.ok_or_else(|| JobError::Failed {
            attempt,
            retry: Retry::Later,
            source: "the answer names no execution".into(),
        })
    }

    async fn stop_execution(&self, execution: &str) -> Result<(), JobError> {
        let attempt = format!("stop the pipeline execution {execution}");
        // The token is the execution's own name: to stop it twice is to stop it once.
        let id = execution.rsplit('/').next().unwrap_or_default();
        let body = json!({"PipelineExecutionArn": execution, "ClientRequestToken": format!("{id:0<32}")});
        match self.plane.call("StopPipelineExecution", &body, attempt, LONGEST_CALL).await {
            Ok(_) => Ok(()),
            // It has ended meanwhile.
            Err(refused) if refused.says_not_found() || refused.code == "ConflictException" => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }
}

/// CreatePipeline's and UpdatePipeline's document; only the first knows a token.
fn written(operation: &str, wanted: &PipelineText) -> Value {
    let mut body = json!({
        "PipelineName": wanted.name,
        "PipelineDefinition": wanted.definition.to_string(),
        "PipelineDescription": format!("Linkcast's retraining, definition {}", wanted.digest),
        "RoleArn": wanted.role,
    });
    if let (Some(fields), "CreatePipeline") = (body.as_object_mut(), operation) {
        fields.insert("ClientRequestToken".to_owned(), json!(wanted.digest));
    }
    body
}

/// StartPipelineExecution's document.
fn started(start: &PipelineStart) -> Value {
    let parameters = start.parameters.iter().map(|(name, value)| json!({"Name": name, "Value": value}));
    json!({
        "PipelineName": start.pipeline,
        "PipelineExecutionDisplayName": start.display_name,
        "PipelineParameters": parameters.collect::<Vec<_>>(),
        "ClientRequestToken": start.token,
    })
}

fn is_as_wanted(found: &Value, wanted: &PipelineText) -> bool {
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    let definition: Option<Value> = serde_json::from_str(text("PipelineDefinition")).ok();
    definition.as_ref() == Some(&wanted.definition) && text("RoleArn") == wanted.role
}

fn arn_of(answer: &Value) -> String {
    answer.get("PipelineArn").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn documents_say_what_aws_asks_for() {
        let start = PipelineStart {
            pipeline: "p".into(),
            token: "t".repeat(32),
            display_name: "run-1".into(),
            parameters: BTreeMap::from([("Run".into(), "1".into())]),
        };
        let asked = started(&start);
        assert_eq!(asked.get("ClientRequestToken"), Some(&json!("t".repeat(32))));
        assert_eq!(asked.get("PipelineParameters"), Some(&json!([{"Name": "Run", "Value": "1"}])));
        let wanted = PipelineText {
            name: "p".into(),
            definition: json!({"Version": "2020-12-01"}),
            digest: "d".repeat(64),
            role: "arn:aws:iam::123456789012:role/r".into(),
        };
        assert!(written("CreatePipeline", &wanted).get("ClientRequestToken").is_some());
        assert!(written("UpdatePipeline", &wanted).get("ClientRequestToken").is_none());
        let found = json!({"PipelineDefinition": "{\"Version\": \"2020-12-01\"}", "RoleArn": wanted.role});
        assert!(is_as_wanted(&found, &wanted), "however it is spaced");
        assert!(!is_as_wanted(&json!({"PipelineDefinition": "{}", "RoleArn": wanted.role}), &wanted));
    }
}
