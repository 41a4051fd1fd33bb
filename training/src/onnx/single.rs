//! A forest of one output as the operator that is made for it, for readers who need not be tract.
//!
//! Our own files hold such a forest as a classifier of two classes, because tract knows no other operator. ONNX Runtime answers
//! that form, where it has base values, with these alone; of `TreeEnsembleRegressor` it adds the leaves up in the trees' order
//! and the base last, as our own scorer does, so that the sums are the same to the bit.

use tract_onnx::pb::tensor_proto::DataType;

use super::attribute;
use super::write::{Layout, attributes, integer, model, value};
use crate::forest::Forest;

/// What the leaves' lists are called where they vote for classes, and where they add to targets.
const RENAMED: [(&str, &str); 4] = [
    (attribute::LEAF_TREE_IDS, "target_treeids"),
    (attribute::LEAF_NODE_IDS, "target_nodeids"),
    (attribute::LEAF_CLASSES, "target_ids"),
    (attribute::LEAF_WEIGHTS, "target_weights"),
];

/// The ONNX file of a forest with one output, called `score`.
pub(crate) fn write_single(forest: &Forest) -> Vec<u8> {
    let layout = Layout { labels: Vec::new(), base: forest.base.clone(), first_class: 0 };
    let mut attributes = attributes(forest, layout);
    attributes.retain(|attribute| attribute.name != attribute::LABELS);
    for attribute in &mut attributes {
        if let Some((_, name)) = RENAMED.iter().find(|(name, _)| *name == attribute.name) {
            attribute.name = (*name).to_owned();
        }
    }
    attributes.push(integer(attribute::TARGETS, 1));
    model(forest, "TreeEnsembleRegressor", attributes, vec![value("score", DataType::Float, Some(1))])
}
