//! `linkcast export-rows`: labelled rows for a trainer elsewhere, and what it should be told.
//!
//! Whoever trains on them sees the rows, weights and settings that training here would use, and none of the rows that
//! `linkcast import` calibrates and judges by.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_training::{Aim, Channel, Lessons, TrainingConfig, hyperparameters};
use serde_json::json;

use super::Session;
use crate::exchange::{make_folder, write};
use crate::exit::{ExitKind, Failure};
use crate::labelled::labelled_rows;
use crate::learning::FailureRows;
use crate::output::Form;

/// Write labelled rows as CSV for a trainer elsewhere.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast export-rows --data fabric/ --out rows/\n  linkcast export-rows --dataset dataset/ --out rows/\n  linkcast import --classifier classifier.json --data fabric/ --out model/\n\nFor the classifier and for the regressor: train.csv, validation.csv and hyperparameters.json, in SageMaker's words.\nNo header; the label, its weight, and the forty features, an absent one as nothing."
)]
pub(crate) struct ExportRowsArguments {
    /// A folder that `linkcast simulate` wrote: telemetry, and the truth beside it.
    #[arg(long, value_name = "DIR", required_unless_present = "dataset")]
    data: Option<PathBuf>,
    /// A data set that `linkcast dataset build` made; its split is kept.
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    dataset: Option<PathBuf>,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes them.
pub(crate) fn execute(arguments: &ExportRowsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut config = TrainingConfig::default();
    let places = (arguments.data.as_deref(), arguments.dataset.as_deref());
    let set = labelled_rows(places, FailureRows::None, &mut config, session.notes)?.set;
    let lessons = Lessons::of(&set, &config).map_err(|error| Failure::new(ExitKind::UnusableInput, error))?;
    for aim in Aim::ALL {
        let folder = arguments.out.join(aim.name());
        make_folder(&folder)?;
        let told = hyperparameters(aim, &config);
        let told =
            serde_json::to_vec_pretty(&told).map_err(|error| Failure::new(ExitKind::Machine, error))?;
        write(&folder.join("hyperparameters.json"), &told)?;
        for channel in Channel::ALL {
            let path = folder.join(format!("{}.csv", channel.name()));
            let rows = write_rows(&lessons, aim, channel, &path).map_err(|error| {
                Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display()))
            })?;
            match session.form {
                Form::JsonLines => session.output.json(&json!({"file": path, "rows": rows}))?,
                Form::Text => session.output.line(&format!("{}: {rows} rows", path.display()))?,
            }
        }
    }
    Ok(())
}

fn write_rows(lessons: &Lessons, aim: Aim, channel: Channel, path: &Path) -> std::io::Result<usize> {
    let mut file = BufWriter::new(File::create(path)?);
    let rows = lessons.write(aim, channel, &mut file)?;
    file.flush()?;
    Ok(rows)
}
