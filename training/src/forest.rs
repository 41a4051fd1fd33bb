//! A forest as plain numbers: what the booster grew, free of the booster.
//!
//! Everything after training (export, gate, card) reads this and not the library's own model, so that the library
//! can be replaced, and so that a test can corrupt one number and see the gate catch it.

use hessboost::model::BoostedModel;
use hessboost::tree::{Node as GrownNode, RegTree};
use linkcast_domain::FEATURE_COUNT;

use crate::TrainingError;

/// A node of a tree. Children are node numbers of the same tree; the root is node 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Node {
    /// Goes left where the feature is below the threshold.
    Split {
        /// The feature's place in the schema.
        feature: u8,
        /// Left is strictly below.
        threshold: f32,
        /// Whether an absent value goes left.
        absent_goes_left: bool,
        /// The node taken below the threshold.
        left: u32,
        /// The node taken otherwise.
        right: u32,
        /// How much of the training data came here: the sum of second derivatives.
        cover: f32,
    },
    /// Ends here.
    Leaf {
        /// What the tree adds to its output's margin.
        value: f32,
        /// How much of the training data came here.
        cover: f32,
    },
}

/// One tree and the output it adds to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    /// The class, or 0 for a regressor.
    pub(crate) output: usize,
    /// The nodes, the root first.
    pub(crate) nodes: Vec<Node>,
}

/// A sum of trees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forest {
    /// Classifier or regressor, for messages.
    pub(crate) name: &'static str,
    /// Each output's margin before any tree, in margin space (never a probability).
    pub(crate) base: Vec<f32>,
    /// The trees, in the order they were grown.
    pub(crate) trees: Vec<Tree>,
}

impl Forest {
    /// The trees `model` predicts with, up to its best round.
    pub(crate) fn of(name: &'static str, model: &BoostedModel) -> Result<Self, TrainingError> {
        let rounds = model.best_iteration().map_or(model.num_boost_rounds(), |best| best + 1);
        let kept = rounds.saturating_mul(model.trees_per_iteration());
        let trees = model.trees().iter().zip(model.tree_outputs()).take(kept).enumerate();
        let trees = trees
            .map(|(tree, (grown, outputs))| {
                let nodes = nodes_of(grown).map_err(|found| TrainingError::Unexportable {
                    forest: name,
                    tree,
                    found,
                })?;
                Ok(Tree { output: outputs.start, nodes })
            })
            .collect::<Result<Vec<_>, TrainingError>>()?;
        Ok(Forest { name, base: model.base_scores().to_vec(), trees })
    }

    /// Nodes in all trees.
    pub(crate) fn node_count(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }
}

fn nodes_of(grown: &RegTree) -> Result<Vec<Node>, &'static str> {
    if grown.is_vector_leaf() || grown.linear_leaves().is_some() {
        return Err("its leaves are not single numbers");
    }
    grown.nodes().iter().map(node_of).collect()
}

fn node_of(grown: &GrownNode) -> Result<Node, &'static str> {
    if grown.is_leaf() {
        return Ok(Node::Leaf { value: grown.leaf_value, cover: grown.sum_hess });
    }
    if grown.is_categorical {
        return Err("it splits by category");
    }
    let feature = u8::try_from(grown.split_feature)
        .ok()
        .filter(|feature| usize::from(*feature) < FEATURE_COUNT)
        .ok_or("it splits on a feature outside the schema")?;
    let child = |number: i32| u32::try_from(number).map_err(|_| "a child is missing");
    Ok(Node::Split {
        feature,
        threshold: grown.split_cond,
        absent_goes_left: grown.default_left,
        left: child(grown.left)?,
        right: child(grown.right)?,
        cover: grown.sum_hess,
    })
}
