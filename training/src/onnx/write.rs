//! Writing: a forest's nodes as the operator's parallel lists, in a graph of one node.
//!
//! Nothing but the forest goes in: no time, no path, no thread count, so that the same forest gives the same bytes.

use linkcast_domain::{FEATURE_COUNT, PredictionType};
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as DimensionValue;
use tract_onnx::pb::type_proto::{Tensor as TensorType, Value as TypeValue};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};

use super::{BRANCH_LT, LEAF, attribute};
use crate::forest::{Forest, Node};

/// The ONNX file of the classifier: eleven scores, one a class.
pub(crate) fn write_classifier(forest: &Forest) -> Vec<u8> {
    let labels = (0..PredictionType::COUNT as i64).collect();
    graph(forest, Layout { labels, base: forest.base.clone(), first_class: 0 })
}

/// The ONNX file of the regressor: two scores, the second being the answer.
pub(crate) fn write_regressor(forest: &Forest) -> Vec<u8> {
    let base = std::iter::once(0.0).chain(forest.base.iter().copied().take(1)).collect();
    graph(forest, Layout { labels: vec![0, 1], base, first_class: 1 })
}

/// How a forest's outputs become the operator's classes.
pub(super) struct Layout {
    pub(super) labels: Vec<i64>,
    pub(super) base: Vec<f32>,
    /// The class that output 0 votes for.
    pub(super) first_class: usize,
}

fn graph(forest: &Forest, layout: Layout) -> Vec<u8> {
    let scores = layout.labels.len() as i64;
    let outputs = vec![value("label", DataType::Int64, None), value("scores", DataType::Float, Some(scores))];
    model(forest, "TreeEnsembleClassifier", attributes(forest, layout), outputs)
}

/// The file of a graph of one node.
pub(super) fn model(
    forest: &Forest,
    operator: &str,
    attribute: Vec<AttributeProto>,
    output: Vec<ValueInfoProto>,
) -> Vec<u8> {
    let node = NodeProto {
        input: vec!["features".into()],
        output: output.iter().map(|output| output.name.clone()).collect(),
        name: forest.name.into(),
        op_type: operator.into(),
        domain: "ai.onnx.ml".into(),
        attribute,
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: vec![node],
        name: forest.name.into(),
        input: vec![value("features", DataType::Float, Some(FEATURE_COUNT as i64))],
        output,
        ..GraphProto::default()
    };
    let operators = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    let model = ModelProto {
        ir_version: 8,
        opset_import: vec![operators("", 17), operators("ai.onnx.ml", 3)],
        producer_name: "linkcast".into(),
        graph: Some(graph),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

/// An input or output: a batch of rows, of `width` numbers each or of one.
pub(super) fn value(name: &str, kind: DataType, width: Option<i64>) -> ValueInfoProto {
    let batch = DimensionValue::DimParam("batch".into());
    let dimensions = std::iter::once(batch).chain(width.map(DimensionValue::DimValue));
    let dim = dimensions.map(|value| Dimension { value: Some(value), ..Dimension::default() }).collect();
    let tensor = TensorType { elem_type: kind as i32, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

/// The operator's lists, filled node by node.
#[derive(Default)]
struct Lists {
    tree_ids: Vec<i64>,
    node_ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<Vec<u8>>,
    values: Vec<f32>,
    true_ids: Vec<i64>,
    false_ids: Vec<i64>,
    absent_true: Vec<i64>,
    covers: Vec<f32>,
    leaf_tree_ids: Vec<i64>,
    leaf_node_ids: Vec<i64>,
    leaf_classes: Vec<i64>,
    leaf_weights: Vec<f32>,
}

impl Lists {
    fn push(&mut self, tree: i64, number: i64, node: &Node, class: i64) {
        self.tree_ids.push(tree);
        self.node_ids.push(number);
        match *node {
            Node::Split { feature, threshold, absent_goes_left, left, right, cover } => {
                self.features.push(i64::from(feature));
                self.modes.push(BRANCH_LT.to_vec());
                self.values.push(threshold);
                self.true_ids.push(i64::from(left));
                self.false_ids.push(i64::from(right));
                self.absent_true.push(i64::from(absent_goes_left));
                self.covers.push(cover);
            }
            Node::Leaf { value, cover } => {
                self.features.push(0);
                self.modes.push(LEAF.to_vec());
                self.values.push(0.0);
                self.true_ids.push(0);
                self.false_ids.push(0);
                self.absent_true.push(0);
                self.covers.push(cover);
                self.leaf_tree_ids.push(tree);
                self.leaf_node_ids.push(number);
                self.leaf_classes.push(class);
                self.leaf_weights.push(value);
            }
        }
    }
}

pub(super) fn attributes(forest: &Forest, layout: Layout) -> Vec<AttributeProto> {
    let mut lists = Lists::default();
    for (tree, grown) in forest.trees.iter().enumerate() {
        let class = (layout.first_class + grown.output) as i64;
        for (number, node) in grown.nodes.iter().enumerate() {
            lists.push(tree as i64, number as i64, node, class);
        }
    }
    vec![
        integers(attribute::LABELS, layout.labels),
        reals(attribute::BASE, layout.base),
        integers(attribute::TREE_IDS, lists.tree_ids),
        integers(attribute::NODE_IDS, lists.node_ids),
        integers(attribute::FEATURES, lists.features),
        texts(attribute::MODES, lists.modes),
        reals(attribute::VALUES, lists.values),
        integers(attribute::TRUE_IDS, lists.true_ids),
        integers(attribute::FALSE_IDS, lists.false_ids),
        integers(attribute::ABSENT_TRUE, lists.absent_true),
        reals(attribute::COVERS, lists.covers),
        integers(attribute::LEAF_TREE_IDS, lists.leaf_tree_ids),
        integers(attribute::LEAF_NODE_IDS, lists.leaf_node_ids),
        integers(attribute::LEAF_CLASSES, lists.leaf_classes),
        reals(attribute::LEAF_WEIGHTS, lists.leaf_weights),
        AttributeProto {
            name: attribute::POST_TRANSFORM.into(),
            r#type: AttributeType::String as i32,
            s: b"NONE".to_vec(),
            ..AttributeProto::default()
        },
    ]
}

fn integers(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints,
        ..AttributeProto::default()
    }
}

/// One whole number.
pub(super) fn integer(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i, ..AttributeProto::default() }
}

fn reals(name: &str, floats: Vec<f32>) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Floats as i32,
        floats,
        ..AttributeProto::default()
    }
}

fn texts(name: &str, strings: Vec<Vec<u8>>) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Strings as i32,
        strings,
        ..AttributeProto::default()
    }
}
