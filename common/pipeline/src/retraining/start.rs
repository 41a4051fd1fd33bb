//! Beginning a run: the guards are asked, and whoever trains is told.
//!
//! With a pipeline, its execution is started under a token made of the run's name, so that a request which is delivered again, or a call whose
//! answer was lost, starts nothing twice. Without one, the bus is told that a run waits for a trainer.

use std::collections::BTreeMap;
use std::convert::Infallible;

use linkcast_domain::ports::TaskItems;
use linkcast_domain::ports::{Bus, BusEvent, JobError, PipelineStart, TrainingPipelines};
use linkcast_domain::{Retry, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

use super::desk::{Asked, RetrainingDesk, RetrainingError};
use super::follow::execution_name;
use super::guards::Circumstances;
use super::request::RunRequest;
use super::run::{DIGITS, Run, RunEvent, Stage, Trainer};
use crate::damaged::DamagedItem;
use crate::notices::NoticeError;

/// No platform: where somebody else hears the bus and trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPipelines(Infallible);

impl TrainingPipelines for NoPipelines {
    async fn start_execution(&self, _: &PipelineStart) -> Result<String, JobError> {
        match self.0 {}
    }

    async fn stop_execution(&self, _: &str) -> Result<(), JobError> {
        match self.0 {}
    }
}

/// Asks the guards and starts a run that they let begin: an execution of the pipeline, if one is named; else the bus is told. Keyed by the
/// request: delivered again, it finds its run.
///
/// # Errors
/// Those of the desk; a platform that may hear a later call. One that never will ends the run.
pub async fn begin<I: TaskItems, B: Bus, P: TrainingPipelines>(
    (desk, bus): (&RetrainingDesk<'_, I, B>, &B),
    pipeline: Option<(&P, &str)>,
    (request, circumstances): (&RunRequest, &Circumstances),
    now: Timestamp,
) -> Result<Asked, RetrainingError> {
    let run = match desk.ask(request, circumstances, now).await? {
        Asked::Begun(run) => run,
        refused @ Asked::Refused(_) => return Ok(refused),
    };
    if run.stage() != Stage::Requested {
        return Ok(Asked::Begun(run));
    }
    let Some((platform, pipeline)) = pipeline else {
        announce(bus, &run).await?;
        return Ok(Asked::Begun(run));
    };
    let event = match platform.start_execution(&order(&run, pipeline)).await {
        Ok(execution) => RunEvent::Started(Trainer::SagemakerPipeline { execution }),
        Err(error) if error.retry() == Retry::Never => RunEvent::Failed(told(&error)),
        Err(source) => return Err(RetrainingError::NotStarted { pipeline: pipeline.to_owned(), source }),
    };
    let moved = desk.advance(run.run, &event, now).await?;
    Ok(Asked::Begun(moved.map_or(run, Box::new)))
}

fn order(run: &Run, pipeline: &str) -> PipelineStart {
    let key = format!("{}\u{1f}{}\u{1f}{}", run.fabric, run.task, run.run.millis());
    PipelineStart {
        pipeline: pipeline.to_owned(),
        token: format!("{:032x}", xxh3_128(key.as_bytes())),
        display_name: execution_name(run.run),
        parameters: BTreeMap::from([("Run".to_owned(), format!("{:0DIGITS$}", run.run.millis().max(0)))]),
    }
}

fn told(error: &JobError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

async fn announce<B: Bus>(bus: &B, run: &Run) -> Result<(), RetrainingError> {
    let detail = serde_json::to_string(run).map_err(|source| {
        RetrainingError::from(DamagedItem { task: run.task.clone(), name: execution_name(run.run), source })
    })?;
    let event = BusEvent { kind: "Retraining Requested", detail, stream: None };
    for outcome in bus.tell(&[event]).await {
        outcome.map_err(NoticeError::from)?;
    }
    Ok(())
}
