//! `linkcast retrain step`: one step of a run, as the containers of a pipeline do it.
//!
//! Each reads what the step before left in a folder and writes the run's record itself, so that what is known of a run does not
//! depend on which events arrive. Done again, a step changes nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::retraining::{Candidate, DataFacts, GuardSettings, RunEvent};
use linkcast_training::dataset::Thinning;

use super::{PlaceArguments, Session, going, list, unknown};
use crate::database::ready;
use crate::dataset::read_manifest;
use crate::exit::{ExitKind, Failure, chain};
use crate::interval::Interval;
use crate::registry::Models;
use crate::retraining::{
    Evaluation, FrozenSet, Prepared, Preparing, desk, judge, live_model, open_candidate, prepare,
    read_evaluation, refused, register, write_evaluation,
};

/// One step of a run, as a pipeline's containers do it.
#[derive(Args, Debug)]
pub(super) struct StepArguments {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Make the run's data set.
    Prepare(PrepareArguments),
    /// Hold its model against the live one.
    Judge(JudgeArguments),
    /// Register the model, and make it the candidate if it is better.
    Register(RegisterArguments),
}

/// Whose step.
#[derive(Args, Debug)]
struct OfRun {
    /// The time the run was begun: RFC 3339 or epoch milliseconds.
    #[arg(long, value_name = "RUN")]
    run: Timestamp,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Make the run's data set.
#[derive(Args, Debug)]
struct PrepareArguments {
    #[command(flatten)]
    of: OfRun,
    /// How much of the store's history is taken.
    #[arg(long, value_name = "LENGTH", default_value = "30d")]
    last: Interval,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Hold its model against the live one.
#[derive(Args, Debug)]
struct JudgeArguments {
    #[command(flatten)]
    of: OfRun,
    /// The data set.
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    /// The model's folder, or one with the model.tar.gz of a training job.
    #[arg(long, value_name = "DIR")]
    candidate: PathBuf,
    /// Where evaluation.json goes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Register the model, and make it the candidate if it is better.
#[derive(Args, Debug)]
struct RegisterArguments {
    #[command(flatten)]
    of: OfRun,
    /// The model's folder, or one with the model.tar.gz of a training job.
    #[arg(long, value_name = "DIR")]
    candidate: PathBuf,
    /// Where evaluation.json is.
    #[arg(long, value_name = "DIR")]
    evaluation: PathBuf,
}

pub(super) fn execute(arguments: &StepArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.step {
        Step::Prepare(arguments) => make(arguments, session),
        Step::Judge(arguments) => hold(arguments, session),
        Step::Register(arguments) => hand_over(arguments, session),
    }
}

fn make(arguments: &PrepareArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.of.place.open(session)?;
    let run = going(arguments.of.run, &models, session)?;
    let folder = tempfile::tempdir().map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let preparing = Preparing {
        history: None,
        truth: None,
        reviews: None,
        last: arguments.last.duration(),
        thinning: Thinning::default(),
        until: run.run,
        folder: folder.path(),
        out: Some(&arguments.out),
    };
    let data = prepare(&preparing, &models, session)?;
    let live = live_model(&models, session)?.version;
    let code_revision = session.configuration.code_revision.clone();
    tell(run.run, &RunEvent::Prepared { data: data.facts, live: Some(live), code_revision }, &models, session)
}

fn hold(arguments: &JudgeArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.of.place.open(session)?;
    let run = going(arguments.of.run, &models, session)?;
    let files = open_candidate(&arguments.candidate)?;
    let model = linkcast_training::registry::load(&files)
        .map_err(|error| Failure::new(ExitKind::Model, chain(&error)))?;
    let folder = tempfile::tempdir().map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let frozen = FrozenSet::pinned(&models, folder.path())?;
    let manifest = read_manifest(&arguments.dataset)?;
    let facts = DataFacts {
        version: manifest.version.clone(),
        digest: manifest.digest.clone(),
        until: run.data.as_ref().map_or(run.run, |data| data.until),
        frozen: frozen.as_ref().map(|frozen| frozen.digest().to_owned()),
    };
    let data = Prepared { folder: arguments.dataset.clone(), manifest, frozen, facts };
    let live = live_model(&models, session)?;
    let named = crate::retraining::named(&files)?;
    let evaluation: Evaluation = judge((&model, named), &live, &data, session.notes)?;
    write_evaluation(&evaluation, &arguments.out)?;
    let (candidate, verdict): (Candidate, _) = (evaluation.candidate, evaluation.verdict);
    tell(run.run, &RunEvent::Judged { candidate, verdict }, &models, session)
}

fn hand_over(arguments: &RegisterArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.of.place.open(session)?;
    let run = going(arguments.of.run, &models, session)?;
    let files = open_candidate(&arguments.candidate)?;
    let evaluation = read_evaluation(&arguments.evaluation)?;
    let code_revision = session.configuration.code_revision.clone();
    register(run.run, &files, &evaluation, code_revision, &models)?;
    tell(run.run, &RunEvent::Registered, &models, session)
}

fn tell(run: Timestamp, event: &RunEvent, models: &Models, session: &mut Session<'_>) -> Result<(), Failure> {
    let desk = desk(models, &session.configuration.fabric, GuardSettings::default());
    let found = ready(desk.advance(run, event, SystemClock.now())).map_err(refused)?;
    list::tell(&found.ok_or_else(|| unknown(run))?, session)
}
