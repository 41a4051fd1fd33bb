//! Why a model was refused.
//!
//! Every variant says which file, what was found in it and what was expected, because the reader is someone whose
//! service did not start and who has only this line to go by.

use std::error::Error;

#[cfg(not(feature = "onnx"))]
use crate::PACKED_FILE;

/// Something in a file that is not what this crate can score rightly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct Refusal {
    /// Where in the file, as `nodes_modes of node 3 in tree 17`.
    pub place: String,
    /// What was there.
    pub found: String,
    /// What can be scored.
    pub expected: String,
}

impl Refusal {
    pub(crate) fn new(
        place: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        // What is found comes from the file and may be of any length.
        let found = found.to_string().chars().take(120).collect();
        Refusal { place: place.into(), found, expected: expected.into() }
    }
}

/// Why a model was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file is larger than any model this crate serves.
    #[error("{file} has {bytes} bytes, expected at most {limit}")]
    TooLarge {
        /// The file.
        file: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The card is not a model card.
    #[error("card.json is not a model card")]
    Card {
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The card's own numbers cannot be used.
    #[error("card.json cannot be used")]
    CardValue {
        /// Which value.
        #[source]
        source: Refusal,
    },
    /// The model answers another question.
    #[error("card.json names task {found:?}, expected {expected:?}")]
    Task {
        /// The card's task.
        found: String,
        /// The task served.
        expected: &'static str,
    },
    /// The model was trained on another feature schema.
    #[error("card.json names feature schema {found}, expected {expected}")]
    Schema {
        /// The card's schema.
        found: u32,
        /// The schema served.
        expected: u32,
    },
    /// The model's features are not the schema's, in its order.
    #[error("card.json names {found} as feature {position}, expected {expected}")]
    Features {
        /// Counted from 1.
        position: usize,
        /// The card's feature.
        found: String,
        /// The schema's.
        expected: String,
    },
    /// The model's classes are not the prediction types, in their order.
    #[error("card.json names {found} as class {position}, expected {expected}")]
    Classes {
        /// Counted from 0, as in the model's output.
        position: usize,
        /// The card's class.
        found: String,
        /// The prediction type.
        expected: String,
    },
    /// A file is not the one its card was written for.
    #[error("{file} has sha256 {found}, expected {expected} as card.json says")]
    Digest {
        /// The file.
        file: &'static str,
        /// Its digest.
        found: String,
        /// The card's.
        expected: String,
    },
    /// There is no packed form, and the program was built without the feature `onnx`.
    #[cfg(not(feature = "onnx"))]
    #[error("this program does not read ONNX, and there is no {PACKED_FILE} that card.json names")]
    NoOnnxReader,
    /// An ONNX file cannot be read at all.
    #[error("{file} cannot be read as an ONNX model")]
    Damaged {
        /// The file.
        file: &'static str,
        /// What the reader said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file can be read, but holds something this crate would score wrongly or not at all.
    #[error("{file} is refused")]
    Refused {
        /// The file.
        file: &'static str,
        /// What was found where.
        #[source]
        source: Refusal,
    },
}
