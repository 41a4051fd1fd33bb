//! What can go wrong between labelled rows and a shipped model.
//!
//! Each variant says what was tried and on what; the boosting library's and the scoring room's own errors are kept as
//! sources, so that a chain printed by the shell repeats nothing.

use linkcast_domain::{StreamId, Timestamp};

use crate::gate::Mismatch;

/// Why no model was made.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A feature that is neither a number nor absent.
    #[error(
        "feature {feature} of stream {stream} at {time} is infinite: expected a finite number or an absent one"
    )]
    InfiniteFeature {
        /// The feature's name.
        feature: &'static str,
        /// The row's stream.
        stream: StreamId,
        /// The row's time.
        time: Timestamp,
    },
    /// A weight or risk that is no use.
    #[error("{what} of stream {stream} at {time} is {found}: expected {expected}")]
    BadTarget {
        /// Weight or risk.
        what: &'static str,
        /// The row's stream.
        stream: StreamId,
        /// The row's time.
        time: Timestamp,
        /// What was given.
        found: f64,
        /// What is accepted.
        expected: &'static str,
    },
    /// A setting that cannot be used.
    #[error("setting {name} is {found}: expected {expected}")]
    BadSetting {
        /// The setting.
        name: &'static str,
        /// What was given.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// A part of the split has no row of a class it needs.
    #[error(
        "the {part} part has {rows} rows of {classes} classes: expected rows of normal and of at least one fault; \
         give more streams or a longer time"
    )]
    PartTooSmall {
        /// The part.
        part: &'static str,
        /// Its rows.
        rows: usize,
        /// How many classes they have.
        classes: usize,
    },
    /// Streams that belong together lie in two parts.
    #[error(
        "stream {stream}, or one that belongs with it, lies in the {} part and in the {} part: expected each group of \
         streams in one part alone",
        parts[0],
        parts[1]
    )]
    TornStreams {
        /// The stream.
        stream: String,
        /// Both parts.
        parts: [&'static str; 2],
    },
    /// The search's record cannot be kept, so an interruption would lose what was found.
    #[error("the search's record of finished trials cannot be kept")]
    Record(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The boosting library refused.
    #[error("boosting the {forest} failed")]
    Boosting {
        /// Classifier or regressor.
        forest: &'static str,
        /// Why.
        #[source]
        source: hessboost::error::HessboostError,
    },
    /// A tree the model's format cannot hold.
    #[error("tree {tree} of the {forest} cannot be exported: {found}")]
    Unexportable {
        /// Classifier or regressor.
        forest: &'static str,
        /// The tree.
        tree: usize,
        /// What is in the way.
        found: &'static str,
    },
    /// A model file that cannot be taken over.
    #[error("the {forest}'s model file cannot be taken over")]
    Xgboost {
        /// Classifier or regressor.
        forest: &'static str,
        /// Why.
        #[source]
        source: crate::xgboost::XgboostError,
    },
    /// A model that answers another question than it is given for.
    #[error("the {forest}'s model file answers {found}: expected {expected}")]
    OtherQuestion {
        /// Classifier or regressor.
        forest: &'static str,
        /// What it answers.
        found: &'static str,
        /// What it should.
        expected: &'static str,
    },
    /// The caller's progress said stop.
    #[error("training was stopped after round {round} of the {forest}")]
    Stopped {
        /// Classifier or regressor.
        forest: &'static str,
        /// The round.
        round: usize,
    },
    /// The exported model does not load.
    #[error("the exported model does not load")]
    Load(#[source] linkcast_scoring::LoadError),
    /// The exported model does not say what the trainer says.
    #[error("the exported model disagrees with the trainer")]
    Parity(#[source] Box<Mismatch>),
    /// The model card cannot be written.
    #[error("the model card cannot be written as json")]
    Card(#[source] serde_json::Error),
}
