//! A forest as an ONNX file that tract, onnxruntime and Python read alike, and back.
//!
//! Both forests are written as `TreeEnsembleClassifier` of `ai.onnx.ml`: tract knows no other tree operator. The
//! regressor is a classifier of the classes 0 and 1 all of whose leaves vote for class 1; its answer is the second
//! score. The rest of the form is what the readers need and no more:
//!
//! - splits are `BRANCH_LT`, since the booster goes left strictly below a threshold (tract misreads `BRANCH_GTE`);
//! - tree numbers ascend from 0, node numbers run from 0 without a gap in each tree, all reals are f32;
//! - the batch dimension has a name, or tract would refuse to type the graph;
//! - scores are margins, no function applied: probabilities are made after calibration, and a margin shows a wrong
//!   leaf where a probability near 1 would hide it;
//! - `nodes_hitrates` holds each node's cover, from which exact attributions are computed.
//!
//! Booster libraries store their starting score now as a probability, now as a logit, and converters have mixed them
//! up silently. Here `base_values` are margins, taken from the forest as it predicts.

mod read;
mod single;
mod write;

pub use read::UnreadableError;
pub(crate) use read::read;
pub(crate) use single::write_single;
pub(crate) use write::{write_classifier, write_regressor};

/// The attributes both directions name.
mod attribute {
    pub(super) const TREE_IDS: &str = "nodes_treeids";
    pub(super) const NODE_IDS: &str = "nodes_nodeids";
    pub(super) const FEATURES: &str = "nodes_featureids";
    pub(super) const MODES: &str = "nodes_modes";
    pub(super) const VALUES: &str = "nodes_values";
    pub(super) const TRUE_IDS: &str = "nodes_truenodeids";
    pub(super) const FALSE_IDS: &str = "nodes_falsenodeids";
    pub(super) const ABSENT_TRUE: &str = "nodes_missing_value_tracks_true";
    pub(super) const COVERS: &str = "nodes_hitrates";
    pub(super) const LEAF_TREE_IDS: &str = "class_treeids";
    pub(super) const LEAF_NODE_IDS: &str = "class_nodeids";
    pub(super) const LEAF_CLASSES: &str = "class_ids";
    pub(super) const LEAF_WEIGHTS: &str = "class_weights";
    pub(super) const LABELS: &str = "classlabels_int64s";
    pub(super) const BASE: &str = "base_values";
    pub(super) const TARGETS: &str = "n_targets";
    pub(super) const POST_TRANSFORM: &str = "post_transform";
}

/// A split's mode: left strictly below the threshold.
const BRANCH_LT: &[u8] = b"BRANCH_LT";
/// A leaf's mode.
const LEAF: &[u8] = b"LEAF";
