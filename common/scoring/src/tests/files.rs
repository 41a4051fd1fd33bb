//! ONNX files and cards as training writes them, of any forest.

use linkcast_domain::{FEATURE_COUNT, FEATURE_SCHEMA_VERSION, FEATURES, PiecewiseLinear, PredictionType};
use prost::Message;
use serde_json::Map;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto,
    ValueInfoProto,
};

use crate::trees::{Ensemble, Missing, Node};
use crate::{Calibration, FileDigests, ModelCard, ModelFiles, RiskScale, TASK, digest, pack};

/// A model's four files, owned.
pub(super) struct Files {
    pub(super) classifier: Vec<u8>,
    pub(super) regressor: Vec<u8>,
    pub(super) packed: Vec<u8>,
    pub(super) card: Vec<u8>,
}

impl Files {
    pub(super) fn all(&self) -> ModelFiles<'_> {
        ModelFiles { packed: Some(&self.packed), ..self.without_packed() }
    }

    pub(super) fn without_packed(&self) -> ModelFiles<'_> {
        ModelFiles {
            classifier_onnx: &self.classifier,
            regressor_onnx: &self.regressor,
            packed: None,
            card_json: &self.card,
        }
    }
}

/// A model of these two forests; a regressor's trees all move its second class.
pub(super) fn model_files(classifier: &Ensemble, regressor: &Ensemble) -> Files {
    let mut regressor = regressor.clone();
    regressor.trees.iter_mut().for_each(|tree| tree.class = 1);
    let (classifier, regressor) = (onnx(classifier), onnx(&regressor));
    let packed = pack(&classifier, &regressor).unwrap();
    let card = serde_json::to_vec(&card(&classifier, &regressor, &packed)).unwrap();
    Files { classifier, regressor, packed, card }
}

pub(super) fn card(classifier: &[u8], regressor: &[u8], packed: &[u8]) -> ModelCard {
    ModelCard {
        model_version: "test-1".to_owned(),
        task: TASK.to_owned(),
        feature_schema: FEATURE_SCHEMA_VERSION,
        features: FEATURES.iter().map(|definition| definition.name.to_owned()).collect(),
        classes: PredictionType::ALL.iter().map(|class| class.name().to_owned()).collect(),
        digests: FileDigests {
            classifier_onnx: digest(classifier),
            regressor_onnx: digest(regressor),
            model_packed: Some(digest(packed)),
        },
        calibration: Calibration { temperature: 1.3, classes: Vec::new() },
        risk: RiskScale(PiecewiseLinear { knots: vec![[0.0, 0.5], [1.0, 1.0]] }),
        forecast: Vec::new(),
        reference: vec![Some(0.0); FEATURE_COUNT],
        training: Map::new(),
        metrics: Map::new(),
    }
}

/// The forest as an ONNX file.
pub(super) fn onnx(ensemble: &Ensemble) -> Vec<u8> {
    encode(node(ensemble))
}

/// A file of one node.
pub(super) fn encode(node: NodeProto) -> Vec<u8> {
    let graph = GraphProto {
        name: "trees".to_owned(),
        input: vec![value("features", 1, Some(FEATURE_COUNT as i64))],
        output: vec![value("label", 7, None), value("scores", 1, None)],
        node: vec![node],
        ..Default::default()
    };
    let opset = |domain: &str, version| OperatorSetIdProto { domain: domain.to_owned(), version };
    let opset_import = vec![opset("", 15), opset("ai.onnx.ml", 1)];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..Default::default() }.encode_to_vec()
}

fn value(name: &str, elem_type: i32, width: Option<i64>) -> ValueInfoProto {
    let dimension = |value| Dimension { value: Some(value), ..Default::default() };
    let mut dim = vec![dimension(dimension::Value::DimParam("batch".to_owned()))];
    dim.extend(width.map(|width| dimension(dimension::Value::DimValue(width))));
    let tensor = Tensor { elem_type, shape: Some(TensorShapeProto { dim }) };
    let held = TypeProto { value: Some(Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(held), ..Default::default() }
}

/// The forest as a graph's node.
pub(super) fn node(ensemble: &Ensemble) -> NodeProto {
    NodeProto {
        op_type: "TreeEnsembleClassifier".to_owned(),
        domain: "ai.onnx.ml".to_owned(),
        input: vec!["features".to_owned()],
        output: vec!["label".to_owned(), "scores".to_owned()],
        attribute: attributes(ensemble),
        ..Default::default()
    }
}

fn attributes(ensemble: &Ensemble) -> Vec<AttributeProto> {
    let mut columns = Columns::default();
    for (number, tree) in ensemble.trees.iter().enumerate() {
        for (index, (node, cover)) in tree.nodes.iter().zip(&tree.covers).enumerate() {
            columns.push((number as i64, index as i64), *node, *cover, tree.class);
        }
    }
    let transform =
        AttributeProto { name: "post_transform".to_owned(), s: b"NONE".to_vec(), ..Default::default() };
    let modes =
        AttributeProto { name: "nodes_modes".to_owned(), strings: columns.modes, ..Default::default() };
    let mut all = vec![
        floats("base_values", ensemble.base.clone()),
        ints("classlabels_int64s", ensemble.labels.clone()),
        transform,
        modes,
    ];
    all.extend(columns.ints.into_iter().map(|(name, values)| ints(name, values)));
    all.extend(columns.floats.into_iter().map(|(name, values)| floats(name, values)));
    all
}

fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { name: name.to_owned(), ints, ..Default::default() }
}

fn floats(name: &str, floats: Vec<f32>) -> AttributeProto {
    AttributeProto { name: name.to_owned(), floats, ..Default::default() }
}

#[derive(Default)]
struct Columns {
    modes: Vec<Vec<u8>>,
    ints: std::collections::BTreeMap<&'static str, Vec<i64>>,
    floats: std::collections::BTreeMap<&'static str, Vec<f32>>,
}

impl Columns {
    fn push(&mut self, (tree, index): (i64, i64), node: Node, cover: f32, class: u8) {
        let (mode, feature, value, missing, left, right) = match node {
            Node::Split { feature, threshold, missing, left, right } => {
                let missing = i64::from(missing == Missing::Left);
                ("BRANCH_LT", i64::from(feature), threshold, missing, i64::from(left), i64::from(right))
            }
            Node::Leaf { .. } => ("LEAF", 0, 0.0, 0, 0, 0),
        };
        self.modes.push(mode.as_bytes().to_vec());
        self.int("nodes_treeids", tree);
        self.int("nodes_nodeids", index);
        self.int("nodes_featureids", feature);
        self.int("nodes_truenodeids", left);
        self.int("nodes_falsenodeids", right);
        self.int("nodes_missing_value_tracks_true", missing);
        self.float("nodes_values", value);
        self.float("nodes_hitrates", cover);
        if let Node::Leaf { value } = node {
            self.int("class_treeids", tree);
            self.int("class_nodeids", index);
            self.int("class_ids", i64::from(class));
            self.float("class_weights", value);
        }
    }

    fn int(&mut self, name: &'static str, value: i64) {
        self.ints.entry(name).or_default().push(value);
    }

    fn float(&mut self, name: &'static str, value: f32) {
        self.floats.entry(name).or_default().push(value);
    }
}
