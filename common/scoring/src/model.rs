//! A loaded model: its files checked against its card, its trees ready to walk.

use linkcast_domain::{FeatureVector, ModelIdentity, PredictionType};

use crate::batch::LANES;
use crate::card::digest;
#[cfg(feature = "onnx")]
use crate::forecast::Horizon;
use crate::forecast::{FailureForest, Forecast};
use crate::forest::Forest;
use crate::packed::Packed;
use crate::ranks::Ranks;
use crate::{CLASSIFIER_FILE, LoadError, ModelCard, PACKED_FILE, REGRESSOR_FILE, Refusal};

/// The regressor is written as a classifier of two classes, of which the second holds the risk.
const RISK_CLASS: u8 = 1;

/// Rows of a batch whose ranks are held at once: 64 KB of them, which stay in the nearer caches.
const BATCH_ROWS: usize = 8 * LANES;

/// A model's files, as bytes: whoever loads reads them from a folder or carries them inside.
#[derive(Clone, Copy, Debug)]
pub struct ModelFiles<'a> {
    /// `classifier.onnx`.
    pub classifier_onnx: &'a [u8],
    /// `regressor.onnx`.
    pub regressor_onnx: &'a [u8],
    /// `model.packed`, where there is one.
    pub packed: Option<&'a [u8]>,
    /// `card.json`.
    pub card_json: &'a [u8],
}

/// What a model says of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Calibrated, by class; they sum to 1.
    pub probabilities: [f64; PredictionType::COUNT],
    /// The class of the highest probability.
    pub class: PredictionType,
    /// Its probability.
    pub confidence: f64,
    /// How bad, 0 to 100.
    pub risk: f64,
}

/// The sums of the trees' leaves, before calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums {
    /// The classifier's, by class.
    pub margins: [f32; PredictionType::COUNT],
    /// The regressor's.
    pub output: f32,
}

/// A model that answers [`crate::TASK`].
#[derive(Debug)]
pub struct Model {
    pub(crate) card: ModelCard,
    card_digest: String,
    identity: ModelIdentity,
    pub(crate) ranks: Ranks,
    pub(crate) classifier: Forest,
    regressor: Forest,
    forecasts: Vec<FailureForest>,
}

impl Model {
    /// Loads a model, or says which file holds what was not expected.
    ///
    /// # Errors
    /// When a file is damaged, is not the one the card names, or was made for another schema, class list or task.
    pub fn load(files: &ModelFiles<'_>) -> Result<Self, LoadError> {
        let card = ModelCard::read(files.card_json)?;
        let packed = match (files.packed, &card.digests.model_packed) {
            (Some(bytes), Some(expected)) => load_packed(bytes, expected, &card)?,
            _ => load_onnx(files, &card)?,
        };
        check_role(CLASSIFIER_FILE, &packed.classifier, PredictionType::COUNT)?;
        check_role(REGRESSOR_FILE, &packed.regressor, 2)?;
        check_risk_class(REGRESSOR_FILE, &packed.regressor)?;
        let identity = ModelIdentity {
            model_used: "embedded".to_owned(),
            model_version: card.model_version.clone(),
            feature_schema: card.feature_schema,
        };
        let Packed { ranks, classifier, regressor, .. } = packed;
        let card_digest = digest(files.card_json);
        Ok(Model { card, card_digest, identity, ranks, classifier, regressor, forecasts: Vec::new() })
    }

    /// The same model with one of the heads its card names.
    ///
    /// # Errors
    /// A head the card does not name, or one that cannot be served.
    #[cfg(feature = "onnx")]
    pub fn with_forecast(mut self, horizon: Horizon, onnx: &[u8]) -> Result<Self, LoadError> {
        let Some(head) = self.card.forecast.iter().find(|head| head.horizon == horizon) else {
            let source = Refusal::new("forecast", "no such head", horizon.name());
            return Err(LoadError::CardValue { source });
        };
        self.forecasts.push(FailureForest::load(head, onnx)?);
        Ok(self)
    }

    /// How likely the sample's link fails, where the model has heads that say so.
    pub fn forecast(&self, features: &FeatureVector) -> Option<Forecast> {
        Forecast::of(&self.forecasts, features)
    }

    /// The model's judgement of one sample.
    pub fn score(&self, features: &FeatureVector) -> Score {
        let sums = self.sums(features);
        self.judge(&sums.margins, sums.output)
    }

    /// What the trees alone say of one sample: what an export is compared with its trainer by.
    pub fn sums(&self, features: &FeatureVector) -> Sums {
        let slots = self.ranks.rank(&features.to_model_input());
        let [_, output] = first_sums(&self.regressor.sums(&slots));
        Sums { margins: first_sums(&self.classifier.sums(&slots)), output }
    }

    /// The model's judgement of each sample, in order, in place of what `scores` held; the same as one by one.
    pub fn score_batch(&self, features: &[FeatureVector], scores: &mut Vec<Score>) {
        scores.clear();
        for features in features.chunks(BATCH_ROWS) {
            let slots: Vec<_> =
                features.iter().map(|features| self.ranks.rank(&features.to_model_input())).collect();
            let margins = self.classifier.sums_of_many(&slots);
            let outputs = self.regressor.sums_of_many(&slots);
            scores.extend(margins.iter().zip(&outputs).map(|(margins, output)| {
                let [_, output] = first_sums(output);
                self.judge(&first_sums(margins), output)
            }));
        }
    }

    /// Who answers.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// What the model is.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The sha256 of the card's file: which model this is, whole, for the card names every other file by its own.
    pub fn card_digest(&self) -> &str {
        &self.card_digest
    }

    fn judge(&self, margins: &[f32; PredictionType::COUNT], output: f32) -> Score {
        let probabilities = self.card.calibration.apply(margins);
        let mut best = (PredictionType::Normal, f64::NEG_INFINITY);
        for (class, probability) in PredictionType::ALL.into_iter().zip(probabilities) {
            if probability > best.1 {
                best = (class, probability);
            }
        }
        Score { probabilities, class: best.0, confidence: best.1, risk: self.card.risk.apply(output) }
    }
}

/// The first sums, as many as there are classes.
fn first_sums<const CLASSES: usize>(sums: &[f32]) -> [f32; CLASSES] {
    let mut first = [0.0; CLASSES];
    first.iter_mut().zip(sums).for_each(|(first, sum)| *first = *sum);
    first
}

pub(crate) fn check_digest(file: &'static str, bytes: &[u8], expected: &str) -> Result<(), LoadError> {
    let found = digest(bytes);
    if found == expected {
        return Ok(());
    }
    Err(LoadError::Digest { file, found, expected: expected.chars().take(64).collect() })
}

#[cfg(feature = "onnx")]
fn load_onnx(files: &ModelFiles<'_>, card: &ModelCard) -> Result<Packed, LoadError> {
    check_digest(CLASSIFIER_FILE, files.classifier_onnx, &card.digests.classifier_onnx)?;
    check_digest(REGRESSOR_FILE, files.regressor_onnx, &card.digests.regressor_onnx)?;
    Packed::of(files.classifier_onnx, files.regressor_onnx)
}

#[cfg(not(feature = "onnx"))]
fn load_onnx(_: &ModelFiles<'_>, _: &ModelCard) -> Result<Packed, LoadError> {
    Err(LoadError::NoOnnxReader)
}

/// The packed form is what runs, so it is what is verified; the ONNX files beside it are compared by name only.
fn load_packed(bytes: &[u8], expected: &str, card: &ModelCard) -> Result<Packed, LoadError> {
    check_digest(PACKED_FILE, bytes, expected)?;
    let packed =
        Packed::from_bytes(bytes).map_err(|source| LoadError::Refused { file: PACKED_FILE, source })?;
    for (file, found, expected) in [
        (CLASSIFIER_FILE, &packed.classifier_digest, &card.digests.classifier_onnx),
        (REGRESSOR_FILE, &packed.regressor_digest, &card.digests.regressor_onnx),
    ] {
        if found != expected {
            let place = format!("digest of {file}");
            let source = Refusal::new(place, found, format!("{expected} as card.json says"));
            return Err(LoadError::Refused { file: PACKED_FILE, source });
        }
    }
    Ok(packed)
}

/// The classifier has the prediction types for classes, the regressor the two of its workaround.
fn check_role(file: &'static str, forest: &Forest, classes: usize) -> Result<(), LoadError> {
    let expected: Vec<i64> = (0..classes as i64).collect();
    if forest.labels == expected {
        return Ok(());
    }
    let source =
        Refusal::new("classlabels_int64s", format!("{:?}", forest.labels), format!("0 to {}", classes - 1));
    Err(LoadError::Refused { file, source })
}

/// Refuses a forest that has another output than the one of a regressor.
#[cfg(feature = "onnx")]
pub(crate) fn check_one_output(file: &'static str, forest: &Forest) -> Result<(), LoadError> {
    check_role(file, forest, 2)?;
    check_risk_class(file, forest)
}

fn check_risk_class(file: &'static str, regressor: &Forest) -> Result<(), LoadError> {
    match regressor.classes.iter().position(|class| *class != RISK_CLASS) {
        None => Ok(()),
        Some(tree) => {
            let source = Refusal::new(format!("class_ids of tree {tree}"), "class 0", "class 1, the risk");
            Err(LoadError::Refused { file, source })
        }
    }
}
