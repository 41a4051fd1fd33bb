//! A model file of XGBoost, as it lies on disk: plain, compressed, or the archive in which SageMaker hands models out.
//!
//! Recognised by content. An archive may hold the model anywhere; it is taken by its name, and neither it nor the archive may be
//! larger than a forest ever is. Nothing is unpacked to disk.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use linkcast_training::xgboost::{Booster, XgboostError};

use crate::capture::{ReadError, open};
use crate::exit::{ExitKind, Failure};

/// The most an archive and the model in it may hold, unpacked: some ten million nodes.
pub(crate) const LARGEST_MODEL_BYTES: u64 = 1 << 30;

/// What SageMaker's image calls the model in its archive.
const SAGEMAKER_NAME: &str = "xgboost-model";

/// Where a tar archive says that it is one.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// Why a file gave no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelFileError {
    /// Unreadable.
    #[error(transparent)]
    Read(ReadError),
    /// Beyond the bound.
    #[error("{} holds more than {LARGEST_MODEL_BYTES} bytes: expected a forest", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// An archive that breaks off.
    #[error("the archive {} is damaged", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
    /// An archive of other things.
    #[error("the archive {} holds {found}: expected {SAGEMAKER_NAME}, or one file that ends in .json or .ubj",
        path.display())]
    NoModel {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// No model of XGBoost, or one that cannot be taken over.
    #[error("{} cannot be taken over", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: XgboostError,
    },
}

impl From<ModelFileError> for Failure {
    fn from(error: ModelFileError) -> Self {
        match error {
            ModelFileError::Read(ReadError::Io { .. }) => Failure::new(ExitKind::Machine, error),
            _ => Failure::new(ExitKind::UnusableInput, error).with_next_step(
                "give what xgboost's save_model wrote (.json or .ubj), or SageMaker's model.tar.gz",
            ),
        }
    }
}

/// The model in the file at `path`.
pub(crate) fn read_booster(path: &Path) -> Result<Booster, ModelFileError> {
    let bytes = read_bounded(open(path).map_err(ModelFileError::Read)?, path)?;
    let (place, magic) = TAR_MAGIC;
    let is_archive = bytes.get(place..).is_some_and(|rest| rest.starts_with(magic));
    let model = if is_archive { in_archive(&bytes, path)? } else { bytes };
    Booster::read(&model).map_err(|source| ModelFileError::Model { path: path.to_owned(), source })
}

fn read_bounded(from: impl Read, path: &Path) -> Result<Vec<u8>, ModelFileError> {
    let mut bytes = Vec::new();
    let read = from.take(LARGEST_MODEL_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| ModelFileError::Read(ReadError::from_reading(path, source)))?;
    if bytes.len() as u64 > LARGEST_MODEL_BYTES {
        return Err(ModelFileError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// The model in an archive: the one of SageMaker's name, or the only one that a name tells.
fn in_archive(archive: &[u8], path: &Path) -> Result<Vec<u8>, ModelFileError> {
    let damaged = |source| ModelFileError::Archive { path: path.to_owned(), source };
    let mut names = Vec::new();
    let mut candidates = Vec::new();
    for entry in tar::Archive::new(archive).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(damaged)?.to_string_lossy().into_owned();
        let file_name = name.rsplit('/').next().unwrap_or_default();
        let is_model = file_name == SAGEMAKER_NAME;
        if is_model || file_name.ends_with(".json") || file_name.ends_with(".ubj") {
            // What an archive in memory holds cannot be larger than the archive.
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(damaged)?;
            if is_model {
                return Ok(bytes);
            }
            candidates.push(bytes);
        }
        names.push(name);
    }
    match (candidates.len(), candidates.pop()) {
        (1, Some(only)) => Ok(only),
        _ => Err(ModelFileError::NoModel {
            path: path.to_owned(),
            found: if names.is_empty() { "no file".to_owned() } else { names.join(", ") },
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Booster, ModelFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.tar.gz");
        fs::write(&path, bytes).unwrap();
        read_booster(&path)
    }

    const MODEL: &[u8] = include_bytes!("../../../training/src/xgboost/fixtures/softprob-3.2.0.ubj");

    #[test]
    fn a_model_is_found_plain_and_in_sagemakers_archive() {
        let plain = read(MODEL).unwrap();
        let named = archive(&[("checkpoints/xgboost-checkpoint.0", b"x"), ("./xgboost-model", MODEL)]);
        assert_eq!(read(&named).unwrap(), plain);
        assert_eq!(read(&archive(&[("model.ubj", MODEL)])).unwrap(), plain);
    }

    #[test]
    fn an_archive_without_a_model_names_what_it_holds() {
        let error = read(&archive(&[("readme.txt", b"x")])).unwrap_err().to_string();
        assert!(error.contains("holds readme.txt: expected xgboost-model"), "{error}");
        let two = archive(&[("a.ubj", MODEL), ("b.ubj", MODEL)]);
        assert!(matches!(read(&two), Err(ModelFileError::NoModel { .. })));
    }

    #[test]
    fn a_cut_archive_is_refused() {
        let whole = archive(&[("xgboost-model", MODEL)]);
        assert!(read(&whole[..whole.len() / 2]).is_err());
    }
}
