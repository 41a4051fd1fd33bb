//! `linkcast retrain pipeline`: the pipeline as code, printed or put there.

use std::time::Duration;

use clap::Args;
use linkcast_aws::{PipelineText, SageMakerPipelines};
use linkcast_domain::SystemClock;
use linkcast_domain::ports::JobError;
use linkcast_scoring::TASK;
use linkcast_training::job::PipelineOrder;
use serde_json::json;

use super::Session;
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::Form;
use crate::store;

/// Print the definition of a SageMaker pipeline that retrains, or put it there.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast retrain pipeline --image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/linkcast:1 \\\n    --role arn:aws:iam::123456789012:role/linkcast-train --bucket rows --table linkcast-lab > pipeline.json\n  linkcast retrain pipeline --image … --role … --bucket rows --table linkcast-lab --apply\n\nThe same arguments give the same text. --apply makes the pipeline or changes it; one that is as it should be is left alone."
)]
pub(super) struct PipelineArguments {
    /// The image of this program in ECR.
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// The role that the pipeline's jobs take on.
    #[arg(long, value_name = "ARN", value_parser = role)]
    role: String,
    /// The bucket that data sets and models go to.
    #[arg(long, value_name = "BUCKET")]
    bucket: String,
    /// The table that history, reviews and the registry are in.
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// The bucket of registered models' files (default: the same).
    #[arg(long, value_name = "BUCKET")]
    models: Option<String>,
    /// What its steps run on.
    #[arg(long, value_name = "TYPE", default_value = "ml.m5.xlarge")]
    instance: String,
    /// The disk of each machine, GB.
    #[arg(long, value_name = "GB", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    volume_gb: u32,
    /// The longest a step may run.
    #[arg(long, value_name = "LENGTH", default_value = "2h")]
    longest_step: Interval,
    /// Make the pipeline, or change it to this.
    #[arg(long)]
    apply: bool,
}

fn role(text: &str) -> Result<String, String> {
    let is_role = text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/");
    if is_role {
        Ok(text.to_owned())
    } else {
        Err("expected a role's ARN, arn:aws:iam::…:role/…".to_owned())
    }
}

pub(super) fn execute(arguments: &PipelineArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let order = arguments.order(&session.configuration.fabric);
    if !arguments.apply {
        let text = serde_json::to_string_pretty(&order.definition())
            .map_err(|error| Failure::new(ExitKind::Machine, error))?;
        return Ok(session.output.line(&text)?);
    }
    let wanted = PipelineText {
        name: order.name(),
        definition: order.definition(),
        digest: order.digest(),
        role: order.role.clone(),
    };
    let pipelines = SageMakerPipelines::new(&store::connect()?, SystemClock);
    let (applied, arn) = ready(pipelines.apply(&wanted)).map_err(failed)?;
    match session.form {
        Form::JsonLines => session.output.json(&json!({
            "pipeline": wanted.name,
            "outcome": applied.name(),
            "arn": arn,
            "digest": wanted.digest,
        }))?,
        Form::Text => {
            session.output.line(&format!("pipeline {} {}: {arn}", wanted.name, applied.name()))?;
            session.output.line(&format!("next: deploy with RetrainPipeline={}", wanted.name))?;
        }
    }
    Ok(())
}

fn failed(error: JobError) -> Failure {
    Failure::new(ExitKind::Machine, error).with_next_step(
        "see that the credentials may create and update pipelines and pass the role, and call again",
    )
}

impl PipelineArguments {
    fn order(&self, fabric: &str) -> PipelineOrder {
        let longest_step: Duration = self.longest_step.duration();
        PipelineOrder {
            fabric: fabric.to_owned(),
            task: TASK.to_owned(),
            image: self.image.clone(),
            role: self.role.clone(),
            bucket: self.bucket.clone(),
            store: format!("dynamodb:{}", self.table),
            models: format!("s3:{}", self.models.as_ref().unwrap_or(&self.bucket)),
            instance_type: self.instance.clone(),
            volume_gb: self.volume_gb,
            longest_step,
        }
    }
}
