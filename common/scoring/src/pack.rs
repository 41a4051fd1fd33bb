//! From the two ONNX files to the packed form: both are read, and their trees laid out over one table of thresholds.

use crate::card::digest;
use crate::forest::Forest;
use crate::graph::Graph;
use crate::packed::Packed;
use crate::ranks::Ranks;
use crate::{CLASSIFIER_FILE, LoadError, REGRESSOR_FILE};

/// Makes `model.packed` of the two ONNX files.
///
/// # Errors
/// When either cannot be scored.
pub fn pack(classifier_onnx: &[u8], regressor_onnx: &[u8]) -> Result<Vec<u8>, LoadError> {
    Ok(Packed::of(classifier_onnx, regressor_onnx)?.to_bytes())
}

impl Packed {
    /// Reads both ONNX files and lays out their trees over one table of thresholds.
    pub(crate) fn of(classifier_onnx: &[u8], regressor_onnx: &[u8]) -> Result<Self, LoadError> {
        let classifier = Graph::load(CLASSIFIER_FILE, classifier_onnx)?;
        let regressor = Graph::load(REGRESSOR_FILE, regressor_onnx)?;
        let (classifier, regressor) = (classifier.ensemble(), regressor.ensemble());
        let refused = |file| move |source| LoadError::Refused { file, source };
        let splits = classifier.splits().chain(regressor.splits());
        let ranks = Ranks::of(splits).map_err(refused(CLASSIFIER_FILE))?;
        Ok(Packed {
            classifier_digest: digest(classifier_onnx),
            regressor_digest: digest(regressor_onnx),
            classifier: Forest::pack(classifier, &ranks).map_err(refused(CLASSIFIER_FILE))?,
            regressor: Forest::pack(regressor, &ranks).map_err(refused(REGRESSOR_FILE))?,
            ranks,
        })
    }
}
