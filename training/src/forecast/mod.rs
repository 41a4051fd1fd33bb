//! The second head: whether a row's link fails within an hour, and within a day.
//!
//! The classifier says what a sample shows now; these two small forests say what will come of it. They are of another
//! kind in three ways.
//!
//! - **Rows.** A row takes part where its whole horizon was watched: the rows of the last hour (day) before the end are
//!   left out even where the failure was seen already, for to keep those alone would teach that whatever is late fails.
//!   For the far horizon that leaves the beginning of a short history, and the split is made within it.
//! - **At risk.** Who has failed already cannot fail again before being repaired; whoever collects rows leaves those out.
//! - **Base rate.** Failures are rare and rows are weighed as they are, not balanced: a probability of failure is worth
//!   something only if one in ten of those that say 10 % fail. An isotonic map on rows the trees never saw sees to it.
//!
//! A head that cannot be taught or judged is left out and the reason given; there is never a stand-in.

mod figures;

pub use figures::HeadFigures;

use linkcast_domain::{FEATURE_COUNT, PiecewiseLinear, Timestamp};
use linkcast_scoring::{FailureForest, ForecastHead, Horizon, digest};
use serde::Serialize;

use crate::boost::{Grown, Lesson, grow_binary, heed};
use crate::config::ForestSettings;
use crate::progress::{Progress, TrainingEvent};
use crate::split::{check_apart, split};
use crate::{Failures, TrainingConfig, TrainingError, TrainingSet, calibrate, gate, math, onnx};

/// Failures (and rows without one) that each part must hold for its word to mean anything.
const FEWEST_OF_EACH: usize = 20;

/// Shallow and slow: failures are few, and most of what tells of them is one or two counters.
pub(crate) const SETTINGS: ForestSettings = ForestSettings {
    rounds: 80,
    depth: 4,
    eta: 0.1,
    min_child_weight: 10.0,
    lambda: 4.0,
    features_per_tree: 0.8,
    patience: 10,
};

/// A head that passed the gate.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) card: ForecastHead,
    pub(crate) onnx: Vec<u8>,
}

/// What a training's forecasts came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forecasts {
    /// The heads that were made.
    pub(crate) heads: Vec<Head>,
    /// What became of each that was asked for.
    pub(crate) reports: Vec<HeadReport>,
}

/// What became of a head, for the card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReport {
    /// How far ahead it looks.
    pub horizon: Horizon,
    /// Its trees, its rows and how good it is; `None` where it was left out.
    pub made: Option<MadeHead>,
    /// Why it was left out.
    pub left_out: Option<String>,
}

/// A head in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MadeHead {
    /// Trees.
    pub trees: usize,
    /// Rows that fit, stop, calibrate and judge.
    pub rows: [usize; 4],
    /// How good it is on the rows that judge.
    pub figures: HeadFigures,
}

/// Grows both heads on `set`.
pub(crate) fn grow_heads(
    set: &TrainingSet,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Forecasts, TrainingError> {
    let mut forecasts = Forecasts::default();
    for horizon in Horizon::ALL {
        let report = match grow_head(horizon, set, config, progress)? {
            Ok((head, report)) => {
                forecasts.heads.push(head);
                report
            }
            Err(why) => HeadReport { horizon, made: None, left_out: Some(why) },
        };
        heed(progress.tell(event(&report)), "forecast", 0)?;
        forecasts.reports.push(report);
    }
    Ok(forecasts)
}

/// One horizon's rows, by what they are for.
struct Parts {
    fit: TrainingSet,
    stop: TrainingSet,
    calibrate: TrainingSet,
    test: TrainingSet,
}

/// A head with what it came to, or why there can be none.
type Made = Result<(Head, HeadReport), String>;

fn grow_head(
    horizon: Horizon,
    set: &TrainingSet,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<Made, TrainingError> {
    let parts = match parts(horizon, set, config)? {
        Ok(parts) => parts,
        Err(why) => return Ok(Err(why)),
    };
    let (fit_weights, stop_weights) = (mean_one(&parts.fit), mean_one(&parts.stop));
    let lesson =
        Lesson { fit: &parts.fit, fit_weights: &fit_weights, stop: &parts.stop, stop_weights: &stop_weights };
    let targets =
        |set: &TrainingSet| truths(horizon, set).iter().map(|failed| f32::from(u8::from(*failed))).collect();
    let config = TrainingConfig { regressor: SETTINGS, ..config.clone() };
    let grown = grow_binary(name(horizon), &lesson, targets, &config, progress)?;
    let calibration = fit_calibration(horizon, &grown, &parts.calibrate)?;
    let said: Vec<f64> =
        probabilities(&grown, &parts.test)?.into_iter().map(|said| calibration.apply(said)).collect();
    let figures = HeadFigures::of(&said, &truths(horizon, &parts.test), parts.test.weights());
    let rows = [parts.fit.len(), parts.stop.len(), parts.calibrate.len(), parts.test.len()];
    let made = MadeHead { trees: grown.forest.trees.len(), rows, figures };
    let report = HeadReport { horizon, made: Some(made), left_out: None };
    let head = export(horizon, &grown, calibration, &parts.fit)?;
    Ok(Ok((head, report)))
}

/// Writes the head, loads it as serving does, and lets the gate compare both with the trainer.
fn export(
    horizon: Horizon,
    grown: &Grown,
    calibration: PiecewiseLinear,
    recorded: &TrainingSet,
) -> Result<Head, TrainingError> {
    let onnx = onnx::write_regressor(&grown.forest);
    let card = ForecastHead { horizon, onnx: digest(&onnx), calibration };
    let served = FailureForest::load(&card, &onnx).map_err(TrainingError::Load)?;
    let serve = |rows: &[[f32; FEATURE_COUNT]]| {
        let rows = rows.iter().map(|row| linkcast_domain::FeatureVector(row.map(f64::from)));
        rows.map(|row| f64::from(served.margin(&row))).collect()
    };
    gate::hold_one(grown, &onnx, &serve, &crate::train::recorded(recorded))?;
    Ok(Head { card, onnx })
}

fn parts(
    horizon: Horizon,
    set: &TrainingSet,
    config: &TrainingConfig,
) -> Result<Result<Parts, String>, TrainingError> {
    let end = set.times().iter().max().copied().unwrap_or(Timestamp::EPOCH);
    let is_known = |place: &usize| {
        let time = set.times().get(*place).copied().unwrap_or(end);
        let failures = set.failures().get(*place).copied().unwrap_or_default();
        within(horizon, failures).is_some() && end.since(time) >= horizon.duration()
    };
    let known = set.select(&(0..set.len()).filter(is_known).collect::<Vec<_>>());
    let split = split(&known, &config.split, config.seed)?;
    let places = [&split.fit, &split.stop, &split.calibrate, &split.test];
    let names = ["fitting", "stopping", "calibrating", "judging"];
    let named: Vec<(&'static str, &[usize])> = names.into_iter().zip(places.map(Vec::as_slice)).collect();
    check_apart(&known, &named)?;
    let [fit, stop, calibrate, test] = places.map(|places| known.select(places));
    for (name, part) in names.into_iter().zip([&fit, &stop, &calibrate, &test]) {
        let failed = truths(horizon, part).iter().filter(|failed| **failed).count();
        if failed < FEWEST_OF_EACH || part.len() - failed < FEWEST_OF_EACH {
            return Ok(Err(format!(
                "the {name} part has {} rows whose {} were watched to the end, {failed} of them before a failure: \
                 expected at least {FEWEST_OF_EACH} of both kinds",
                part.len(),
                horizon.name(),
            )));
        }
    }
    Ok(Ok(Parts { fit, stop, calibrate, test }))
}

/// The forest's name in messages and in its file.
fn name(horizon: Horizon) -> &'static str {
    match horizon {
        Horizon::Hour => "forecast_1h",
        Horizon::Day => "forecast_24h",
    }
}

fn within(horizon: Horizon, failures: Failures) -> Option<bool> {
    match horizon {
        Horizon::Hour => failures.near,
        Horizon::Day => failures.far,
    }
}

fn truths(horizon: Horizon, set: &TrainingSet) -> Vec<bool> {
    set.failures().iter().map(|failures| within(horizon, *failures).unwrap_or(false)).collect()
}

/// The rows' weights scaled to a mean of 1, so that the least weight of a leaf counts rows.
fn mean_one(set: &TrainingSet) -> Vec<f32> {
    let total: f64 = set.weights().iter().map(|weight| f64::from(*weight)).sum();
    let scale = set.len() as f64 / total.max(f64::MIN_POSITIVE);
    set.weights().iter().map(|weight| (f64::from(*weight) * scale) as f32).collect()
}

fn probabilities(grown: &Grown, set: &TrainingSet) -> Result<Vec<f64>, TrainingError> {
    Ok(grown.margins(set.features())?.into_iter().map(math::logistic).collect())
}

fn fit_calibration(
    horizon: Horizon,
    grown: &Grown,
    set: &TrainingSet,
) -> Result<PiecewiseLinear, TrainingError> {
    let said = probabilities(grown, set)?;
    Ok(calibrate::fit_binary(&said, &truths(horizon, set), &mean_one(set)))
}

/// The event that tells of a head.
fn event(report: &HeadReport) -> TrainingEvent {
    let area = report.made.as_ref().and_then(|made| made.figures.area_under_roc);
    TrainingEvent::Head { horizon: report.horizon, area_under_roc: area }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::tests::{made_up, small};
    use crate::{Failure, Happening, LabelledRow, Outcomes};

    /// The made-up set stretched over days: a fault's rows grow for twenty rows and then the link fails.
    fn failing(minutes_a_row: i64) -> TrainingSet {
        let made_up = made_up(400);
        let at = |minute: i64| Timestamp::from_millis(minute * minutes_a_row * 60_000);
        let mut set = TrainingSet::default();
        let mut happened = Vec::new();
        for place in 0..made_up.len() {
            let row = made_up.row(place).unwrap();
            let minute = row.time.millis() / 60_000;
            if row.class != linkcast_domain::PredictionType::Normal && minute % 40 == 39 {
                happened.push((row.stream.clone(), at(minute + 1), Happening::Failed { how: Failure::Down }));
            }
            set.push(&LabelledRow { time: at(minute), ..row }).unwrap();
        }
        set.answer_failures(&Outcomes::new(at(119), happened));
        set
    }

    #[test]
    fn a_head_learns_what_foretells_a_failure_and_passes_the_gate() {
        let Forecasts { heads, reports } = grow_heads(&failing(5), &small(), &mut Silent).unwrap();
        assert_eq!(heads[0].card.horizon, Horizon::Hour);
        let figures = &reports[0].made.as_ref().unwrap().figures;
        assert!(figures.area_under_roc.unwrap() > 0.75, "{figures:?}");
        assert!(figures.average_precision.unwrap() > figures.base_rate * 2.0, "{figures:?}");
        assert!(figures.calibration_error < 0.1, "{figures:?}");
        let served = FailureForest::load(&heads[0].card, &heads[0].onnx).unwrap();
        let mut sick = linkcast_domain::FeatureVector([0.3; FEATURE_COUNT]);
        let well = served.probability(&sick);
        sick.set(linkcast_domain::Feature::ALL[26], 2.4);
        assert!(served.probability(&sick) > well, "{} against {well}", served.probability(&sick));
    }

    #[test]
    fn a_history_shorter_than_the_horizon_leaves_the_head_out_and_says_why() {
        let Forecasts { heads, reports } = grow_heads(&failing(5), &small(), &mut Silent).unwrap();
        assert!(heads.iter().all(|head| head.card.horizon != Horizon::Day));
        assert_eq!(reports[1].made, None);
        let why = reports[1].left_out.as_deref().unwrap();
        assert!(why.contains("0 rows whose 24h were watched to the end"), "{why}");
    }

    #[test]
    fn where_nothing_ever_fails_there_is_no_head() {
        let mut set = made_up(100);
        set.answer_failures(&Outcomes::new(Timestamp::from_millis(1 << 40), []));
        let Forecasts { heads, reports } = grow_heads(&set, &small(), &mut Silent).unwrap();
        assert!(heads.is_empty());
        assert!(
            reports[0].left_out.as_deref().unwrap().contains("0 of them before a failure"),
            "{reports:?}"
        );
    }
}
