//! Following a run by what the platform tells, and never by waiting.
//!
//! Events come late, twice and in any order, of runs long ended and of executions that are nobody's. An execution is known by the name it was
//! given when it was started, so that it is followed even where the answer to that call was never heard.

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{Bus, TaskItems};

use super::desk::{RetrainingDesk, RetrainingError};
use super::platform::{ExecutionStatus, PlatformEvent};
use super::run::{DIGITS, Run, RunEvent, Trainer};

/// Names of executions begin so.
const EXECUTION: &str = "linkcast-run-";
/// The longest text kept of a failed step.
const LONGEST_REMARK: usize = 500;

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// It was this run's, which may have known it.
    Run(Box<Run>),
    /// It is no run's of this task, or says nothing that moves one.
    Nobodys,
}

/// The name of the execution of the run of a time.
pub(super) fn execution_name(run: Timestamp) -> String {
    format!("{EXECUTION}{:0DIGITS$}", run.millis().max(0))
}

fn run_of(name: &str) -> Option<Timestamp> {
    let digits = name.strip_prefix(EXECUTION).filter(|digits| digits.len() == DIGITS)?;
    digits.parse().ok().map(Timestamp::from_millis)
}

/// Takes an event of `pipeline`'s executions and their jobs.
///
/// # Errors
/// Those of the desk.
pub async fn follow<I: TaskItems, B: Bus>(
    desk: &RetrainingDesk<'_, I, B>,
    pipeline: &str,
    event: &PlatformEvent,
    now: Timestamp,
) -> Result<Followed, RetrainingError> {
    let found = match event {
        PlatformEvent::Execution { pipeline: of, execution, display_name, status } => {
            let run = display_name.as_deref().and_then(run_of).filter(|_| of.eq_ignore_ascii_case(pipeline));
            let Some(run) = run else { return Ok(Followed::Nobodys) };
            if !is_of(desk.run(run).await?.as_ref(), execution) {
                return Ok(Followed::Nobodys);
            }
            // Whatever it tells, it tells too that the execution is the run's.
            desk.advance(
                run,
                &RunEvent::Started(Trainer::SagemakerPipeline { execution: execution.clone() }),
                now,
            )
            .await?;
            match event_of(*status) {
                Some(event) => desk.advance(run, &event, now).await?,
                None => desk.run(run).await?,
            }
        }
        PlatformEvent::Job { name, failure: Some(reason) } => {
            let Some(run) = desk.holder(now).await?.filter(|run| has_job(run, name)) else {
                return Ok(Followed::Nobodys);
            };
            let reason: String = reason.chars().take(LONGEST_REMARK).collect();
            desk.advance(run.run, &RunEvent::Heard(format!("training job {name}: {reason}")), now).await?
        }
        PlatformEvent::Job { failure: None, .. } => None,
    };
    Ok(found.map_or(Followed::Nobodys, |run| Followed::Run(Box::new(run))))
}

fn event_of(status: ExecutionStatus) -> Option<RunEvent> {
    match status {
        ExecutionStatus::Succeeded => Some(RunEvent::TrainerDone),
        ExecutionStatus::Failed => Some(RunEvent::Failed("the pipeline's execution failed".to_owned())),
        ExecutionStatus::Stopped => {
            Some(RunEvent::Stopped("the pipeline's execution was stopped".to_owned()))
        }
        ExecutionStatus::Executing | ExecutionStatus::Other => None,
    }
}

/// Whether the execution is the one that trains for the run, or may be as nobody does yet.
fn is_of(run: Option<&Run>, execution: &str) -> bool {
    match run.map(|run| &run.trainer) {
        Some(Some(Trainer::SagemakerPipeline { execution: known })) => known == execution,
        Some(None) => true,
        Some(Some(Trainer::Local { .. })) | None => false,
    }
}

/// A pipeline's jobs are called `pipelines-<execution's id>-<step>-<random>`.
fn has_job(run: &Run, name: &str) -> bool {
    let Some(Trainer::SagemakerPipeline { execution }) = &run.trainer else { return false };
    let id = execution.rsplit('/').next().unwrap_or_default();
    !id.is_empty() && name.strip_prefix("pipelines-").is_some_and(|rest| rest.starts_with(&format!("{id}-")))
}
