//! Models that come from elsewhere or go there, as files: what is read of them, and what is written for them.

mod jobs;
mod model_file;

pub(crate) use jobs::Jobs;
pub(crate) use model_file::read_booster;

use std::fs;
use std::path::Path;

use crate::exit::{ExitKind, Failure};

/// Makes a folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::new(ExitKind::Machine, format!("making the folder {}: {error}", folder.display()))
    })
}

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes)
        .map_err(|error| Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display())))
}
