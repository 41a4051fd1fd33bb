//! Growing a forest with hessboost, in a way that gives the same bits everywhere.
//!
//! hessboost sums histograms in fixed blocks of rows, so the thread count changes nothing (tests here see to it), and
//! its split search is plain f64 arithmetic. Two things would tie the result to a machine: its vector kernels for
//! softmax and logistic gradients, chosen by processor (AVX2, NEON), and exponentials from the platform's libm. Both
//! are avoided by handing in our own losses and our own stopping metrics, computed in f64 with [`crate::math`].

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

use hessboost::config::{TrainingParams, TreeMethod};
use hessboost::data::DMatrix;
use hessboost::metric::{CustomMetric, EvalMetric};
use hessboost::model::{BoostedModel, Iterations};
use hessboost::objective::{CustomLoss, GradPair, Objective};
use hessboost::training::Trainer;
use linkcast_domain::{FEATURE_COUNT, PredictionType};

use crate::config::ForestSettings;
use crate::constraints::{self, Direction};
use crate::forest::Forest;
use crate::math;
use crate::progress::{Progress, TrainingEvent};
use crate::{TrainingConfig, TrainingError, TrainingSet};

/// The name of the classifier in messages and files.
pub(crate) const CLASSIFIER: &str = "classifier";
/// The name of the regressor in messages and files.
pub(crate) const REGRESSOR: &str = "regressor";

/// A forest with the library's own model beside it: the trainer's prediction, which the export is held against.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) forest: Forest,
    model: BoostedModel,
}

impl Grown {
    /// The trainer's own margins, `[row][output]`, in f64.
    pub(crate) fn margins(&self, rows: &[[f32; FEATURE_COUNT]]) -> Result<Vec<f64>, TrainingError> {
        let margins = self
            .model
            .predict_margin_rows(rows.as_flattened(), Iterations::Best)
            .map_err(|source| TrainingError::Boosting { forest: self.forest.name, source })?;
        Ok(margins.as_slice().iter().map(|margin| f64::from(*margin)).collect())
    }
}

/// What a forest should learn: rows to fit and rows to stop by, each with its targets and weights.
pub(crate) struct Lesson<'a> {
    pub(crate) fit: &'a TrainingSet,
    pub(crate) fit_weights: &'a [f32],
    pub(crate) stop: &'a TrainingSet,
    pub(crate) stop_weights: &'a [f32],
}

/// Grows the eleven-class classifier.
pub(crate) fn grow_classifier(
    lesson: &Lesson<'_>,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Grown, TrainingError> {
    let loss = CustomLoss::new("linkcast:softmax", PredictionType::COUNT, softmax_gradient)
        .with_default_metric(EvalMetric::MError);
    let metric = CustomMetric::new("cross_entropy", false, |margins, labels, weights| {
        cross_entropy(margins, labels, weights)
    });
    let targets = |set: &TrainingSet| set.classes().iter().map(|class| class.index() as f32).collect();
    let direction = Direction::Free;
    let plan = Plan { name: CLASSIFIER, settings: &config.classifier, loss, metric, direction };
    grow(plan, lesson, targets, config, progress)
}

/// Grows the risk regressor.
pub(crate) fn grow_regressor(
    lesson: &Lesson<'_>,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Grown, TrainingError> {
    let mean = weighted_mean(lesson.fit.risks(), lesson.fit_weights);
    let loss = CustomLoss::new("linkcast:squared", 1, squared_gradient).with_base_margin(mean);
    let metric = CustomMetric::new("mean_squared_error", false, |margins, labels, weights| {
        mean_squared_error(margins, labels, weights)
    });
    let targets = |set: &TrainingSet| set.risks().to_vec();
    let direction = Direction::WithErrors;
    let plan = Plan { name: REGRESSOR, settings: &config.regressor, loss, metric, direction };
    grow(plan, lesson, targets, config, progress)
}

/// One forest's name, shape and aim.
struct Plan<'a> {
    name: &'static str,
    settings: &'a ForestSettings,
    loss: CustomLoss,
    metric: CustomMetric,
    direction: Direction,
}

fn grow(
    plan: Plan<'_>,
    lesson: &Lesson<'_>,
    targets: impl Fn(&TrainingSet) -> Vec<f32>,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Grown, TrainingError> {
    let Plan { name, settings, loss, metric, direction } = plan;
    let failed = |source| TrainingError::Boosting { forest: name, source };
    let parameters = parameters(settings, loss, direction, config).map_err(failed)?;
    let fit = matrix(lesson.fit, &targets(lesson.fit), lesson.fit_weights).map_err(failed)?;
    let stop = matrix(lesson.stop, &targets(lesson.stop), lesson.stop_weights).map_err(failed)?;
    let mut stopped_after = None;
    let mut trainer = Trainer::new(&parameters, &fit, settings.rounds)
        .eval(&stop, "stop")
        .custom_metric(Box::new(metric))
        .on_round(|round| {
            let loss = round.values().last().copied().unwrap_or(f64::NAN);
            let event = TrainingEvent::Round {
                forest: name,
                round: round.iteration() + 1,
                most: settings.rounds,
                loss,
            };
            let verdict = progress.tell(event);
            if verdict.is_break() {
                stopped_after = Some(round.iteration() + 1);
            }
            verdict
        });
    if let Some(patience) = NonZeroUsize::new(settings.patience) {
        trainer = trainer.early_stopping_rounds(patience);
    }
    let model = trainer.train().map_err(failed)?.model;
    if let Some(round) = stopped_after {
        return Err(TrainingError::Stopped { forest: name, round });
    }
    Ok(Grown { forest: Forest::of(name, &model)?, model })
}

fn parameters(
    settings: &ForestSettings,
    loss: CustomLoss,
    direction: Direction,
    config: &TrainingConfig,
) -> hessboost::error::Result<TrainingParams> {
    let mut parameters = TrainingParams::builder()
        .objective(Objective::Custom(Arc::new(loss)))
        .tree_method(TreeMethod::Hist)
        .max_depth(settings.depth)
        .eta(settings.eta)
        .min_child_weight(settings.min_child_weight)
        .lambda(settings.lambda)
        .colsample_bytree(settings.features_per_tree)
        .seed(config.seed)
        .build()?;
    parameters.monotone_constraints = direction.constraints();
    parameters.nthread = config.threads;
    Ok(parameters)
}

fn matrix(set: &TrainingSet, targets: &[f32], weights: &[f32]) -> hessboost::error::Result<DMatrix> {
    let rows = constraints::shown(set.features());
    DMatrix::from_dense(rows.as_flattened(), set.len(), FEATURE_COUNT)?
        .with_labels(targets)?
        .with_weights(weights)
}

/// Gradients of the cross entropy of softmax; the second derivative is doubled, as XGBoost does, which halves the
/// step of each tree and is what its default settings are tuned to.
fn softmax_gradient(margins: &[f32], labels: &[f32], weights: Option<&[f32]>, out: &mut [GradPair]) {
    const COUNT: usize = PredictionType::COUNT;
    let rows = margins.as_chunks::<COUNT>().0.iter().zip(out.as_chunks_mut::<COUNT>().0);
    for (row, ((margins, out), label)) in rows.zip(labels).enumerate() {
        let weight = weight_at(weights, row);
        let mut probabilities = margins.map(f64::from);
        math::softmax(&mut probabilities);
        for (class, (probability, pair)) in probabilities.iter().zip(out).enumerate() {
            let target = if class as f32 == *label { 1.0 } else { 0.0 };
            let curvature = (2.0 * probability * (1.0 - probability)).max(1e-16);
            *pair = GradPair::new(((probability - target) * weight) as f32, (curvature * weight) as f32);
        }
    }
}

fn squared_gradient(margins: &[f32], labels: &[f32], weights: Option<&[f32]>, out: &mut [GradPair]) {
    for (row, ((margin, label), pair)) in margins.iter().zip(labels).zip(out).enumerate() {
        let weight = weight_at(weights, row) as f32;
        *pair = GradPair::new((margin - label) * weight, weight);
    }
}

fn cross_entropy(margins: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let rows = margins.as_chunks::<{ PredictionType::COUNT }>().0.iter().zip(labels);
    let losses = rows.map(|(margins, label)| {
        let mut probabilities = margins.map(f64::from);
        math::softmax(&mut probabilities);
        let true_class = probabilities.get(*label as usize).copied().unwrap_or(0.0);
        -math::ln(true_class.max(1e-15))
    });
    mean(losses, weights)
}

fn mean_squared_error(margins: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let losses = margins.iter().zip(labels).map(|(margin, label)| {
        let error = f64::from(*margin) - f64::from(*label);
        error * error
    });
    mean(losses, weights)
}

fn weighted_mean(values: &[f32], weights: &[f32]) -> f32 {
    mean(values.iter().map(|value| f64::from(*value)), Some(weights)) as f32
}

fn mean(values: impl Iterator<Item = f64>, weights: Option<&[f32]>) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, value) in values.enumerate() {
        let weight = weight_at(weights, row);
        sum += value * weight;
        total += weight;
    }
    if total > 0.0 { sum / total } else { 0.0 }
}

fn weight_at(weights: Option<&[f32]>, row: usize) -> f64 {
    weights.and_then(|weights| weights.get(row)).map_or(1.0, |weight| f64::from(*weight))
}

/// The caller's verdict as an error, for events outside a round.
pub(crate) fn heed(
    verdict: ControlFlow<()>,
    forest: &'static str,
    round: usize,
) -> Result<(), TrainingError> {
    if verdict.is_break() { Err(TrainingError::Stopped { forest, round }) } else { Ok(()) }
}
