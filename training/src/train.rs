//! From labelled rows to a model that may ship: split, grow, calibrate, judge, export, and hold the export to account.
//!
//! The result depends on the rows and the settings and on nothing else. Whatever fails, fails here: a model that
//! comes out of [`train`] has passed the parity gate.

use linkcast_domain::{FEATURE_COUNT, PredictionType};
use linkcast_scoring::Calibration;

use crate::boost::{Grown, Lesson, grow_classifier, grow_regressor, heed};
use crate::calibrate::{self, Scored};
use crate::export::{self, Exported};
use crate::metrics::{ClassifierFigures, RegressorFigures, judge_classifier, judge_regressor};
use crate::model::TrainedModel;
use crate::progress::{Progress, TrainingEvent};
use crate::split::{Split, split};
use crate::{TrainingConfig, TrainingError, TrainingSet};

/// Recorded rows the parity gate compares, spread over all parts.
const PARITY_ROWS: usize = 4000;

/// The parts of the split, as sets.
pub(crate) struct Parts {
    pub(crate) split: Split,
    pub(crate) fit: TrainingSet,
    pub(crate) stop: TrainingSet,
    pub(crate) calibrate: TrainingSet,
    pub(crate) test: TrainingSet,
}

/// What the test part said.
pub(crate) struct Judgement {
    pub(crate) before_calibration: ClassifierFigures,
    pub(crate) classifier: ClassifierFigures,
    pub(crate) regressor: RegressorFigures,
}

/// Trains a model on `set`.
///
/// # Errors
///
/// A setting or part that cannot be used, the booster's own errors, a stop asked for by `progress`, and above all a
/// [`TrainingError::Parity`] when the exported files do not say what the trainer says.
pub fn train(
    set: &TrainingSet,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<TrainedModel, TrainingError> {
    let parts = parts(set, config)?;
    let held_out = parts.stop.len() + parts.calibrate.len() + parts.test.len();
    let event = TrainingEvent::Split { fit: parts.fit.len(), held_out, left_out: parts.split.left_out };
    heed(progress.tell(event), "model", 0)?;
    let classifier = grow(grow_classifier, &parts, config.balance, config, progress)?;
    let regressor = grow(grow_regressor, &parts, config.regressor_balance, config, progress)?;
    let calibration = fit_calibration(&classifier, &parts.calibrate)?;
    let judgement = judge(&classifier, &regressor, &calibration, &parts.test)?;
    let event = TrainingEvent::Calibrated {
        before: judgement.before_calibration.calibration_error,
        after: judgement.classifier.calibration_error,
    };
    heed(progress.tell(event), "model", 0)?;
    let exported =
        Exported { classifier: &classifier, regressor: &regressor, calibration, judgement, parts: &parts };
    let model = export::export(&exported, set, config, &recorded(set))?;
    let rows = model.parity().recorded_rows + model.parity().probes;
    heed(progress.tell(TrainingEvent::ParityHolds { rows }), "model", 0)?;
    Ok(model)
}

/// Grows one of the forests, its classes balanced to the power of `balance`.
fn grow(
    grow_forest: fn(&Lesson<'_>, &TrainingConfig, &mut dyn Progress) -> Result<Grown, TrainingError>,
    parts: &Parts,
    balance: f64,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Grown, TrainingError> {
    let weights = ClassWeights::of(&parts.fit, balance);
    let (fit_weights, stop_weights) = (weights.weigh(&parts.fit), weights.weigh(&parts.stop));
    let lesson =
        Lesson { fit: &parts.fit, fit_weights: &fit_weights, stop: &parts.stop, stop_weights: &stop_weights };
    grow_forest(&lesson, config, progress)
}

fn parts(set: &TrainingSet, config: &TrainingConfig) -> Result<Parts, TrainingError> {
    let split = split(set, &config.split, config.seed)?;
    let parts = Parts {
        fit: set.select(&split.fit),
        stop: set.select(&split.stop),
        calibrate: set.select(&split.calibrate),
        test: set.select(&split.test),
        split,
    };
    let named = [
        ("fitting", &parts.fit),
        ("stopping", &parts.stop),
        ("calibrating", &parts.calibrate),
        ("judging", &parts.test),
    ];
    for (part, rows) in named {
        let counts = class_counts(rows);
        let classes = counts.iter().filter(|count| **count > 0).count();
        let has_normal = counts.first().is_some_and(|count| *count > 0);
        if classes < 2 || !has_normal {
            return Err(TrainingError::PartTooSmall { part, rows: rows.len(), classes });
        }
    }
    Ok(parts)
}

/// Rows of each class.
pub(crate) fn class_counts(set: &TrainingSet) -> [usize; PredictionType::COUNT] {
    let mut counts = [0; PredictionType::COUNT];
    for class in set.classes() {
        counts.get_mut(class.index()).into_iter().for_each(|count| *count += 1);
    }
    counts
}

/// What a row of each class weighs, so that rare classes are not drowned.
struct ClassWeights([f64; PredictionType::COUNT]);

impl ClassWeights {
    /// Inverse frequencies to the power of `balance`, scaled so that the weights of `set` keep their sum.
    fn of(set: &TrainingSet, balance: f64) -> Self {
        let mut sums = [0.0; PredictionType::COUNT];
        for (class, weight) in set.classes().iter().zip(set.weights()) {
            sums.get_mut(class.index()).into_iter().for_each(|sum| *sum += f64::from(*weight));
        }
        let total: f64 = sums.iter().sum();
        let power = |sum: f64| if sum > 0.0 { libm::pow(total / sum, balance) } else { 0.0 };
        let raised = sums.map(power);
        let weighted: f64 = raised.iter().zip(sums).map(|(raised, sum)| raised * sum).sum();
        ClassWeights(raised.map(|raised| if weighted > 0.0 { raised * total / weighted } else { 0.0 }))
    }

    fn weigh(&self, set: &TrainingSet) -> Vec<f32> {
        let rows = set.classes().iter().zip(set.weights());
        rows.map(|(class, weight)| self.0.get(class.index()).map_or(0.0, |factor| *factor as f32) * weight)
            .collect()
    }
}

fn fit_calibration(classifier: &Grown, set: &TrainingSet) -> Result<Calibration, TrainingError> {
    let margins = classifier.margins(set.features())?;
    Ok(calibrate::fit(Scored { margins: &margins, classes: set.classes(), weights: set.weights() }))
}

fn judge(
    classifier: &Grown,
    regressor: &Grown,
    calibration: &Calibration,
    set: &TrainingSet,
) -> Result<Judgement, TrainingError> {
    let margins = classifier.margins(set.features())?;
    let scored = Scored { margins: &margins, classes: set.classes(), weights: set.weights() };
    let risks = regressor.margins(set.features())?;
    Ok(Judgement {
        before_calibration: judge_classifier(scored, &Calibration::identity()),
        classifier: judge_classifier(scored, calibration),
        regressor: judge_regressor(&risks, set.risks(), set.weights()),
    })
}

/// Rows spread evenly over the set, at most [`PARITY_ROWS`].
fn recorded(set: &TrainingSet) -> Vec<[f32; FEATURE_COUNT]> {
    let step = set.len().div_ceil(PARITY_ROWS).max(1);
    set.features().iter().step_by(step).copied().collect()
}
