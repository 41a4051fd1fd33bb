//! The model that judges: the one shipped inside this program, one in a folder, or one that is registered.

use std::fs;
use std::path::Path;

use linkcast_scoring::{CARD_FILE, CLASSIFIER_FILE, Model, ModelError, ModelFiles, REGRESSOR_FILE};

use crate::configuration::Configuration;
use crate::database;
use crate::exit::{ExitKind, Failure};
use crate::registry::{ModelChoice, Models};
use crate::store::StorePlace;

/// The shipped model, which travels inside the program.
const SHIPPED: ModelFiles<'static> = ModelFiles {
    classifier_onnx: include_bytes!("../../models/link-health/classifier.onnx"),
    regressor_onnx: include_bytes!("../../models/link-health/regressor.onnx"),
    packed: Some(include_bytes!("../../models/link-health/model.packed")),
    card_json: include_bytes!("../../models/link-health/card.json"),
};

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Failure::new(ExitKind::Model, error).with_next_step(
            "train a model for this version with `linkcast train --simulate --out DIR`, or leave --model out",
        )
    }
}

/// The model chosen, or the shipped one. A registered one is looked for in `store`, or in the environment's database.
pub(crate) fn load(
    choice: Option<&ModelChoice>,
    store: Option<&StorePlace>,
    configuration: &Configuration,
) -> Result<Model, Failure> {
    match choice {
        None => Ok(Model::inside("this program", &SHIPPED)?),
        Some(ModelChoice::Folder(folder)) => Ok(Model::in_folder(folder, |file| fs::read(file))?),
        Some(ModelChoice::Registered(name)) => {
            let of_environment = configuration.database.clone().map(StorePlace::File);
            let place = store.cloned().or(of_environment).ok_or_else(database::unnamed)?;
            let models =
                Models::new(database::open_place(&place, configuration)?, &place, None, configuration)?;
            models.load(&models.find(name)?.0)
        }
    }
}

/// A model's files, read.
pub(crate) struct ReadFiles {
    classifier_onnx: Vec<u8>,
    regressor_onnx: Vec<u8>,
    card_json: Vec<u8>,
}

impl ReadFiles {
    /// As scoring takes them.
    pub(crate) fn borrowed(&self) -> ModelFiles<'_> {
        ModelFiles {
            classifier_onnx: &self.classifier_onnx,
            regressor_onnx: &self.regressor_onnx,
            packed: None,
            card_json: &self.card_json,
        }
    }
}

/// The files of the model in `folder`, or of the shipped one, once they are seen to be a sound model.
pub(crate) fn files(folder: Option<&Path>) -> Result<ReadFiles, ModelError> {
    let read = |name: &str, shipped: &[u8]| match folder {
        None => Ok(shipped.to_vec()),
        Some(folder) => {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| ModelError::File { path, source })
        }
    };
    let files = ReadFiles {
        classifier_onnx: read(CLASSIFIER_FILE, SHIPPED.classifier_onnx)?,
        regressor_onnx: read(REGRESSOR_FILE, SHIPPED.regressor_onnx)?,
        card_json: read(CARD_FILE, SHIPPED.card_json)?,
    };
    let place = folder.map_or_else(|| "this program".to_owned(), |folder| folder.display().to_string());
    Model::inside(&place, &files.borrowed())?;
    Ok(files)
}
