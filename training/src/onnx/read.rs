//! Reading back, for the parity gate alone: what a reader will find in the file, as a forest again.
//!
//! Deliberately not the code that serves: the gate compares what was written with what was grown number by number,
//! and separately lets the serving code answer. A fault shared by writer and reader would show in the second.

use std::collections::BTreeMap;

use linkcast_domain::FEATURE_COUNT;
use prost::Message;
use tract_onnx::pb::{AttributeProto, ModelProto};

use super::{BRANCH_LT, LEAF, attribute};
use crate::forest::{Forest, Node, Tree};

/// Why a file is no forest of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableError {
    /// Not protobuf, or not an ONNX model.
    #[error("the {forest} file is no onnx model: {found}")]
    NotOnnx {
        /// Classifier or regressor.
        forest: &'static str,
        /// What the decoder said.
        found: String,
    },
    /// An attribute is missing, short or holds what it should not.
    #[error("attribute {attribute} of the {forest} file is {found} at place {place}")]
    BadAttribute {
        /// Classifier or regressor.
        forest: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// What is wrong.
        found: &'static str,
        /// Where in the list.
        place: usize,
    },
}

/// The forest in `bytes`; the last `outputs` of its classes are the forest's outputs.
pub(crate) fn read(name: &'static str, bytes: &[u8], outputs: usize) -> Result<Forest, UnreadableError> {
    let not_onnx = |found: String| UnreadableError::NotOnnx { forest: name, found };
    let model = ModelProto::decode(bytes).map_err(|error| not_onnx(error.to_string()))?;
    let node = model
        .graph
        .as_ref()
        .and_then(|graph| graph.node.first())
        .ok_or_else(|| not_onnx("it has no node".into()))?;
    let lists = Lists { forest: name, attributes: &node.attribute };
    let classes = lists.find(attribute::LABELS).map_or(0, |labels| labels.ints.len());
    let first_class = classes.saturating_sub(outputs);
    let base = lists.find(attribute::BASE).map(|base| base.floats.clone()).unwrap_or_default();
    let base = base.get(first_class..).unwrap_or_default().to_vec();
    let trees = trees(&lists, first_class)?;
    Ok(Forest { name, base, trees })
}

fn trees(lists: &Lists<'_>, first_class: usize) -> Result<Vec<Tree>, UnreadableError> {
    let votes = votes(lists)?;
    let mut trees: Vec<Tree> = Vec::new();
    for place in 0..lists.find(attribute::TREE_IDS).map_or(0, |ids| ids.ints.len()) {
        let tree = lists.number(attribute::TREE_IDS, place)?;
        let number = lists.number(attribute::NODE_IDS, place)?;
        if tree == trees.len() {
            trees.push(Tree { output: 0, nodes: Vec::new() });
        }
        let node = node(lists, place, votes.get(&(tree, number)).map(|vote| vote.1))?;
        let count = trees.len();
        let last = trees
            .last_mut()
            .filter(|last| tree + 1 == count && number == last.nodes.len())
            .ok_or_else(|| lists.bad(attribute::NODE_IDS, "out of order", place))?;
        if let Some((class, _)) = votes.get(&(tree, number)) {
            last.output = class.saturating_sub(first_class);
        }
        last.nodes.push(node);
    }
    Ok(trees)
}

/// A class and a weight, by tree and node.
type Votes = BTreeMap<(usize, usize), (usize, f32)>;

/// What each leaf says.
fn votes(lists: &Lists<'_>) -> Result<Votes, UnreadableError> {
    let count = lists.find(attribute::LEAF_WEIGHTS).map_or(0, |weights| weights.floats.len());
    let vote = |place| {
        let leaf =
            (lists.number(attribute::LEAF_TREE_IDS, place)?, lists.number(attribute::LEAF_NODE_IDS, place)?);
        let class = lists.number(attribute::LEAF_CLASSES, place)?;
        Ok((leaf, (class, lists.real(attribute::LEAF_WEIGHTS, place)?)))
    };
    (0..count).map(vote).collect()
}

fn node(lists: &Lists<'_>, place: usize, vote: Option<f32>) -> Result<Node, UnreadableError> {
    let mode = lists.find(attribute::MODES).and_then(|modes| modes.strings.get(place));
    let cover = lists.real(attribute::COVERS, place)?;
    match (mode.map(Vec::as_slice), vote) {
        (Some(mode), Some(value)) if mode == LEAF => Ok(Node::Leaf { value, cover }),
        (Some(mode), None) if mode == BRANCH_LT => Ok(Node::Split {
            feature: u8::try_from(lists.number(attribute::FEATURES, place)?)
                .ok()
                .filter(|feature| usize::from(*feature) < FEATURE_COUNT)
                .ok_or_else(|| lists.bad(attribute::FEATURES, "outside the schema", place))?,
            threshold: lists.real(attribute::VALUES, place)?,
            absent_goes_left: lists.number(attribute::ABSENT_TRUE, place)? != 0,
            left: lists.number(attribute::TRUE_IDS, place)? as u32,
            right: lists.number(attribute::FALSE_IDS, place)? as u32,
            cover,
        }),
        _ => Err(lists.bad(
            attribute::MODES,
            "neither a split below a threshold nor a leaf with a vote",
            place,
        )),
    }
}

/// The operator's attributes, by name.
struct Lists<'a> {
    forest: &'static str,
    attributes: &'a [AttributeProto],
}

impl Lists<'_> {
    fn find(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    fn number(&self, name: &'static str, place: usize) -> Result<usize, UnreadableError> {
        let value = self.find(name).and_then(|list| list.ints.get(place)).copied();
        value
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| self.bad(name, "missing or negative", place))
    }

    fn real(&self, name: &'static str, place: usize) -> Result<f32, UnreadableError> {
        let value = self.find(name).and_then(|list| list.floats.get(place)).copied();
        value.ok_or_else(|| self.bad(name, "missing", place))
    }

    fn bad(&self, attribute: &'static str, found: &'static str, place: usize) -> UnreadableError {
        UnreadableError::BadAttribute { forest: self.forest, attribute, found, place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{write_classifier, write_regressor};

    fn stump(output: usize, threshold: f32) -> Tree {
        let split =
            Node::Split { feature: 30, threshold, absent_goes_left: true, left: 1, right: 2, cover: 9.5 };
        let leaf = |value, cover| Node::Leaf { value, cover };
        Tree { output, nodes: vec![split, leaf(-0.25, 4.0), leaf(0.75, 5.5)] }
    }

    #[test]
    fn a_forest_survives_its_file_to_the_bit() {
        let trees = (0..11).map(|class| stump(class, 0.1 + class as f32)).collect();
        let classifier = Forest { name: "classifier", base: vec![0.5; 11], trees };
        assert_eq!(read("classifier", &write_classifier(&classifier), 11), Ok(classifier));
        let regressor = Forest { name: "regressor", base: vec![12.5], trees: vec![stump(0, 3.0)] };
        assert_eq!(read("regressor", &write_regressor(&regressor), 1), Ok(regressor));
    }

    #[test]
    fn bytes_that_are_no_model_are_refused() {
        let error = read("regressor", b"<html>", 1).unwrap_err();
        assert!(error.to_string().starts_with("the regressor file is no onnx model"), "{error}");
    }
}
