//! `linkcast export-xgboost`: a model's forests in the form that XGBoost and everything around it opens.

use std::path::PathBuf;

use clap::Args;
use linkcast_training::xgboost::to_xgboost;

use super::Session;
use crate::exchange::{make_folder, write};
use crate::exit::{ExitKind, Failure};
use crate::model;
use crate::output::Form;

/// Write a model's forests as XGBoost's JSON.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast export-xgboost --out xgboost/\n  linkcast export-xgboost model/ --out xgboost/\n  python -c 'import xgboost; print(xgboost.Booster(model_file=\"xgboost/classifier.json\").num_boosted_rounds())'\n\nThe forests answer before calibration: its map and the scale of risks stand in the model's card.json."
)]
pub(crate) struct ExportXgboostArguments {
    /// The model's folder; the shipped model unless given.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Where classifier.json and regressor.json go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes both files.
pub(crate) fn execute(arguments: &ExportXgboostArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let files = model::files(arguments.model.as_deref())?;
    let written = to_xgboost(&files.borrowed()).map_err(|error| Failure::new(ExitKind::Model, error))?;
    make_folder(&arguments.out)?;
    for (name, bytes) in
        [("classifier.json", &written.classifier_json), ("regressor.json", &written.regressor_json)]
    {
        let path = arguments.out.join(name);
        write(&path, bytes)?;
        match session.form {
            Form::JsonLines => {
                session.output.json(&serde_json::json!({"file": path, "bytes": bytes.len()}))?
            }
            Form::Text => session.output.line(&format!("{}: {} bytes", path.display(), bytes.len()))?,
        }
    }
    Ok(())
}
