//! A model as XGBoost would predict with it, checked field by field.

use linkcast_domain::{FEATURE_COUNT, FEATURES, PredictionType};

use super::base_score;
use super::columns::Columns;
use super::document::{Document, Learner};
use super::{XgboostError, read};
use crate::TrainingError;
use crate::boost::{Grower, Grown, Origin};
use crate::forest::Forest;

/// What a model answers, of the objectives that are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// `multi:softprob` and `multi:softmax`, of the eleven classes.
    Softmax,
    /// `reg:squarederror`.
    SquaredError,
    /// `binary:logistic`.
    Logistic,
}

impl Objective {
    /// The margins of one row.
    pub fn outputs(self) -> usize {
        match self {
            Objective::Softmax => PredictionType::COUNT,
            Objective::SquaredError | Objective::Logistic => 1,
        }
    }

    fn named(name: &str) -> Result<Self, XgboostError> {
        match name {
            "multi:softprob" | "multi:softmax" => Ok(Objective::Softmax),
            "reg:squarederror" => Ok(Objective::SquaredError),
            "binary:logistic" => Ok(Objective::Logistic),
            other => Err(XgboostError::field(
                "learner.objective.name",
                format!("{:?}", other.chars().take(64).collect::<String>()),
                "multi:softprob, multi:softmax, reg:squarederror or binary:logistic",
            )),
        }
    }
}

/// A model that XGBoost trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Booster {
    objective: Objective,
    version: String,
    rounds: usize,
    rounds_after_best: usize,
    base: Vec<f32>,
    trees: Vec<Columns>,
}

impl Booster {
    /// Reads what `save_model` wrote, JSON or UBJSON, whatever the file is called.
    ///
    /// # Errors
    ///
    /// Another form, a damaged document, or a field that holds what our form cannot; the field is named.
    pub fn read(bytes: &[u8]) -> Result<Self, XgboostError> {
        Booster::of(read::document(bytes)?)
    }

    fn of(document: Document) -> Result<Self, XgboostError> {
        let learner = document.learner;
        let objective = Objective::named(&learner.objective.name)?;
        check_shape(&learner, objective)?;
        let base = base_score::margins(&learner.learner_model_param.base_score, objective)?;
        let parallel = &learner.gradient_booster.model.gbtree_model_param.num_parallel_tree;
        let parallel =
            number("learner.gradient_booster.model.gbtree_model_param.num_parallel_tree", parallel, 1)?;
        let trees_a_round = objective.outputs().saturating_mul(parallel.max(1));
        let rounds = learner.gradient_booster.model.trees.len() / trees_a_round.max(1);
        let kept = rounds_to_best(&learner)?.map_or(rounds, |best| best.min(rounds));
        let version = document.version.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        let mut trees = trees(learner, objective)?;
        trees.truncate(kept.saturating_mul(trees_a_round));
        Ok(Booster { objective, version, rounds: kept, rounds_after_best: rounds - kept, base, trees })
    }

    /// What it answers.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The XGBoost that wrote the file.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Rounds that count: all of them, or those up to the best one of an early stop.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Rounds of the file after the best one, which do not count.
    pub fn rounds_after_best(&self) -> usize {
        self.rounds_after_best
    }

    /// The margins of each row, `[row][output]`, summed in single precision and in the order of the trees as XGBoost does.
    pub fn margins(&self, rows: &[[f32; FEATURE_COUNT]]) -> Vec<f32> {
        let mut margins = Vec::with_capacity(rows.len() * self.base.len());
        for row in rows {
            let mut sums = self.base.clone();
            for tree in &self.trees {
                sums.get_mut(tree.output).into_iter().for_each(|sum| *sum += tree.leaf(row));
            }
            margins.extend(sums);
        }
        margins
    }

    /// The model in our own form.
    pub(crate) fn forest(&self, name: &'static str) -> Forest {
        let trees = self.trees.iter().map(Columns::to_tree).collect();
        Forest { name, base: self.base.clone(), trees }
    }

    /// The forest with this file's own answers beside it, for the gate.
    pub(crate) fn into_grown(self, name: &'static str) -> Grown {
        let origin = Origin::ModelFile {
            engine: format!("XGBoost {}", self.version),
            rounds: self.rounds,
            rounds_after_best: self.rounds_after_best,
        };
        Grown::new(self.forest(name), origin, Box::new(self))
    }
}

impl Grower for Booster {
    fn margins(&self, _: &'static str, rows: &[[f32; FEATURE_COUNT]]) -> Result<Vec<f64>, TrainingError> {
        Ok(Booster::margins(self, rows).into_iter().map(f64::from).collect())
    }
}

/// Refuses boosters, widths and feature lists that are not ours.
fn check_shape(learner: &Learner, objective: Objective) -> Result<(), XgboostError> {
    let booster = &learner.gradient_booster;
    if booster.name != "gbtree" {
        let name = format!("{:?}", booster.name.chars().take(64).collect::<String>());
        return Err(XgboostError::field("learner.gradient_booster.name", name, "\"gbtree\""));
    }
    if !booster.model.weight_drop.is_empty() {
        let field = "learner.gradient_booster.model.weight_drop";
        return Err(XgboostError::field(field, "there, as dart has it", "a gbtree without it"));
    }
    let parameters = &learner.learner_model_param;
    let exact = |field: &str, text: &str, missing: usize, expected: usize, of: &str| {
        let field = format!("learner.learner_model_param.{field}");
        match number(&field, text, missing)? {
            found if found == expected => Ok(()),
            found => Err(XgboostError::field(field, found.to_string(), format!("{expected}, {of}"))),
        }
    };
    let classes = if objective == Objective::Softmax { PredictionType::COUNT } else { 0 };
    // A model of one output may say that it has 0 classes or 1.
    if classes > 0 || number("num_class", &parameters.num_class, 0).unwrap_or(2) > 1 {
        exact("num_class", &parameters.num_class, 0, classes, "the classes of the schema")?;
    }
    exact("num_target", &parameters.num_target, 1, 1, "as a model of one label has")?;
    exact("num_feature", &parameters.num_feature, 0, FEATURE_COUNT, "the features of the schema")?;
    check_names(&learner.feature_names)
}

/// A model without names was trained on columns without names, and only their count can be held against the schema.
fn check_names(names: &[String]) -> Result<(), XgboostError> {
    if names.is_empty() {
        return Ok(());
    }
    for place in 0..names.len().max(FEATURE_COUNT) {
        let found = names.get(place).map_or("missing", String::as_str);
        let expected = FEATURES.get(place).map_or("no more", |definition| definition.name);
        if found != expected {
            let found = found.chars().take(64).collect::<String>();
            return Err(XgboostError::field(format!("learner.feature_names[{place}]"), found, expected));
        }
    }
    Ok(())
}

/// How many rounds lead to the best one, where growth was stopped early.
fn rounds_to_best(learner: &Learner) -> Result<Option<usize>, XgboostError> {
    let Some(best) = learner.attributes.get("best_iteration") else { return Ok(None) };
    Ok(Some(number("learner.attributes.best_iteration", best, 0)?.saturating_add(1)))
}

fn trees(learner: Learner, objective: Objective) -> Result<Vec<Columns>, XgboostError> {
    const FIELD: &str = "learner.gradient_booster.model";
    let model = learner.gradient_booster.model;
    let (count, outputs) = (model.trees.len(), objective.outputs());
    if count == 0 || !count.is_multiple_of(outputs) {
        let expected = format!("trees, {outputs} a round");
        return Err(XgboostError::field(format!("{FIELD}.trees"), format!("{count} trees"), expected));
    }
    if model.tree_info.len() != count {
        let (field, found) = (format!("{FIELD}.tree_info"), format!("{} values", model.tree_info.len()));
        return Err(XgboostError::field(field, found, format!("{count}, one a tree")));
    }
    let numbered = model.trees.into_iter().zip(model.tree_info).enumerate();
    numbered
        .map(|(place, (columns, output))| {
            let known = usize::try_from(output).ok().filter(|output| *output < outputs);
            let output = known.ok_or_else(|| {
                let (field, expected) =
                    (format!("{FIELD}.tree_info[{place}]"), format!("0 to {}", outputs - 1));
                XgboostError::field(field, output.to_string(), expected)
            })?;
            Columns::new(columns, output, &format!("{FIELD}.trees[{place}]"))
        })
        .collect()
}

/// A whole number that XGBoost writes as a text; `missing` where the field is not there.
fn number(field: &str, text: &str, missing: usize) -> Result<usize, XgboostError> {
    if text.is_empty() {
        return Ok(missing);
    }
    text.parse().map_err(|_| XgboostError::field(field, format!("{text:?}"), "a whole number"))
}
