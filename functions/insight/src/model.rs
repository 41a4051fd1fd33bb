//! The model that judges: the one inside this binary, or one in a folder beside it.

use std::fs;
use std::path::Path;

use linkcast_scoring::{Model, ModelError, ModelFiles};

const INSIDE: ModelFiles<'static> = ModelFiles {
    classifier_onnx: include_bytes!("../../../models/link-health/classifier.onnx"),
    regressor_onnx: include_bytes!("../../../models/link-health/regressor.onnx"),
    packed: Some(include_bytes!("../../../models/link-health/model.packed")),
    card_json: include_bytes!("../../../models/link-health/card.json"),
};

pub(crate) fn load(folder: Option<&str>) -> Result<Model, ModelError> {
    match folder {
        Some(folder) => Model::in_folder(Path::new(folder), |file| fs::read(file)),
        None => Model::inside("this binary", &INSIDE),
    }
}
