//! The model that judges, from a folder.
//!
//! Scoring reads no files; this reads them and says which one was at fault.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use linkcast_scoring::{
    CARD_FILE, CLASSIFIER_FILE, LoadError, Model, ModelFiles, PACKED_FILE, REGRESSOR_FILE,
};

use crate::exit::{ExitKind, Failure};

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModelError {
    /// No folder was given.
    #[error("no model named: expected --model DIR")]
    Unnamed,
    /// A file is missing or unreadable.
    #[error("reading the model file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The files are no model that this program can serve.
    #[error("loading the model in {place}")]
    Load {
        /// Where.
        place: String,
        /// What is wrong.
        #[source]
        source: LoadError,
    },
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Failure::new(ExitKind::Model, error)
            .with_next_step("train a model for this version with `linkcast train --simulate --out DIR`")
    }
}

/// The model in `folder`.
pub(crate) fn load(folder: Option<&Path>) -> Result<Model, ModelError> {
    let folder = folder.ok_or(ModelError::Unnamed)?;
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|source| ModelError::File { path, source })
    };
    let packed = match read(PACKED_FILE) {
        Err(ModelError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        other => Some(other?),
    };
    let (classifier, regressor, card) = (read(CLASSIFIER_FILE)?, read(REGRESSOR_FILE)?, read(CARD_FILE)?);
    let files = ModelFiles {
        classifier_onnx: &classifier,
        regressor_onnx: &regressor,
        packed: packed.as_deref(),
        card_json: &card,
    };
    load_files(&files, folder.display().to_string())
}

fn load_files(files: &ModelFiles<'_>, place: String) -> Result<Model, ModelError> {
    Model::load(files).map_err(|source| ModelError::Load { place, source })
}
