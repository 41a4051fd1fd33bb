//! Where an export and its trainer disagree, in words someone can act on.

use std::fmt;

use linkcast_domain::FEATURES;

use crate::onnx::UnreadableError;

/// The row on which answers differ, and the split it was made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A recorded row.
    Recorded {
        /// Its place among the recorded rows.
        row: usize,
    },
    /// A row made for a split.
    AtSplit {
        /// Whose split.
        forest: &'static str,
        /// The tree.
        tree: usize,
        /// The node.
        node: usize,
        /// The feature's place in the schema.
        feature: u8,
        /// The feature's value; absent is NaN.
        value: f32,
        /// The recorded row it was made from.
        row: usize,
    },
}

/// A disagreement.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// The file cannot be read back.
    #[error("the written file cannot be read back")]
    Unreadable(#[source] UnreadableError),
    /// A number differs.
    #[error("{what} of node {node} in tree {tree} of the {forest}, feature {}: grown {expected}, written {found}",
        name(*feature))]
    Number {
        /// Classifier or regressor.
        forest: &'static str,
        /// The tree.
        tree: usize,
        /// The node.
        node: usize,
        /// The feature it splits on, if it does.
        feature: Option<u8>,
        /// Which number.
        what: &'static str,
        /// What was grown.
        expected: String,
        /// What was written.
        found: String,
    },
    /// A starting score differs.
    #[error("the starting score of output {output} of the {forest}: grown {expected}, written {found}")]
    Base {
        /// Classifier or regressor.
        forest: &'static str,
        /// The class, or 0.
        output: usize,
        /// What was grown.
        expected: f32,
        /// What was written.
        found: f32,
    },
    /// Something is missing or too many.
    #[error("the {forest}: expected {expected} of what was compared, found {found}")]
    Count {
        /// Classifier or regressor.
        forest: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The answers differ by more than rounding.
    #[error("output {output} of the {forest} on {place}: the trainer says {expected}, the export {found}")]
    Answer {
        /// Classifier or regressor.
        forest: &'static str,
        /// The class, or 0.
        output: usize,
        /// The row.
        place: Place,
        /// The trainer's margin.
        expected: f64,
        /// The export's.
        found: f64,
    },
}

fn name(feature: Option<u8>) -> &'static str {
    let definition = feature.and_then(|feature| FEATURES.get(usize::from(feature)));
    definition.map_or("none", |definition| definition.name)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Recorded { row } => write!(f, "recorded row {row}"),
            Place::AtSplit { forest, tree, node, feature, value, row } => {
                let feature = name(Some(*feature));
                write!(
                    f,
                    "row {row} led to node {node} in tree {tree} of the {forest} with {feature} at {value:?}"
                )
            }
        }
    }
}
