//! Writing the files of a model and holding them to account before anyone sees them.

use linkcast_domain::{FEATURE_COUNT, FeatureVector};
use linkcast_scoring::{Calibration, Model, ModelFiles, digest};

use crate::boost::Grown;
use crate::forecast::Forecasts;
use crate::gate::{self, Export, ParityReport, Served};
use crate::model::TrainedModel;
use crate::summary::SearchStory;
use crate::train::{Judgement, Parts};
use crate::{TrainingConfig, TrainingError, TrainingSet, card, onnx};

/// What goes into an export.
pub(crate) struct Exported<'a> {
    pub(crate) classifier: &'a Grown,
    pub(crate) regressor: &'a Grown,
    pub(crate) calibration: Calibration,
    pub(crate) judgement: Judgement,
    pub(crate) parts: &'a Parts,
    pub(crate) search: Option<SearchStory<'a>>,
    pub(crate) forecasts: Forecasts,
}

/// Writes the files, loads them as serving does, and lets the gate compare them with the trainer on `recorded` rows.
pub(crate) fn export(
    exported: &Exported<'_>,
    set: &TrainingSet,
    config: &TrainingConfig,
    recorded: &[[f32; FEATURE_COUNT]],
) -> Result<TrainedModel, TrainingError> {
    let classifier_onnx = onnx::write_classifier(&exported.classifier.forest);
    let regressor_onnx = onnx::write_regressor(&exported.regressor.forest);
    let mut card = card::for_machines(exported, set, config, [&classifier_onnx, &regressor_onnx])?;
    let load = TrainingError::Load;
    let packed = linkcast_scoring::pack(&classifier_onnx, &regressor_onnx).map_err(load)?;
    card.digests.model_packed = Some(digest(&packed));
    let card_json = card::as_json(&card)?;
    let files = ModelFiles {
        classifier_onnx: &classifier_onnx,
        regressor_onnx: &regressor_onnx,
        packed: None,
        card_json: &card_json,
    };
    // Both ways a model may be loaded must pass.
    let from_onnx = Model::load(&files).map_err(load)?;
    hold(&from_onnx, &files, exported, recorded)?;
    let from_packed = Model::load(&ModelFiles { packed: Some(&packed), ..files }).map_err(load)?;
    let parity = hold(&from_packed, &files, exported, recorded)?;
    let mut heads = exported.forecasts.heads.iter();
    heads
        .try_fold(from_packed, |model, head| model.with_forecast(head.card.horizon, &head.onnx))
        .map_err(load)?;
    let peoples_card = card::for_people(exported, set, config, &parity);
    Ok(TrainedModel {
        classifier_onnx,
        regressor_onnx,
        packed,
        card_json,
        peoples_card,
        card,
        parity,
        forecasts: exported.forecasts.clone(),
        comparison: exported.search.map(|story| story.test),
    })
}

/// The gate, with `model` as what serves.
pub(crate) fn hold(
    model: &Model,
    files: &ModelFiles<'_>,
    exported: &Exported<'_>,
    recorded: &[[f32; FEATURE_COUNT]],
) -> Result<ParityReport, TrainingError> {
    let serve = |rows: &[[f32; FEATURE_COUNT]]| serve(model, rows);
    let export = Export {
        classifier_onnx: files.classifier_onnx,
        regressor_onnx: files.regressor_onnx,
        serve: &serve,
    };
    gate::hold(&export, exported.classifier, exported.regressor, recorded)
}

fn serve(model: &Model, rows: &[[f32; FEATURE_COUNT]]) -> Served {
    let mut served = Served { classifier: Vec::new(), regressor: Vec::new() };
    for row in rows {
        let sums = model.sums(&FeatureVector(row.map(f64::from)));
        served.classifier.extend(sums.margins.map(f64::from));
        served.regressor.push(f64::from(sums.output));
    }
    served
}
