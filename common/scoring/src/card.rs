//! The model card: what a model's files are, and how their numbers are to be read.
//!
//! Training writes it, scoring refuses whatever disagrees with it. The files are named by digest, so that a card and
//! the trees it calibrates cannot drift apart.

use linkcast_domain::{FEATURE_SCHEMA_VERSION, FEATURES, PredictionType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{Calibration, ForecastHead, LoadError, Refusal, RiskScale, TASK, forecast};

/// What a model is, as `card.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The model's version, as it appears in insights.
    pub model_version: String,
    /// The question it answers: [`TASK`].
    pub task: String,
    /// The feature schema it was trained on.
    pub feature_schema: u32,
    /// The features' names, in the model's order.
    pub features: Vec<String>,
    /// The classes' names, in the model's order.
    pub classes: Vec<String>,
    /// What the other files are.
    pub digests: FileDigests,
    /// From margins to probabilities.
    pub calibration: Calibration,
    /// From the regressor's output to a risk.
    pub risk: RiskScale,
    /// The heads that forecast failures, where there are any: cards from before them have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forecast: Vec<ForecastHead>,
    /// Each feature's median over the training set, in the features' order; `None` where it was never present.
    pub reference: Vec<Option<f64>>,
    /// How it was trained, for people.
    pub training: Map<String, Value>,
    /// How good it is, for people.
    pub metrics: Map<String, Value>,
}

/// The sha256 of each of a model's files, 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigests {
    /// Of `classifier.onnx`.
    pub classifier_onnx: String,
    /// Of `regressor.onnx`.
    pub regressor_onnx: String,
    /// Of `model.packed`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_packed: Option<String>,
}

/// The sha256 of a file as cards write it.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ModelCard {
    /// Reads a card and checks all it says against this build.
    ///
    /// # Errors
    /// When it is no card, or one for another task, schema, feature or class list.
    pub fn read(json: &[u8]) -> Result<Self, LoadError> {
        let card: ModelCard = serde_json::from_slice(json).map_err(|source| LoadError::Card { source })?;
        card.check()?;
        Ok(card)
    }

    fn check(&self) -> Result<(), LoadError> {
        if self.task != TASK {
            return Err(LoadError::Task { found: self.task.chars().take(64).collect(), expected: TASK });
        }
        if self.feature_schema != FEATURE_SCHEMA_VERSION {
            return Err(LoadError::Schema { found: self.feature_schema, expected: FEATURE_SCHEMA_VERSION });
        }
        let features = FEATURES.map(|definition| definition.name);
        if let Some((position, found, expected)) = first_difference(&self.features, &features) {
            return Err(LoadError::Features { position: position + 1, found, expected });
        }
        let classes = PredictionType::ALL.map(PredictionType::name);
        if let Some((position, found, expected)) = first_difference(&self.classes, &classes) {
            return Err(LoadError::Classes { position, found, expected });
        }
        self.check_values().map_err(|source| LoadError::CardValue { source })
    }

    fn check_values(&self) -> Result<(), Refusal> {
        if self.reference.len() != FEATURES.len() {
            return Err(Refusal::new(
                "reference",
                format!("{} values", self.reference.len()),
                format!("{}, one a feature", FEATURES.len()),
            ));
        }
        self.calibration.check(PredictionType::COUNT)?;
        forecast::check(&self.forecast)?;
        self.risk.check()
    }
}

/// The first place where two lists differ, with what stands there, or says that nothing does.
fn first_difference(found: &[String], expected: &[&str]) -> Option<(usize, String, String)> {
    let describe = |name: Option<&str>| match name {
        Some(name) => format!("{:?}", name.chars().take(64).collect::<String>()),
        None => "nothing".to_owned(),
    };
    let length = found.len().max(expected.len());
    (0..length).find_map(|position| {
        let (here, there) = (found.get(position).map(String::as_str), expected.get(position).copied());
        (here != there).then(|| (position, describe(here), describe(there)))
    })
}
