//! The model of a run: trained into a folder that is named once it is whole, or unpacked from a job's archive.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use linkcast_domain::ports::FolderFile;
use linkcast_training::{TrainingConfig, train};

use super::data::Prepared;
use crate::commands::Session;
use crate::exchange::{make_folder, write};
use crate::exit::{ExitKind, Failure};
use crate::labelled::labelled_rows;
use crate::learning::{FailureRows, Telling};
use crate::registry::read_folder;

/// What a training job leaves.
const ARCHIVE: &str = "model.tar.gz";

/// Trains on the data set into `folder`; a folder that is there is whole.
pub(crate) fn train_candidate(
    data: &Prepared,
    config: &TrainingConfig,
    folder: &Path,
    session: &Session<'_>,
) -> Result<Vec<FolderFile>, Failure> {
    if folder.exists() {
        session.notes.inform("the model was trained before");
        return read_folder(folder);
    }
    let mut config = config.clone();
    let rows = labelled_rows((None, Some(&data.folder)), FailureRows::None, &mut config, session.notes)?;
    let model = train(&rows.set, &config, &mut Telling::new(session.notes)).map_err(|error| {
        Failure::new(ExitKind::UnusableInput, error).with_next_step(
            "take more history with --last, so that every part has rows of normal and of a fault",
        )
    })?;
    let staged = folder.with_extension("part");
    make_folder(&staged)?;
    for file in model.files() {
        write(&staged.join(file.name), &file.bytes)?;
    }
    fs::rename(&staged, folder)
        .map_err(|error| Failure::new(ExitKind::Machine, format!("writing {}: {error}", folder.display())))?;
    read_folder(folder)
}

/// The model's files in `folder`: as they are, or in the archive that a training job left there.
pub(crate) fn open_candidate(folder: &Path) -> Result<Vec<FolderFile>, Failure> {
    let archive = folder.join(ARCHIVE);
    if !archive.is_file() {
        return read_folder(folder);
    }
    let failed = |error: std::io::Error| {
        Failure::new(ExitKind::UnusableInput, format!("reading {}: {error}", archive.display()))
    };
    let out = tempfile::tempdir().map_err(failed)?;
    let mut files = tar::Archive::new(GzDecoder::new(File::open(&archive).map_err(failed)?));
    for entry in files.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.into_owned();
        // Flat files alone: a model's folder has no folders, and nothing is written anywhere else.
        if let Some(name) = flat(&path).filter(|_| entry.header().entry_type().is_file()) {
            entry.unpack(out.path().join(name)).map_err(failed)?;
        }
    }
    read_folder(out.path())
}

fn flat(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let above = path.parent()?;
    (above == Path::new("") || above == Path::new(".")).then(|| name.into())
}
