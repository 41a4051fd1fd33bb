//! Growing a forest with hessboost, in a way that gives the same bits everywhere.
//!
//! hessboost sums histograms in fixed blocks of rows, so the thread count changes nothing (tests here see to it), and
//! its split search is plain f64 arithmetic. Two things would tie the result to a machine: its vector kernels for
//! softmax and logistic gradients, chosen by processor (AVX2, NEON), and exponentials from the platform's libm. Both
//! are avoided by handing in our own losses and our own stopping metrics (see [`crate::losses`]).

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

use hessboost::config::{TrainingParams, TreeMethod};
use hessboost::data::DMatrix;
use hessboost::metric::{CustomMetric, EvalMetric};
use hessboost::model::{BoostedModel, Iterations};
use hessboost::objective::{CustomLoss, Objective};
use hessboost::training::Trainer;
use linkcast_domain::{FEATURE_COUNT, PredictionType};

use crate::config::ForestSettings;
use crate::constraints::{self, Direction};
use crate::forest::Forest;
use crate::losses::{
    binary_entropy, cross_entropy, log_odds, logistic_gradient, mean_squared_error, softmax_gradient,
    squared_gradient, weighted_mean,
};
use crate::progress::{Progress, TrainingEvent};
use crate::{TrainingConfig, TrainingError, TrainingSet};

/// The name of the classifier in messages and files.
pub(crate) const CLASSIFIER: &str = "classifier";
/// The name of the regressor in messages and files.
pub(crate) const REGRESSOR: &str = "regressor";

/// A forest with whoever grew it beside it: the trainer's prediction, which the export is held against.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) forest: Forest,
    pub(crate) origin: Origin,
    grower: Box<dyn Grower>,
}

/// Where a forest comes from, as its card tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Grown here.
    Here,
    /// Taken over from the model file of another library.
    ModelFile {
        /// The library and its version.
        engine: String,
        /// Rounds that count.
        rounds: usize,
        /// Rounds of the file that do not.
        rounds_after_best: usize,
    },
}

/// Whoever grew a forest, asked for its own answers.
pub(crate) trait Grower: std::fmt::Debug + Send + Sync {
    /// The margins of `rows`, `[row][output]`; `forest` is the forest's name, for errors.
    fn margins(&self, forest: &'static str, rows: &[[f32; FEATURE_COUNT]])
    -> Result<Vec<f64>, TrainingError>;
}

impl Grown {
    /// A forest and who answers for it.
    pub(crate) fn new(forest: Forest, origin: Origin, grower: Box<dyn Grower>) -> Self {
        Grown { forest, origin, grower }
    }

    /// The trainer's own margins, `[row][output]`, in f64.
    pub(crate) fn margins(&self, rows: &[[f32; FEATURE_COUNT]]) -> Result<Vec<f64>, TrainingError> {
        self.grower.margins(self.forest.name, rows)
    }
}

impl Grower for BoostedModel {
    fn margins(
        &self,
        forest: &'static str,
        rows: &[[f32; FEATURE_COUNT]],
    ) -> Result<Vec<f64>, TrainingError> {
        let margins = self
            .predict_margin_rows(rows.as_flattened(), Iterations::Best)
            .map_err(|source| TrainingError::Boosting { forest, source })?;
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

/// Grows a forest of one output whose margin is the logarithm of the odds that `targets` hold; trees grow as `config`
/// says a regressor should.
pub(crate) fn grow_binary(
    name: &'static str,
    lesson: &Lesson<'_>,
    targets: impl Fn(&TrainingSet) -> Vec<f32>,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Grown, TrainingError> {
    let base = log_odds(weighted_mean(&targets(lesson.fit), lesson.fit_weights));
    let loss = CustomLoss::new("linkcast:logistic", 1, logistic_gradient).with_base_margin(base);
    let metric = CustomMetric::new("binary_entropy", false, |margins, labels, weights| {
        binary_entropy(margins, labels, weights)
    });
    let direction = Direction::WithErrors;
    let plan = Plan { name, settings: &config.regressor, loss, metric, direction };
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
    Ok(Grown::new(Forest::of(name, &model)?, Origin::Here, Box::new(model)))
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

/// The caller's verdict as an error, for events outside a round.
pub(crate) fn heed(
    verdict: ControlFlow<()>,
    forest: &'static str,
    round: usize,
) -> Result<(), TrainingError> {
    if verdict.is_break() { Err(TrainingError::Stopped { forest, round }) } else { Ok(()) }
}
