//! From labelled rows to a model that may ship: split, grow, calibrate, judge, export, and hold the export to account.
//!
//! The result depends on the rows and the settings and on nothing else. Whatever fails, fails here: a model that
//! comes out of [`train`] has passed the parity gate.

use linkcast_domain::{FEATURE_COUNT, PredictionType};
use linkcast_scoring::Calibration;

use crate::balance::ClassWeights;
use crate::boost::{Grown, Lesson, grow_classifier, grow_regressor, heed};
use crate::calibrate::{self, Scored};
use crate::export::{self, Exported};
use crate::forecast::{Forecasts, grow_heads};
use crate::metrics::{ClassifierFigures, RegressorFigures, judge_classifier, judge_regressor};
use crate::model::TrainedModel;
use crate::progress::{Progress, Silent, TrainingEvent};
use crate::search::{Candidate, SearchReport};
use crate::split::{Split, check_apart, split};
use crate::summary::{ClassifierSummary, Comparison, SearchStory};
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

/// What a training is asked for beside the plain model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Additions<'a> {
    /// The search that found the settings: its story goes into the cards.
    pub search: Option<&'a SearchReport>,
    /// Rows of which it is known whether their links failed: heads that forecast it are grown on them.
    pub failures: Option<&'a TrainingSet>,
}

/// Trains a model on `set`, and nothing beside it.
///
/// # Errors
///
/// Those of [`train_with`].
pub fn train(
    set: &TrainingSet,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<TrainedModel, TrainingError> {
    train_with(set, config, Additions::default(), progress)
}

/// Trains a model on `set`.
///
/// # Errors
///
/// A setting or part that cannot be used, the booster's own errors, a stop asked for by `progress`, and above all a
/// [`TrainingError::Parity`] when the exported files do not say what the trainer says.
pub fn train_with(
    set: &TrainingSet,
    config: &TrainingConfig,
    additions: Additions<'_>,
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
    let chosen = Calibrated { classifier: &classifier, calibration: &calibration };
    let search = tell_story(additions.search, &chosen, &parts, config)?;
    let forecasts = match additions.failures {
        Some(failures) => grow_heads(failures, config, progress)?,
        None => Forecasts::default(),
    };
    let exported = Exported {
        classifier: &classifier,
        regressor: &regressor,
        calibration,
        judgement,
        parts: &parts,
        search,
        forecasts,
    };
    let model = export::export(&exported, set, config, &recorded(set))?;
    let rows = model.parity().recorded_rows + model.parity().probes;
    heed(progress.tell(TrainingEvent::ParityHolds { rows }), "model", 0)?;
    Ok(model)
}

/// Grows one of the forests, its classes balanced to the power of `balance`.
pub(crate) fn grow(
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

/// Splits `set` and refuses a split that cannot teach or judge.
pub(crate) fn parts(set: &TrainingSet, config: &TrainingConfig) -> Result<Parts, TrainingError> {
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
    check_apart(
        set,
        &[
            ("fitting", &parts.split.fit),
            ("stopping", &parts.split.stop),
            ("calibrating", &parts.split.calibrate),
            ("judging", &parts.split.test),
        ],
    )?;
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

/// A classifier that means what it says.
struct Calibrated<'a> {
    classifier: &'a Grown,
    calibration: &'a Calibration,
}

impl Calibrated<'_> {
    fn summary(&self, set: &TrainingSet) -> Result<ClassifierSummary, TrainingError> {
        let margins = self.classifier.margins(set.features())?;
        let scored = Scored { margins: &margins, classes: set.classes(), weights: set.weights() };
        Ok(ClassifierSummary::of(scored, self.calibration))
    }
}

/// Lets the test part speak of what the search chose and, grown and calibrated the same way, of what it began with.
fn tell_story<'a>(
    report: Option<&'a SearchReport>,
    chosen: &Calibrated<'_>,
    parts: &Parts,
    config: &TrainingConfig,
) -> Result<Option<SearchStory<'a>>, TrainingError> {
    let Some(report) = report else { return Ok(None) };
    let chosen = chosen.summary(&parts.test)?;
    let baseline = match report.baseline.candidate {
        Candidate::Trees { settings, balance } if report.found_better() => {
            let config = TrainingConfig { classifier: settings, balance, ..config.clone() };
            let classifier = grow(grow_classifier, parts, balance, &config, &mut Silent)?;
            let calibration = fit_calibration(&classifier, &parts.calibrate)?;
            Calibrated { classifier: &classifier, calibration: &calibration }.summary(&parts.test)?
        }
        _ => chosen,
    };
    Ok(Some(SearchStory { report, test: Comparison { baseline, chosen } }))
}

pub(crate) fn fit_calibration(classifier: &Grown, set: &TrainingSet) -> Result<Calibration, TrainingError> {
    let margins = classifier.margins(set.features())?;
    Ok(calibrate::fit(Scored { margins: &margins, classes: set.classes(), weights: set.weights() }))
}

pub(crate) fn judge(
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
pub(crate) fn recorded(set: &TrainingSet) -> Vec<[f32; FEATURE_COUNT]> {
    let step = set.len().div_ceil(PARITY_ROWS).max(1);
    set.features().iter().step_by(step).copied().collect()
}
