//! What a training came to, for people and programs.

use std::path::Path;

use linkcast_training::search::SearchReport;
use linkcast_training::{Comparison, HeadReport, TrainedModel};

use crate::commands::Session;
use crate::exit::Failure;
use crate::output::{Form, Table};

/// Tells what was made: the model, what the search found, what the test part says of it, and the forecasts.
pub(crate) fn tell_trained(
    model: &TrainedModel,
    found: Option<&SearchReport>,
    out: &Path,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    if session.form == Form::JsonLines {
        session.output.json(model.card())?;
        return Ok(());
    }
    let out = out.display();
    session.output.line(&format!(
        "model {} trained on {} rows: {out}",
        model.card().model_version,
        model.card().training.get("rows").unwrap_or_default()
    ))?;
    if let Some(report) = found {
        session.output.line(&report.verdict())?;
    }
    if let Some(comparison) = model.comparison() {
        tell_comparison(comparison, session)?;
    }
    for report in model.forecasts() {
        session.output.line(&forecast_line(report))?;
    }
    session.output.line(&format!("its figures stand in {out}/MODEL_CARD.md"))?;
    Ok(())
}

/// The test part's word on the settings before and after the search.
fn tell_comparison(comparison: &Comparison, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table =
        Table::new(&["on the test part", "macro F1", "weighted F1", "log loss", "area under ROC"]);
    for (name, figures) in [("baseline", &comparison.baseline), ("chosen", &comparison.chosen)] {
        let area = figures.area_under_roc.map_or("none".to_owned(), |area| format!("{area:.4}"));
        let cells =
            [figures.macro_f1, figures.weighted_f1, figures.log_loss].map(|cell| format!("{cell:.4}"));
        table.row([name.to_owned()].into_iter().chain(cells).chain([area]).collect());
    }
    for line in table.lines() {
        session.output.line(&line)?;
    }
    if let Some(warning) = comparison.warning() {
        session.notes.warn(warning);
    }
    Ok(())
}

fn forecast_line(report: &HeadReport) -> String {
    let horizon = report.horizon.name();
    match (&report.made, &report.left_out) {
        (Some(made), _) => {
            let figure =
                |figure: Option<f64>| figure.map_or("none".to_owned(), |figure| format!("{figure:.4}"));
            format!(
                "failure within {horizon}: area under ROC {}, average precision {} at a base rate of {:.4}, calibration error {:.4}",
                figure(made.figures.area_under_roc),
                figure(made.figures.average_precision),
                made.figures.base_rate,
                made.figures.calibration_error
            )
        }
        (None, why) => {
            format!("failure within {horizon}: no head was made; {}", why.as_deref().unwrap_or_default())
        }
    }
}
