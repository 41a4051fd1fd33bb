//! From what truly happened to a model that forecasts it.
//!
//! [`label`](label()) says what each sample should have been answered with, [`train`](train()) grows the forests and
//! exports them, the [`gate`] refuses any export that does not say what the trainer says, and [`evaluation`] judges
//! forecasts as people do: by episode, at a budget of alerts. All of it is pure: rows come in, bytes go out.

mod agreement;
mod balance;
mod boost;
mod calibrate;
mod card;
mod config;
mod constraints;
pub mod dataset;
mod error;
pub mod evaluation;
mod export;
mod forecast;
mod forest;
pub mod gate;
mod import;
pub mod job;
mod label;
mod lessons;
mod linear;
mod losses;
mod math;
mod metrics;
mod model;
mod onnx;
mod outcomes;
pub mod package;
mod progress;
pub mod promotion;
pub mod ranking;
pub mod registry;
mod review;
pub mod rules;
pub mod search;
mod set;
mod split;
mod stratify;
mod summary;
pub mod task;
#[cfg(test)]
mod tests;
mod train;
pub mod xgboost;

pub use agreement::{Agreement, Kappa, VerdictAgreement, agreement};
pub use config::{ForestSettings, ModelOrigin, TrainingConfig};
pub use error::TrainingError;
pub use forecast::{HeadFigures, HeadReport, MadeHead};
pub use import::{Imported, import};
pub use label::{EpisodeIndex, Label, LabelRules, Phase, label};
pub use lessons::{Aim, Channel, Lessons, Share, hyperparameters};
pub use metrics::{ClassFigures, ClassifierFigures, RegressorFigures, ReliabilityBin};
pub use model::{ModelFile, PEOPLES_CARD_FILE, TrainedModel};
pub use onnx::UnreadableError;
pub use outcomes::{ALERT_HORIZON, FAR_HORIZON, Failure, Happening, NEAR_HORIZON, Outcome, Outcomes};
pub use progress::{Progress, Silent, TrainingEvent};
pub use review::{Familiarity, ReviewChooser, keep_best, priority, rule_opinion, uncertainty};
pub use set::{Failures, LabelledRow, TrainingSet};
pub use split::SplitSettings;
pub use summary::{ClassifierSummary, Comparison};
pub use train::{Additions, train, train_with};
