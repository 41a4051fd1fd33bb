//! From what truly happened to a model that forecasts it.
//!
//! [`label`](label()) says what each sample should have been answered with, [`train`](train()) grows the forests and
//! exports them, the [`gate`] refuses any export that does not say what the trainer says, and [`evaluation`] judges
//! forecasts as people do: by episode, at a budget of alerts. All of it is pure: rows come in, bytes go out.

mod boost;
mod calibrate;
mod card;
mod config;
mod constraints;
mod error;
pub mod evaluation;
mod export;
mod forest;
pub mod gate;
mod label;
mod math;
mod metrics;
mod model;
mod onnx;
mod progress;
mod set;
mod split;
#[cfg(test)]
mod tests;
mod train;

pub use config::{ForestSettings, TrainingConfig};
pub use error::TrainingError;
pub use label::{EpisodeIndex, Label, LabelRules, Phase, label};
pub use metrics::{ClassFigures, ClassifierFigures, RegressorFigures, ReliabilityBin};
pub use model::{ModelFile, PEOPLES_CARD_FILE, TrainedModel};
pub use onnx::UnreadableError;
pub use progress::{Progress, Silent, TrainingEvent};
pub use set::{LabelledRow, TrainingSet};
pub use split::SplitSettings;
pub use train::train;
