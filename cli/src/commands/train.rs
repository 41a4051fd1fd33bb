//! `linkcast train`: a model from telemetry whose truth is known.
//!
//! With `--simulate` and nothing else it remakes the shipped model bit for bit: every number that decides the result
//! is a default here or in the training room, and neither the clock nor the number of threads is among them.

use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_features::Calendar;
use linkcast_simulator::{BenignRates, FabricPlan, FaultRate, Selection};
use linkcast_training::{TrainedModel, TrainingConfig, TrainingEvent, TrainingSet, train};

use super::Session;
use crate::capture::{Reader, SampleMaker, Timeline, find_files};
use crate::exit::{ExitKind, Failure};
use crate::learning::{RowCollector, Thinning, read_truth, simulated_rows};
use crate::output::Form;
use crate::progress::Progress;

/// Train a model.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast train --simulate --out model/\n  linkcast simulate --ports 4000 --hours 48 --fault-rate 5e-4 --out fabric/\n  linkcast train --data fabric/ --out model/\n  linkcast predict --model model/ capture/"
)]
pub(crate) struct TrainArguments {
    /// A folder that `linkcast simulate` wrote: telemetry, and the truth beside it.
    #[arg(long, value_name = "DIR", required_unless_present = "simulate", conflicts_with = "simulate")]
    data: Option<PathBuf>,
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

const THINNING: Thinning = Thinning { faulty: 4, benign: 6, quiet: 60 };

/// Trains and writes the model.
pub(crate) fn execute(arguments: &TrainArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    make_folder(&arguments.out)?;
    let set = match &arguments.data {
        Some(folder) => recorded_rows(folder, session)?,
        None => rows_of_simulation(arguments, session)?,
    };
    let config = config(arguments);
    let model = grow(&set, &config, session)?;
    write(&model, &arguments.out)?;
    tell(&model, &set, arguments, session)
}

fn rows_of_simulation(arguments: &TrainArguments, session: &Session<'_>) -> Result<TrainingSet, Failure> {
    let plan = FabricPlan {
        seed: arguments.seed,
        ports: arguments.ports,
        hours: arguments.hours,
        faults: FaultRate::PerPortHour(arguments.fault_rate),
        benign: BenignRates::REALISTIC.times(arguments.benign_factor),
        selection: SHIPPED_SELECTION,
        ..FabricPlan::default()
    };
    let mut progress = Progress::new(session.notes, "simulating", Some(plan.sweeps()));
    let rows = simulated_rows(plan, THINNING, &mut progress)?;
    drop(progress);
    session.notes.inform(format!(
        "{} synthetic samples with {} faults gave {} rows",
        rows.samples,
        rows.faults,
        rows.set.len()
    ));
    Ok(rows.set)
}

fn recorded_rows(folder: &Path, session: &Session<'_>) -> Result<TrainingSet, Failure> {
    let episodes = read_truth(folder)?;
    let mut collector = RowCollector::new(&episodes, Calendar::utc(), THINNING);
    let files = find_files(&[folder.to_owned()])?;
    let mut timeline = Timeline::new(&files, Reader::default());
    let mut maker = SampleMaker::new(timeline.reader().topology());
    let mut progress = Progress::new(session.notes, "reading", None);
    while let Some(instant) = timeline.next_instant() {
        instant.ports.into_iter().for_each(|(stream, facts)| maker.learn(&stream, facts));
        let made = instant.readings.iter().filter_map(|reading| maker.sample(reading));
        for sample in made.chain(instant.samples) {
            collector.take(&sample, 1.0).map_err(|error| Failure::new(ExitKind::UnusableInput, error))?;
        }
        progress.advance(1);
    }
    Ok(collector.finish())
}

fn config(arguments: &TrainArguments) -> TrainingConfig {
    let mut config = TrainingConfig { threads: arguments.threads, ..TrainingConfig::default() };
    if let Some(version) = &arguments.version {
        config.version.clone_from(version);
    }
    config
}

fn grow(set: &TrainingSet, config: &TrainingConfig, session: &Session<'_>) -> Result<TrainedModel, Failure> {
    let notes = session.notes;
    let mut tell = move |event: TrainingEvent| {
        match event {
            TrainingEvent::Split { fit, held_out, left_out } => {
                notes.inform(format!("rows: {fit} fit, {held_out} held out, {left_out} on neither side"));
            }
            TrainingEvent::Round { forest, round, most, loss } if round % 10 == 0 || round == most => {
                notes.inform(format!("{forest}: round {round} of at most {most}, loss {loss:.5}"));
            }
            TrainingEvent::Round { .. } => {}
            TrainingEvent::Calibrated { before, after } => {
                notes.inform(format!("calibration error: {before:.4} before, {after:.4} after"));
            }
            TrainingEvent::ParityHolds { rows } => {
                notes.inform(format!("the exported model says what the trainer says on {rows} rows"));
            }
        }
        ControlFlow::Continue(())
    };
    train(set, config, &mut tell).map_err(|error| {
        Failure::new(ExitKind::UnusableInput, error)
            .with_next_step("give more hours, ports or faults, so that every part has rows of every class")
    })
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::new(ExitKind::Machine, format!("making the folder {}: {error}", folder.display()))
    })
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

fn tell(
    model: &TrainedModel,
    set: &TrainingSet,
    arguments: &TrainArguments,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let out = arguments.out.display();
    match session.form {
        Form::JsonLines => session.output.json(model.card())?,
        Form::Text => session.output.line(&format!(
            "model {} trained on {} rows: {out}\nits figures stand in {out}/MODEL_CARD.md",
            model.card().model_version,
            set.len()
        ))?,
    }
    Ok(())
}
