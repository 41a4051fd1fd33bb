//! The document as XGBoost writes it, field by field: only what decides a prediction, everything else is skipped.
//!
//! Names and nesting are XGBoost's (its `doc/model.schema`). Fields that came or went between 1.0 and 3.x have defaults, so
//! that one reading serves all; whether what is there is enough is decided afterwards, where the field can be named.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// The top of the file.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) learner: Learner,
    /// The XGBoost that wrote it.
    #[serde(default)]
    pub(super) version: Vec<u32>,
}

/// What was learnt.
#[derive(Debug, Deserialize)]
pub(super) struct Learner {
    /// `best_iteration` after an early stop, and whatever the user noted.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) feature_names: Vec<String>,
    pub(super) gradient_booster: GradientBooster,
    pub(super) learner_model_param: ModelParameters,
    pub(super) objective: ObjectiveName,
}

/// Numbers that XGBoost writes as texts.
#[derive(Debug, Deserialize)]
pub(super) struct ModelParameters {
    pub(super) base_score: String,
    #[serde(default)]
    pub(super) num_class: String,
    #[serde(default)]
    pub(super) num_feature: String,
    #[serde(default)]
    pub(super) num_target: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ObjectiveName {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GradientBooster {
    #[serde(default)]
    pub(super) name: String,
    /// Missing for dart, which nests the whole booster once more.
    #[serde(default)]
    pub(super) model: TreeModel,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TreeModel {
    #[serde(default)]
    pub(super) gbtree_model_param: ForestParameters,
    /// The output each tree adds to.
    #[serde(default)]
    pub(super) tree_info: Vec<i64>,
    #[serde(default)]
    pub(super) trees: Vec<TreeColumns>,
    /// Dart's, since it is called gbtree.
    #[serde(default)]
    pub(super) weight_drop: Vec<f32>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ForestParameters {
    #[serde(default)]
    pub(super) num_parallel_tree: String,
}

/// One tree, a column a property, a place a node.
#[derive(Debug, Deserialize)]
pub(super) struct TreeColumns {
    pub(super) left_children: Vec<i64>,
    pub(super) right_children: Vec<i64>,
    pub(super) split_indices: Vec<i64>,
    /// The threshold of a split, the value of a leaf.
    pub(super) split_conditions: Vec<f32>,
    pub(super) default_left: Vec<Flag>,
    #[serde(default)]
    pub(super) sum_hessian: Vec<f32>,
    /// 1 where a split is by category.
    #[serde(default)]
    pub(super) split_type: Vec<i64>,
    #[serde(default)]
    pub(super) tree_param: TreeParameters,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TreeParameters {
    #[serde(default)]
    pub(super) size_leaf_vector: String,
}

/// True or false, written as such by 1.x and as 0 or 1 since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, 0 or 1")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Flag, E> {
        match value {
            0 => Ok(Flag(false)),
            1 => Ok(Flag(true)),
            other => Err(E::invalid_value(de::Unexpected::Unsigned(other), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Flag, E> {
        u64::try_from(value)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            .and_then(|value| self.visit_u64(value))
    }
}
