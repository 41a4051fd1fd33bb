//! A model's judgement of one sample: class, calibrated confidence, risk, and why.
//!
//! A model is four files: two ONNX graphs of trees (class and risk), a packed copy of both that loads without a
//! protobuf parse, and a card that says what they are. The graphs go through tract with its tree operator replaced
//! by this crate's; everything that answers is synchronous, has no clock and does no IO, so that the same code runs
//! in a function, in a container and in a bench.

mod attributions;
mod batch;
mod calibration;
mod card;
mod error;
mod explain;
mod forest;
mod graph;
mod model;
mod onnx;
mod operator;
mod packed;
mod ranks;
mod recommendations;
#[cfg(test)]
mod tests;
mod trees;
mod wording;

pub use calibration::{Calibration, PiecewiseLinear, RiskScale};
pub use card::{FileDigests, ModelCard, digest};
pub use error::{LoadError, Refusal};
pub use explain::Explanation;
pub use graph::Graph;
pub use model::{Model, ModelFiles, Score, Sums};
pub use packed::pack;

/// The task the models of this crate answer.
pub const TASK: &str = "link-health";

/// The classifier's file name in a model's folder.
pub const CLASSIFIER_FILE: &str = "classifier.onnx";

/// The regressor's file name in a model's folder.
pub const REGRESSOR_FILE: &str = "regressor.onnx";

/// The packed form's file name in a model's folder.
pub const PACKED_FILE: &str = "model.packed";

/// The card's file name in a model's folder.
pub const CARD_FILE: &str = "card.json";
