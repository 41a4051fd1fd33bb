//! `linkcast retrain`: a task's model made anew, by guards, a gate and a record of every run.

mod list;
mod pipeline;
mod run;
mod step;

use clap::{Args, Subcommand};
use linkcast_aws::SageMakerPipelines;
use linkcast_domain::ports::TrainingPipelines;
use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::retraining::{GuardSettings, Run, RunEvent, Trainer};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{self, ready};
use crate::exit::{ExitKind, Failure};
use crate::registry::{FolderPlace, Models};
use crate::retraining::{desk, refused};
use crate::store;

/// Train a model anew, and hand it on if it is better than the live one.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast retrain run --db linkcast.db --dry-run\n  linkcast retrain run --db linkcast.db --reason 'new cables in row 4'\n  linkcast retrain list --db linkcast.db\n  linkcast retrain pipeline --image ECR-IMAGE --role ROLE-ARN --bucket rows --table linkcast-lab --apply\n\ndocs/RETRAINING.md tells of guards, the gate and the pipeline."
)]
pub(crate) struct RetrainArguments {
    #[command(subcommand)]
    command: RetrainCommand,
}

#[derive(Debug, Subcommand)]
enum RetrainCommand {
    /// Ask the guards for a run and do it on this machine, or go on with one that was broken off here.
    Run(Box<run::RunArguments>),
    /// List runs, and requests that were refused.
    List(list::ListArguments),
    /// Show a run with its lineage, stages and the gate's numbers.
    Show(ShowArguments),
    /// End a run that nobody works on any more, or that should not go on.
    Stop(StopArguments),
    /// Print the definition of a SageMaker pipeline that retrains, or put it there.
    Pipeline(pipeline::PipelineArguments),
    /// One step of a run, as a pipeline's containers do it.
    Step(step::StepArguments),
}

/// Where runs are written down.
#[derive(Args, Clone, Debug)]
struct PlaceArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Where registered models' files lie: a folder, or s3:BUCKET (default: LINKCAST_MODELS, or models beside the database).
    #[arg(long, value_name = "PLACE")]
    models: Option<FolderPlace>,
}

/// Which run.
#[derive(Args, Clone, Debug)]
struct ShowArguments {
    /// The time it was begun: RFC 3339 or epoch milliseconds, as `linkcast retrain list` prints it.
    #[arg(value_name = "RUN")]
    run: Timestamp,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Which run is stopped, and why.
#[derive(Args, Clone, Debug)]
struct StopArguments {
    /// The time it was begun: RFC 3339 or epoch milliseconds.
    #[arg(value_name = "RUN")]
    run: Timestamp,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Runs it.
pub(crate) fn execute(arguments: &RetrainArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        RetrainCommand::Run(arguments) => run::execute(arguments, session),
        RetrainCommand::List(arguments) => list::execute(arguments, session),
        RetrainCommand::Show(arguments) => show(arguments, session),
        RetrainCommand::Stop(arguments) => stop(arguments, session),
        RetrainCommand::Pipeline(arguments) => pipeline::execute(arguments, session),
        RetrainCommand::Step(arguments) => step::execute(arguments, session),
    }
}

impl PlaceArguments {
    /// The registry there; a file must be there already.
    fn open(&self, session: &Session<'_>) -> Result<Models, Failure> {
        let configuration = session.configuration;
        let place = self.database.place(configuration).ok_or_else(database::unnamed)?;
        let store = database::open_place(&place, configuration)?;
        Models::new(store, &place, self.models.as_ref(), configuration)
    }
}

fn show(arguments: &ShowArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.place.open(session)?;
    let desk = desk(&models, &session.configuration.fabric, GuardSettings::default());
    let run = ready(desk.run(arguments.run)).map_err(refused)?.ok_or_else(|| unknown(arguments.run))?;
    list::tell(&run, session)
}

fn stop(arguments: &StopArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.place.open(session)?;
    let desk = desk(&models, &session.configuration.fabric, GuardSettings::default());
    let found = ready(desk.run(arguments.run)).map_err(refused)?.ok_or_else(|| unknown(arguments.run))?;
    if let Some(Trainer::SagemakerPipeline { execution }) =
        found.trainer.as_ref().filter(|_| !found.stage().is_end())
    {
        let platform = SageMakerPipelines::new(&store::connect()?, SystemClock);
        ready(platform.stop_execution(execution)).map_err(|error| {
            Failure::new(ExitKind::Machine, error).with_next_step("the run is not stopped: call again")
        })?;
    }
    let event = RunEvent::Stopped(format!("{}: {}", session.configuration.user, arguments.because));
    let run = ready(desk.advance(arguments.run, &event, SystemClock.now())).map_err(refused)?;
    list::tell(&run.ok_or_else(|| unknown(arguments.run))?, session)
}

fn unknown(run: Timestamp) -> Failure {
    Failure::new(ExitKind::UnusableInput, format!("no run was begun at {run}"))
        .with_next_step("see `linkcast retrain list`")
}

/// The run of a time, which must be there and not have ended.
fn going(run: Timestamp, models: &Models, session: &Session<'_>) -> Result<Run, Failure> {
    let desk = desk(models, &session.configuration.fabric, GuardSettings::default());
    let found = ready(desk.run(run)).map_err(refused)?.ok_or_else(|| unknown(run))?;
    if found.stage().is_end() {
        let told = format!("the run of {run} is {} and does not go on", found.stage().name());
        return Err(Failure::new(ExitKind::Refused, told));
    }
    Ok(found)
}
