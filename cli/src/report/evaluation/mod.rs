//! The report of `evaluate`: the figures, what they are held against, and where they fail.
//!
//! A reader decides here whether to trust the forecasts, so the baselines stand in every table beside the model, intervals beside
//! every share of few cases, and what was missed at the end by name.

mod calibration;
mod classes;
mod contenders;
mod events;
mod grid;
mod reach;

use super::text::{count, escape, per_cent};
use crate::judging::Findings;

const STYLE: &str = include_str!("../report.css");
const MORE_STYLE: &str = include_str!("evaluation.css");

/// The whole report as one HTML document.
pub(crate) fn render_evaluation(findings: &Findings) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>Linkcast evaluation</title><style>{STYLE}{MORE_STYLE}</style></head><body>{}<main>{}</main>{}</body></html>\n",
        masthead(findings),
        sections(findings),
        footer(findings)
    )
}

fn fabrics(number: usize) -> String {
    if number == 1 { "one fabric".to_owned() } else { format!("{number} fabrics") }
}

fn masthead(findings: &Findings) -> String {
    let report = &findings.shipped;
    let look_alikes = findings.episodes.len() - report.faults;
    format!(
        r#"<header class="masthead"><p class="brand">Linkcast</p><h1>How good the forecasts are, and where they fail</h1><p class="lead"><strong>Synthetic:</strong> {} that no model was trained on, {} port-weeks in all, with {} faults (far more often than in life) and {look_alikes} harmless look-alikes (as often as in life). Model {}.</p><ul class="tiles">{}</ul></header>"#,
        fabrics(findings.fabrics.len()),
        count(findings.false_alarms.port_weeks.round() as u64),
        report.faults,
        escape(&findings.model),
        tiles(findings)
    )
}

fn tiles(findings: &Findings) -> String {
    let tile = |figure: String, name: &str, detail: String| {
        format!(
            r#"<li><span class="figure">{figure}</span><span class="name">{name}</span><span class="detail">{detail}</span></li>"#
        )
    };
    let report = &findings.shipped;
    let alarms = &findings.false_alarms;
    let model = findings.rows.judges.first();
    let (macro_f1, accuracy, auc) = model.map_or((0.0, 0.0, None), |model| {
        (model.balanced.macro_f1, model.balanced.accuracy, model.macro_auc)
    });
    [
        tile(
            per_cent(report.recall),
            "recall",
            format!("{} of {} faults, by episode", report.found, report.faults),
        ),
        tile(
            per_cent(report.precision),
            "precision",
            format!(
                "{} false alarms; at most {:.2} in 1000 port-weeks",
                alarms.count,
                alarms.per_port_week_upper * 1000.0
            ),
        ),
        tile(
            format!("{macro_f1:.3}"),
            "macro F1, row by row",
            format!("balanced accuracy {accuracy:.3}, AUC {}", three_digits(auc)),
        ),
        tile(
            three_digits(findings.insights.calibration_error),
            "calibration error",
            format!("of {} insights", count(findings.insights.answers as u64)),
        ),
    ]
    .concat()
}

fn sections(findings: &Findings) -> String {
    let sections = [
        ("beside", "Beside the baselines", contenders::section(findings)),
        ("types", "By fault type", events::by_type(findings)),
        ("budget", "What a budget of alerts buys", events::budget(findings)),
        ("lead", "How early", events::lead(findings)),
        ("confusion", "What is taken for what", classes::confusion(findings)),
        ("classes", "Class by class", classes::by_class(findings)),
        ("ranking", "Every threshold at once", classes::curves(findings)),
        ("reliability", "Whether confidence can be believed", calibration::section(findings)),
        ("attribution", "What verdicts of trouble rest on", reach::attributions(findings)),
        ("slices", "Where faults are missed", reach::slices(findings)),
        ("row-slices", "Where rows are misjudged", reach::row_slices(findings)),
        ("rules", "How far the rules reach", reach::rules(findings)),
        ("missed", "Every missed fault", events::missed(findings)),
    ];
    let section = |(id, heading, body): (&str, &str, String)| {
        format!(r#"<section aria-labelledby="{id}"><h2 id="{id}">{heading}</h2>{body}</section>"#)
    };
    sections.into_iter().map(section).collect()
}

fn footer(findings: &Findings) -> String {
    let seeds: Vec<String> = findings.fabrics.iter().map(|fabric| fabric.seed.to_string()).collect();
    format!(
        r#"<footer><p>Everything here is simulated; the faults' truth was never shown to the model. Seeds {}. Intervals are of 95 %: Wilson's for shares, exact Poisson for counts, a bootstrap over groups of streams for differences.</p><p>Measure it again with <code>{}</code></p></footer>"#,
        seeds.join(", "),
        escape(&findings.command)
    )
}

/// `0.927`, or a dash.
fn three_digits(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".into(), |figure| format!("{figure:.3}"))
}
