//! Our forests as XGBoost's JSON, which Python, R, the JVM and treelite open.
//!
//! The form is that of 2.x with what 3.x added, so both read it: the starting score is one number wherever all outputs share
//! it, a list only where they do not (which needs 3.1). Gains are not kept by our own form and are written as 0: importances
//! by cover and by number of splits are right, by gain they are not. What was written is read back and compared before
//! anyone gets it.

use linkcast_domain::{FEATURE_COUNT, FEATURES, PredictionType};
use linkcast_scoring::ModelFiles;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Booster;
use crate::boost::{CLASSIFIER, REGRESSOR};
use crate::forest::{Forest, Node, Tree};
use crate::{TrainingError, onnx};

/// How XGBoost marks the root among the parents.
const NO_PARENT: i64 = i32::MAX as i64;

/// A model as XGBoost's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XgboostFiles {
    /// `multi:softprob`, of the eleven classes.
    pub classifier_json: Vec<u8>,
    /// `reg:squarederror`, 0 to 100.
    pub regressor_json: Vec<u8>,
}

/// The forests of `files` as XGBoost's JSON. Calibration and the scale of risks, which XGBoost has no place for, stay behind
/// in the card.
///
/// # Errors
///
/// Files that cannot be read, or a forest that XGBoost's form does not give back as it was.
pub fn to_xgboost(files: &ModelFiles<'_>) -> Result<XgboostFiles, TrainingError> {
    let read = |name, bytes, outputs| {
        onnx::read(name, bytes, outputs)
            .map_err(|source| TrainingError::Parity(Box::new(crate::gate::Mismatch::Unreadable(source))))
    };
    let classifier = read(CLASSIFIER, files.classifier_onnx, PredictionType::COUNT)?;
    let regressor = read(REGRESSOR, files.regressor_onnx, 1)?;
    Ok(XgboostFiles { classifier_json: written(&classifier)?, regressor_json: written(&regressor)? })
}

/// The forest as XGBoost's JSON, once it is seen to come back as it was.
pub(crate) fn written(forest: &Forest) -> Result<Vec<u8>, TrainingError> {
    let bytes = to_json(forest).map_err(TrainingError::Card)?;
    let again =
        Booster::read(&bytes).map_err(|source| TrainingError::Xgboost { forest: forest.name, source })?;
    if again.forest(forest.name) == *forest {
        Ok(bytes)
    } else {
        let found = "it does not come back from xgboost's form as it was";
        Err(TrainingError::Unexportable { forest: forest.name, tree: 0, found })
    }
}

/// One forest as a document.
pub(super) fn to_json(forest: &Forest) -> serde_json::Result<Vec<u8>> {
    let is_classifier = forest.base.len() > 1;
    let (class_count, objective) = if is_classifier {
        let classes = forest.base.len().to_string();
        let objective = json!({"name": "multi:softprob", "softmax_multiclass_param": {"num_class": classes}});
        (classes, objective)
    } else {
        ("0".to_owned(), json!({"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}))
    };
    let trees = forest.trees.iter().enumerate().map(|(place, tree)| TreeDocument::of(place, tree));
    let model = Model {
        gbtree_model_param: json!({"num_parallel_tree": "1", "num_trees": forest.trees.len().to_string()}),
        iteration_indptr: (0..=forest.trees.len()).step_by(forest.base.len().max(1)).collect(),
        tree_info: forest.trees.iter().map(|tree| tree.output).collect(),
        trees: trees.collect(),
    };
    let (base_score, version) = base_score(&forest.base);
    let learner = Learner {
        attributes: Map::new(),
        feature_names: FEATURES.map(|definition| definition.name).to_vec(),
        feature_types: vec!["float"; FEATURE_COUNT],
        gradient_booster: GradientBooster { model, name: "gbtree" },
        learner_model_param: json!({
            "base_score": base_score,
            "boost_from_average": "0",
            "num_class": class_count,
            "num_feature": FEATURE_COUNT.to_string(),
            "num_target": "1",
        }),
        objective,
    };
    serde_json::to_vec(&Document { learner, version })
}

/// The starting score, and the oldest XGBoost whose form holds it.
fn base_score(base: &[f32]) -> (String, [u32; 3]) {
    match base {
        [first, others @ ..] if others.iter().all(|other| other.to_bits() == first.to_bits()) => {
            (format!("{first:E}"), [2, 1, 4])
        }
        _ => {
            let margins: Vec<String> = base.iter().map(|margin| format!("{margin:E}")).collect();
            (format!("[{}]", margins.join(",")), [3, 1, 0])
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    learner: Learner<'a>,
    version: [u32; 3],
}

#[derive(Serialize)]
struct Learner<'a> {
    attributes: Map<String, Value>,
    feature_names: Vec<&'a str>,
    feature_types: Vec<&'a str>,
    gradient_booster: GradientBooster<'a>,
    learner_model_param: Value,
    objective: Value,
}

#[derive(Serialize)]
struct GradientBooster<'a> {
    model: Model,
    name: &'a str,
}

#[derive(Serialize)]
struct Model {
    gbtree_model_param: Value,
    iteration_indptr: Vec<usize>,
    tree_info: Vec<usize>,
    trees: Vec<TreeDocument>,
}

/// One tree, a column a property. Reals stay f32, whose shortest decimals XGBoost reads back to the same bits.
#[derive(Serialize)]
struct TreeDocument {
    base_weights: Vec<f32>,
    categories: [i64; 0],
    categories_nodes: [i64; 0],
    categories_segments: [i64; 0],
    categories_sizes: [i64; 0],
    default_left: Vec<u8>,
    id: usize,
    left_children: Vec<i64>,
    loss_changes: Vec<f32>,
    parents: Vec<i64>,
    right_children: Vec<i64>,
    split_conditions: Vec<f32>,
    split_indices: Vec<u8>,
    split_type: Vec<u8>,
    sum_hessian: Vec<f32>,
    tree_param: Value,
}

impl TreeDocument {
    fn of(id: usize, tree: &Tree) -> Self {
        let count = tree.nodes.len();
        let mut document = TreeDocument {
            base_weights: Vec::with_capacity(count),
            categories: [],
            categories_nodes: [],
            categories_segments: [],
            categories_sizes: [],
            default_left: Vec::with_capacity(count),
            id,
            left_children: Vec::with_capacity(count),
            loss_changes: vec![0.0; count],
            parents: vec![NO_PARENT; count],
            right_children: Vec::with_capacity(count),
            split_conditions: Vec::with_capacity(count),
            split_indices: Vec::with_capacity(count),
            split_type: vec![0; count],
            sum_hessian: Vec::with_capacity(count),
            tree_param: json!({
                "num_deleted": "0",
                "num_feature": FEATURE_COUNT.to_string(),
                "num_nodes": count.to_string(),
                "size_leaf_vector": "1",
            }),
        };
        tree.nodes.iter().enumerate().for_each(|(number, node)| document.push(number, node));
        document
    }

    fn push(&mut self, number: usize, node: &Node) {
        let (left, right, feature, condition, absent_goes_left, weight, node_cover) = match *node {
            Node::Leaf { value, cover } => (-1, -1, 0, value, false, value, cover),
            Node::Split { feature, threshold, absent_goes_left, left, right, cover } => {
                for child in [left, right] {
                    self.parents
                        .get_mut(child as usize)
                        .into_iter()
                        .for_each(|parent| *parent = number as i64);
                }
                (i64::from(left), i64::from(right), feature, threshold, absent_goes_left, 0.0, cover)
            }
        };
        self.left_children.push(left);
        self.right_children.push(right);
        self.split_indices.push(feature);
        self.split_conditions.push(condition);
        self.default_left.push(u8::from(absent_goes_left));
        self.base_weights.push(weight);
        self.sum_hessian.push(node_cover);
    }
}
