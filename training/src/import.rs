//! From forests that were grown elsewhere to a model that may ship: calibrated, judged and held to account like our own.
//!
//! XGBoost's file holds forests and nothing else, so the rest is made here, of the same labelled rows that training takes:
//! calibration and judgement on the parts that training holds out for them. Whoever trains elsewhere on what
//! [`crate::Lessons`] hands out has not seen those parts.
//!
//! Where only a classifier comes, the regressor is grown here, as training would: a risk made of the classes'
//! probabilities would be a guess at how bad a class is, and the rows say it.

use crate::boost::{CLASSIFIER, Grown, REGRESSOR, grow_regressor, heed};
use crate::export::{self, Exported};
use crate::forecast::Forecasts;
use crate::model::TrainedModel;
use crate::progress::{Progress, TrainingEvent};
use crate::train::{fit_calibration, grow, judge, parts, recorded};
use crate::xgboost::{Booster, Objective};
use crate::{TrainingConfig, TrainingError, TrainingSet};

/// The forests that come from elsewhere.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Of the eleven classes.
    pub classifier: Booster,
    /// Of the risk, 0 to 100; grown here where there is none.
    pub regressor: Option<Booster>,
}

/// Makes a model of `imported`, whose calibration and figures come from `set`.
///
/// # Errors
///
/// A forest that answers another question, a part of `set` that is too small, and a [`TrainingError::Parity`] when the
/// exported files do not say what the model files say.
pub fn import(
    imported: Imported,
    set: &TrainingSet,
    config: &TrainingConfig,
    progress: &mut dyn Progress,
) -> Result<TrainedModel, TrainingError> {
    let classifier = answering(imported.classifier, CLASSIFIER, Objective::Softmax)?;
    let regressor = imported
        .regressor
        .map(|booster| answering(booster, REGRESSOR, Objective::SquaredError))
        .transpose()?;
    let parts = parts(set, config)?;
    let held_out = parts.stop.len() + parts.calibrate.len() + parts.test.len();
    let event = TrainingEvent::Split { fit: parts.fit.len(), held_out, left_out: parts.split.left_out };
    heed(progress.tell(event), "model", 0)?;
    let regressor = match regressor {
        Some(regressor) => regressor,
        None => grow(grow_regressor, &parts, config.regressor_balance, config, progress)?,
    };
    let calibration = fit_calibration(&classifier, &parts.calibrate)?;
    let judgement = judge(&classifier, &regressor, &calibration, &parts.test)?;
    let event = TrainingEvent::Calibrated {
        before: judgement.before_calibration.calibration_error,
        after: judgement.classifier.calibration_error,
    };
    heed(progress.tell(event), "model", 0)?;
    let exported = Exported {
        classifier: &classifier,
        regressor: &regressor,
        calibration,
        judgement,
        parts: &parts,
        search: None,
        forecasts: Forecasts::default(),
    };
    let model = export::export(&exported, set, config, &recorded(set))?;
    let rows = model.parity().recorded_rows + model.parity().probes;
    heed(progress.tell(TrainingEvent::ParityHolds { rows }), "model", 0)?;
    Ok(model)
}

/// `booster` as the forest called `name`, if it answers that forest's question.
fn answering(booster: Booster, name: &'static str, expected: Objective) -> Result<Grown, TrainingError> {
    let found = booster.objective();
    if found == expected {
        return Ok(booster.into_grown(name));
    }
    Err(TrainingError::OtherQuestion { forest: name, found: question(found), expected: question(expected) })
}

fn question(objective: Objective) -> &'static str {
    match objective {
        Objective::Softmax => "which of eleven classes (multi:softprob or multi:softmax)",
        Objective::SquaredError => "how bad, 0 to 100 (reg:squarederror)",
        Objective::Logistic => "how likely one thing is (binary:logistic)",
    }
}

#[cfg(test)]
mod tests {
    use linkcast_scoring::Model;

    use super::*;
    use crate::Silent;
    use crate::tests::{made_up, small};
    use crate::xgboost::to_xgboost;

    #[test]
    fn a_model_that_went_to_xgboosts_form_and_back_says_the_same() {
        let set = made_up(150);
        let ours = crate::train(&set, &small(), &mut Silent).unwrap();
        let files = to_xgboost(&ours.to_model_files()).unwrap();
        let imported = Imported {
            classifier: Booster::read(&files.classifier_json).unwrap(),
            regressor: Some(Booster::read(&files.regressor_json).unwrap()),
        };
        let back = import(imported, &set, &small(), &mut Silent).unwrap();
        assert!(back.parity().probes > 1000);
        assert_eq!(back.to_model_files().classifier_onnx, ours.to_model_files().classifier_onnx);
        assert_eq!(back.to_model_files().regressor_onnx, ours.to_model_files().regressor_onnx);
        assert_eq!(back.card().calibration, ours.card().calibration);
        Model::load(&back.to_model_files()).unwrap();
        let card = back.files().into_iter().find(|file| file.name == "MODEL_CARD.md").unwrap();
        assert!(String::from_utf8(card.bytes).unwrap().contains("The classifier was grown by XGBoost"));
    }

    #[test]
    fn a_classifier_alone_gets_a_regressor_grown_here() {
        let set = made_up(150);
        let ours = crate::train(&set, &small(), &mut Silent).unwrap();
        let files = to_xgboost(&ours.to_model_files()).unwrap();
        let classifier = Booster::read(&files.classifier_json).unwrap();
        let model = import(Imported { classifier, regressor: None }, &set, &small(), &mut Silent).unwrap();
        assert_eq!(model.to_model_files().regressor_onnx, ours.to_model_files().regressor_onnx);
        let engine = model.card().training["engine"].as_str().unwrap().to_owned();
        assert!(engine.contains("(classifier)") && engine.contains("hessboost"), "{engine}");
    }

    #[test]
    fn forests_that_are_swapped_are_refused() {
        let set = made_up(150);
        let ours = crate::train(&set, &small(), &mut Silent).unwrap();
        let files = to_xgboost(&ours.to_model_files()).unwrap();
        let classifier = Booster::read(&files.regressor_json).unwrap();
        let error =
            import(Imported { classifier, regressor: None }, &set, &small(), &mut Silent).unwrap_err();
        assert!(error.to_string().starts_with("the classifier's model file answers how bad"), "{error}");
    }
}
