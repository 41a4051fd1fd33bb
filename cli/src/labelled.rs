//! Labelled rows, from wherever a command that trains or takes models over is told to have them.
//!
//! A recorded simulation is folded here and now; a data set was folded when it was built, brings its split along, and is
//! named in the card of every model that is made of it.

use std::path::Path;

use linkcast_training::TrainingConfig;

use crate::dataset::{read_dataset, read_manifest};
use crate::exit::{ExitKind, Failure};
use crate::learning::{CollectedRows, FailureRows, recorded_rows};
use crate::output::Notes;
use crate::progress::Progress;

/// The rows of the folder `data`, or of the data set `dataset`, which `config` will say the model comes from.
pub(crate) fn labelled_rows(
    (data, dataset): (Option<&Path>, Option<&Path>),
    failures: FailureRows,
    config: &mut TrainingConfig,
    notes: Notes,
) -> Result<CollectedRows, Failure> {
    match (data, dataset) {
        (Some(folder), _) => recorded_rows(folder, failures, notes),
        (None, Some(folder)) => rows_of_dataset(folder, failures, config, notes),
        (None, None) => {
            let told = "no labelled rows are named: expected --data DIR or --dataset DIR";
            Err(Failure::new(ExitKind::WrongUse, told))
        }
    }
}

fn rows_of_dataset(
    folder: &Path,
    failures: FailureRows,
    config: &mut TrainingConfig,
    notes: Notes,
) -> Result<CollectedRows, Failure> {
    let manifest = read_manifest(folder)?;
    let mut progress = Progress::new(notes, "reading", Some(manifest.files.len() as u64));
    let set = read_dataset(folder, &manifest, &mut progress)?;
    drop(progress);
    config.data_source = manifest.described();
    config.origin.data_version = Some(manifest.version);
    let failures = (failures == FailureRows::Collected).then(|| set.clone());
    Ok(CollectedRows { set, failures })
}
