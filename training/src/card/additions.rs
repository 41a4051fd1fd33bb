//! What the cards say of a search and of forecasts, where there were any: a plain training's cards are as they were.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::forecast::{HeadReport, MadeHead, SETTINGS};
use crate::summary::SearchStory;

/// The search, for the machines' card.
pub(super) fn search_for_machines(story: &SearchStory<'_>) -> Value {
    json!({
        "report": story.report,
        "verdict": story.report.verdict(),
        "on_the_test_part": story.test,
    })
}

/// The heads, for the machines' card.
pub(super) fn heads_for_machines(reports: &[HeadReport]) -> Value {
    let heads: Map<String, Value> =
        reports.iter().map(|report| (report.horizon.name().to_owned(), json!(report))).collect();
    json!({"of": "the test part of each horizon, row by row", "settings": SETTINGS, "horizons": heads})
}

/// The search, for the people's card.
pub(super) fn search_for_people(story: &SearchStory<'_>) -> String {
    let mut text = format!(
        "## How the settings were found\n\n{verdict}\n\n\
         Candidates were compared on {folds} folds of whole stream groups within the rows that fit. What judges below was \
         never seen by the search and chose nothing:\n\n\
         | on the test part | accuracy | macro F1 | weighted F1 | log loss | calibration error | area under ROC |\n\
         |---|---|---|---|---|---|---|\n",
        verdict = story.report.verdict(),
        folds = story.report.settings.folds,
    );
    for (name, figures) in [("baseline", &story.test.baseline), ("chosen", &story.test.chosen)] {
        let area = number(figures.area_under_roc);
        let _ = writeln!(
            text,
            "| {name} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {area} |",
            figures.accuracy,
            figures.macro_f1,
            figures.weighted_f1,
            figures.log_loss,
            figures.calibration_error
        );
    }
    if let Some(warning) = story.test.warning() {
        let _ = writeln!(text, "\n**{warning}**");
    }
    text
}

/// The heads, for the people's card.
pub(super) fn heads_for_people(reports: &[HeadReport]) -> String {
    let mut text = "## Forecast of failures\n\n\
         How likely the link fails (on simulated fabrics: reaches a fault's impact) within an hour and within a day, as a \
         calibrated probability. Rows whose horizon was not watched to its end take no part, nor do links that have \
         failed already. Each on its own test part, rows by their weight:\n\n\
         | within | rows | before a failure | base rate | area under ROC | average precision | Brier | Brier of the base rate | calibration error |\n\
         |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for report in reports {
        let horizon = report.horizon.name();
        match (&report.made, &report.left_out) {
            (Some(MadeHead { figures, .. }), _) => {
                let (area, precision) = (number(figures.area_under_roc), number(figures.average_precision));
                let _ = writeln!(
                    text,
                    "| {horizon} | {} | {} | {:.5} | {area} | {precision} | {:.5} | {:.5} | {:.4} |",
                    figures.rows,
                    figures.failures,
                    figures.base_rate,
                    figures.brier,
                    figures.brier_of_base_rate,
                    figures.calibration_error
                );
            }
            (None, why) => {
                let _ = writeln!(text, "| {horizon} | left out | | | | | | | |");
                let _ = writeln!(text, "\n{horizon}: {}", why.as_deref().unwrap_or_default());
            }
        }
    }
    text
}

fn number(figure: Option<f64>) -> String {
    figure.map_or("none".to_owned(), |figure| format!("{figure:.4}"))
}
