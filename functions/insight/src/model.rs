//! The model that judges: the one inside this binary, or one in a folder beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use linkcast_scoring::{
    CARD_FILE, CLASSIFIER_FILE, LoadError, Model, ModelFiles, PACKED_FILE, REGRESSOR_FILE,
};

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is missing or unreadable.
    #[error("could not read the model file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The files are no model that this binary can serve.
    #[error("could not load the model in {place}")]
    Load {
        /// Where.
        place: String,
        /// What is wrong.
        #[source]
        source: LoadError,
    },
}

pub(crate) fn load(folder: Option<&str>) -> Result<Model, ModelError> {
    match folder {
        Some(folder) => from_folder(Path::new(folder)),
        None => load_files(&INSIDE, "this binary"),
    }
}

const INSIDE: ModelFiles<'static> = ModelFiles {
    classifier_onnx: include_bytes!("../../../models/link-health/classifier.onnx"),
    regressor_onnx: include_bytes!("../../../models/link-health/regressor.onnx"),
    packed: Some(include_bytes!("../../../models/link-health/model.packed")),
    card_json: include_bytes!("../../../models/link-health/card.json"),
};

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
    load_files(&files, &folder.display().to_string())
}

fn load_files(files: &ModelFiles<'_>, place: &str) -> Result<Model, ModelError> {
    Model::load(files).map_err(|source| ModelError::Load { place: place.to_owned(), source })
}
