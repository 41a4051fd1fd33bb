//! A model read from its four files by name, wherever those lie.
//!
//! Reading is handed in, so that this crate does no IO and yet there is one rule of which file may be missing, and one
//! wording of which was at fault.

use std::io;
use std::path::{Path, PathBuf};

use crate::{CARD_FILE, CLASSIFIER_FILE, LoadError, Model, ModelFiles, PACKED_FILE, REGRESSOR_FILE};

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
    /// The files are no model that this program can serve.
    #[error("could not load the model in {place}")]
    Load {
        /// Where.
        place: String,
        /// What is wrong.
        #[source]
        source: LoadError,
    },
}

impl Model {
    /// The model in `folder`, its files read by `read`; the packed form may be missing.
    ///
    /// # Errors
    /// A file that cannot be read, or a model that cannot be served.
    pub fn in_folder(
        folder: &Path,
        read: impl Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Model, ModelError> {
        let read = |name: &str| {
            let path = folder.join(name);
            read(&path).map_err(|source| ModelError::File { path, source })
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
        let model = Model::inside(&folder.display().to_string(), &files)?;
        with_forecasts(model, folder, &read)
    }

    /// The model of `files`, which lie in `place`.
    ///
    /// # Errors
    /// A model that cannot be served.
    pub fn inside(place: &str, files: &ModelFiles<'_>) -> Result<Model, ModelError> {
        Model::load(files).map_err(|source| ModelError::Load { place: place.to_owned(), source })
    }
}

/// The model with the heads its card names; a program that reads no ONNX does without them.
#[cfg(feature = "onnx")]
fn with_forecasts(
    model: Model,
    folder: &Path,
    read: &impl Fn(&str) -> Result<Vec<u8>, ModelError>,
) -> Result<Model, ModelError> {
    let horizons: Vec<_> = model.card().forecast.iter().map(|head| head.horizon).collect();
    horizons.into_iter().try_fold(model, |model, horizon| {
        let onnx = read(horizon.file())?;
        model
            .with_forecast(horizon, &onnx)
            .map_err(|source| ModelError::Load { place: folder.display().to_string(), source })
    })
}

#[cfg(not(feature = "onnx"))]
fn with_forecasts(
    model: Model,
    _: &Path,
    _: &impl Fn(&str) -> Result<Vec<u8>, ModelError>,
) -> Result<Model, ModelError> {
    Ok(model)
}
