//! The model that judges: the one shipped inside this program, or one in a folder.

use std::fs;
use std::path::Path;

use linkcast_scoring::{Model, ModelError, ModelFiles};

use crate::exit::{ExitKind, Failure};

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

/// The model in `folder`, or the shipped one.
pub(crate) fn load(folder: Option<&Path>) -> Result<Model, ModelError> {
    match folder {
        Some(folder) => Model::in_folder(folder, |file| fs::read(file)),
        None => Model::inside("this program", &SHIPPED),
    }
}
