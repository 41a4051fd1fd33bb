//! `linkcast train`: a model from telemetry whose truth is known.
//!
//! With `--search` it first looks for better settings and keeps what it finds beside the model, so that an interrupted
//! search goes on; with `--forecast` the model gets heads that say how likely a link fails. docs/TRAINING.md tells of both.
//! With `--task` the settings, and whether SageMaker trains, are the task's (docs/EXCHANGE.md).
//!
//! With `--simulate` and nothing else it remakes the shipped model bit for bit: every number that decides the result
//! is a default here or in the training room, and neither the clock nor the number of threads is among them.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_domain::PredictionType;
use linkcast_simulator::{BenignRates, FabricPlan, FaultRate, Selection};
use linkcast_training::search::{Journal, SearchHeader, SearchReport, SearchSettings, search};
use linkcast_training::task::{Platform, SageMakerSettings, Task};
use linkcast_training::{Additions, TrainedModel, TrainingConfig, TrainingError, TrainingSet, train_with};

use super::{Session, task};
use crate::configuration::code_revision;
use crate::exchange::make_folder;
use crate::exit::{ExitKind, Failure};
use crate::labelled::labelled_rows;
use crate::learning::{
    CollectedRows, FailureRows, JournalFile, Telling, Thinning, simulated_rows, tell_trained,
};
use crate::progress::Progress;

/// Train a model.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast train --simulate --out model/\n  linkcast train --simulate --search --trials 20 --out model/\n  linkcast train --simulate --forecast --hours 72 --out model/\n  linkcast simulate --ports 4000 --hours 48 --fault-rate 5e-4 --out fabric/\n  linkcast train --data fabric/ --out model/\n  linkcast train --dataset dataset/ --out model/\n  linkcast train --dataset dataset/ --task task.yaml --out model/\n  linkcast predict --model model/ capture/"
)]
pub(crate) struct TrainArguments {
    /// A folder that `linkcast simulate` wrote: telemetry, and the truth beside it.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["simulate", "dataset"], conflicts_with = "simulate")]
    data: Option<PathBuf>,
    /// A data set that `linkcast dataset build` made; its split is kept.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["simulate", "data"])]
    dataset: Option<PathBuf>,
    /// Simulate the telemetry in memory instead.
    #[arg(long)]
    simulate: bool,
    /// Where the model's files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version that the model's insights will name.
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
    /// Ports of the simulated fabric.
    #[arg(long, value_name = "N", default_value_t = SHIPPED.ports, requires = "simulate")]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = SHIPPED.hours, requires = "simulate")]
    hours: f64,
    /// The simulation's seed.
    #[arg(long, value_name = "S", default_value_t = SHIPPED.seed, requires = "simulate")]
    seed: u64,
    /// Faults in one port's hour.
    #[arg(long, value_name = "RATE", default_value_t = SHIPPED.fault_rate, requires = "simulate")]
    fault_rate: f64,
    /// How much more often than usual harmless look-alikes happen.
    #[arg(long, value_name = "FACTOR", default_value_t = SHIPPED.benign_factor, requires = "simulate")]
    benign_factor: f64,
    /// Look for better settings of the classifier first; DIR/trials.jsonl keeps what is found, and the same command goes
    /// on where it was interrupted.
    #[arg(long)]
    search: bool,
    /// Settings that the search draws, beside the baseline and the other family.
    #[arg(long, value_name = "N", default_value_t = SearchSettings::default().trials, requires = "search")]
    trials: usize,
    /// Folds of stream groups that each candidate is judged by.
    #[arg(long, value_name = "K", default_value_t = SearchSettings::default().folds, requires = "search")]
    folds: usize,
    /// Also forecast whether a link fails within an hour and within a day.
    #[arg(long)]
    forecast: bool,
    /// Train as this task says, on its platform (see `linkcast task check --help`).
    #[arg(long, value_name = "FILE")]
    task: Option<PathBuf>,
    /// The revision of this program's code, for the model's card (default: LINKCAST_CODE_REVISION, or none is said).
    #[arg(long, value_name = "REVISION", value_parser = code_revision)]
    code_revision: Option<String>,
    /// Threads; the result does not depend on them.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// What the shipped model is trained on.
struct ShippedFabric {
    ports: usize,
    hours: f64,
    seed: u64,
    fault_rate: f64,
    benign_factor: f64,
}

const SHIPPED: ShippedFabric =
    ShippedFabric { ports: 8_000, hours: 30.0, seed: 2_026, fault_rate: 0.01, benign_factor: 10.0 };

/// Of ports without a fault, the shares that are read: each stands for the others like it.
const SHIPPED_SELECTION: Selection = Selection::Stratum { benign_share: 0.3, quiet_share: 0.1 };

/// The share of links that run below their capability since they were installed: fifty times life's, as in life a training
/// fabric has none of them on one side of its split.
const TAUGHT_BELOW_CAPABILITY: f64 = 0.01;

/// How often each type of fault is taught, in the order of the classes. More often than in life are those that are told from
/// each other by their degree alone: degradations, latencies, throttling, and what only looks odd.
const TAUGHT_MIX: [f64; PredictionType::COUNT] = [0.0, 2.0, 2.4, 0.8, 1.8, 1.5, 1.0, 1.0, 0.8, 0.6, 0.9];

/// Trains and writes the model.
pub(crate) fn execute(arguments: &TrainArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    make_folder(&arguments.out)?;
    let task = arguments.task.as_deref().map(task::read).transpose()?;
    refuse_additions_elsewhere(arguments, task.as_ref())?;
    let mut config = config(arguments, task.as_ref(), session);
    let rows = if arguments.simulate {
        rows_of_simulation(arguments, session)?
    } else {
        let places = (arguments.data.as_deref(), arguments.dataset.as_deref());
        labelled_rows(places, failure_rows(arguments), &mut config, session.notes)?
    };
    if let Some(Task { platform: Platform::SageMaker(settings), .. }) = &task {
        return elsewhere(&rows.set, &config, settings, arguments, session);
    }
    let found = match arguments.search {
        true => Some(look(&rows.set, &config, arguments, session)?),
        false => None,
    };
    let config = found.as_ref().map_or(config.clone(), |report| report.applied_to(&config));
    let additions = Additions { search: found.as_ref(), failures: rows.failures.as_ref() };
    let mut telling = Telling::new(session.notes);
    let model = train_with(&rows.set, &config, additions, &mut telling).map_err(refused)?;
    write(&model, &arguments.out)?;
    tell_trained(&model, found.as_ref(), &arguments.out, session)
}

/// What SageMaker's image cannot do is refused before any row is read.
fn refuse_additions_elsewhere(arguments: &TrainArguments, task: Option<&Task>) -> Result<(), Failure> {
    let is_elsewhere = task.is_some_and(|task| matches!(task.platform, Platform::SageMaker(_)));
    if is_elsewhere && (arguments.search || arguments.forecast) {
        let told = "the task's platform is sagemaker, which neither searches nor forecasts";
        return Err(Failure::new(ExitKind::WrongUse, told)
            .with_next_step("leave --search and --forecast out, or make the platform local"));
    }
    Ok(())
}

/// Has SageMaker train, as the task says, and takes its models over.
fn elsewhere(
    set: &TrainingSet,
    config: &TrainingConfig,
    settings: &SageMakerSettings,
    arguments: &TrainArguments,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let model = task::on_sagemaker(config, settings, set, &arguments.out, session)?;
    write(&model, &arguments.out)?;
    tell_trained(&model, None, &arguments.out, session)
}

/// Searches for settings, going on with what an interrupted search left in the model's folder.
fn look(
    set: &TrainingSet,
    config: &TrainingConfig,
    arguments: &TrainArguments,
    session: &Session<'_>,
) -> Result<SearchReport, Failure> {
    let settings =
        SearchSettings { trials: arguments.trials, folds: arguments.folds, ..SearchSettings::default() };
    let mut journal = JournalFile::open(&arguments.out, SearchHeader::of(set, config, &settings))?;
    if !journal.finished().is_empty() {
        session.notes.inform(format!("{} finished trials are taken over", journal.finished().len()));
    }
    let report = search(set, config, &settings, &mut journal, &mut Telling::new(session.notes));
    let report = report.map_err(refused)?;
    journal.settle()?;
    Ok(report)
}

fn refused(error: TrainingError) -> Failure {
    match error {
        TrainingError::BadSetting { .. } => Failure::new(ExitKind::WrongUse, error),
        TrainingError::Record(_) => Failure::new(ExitKind::Machine, error),
        _ => Failure::new(ExitKind::UnusableInput, error)
            .with_next_step("give more hours, ports or faults, so that every part has rows of every class"),
    }
}

fn failure_rows(arguments: &TrainArguments) -> FailureRows {
    if arguments.forecast { FailureRows::Collected } else { FailureRows::None }
}

fn rows_of_simulation(arguments: &TrainArguments, session: &Session<'_>) -> Result<CollectedRows, Failure> {
    let plan = FabricPlan {
        seed: arguments.seed,
        ports: arguments.ports,
        hours: arguments.hours,
        faults: FaultRate::PerPortHour(arguments.fault_rate),
        benign: BenignRates::REALISTIC.times(arguments.benign_factor),
        selection: SHIPPED_SELECTION,
        below_capability_share: TAUGHT_BELOW_CAPABILITY,
        fault_mix: TAUGHT_MIX,
        ..FabricPlan::default()
    };
    let mut progress = Progress::new(session.notes, "simulating", Some(plan.sweeps()));
    let rows = simulated_rows(plan, Thinning::SHIPPED, failure_rows(arguments), &mut progress)?;
    drop(progress);
    session.notes.inform(format!(
        "{} synthetic samples with {} faults gave {} rows",
        rows.samples,
        rows.faults,
        rows.rows.set.len()
    ));
    Ok(rows.rows)
}

fn config(arguments: &TrainArguments, task: Option<&Task>, session: &Session<'_>) -> TrainingConfig {
    let of_task = task.map(|task| task.config.clone()).unwrap_or_default();
    let mut config = TrainingConfig { threads: arguments.threads, ..of_task };
    if let Some(version) = &arguments.version {
        config.version.clone_from(version);
    }
    let told = arguments.code_revision.as_ref().or(session.configuration.code_revision.as_ref());
    config.origin.code_revision = told.cloned();
    config
}

fn write(model: &TrainedModel, folder: &Path) -> Result<(), Failure> {
    for file in model.files() {
        let path = folder.join(file.name);
        fs::write(&path, &file.bytes).map_err(|error| {
            Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display()))
        })?;
    }
    Ok(())
}
