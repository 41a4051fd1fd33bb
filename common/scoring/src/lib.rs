//! A model's judgement of one sample: class, calibrated confidence, risk, and why.
//!
//! A model is four files: two ONNX graphs of trees (class and risk), a packed copy of both that loads without a
//! protobuf parse, and a card that says what they are. The graphs go through tract with its tree operator replaced
//! by this crate's; everything that answers is synchronous, has no clock and does no IO, so that the same code runs
//! in a function, in a container and in a bench. The feature `onnx` is what reads ONNX; a program that judges nothing leaves it out.

#![cfg_attr(not(feature = "onnx"), expect(dead_code, reason = "filled by the ONNX reader alone"))]

mod attributions;
mod batch;
mod calibration;
mod card;
mod error;
mod explain;
mod folder;
mod forecast;
mod forest;
#[cfg(feature = "onnx")]
mod graph;
mod model;
#[cfg(feature = "onnx")]
mod onnx;
#[cfg(feature = "onnx")]
mod operator;
#[cfg(feature = "onnx")]
mod pack;
mod packed;
mod ranks;
mod recommendations;
#[cfg(test)]
#[cfg(feature = "onnx")]
mod tests;
mod trees;
mod wording;

pub use calibration::{Calibration, RiskScale};
pub use card::{FileDigests, ModelCard, digest};
pub use error::{LoadError, Refusal};
pub use explain::Explanation;
pub use folder::ModelError;
pub use forecast::{FailureForest, Forecast, ForecastHead, Horizon};
#[cfg(feature = "onnx")]
pub use graph::Graph;
pub use model::{Model, ModelFiles, Score, Sums};
#[cfg(feature = "onnx")]
pub use pack::pack;

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
