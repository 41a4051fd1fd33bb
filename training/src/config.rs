//! What training can be told.
//!
//! Everything here shapes the model and is written into its card, but for where it comes from, which the card says beside its
//! settings, and the thread count, which must not: the same
//! data and settings give the same bytes on any machine with any number of threads.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::split::SplitSettings;

/// How one forest grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// Rounds at most; a round is one tree an output.
    pub rounds: usize,
    /// How deep a tree may be.
    pub depth: usize,
    /// How much of each tree's answer is kept.
    pub eta: f64,
    /// The least sum of second derivatives in a leaf.
    pub min_child_weight: f64,
    /// L2 regularisation of the leaves.
    pub lambda: f64,
    /// The share of features each tree may look at.
    pub features_per_tree: f64,
    /// Rounds without a better loss on the stopping part before growth ends.
    pub patience: usize,
}

/// What training can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingConfig {
    /// The model's version, as its insights will name it.
    pub version: String,
    /// Decides the split and the features a tree may look at.
    pub seed: u64,
    /// How rows are split.
    pub split: SplitSettings,
    /// The eleven-class classifier.
    pub classifier: ForestSettings,
    /// The risk regressor.
    pub regressor: ForestSettings,
    /// 0 leaves classes as frequent as they are, 1 makes all weigh the same; between, the weight of a class is its
    /// inverse frequency to this power.
    pub balance: f64,
    /// The same for the regressor, which should be balanced less: a risk must be low where trouble is rare.
    pub regressor_balance: f64,
    /// The regressor's output, 0 to 100, that becomes the risk from which alerts are told: the lowest one at which the
    /// whole system, run on fabrics of other seeds, told of nothing that was no fault.
    pub told_output: f64,
    /// Threads, or as many as there are processors. Never changes the result, and is not in the card.
    #[serde(skip)]
    pub threads: Option<NonZeroUsize>,
    /// Said of the data in the card: where it comes from, in one sentence.
    pub data_source: String,
    /// Where the model comes from beyond that. In the card beside the data's digest, and no setting.
    #[serde(skip)]
    pub origin: ModelOrigin,
}

/// What whoever trains knows of where a model comes from; the card is silent on what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOrigin {
    /// The version of the data set that the rows are of.
    pub data_version: Option<String>,
    /// The revision of the code that trains. It is told and never found out: the same rows and settings give the same
    /// bytes, whichever commit they are trained at.
    pub code_revision: Option<String>,
}

impl Default for TrainingConfig {
    /// Depth and rounds are set so that the shipped model stays below 700 trees: its scoring time grows with them.
    fn default() -> Self {
        TrainingConfig {
            version: "2".into(),
            seed: 20_260_101,
            split: SplitSettings::default(),
            classifier: ForestSettings {
                rounds: 50,
                depth: 5,
                eta: 0.2,
                min_child_weight: 5.0,
                lambda: 2.0,
                features_per_tree: 0.8,
                patience: 8,
            },
            regressor: ForestSettings {
                rounds: 100,
                depth: 6,
                eta: 0.12,
                min_child_weight: 20.0,
                lambda: 2.0,
                features_per_tree: 0.8,
                patience: 10,
            },
            balance: 0.5,
            regressor_balance: 0.15,
            told_output: 65.0,
            threads: None,
            data_source:
                "Synthetic: a simulated InfiniBand fabric with injected faults whose truth is known.".into(),
            origin: ModelOrigin::default(),
        }
    }
}
