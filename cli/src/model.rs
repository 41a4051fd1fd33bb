//! The model that judges: the one shipped inside this program, or one in a folder.
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
        Failure::new(ExitKind::Model, error).with_next_step(
            "train a model for this version with `linkcast train --simulate --out DIR`, or leave --model out",
        )
    }
}

/// The model in `folder`, or the shipped one.
pub(crate) fn load(folder: Option<&Path>) -> Result<Model, ModelError> {
    match folder {
        Some(folder) => from_folder(folder),
        None => shipped(),
    }
}

fn from_folder(folder: &Path) -> Result<Model, ModelError> {
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

/// The shipped model, which travels inside the program.
fn shipped() -> Result<Model, ModelError> {
    const FILES: ModelFiles<'static> = ModelFiles {
        classifier_onnx: include_bytes!("../../models/link-health/classifier.onnx"),
        regressor_onnx: include_bytes!("../../models/link-health/regressor.onnx"),
        packed: Some(include_bytes!("../../models/link-health/model.packed")),
        card_json: include_bytes!("../../models/link-health/card.json"),
    };
    load_files(&FILES, "this program".into())
}
