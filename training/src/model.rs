//! A model that passed the gate: its files, and what is known of it.
//!
//! The files hold no time, no path and no thread count: the same rows and settings give the same bytes.

use linkcast_scoring::{CARD_FILE, CLASSIFIER_FILE, ModelCard, ModelFiles, PACKED_FILE, REGRESSOR_FILE};

use crate::forecast::{Forecasts, HeadReport};
use crate::gate::ParityReport;
use crate::summary::Comparison;

/// The name of the card for people.
pub const PEOPLES_CARD_FILE: &str = "MODEL_CARD.md";

/// One file of a model's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A model that may ship.
#[derive(Clone, Debug)]
pub struct TrainedModel {
    pub(crate) classifier_onnx: Vec<u8>,
    pub(crate) regressor_onnx: Vec<u8>,
    pub(crate) packed: Vec<u8>,
    pub(crate) card_json: Vec<u8>,
    pub(crate) peoples_card: String,
    pub(crate) card: ModelCard,
    pub(crate) parity: ParityReport,
    pub(crate) forecasts: Forecasts,
    pub(crate) comparison: Option<Comparison>,
}

impl TrainedModel {
    /// Every file of the model's folder.
    pub fn files(&self) -> Vec<ModelFile> {
        let file = |name, bytes: &[u8]| ModelFile { name, bytes: bytes.to_vec() };
        let heads = self.forecasts.heads.iter().map(|head| file(head.card.horizon.file(), &head.onnx));
        let files = [
            file(CLASSIFIER_FILE, &self.classifier_onnx),
            file(REGRESSOR_FILE, &self.regressor_onnx),
            file(PACKED_FILE, &self.packed),
            file(CARD_FILE, &self.card_json),
            file(PEOPLES_CARD_FILE, self.peoples_card.as_bytes()),
        ];
        files.into_iter().chain(heads).collect()
    }

    /// The files as scoring loads them.
    pub fn to_model_files(&self) -> ModelFiles<'_> {
        ModelFiles {
            classifier_onnx: &self.classifier_onnx,
            regressor_onnx: &self.regressor_onnx,
            packed: Some(&self.packed),
            card_json: &self.card_json,
        }
    }

    /// What the machines' card says.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// What became of the forecasts that were asked for.
    pub fn forecasts(&self) -> &[HeadReport] {
        &self.forecasts.reports
    }

    /// What the test part says of the settings a search began with and of those it found.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparison.as_ref()
    }

    /// What the parity gate compared.
    pub fn parity(&self) -> &ParityReport {
        &self.parity
    }
}
