//! `card.json`: what scoring checks a model against, with how it was trained and how good it is beside it.

use linkcast_domain::{FEATURE_COUNT, FEATURE_SCHEMA_VERSION, FEATURES, PiecewiseLinear, PredictionType};
use linkcast_scoring::{FileDigests, ModelCard, RiskScale, TASK, digest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::additions;
use crate::boost::{Grown, Origin};
use crate::export::Exported;
use crate::registry::{CODE_REVISION, DATA_VERSION};
use crate::train::class_counts;
use crate::{TrainingConfig, TrainingError, TrainingSet};

/// The risk from which alerts are told; the rule on the event bus is the same.
const TOLD_RISK: f64 = 80.0;

/// What grows forests here.
const ENGINE: &str = "hessboost 0.4.6";

/// The card of `exported`, whose files are `onnx` (classifier, regressor) and `packed`.
pub(crate) fn for_machines(
    exported: &Exported<'_>,
    set: &TrainingSet,
    config: &TrainingConfig,
    onnx: [&[u8]; 2],
) -> Result<ModelCard, TrainingError> {
    let [classifier, regressor] = onnx.map(digest);
    Ok(ModelCard {
        model_version: config.version.clone(),
        task: TASK.to_owned(),
        feature_schema: FEATURE_SCHEMA_VERSION,
        features: FEATURES.map(|definition| definition.name.to_owned()).to_vec(),
        classes: PredictionType::ALL.map(|class| class.name().to_owned()).to_vec(),
        digests: FileDigests { classifier_onnx: classifier, regressor_onnx: regressor, model_packed: None },
        calibration: exported.calibration.clone(),
        risk: risk_scale(config),
        forecast: exported.forecasts.heads.iter().map(|head| head.card.clone()).collect(),
        reference: reference(&exported.parts.fit),
        training: training(exported, set, config)?,
        metrics: metrics(exported)?,
    })
}

/// Straight lines through the output that is told of, which becomes the risk from which alerts are told.
fn risk_scale(config: &TrainingConfig) -> RiskScale {
    let knots = vec![[0.0, 0.0], [config.told_output / 100.0, TOLD_RISK / 100.0], [1.0, 1.0]];
    RiskScale(PiecewiseLinear { knots })
}

/// The card as it is written: sorted by name, indented, ended by a line break.
pub(crate) fn as_json(card: &ModelCard) -> Result<Vec<u8>, TrainingError> {
    let mut bytes = serde_json::to_vec_pretty(card).map_err(TrainingError::Card)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Each feature's median over the rows that fitted, where it was present.
fn reference(set: &TrainingSet) -> Vec<Option<f64>> {
    (0..FEATURE_COUNT)
        .map(|feature| {
            let values = set.features().iter().filter_map(|row| row.get(feature).copied());
            let mut values: Vec<f32> = values.filter(|value| !value.is_nan()).collect();
            values.sort_by(f32::total_cmp);
            values.get(values.len() / 2).map(|value| f64::from(*value))
        })
        .collect()
}

fn training(
    exported: &Exported<'_>,
    set: &TrainingSet,
    config: &TrainingConfig,
) -> Result<Map<String, Value>, TrainingError> {
    let parts = exported.parts;
    let trees =
        |grown: &Grown| json!({"trees": grown.forest.trees.len(), "nodes": grown.forest.node_count()});
    let mut training = object(&json!({
        "data_source": config.data_source,
        "data_digest": set.digest(),
        "rows": set.len(),
        "streams": set.stream_names().len(),
        "split": {
            "rule": "by stream group and by time; no stream and no instant on both sides",
            "held_out_from": parts.split.cutoff,
            "left_out": parts.split.left_out,
            "fit": part(&parts.fit),
            "stop": part(&parts.stop),
            "calibrate": part(&parts.calibrate),
            "test": part(&parts.test),
        },
        "engine": engine(exported),
        "settings": settings(exported, config),
        "classifier": trees(exported.classifier),
        "regressor": trees(exported.regressor),
    }))?;
    let origin = &config.origin;
    for (name, known) in [(DATA_VERSION, &origin.data_version), (CODE_REVISION, &origin.code_revision)] {
        training.extend(known.iter().map(|known| (name.to_owned(), json!(known))));
    }
    if let Some(story) = &exported.search {
        training.insert("search".into(), additions::search_for_machines(story));
    }
    Ok(training)
}

/// Who grew the forests.
fn engine(exported: &Exported<'_>) -> String {
    let name = |grown: &Grown| match &grown.origin {
        Origin::Here => ENGINE.to_owned(),
        Origin::ModelFile { engine, .. } => engine.clone(),
    };
    let (classifier, regressor) = (name(exported.classifier), name(exported.regressor));
    if classifier == regressor {
        classifier
    } else {
        format!("{classifier} (classifier), {regressor} (regressor)")
    }
}

/// The settings; of a forest that was grown elsewhere, what its file tells instead.
fn settings(exported: &Exported<'_>, config: &TrainingConfig) -> Value {
    let mut settings = json!(config);
    for (name, grown) in [("classifier", exported.classifier), ("regressor", exported.regressor)] {
        if let (Origin::ModelFile { rounds, rounds_after_best, .. }, Some(own)) =
            (&grown.origin, settings.get_mut(name))
        {
            *own = json!({"rounds": rounds, "rounds_after_best_left_out": rounds_after_best});
        }
    }
    settings
}

fn part(set: &TrainingSet) -> Value {
    let counts = PredictionType::ALL.iter().zip(class_counts(set));
    let counts: Map<String, Value> =
        counts.map(|(class, count)| (class.name().to_owned(), json!(count))).collect();
    json!({"rows": set.len(), "classes": counts})
}

fn metrics(exported: &Exported<'_>) -> Result<Map<String, Value>, TrainingError> {
    let judgement = &exported.judgement;
    let mut metrics = object(&json!({
        "of": "the test part, row by row",
        "classifier": judgement.classifier,
        "calibration_error_before": judgement.before_calibration.calibration_error,
        "regressor": judgement.regressor,
    }))?;
    if !exported.forecasts.reports.is_empty() {
        metrics.insert("forecast".into(), additions::heads_for_machines(&exported.forecasts.reports));
    }
    Ok(metrics)
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>, TrainingError> {
    match serde_json::to_value(value).map_err(TrainingError::Card)? {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}
