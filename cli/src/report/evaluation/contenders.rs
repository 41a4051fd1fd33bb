//! The model beside what needs no model: rules, published thresholds, and saying nothing at all.

use super::grid::table;
use super::three_digits;
use crate::judging::{Difference, Findings};
use crate::report::text::{escape, per_cent};
use linkcast_training::evaluation::Conclusion;

pub(super) fn section(findings: &Findings) -> String {
    format!(
        "<p>By event, on the same fabrics and by the same matching. Alerts of the baselines open once for both ends of a link, last half an hour beyond the last sign and are silent during announced work, as the pipeline's are.</p>{}<p>Row by row: <em>balanced</em> are {}. Average precision and area under the ROC curve are means of each class against the rest.</p>{}{}{}",
        by_event(findings),
        escape(findings.rows.balanced),
        by_row(findings),
        by_fabric(findings),
        against(findings)
    )
}

fn by_event(findings: &Findings) -> String {
    let rows: Vec<Vec<String>> = findings
        .by_event
        .iter()
        .map(|one| {
            let realistic = one.at_realistic_rate;
            vec![
                format!(r#"{}<br><span class="faint">{}</span>"#, escape(one.name), escape(one.source)),
                format!("{} of {}", one.report.found, one.report.faults),
                one.report.false_alerts.to_string(),
                one.report.repeated.to_string(),
                per_cent(one.report.recall),
                per_cent(one.report.precision),
                realistic.map_or_else(|| "–".into(), |rate| per_cent(Some(rate.precision))),
                realistic.map_or_else(
                    || "–".into(),
                    |rate| format!("{:.2}", rate.alerts_per_thousand_ports_a_week),
                ),
            ]
        })
        .collect();
    table(
        "numbers",
        &[
            "Told by",
            "Found",
            "False",
            "Repeats",
            "Recall",
            "Precision",
            "Precision, faults as in life",
            "Alerts per 1000 ports a week, as in life",
        ],
        &rows,
    )
}

fn by_row(findings: &Findings) -> String {
    let rows: Vec<Vec<String>> = findings
        .rows
        .judges
        .iter()
        .map(|judge| {
            vec![
                escape(judge.name),
                format!("{:.3}", judge.balanced.macro_f1),
                format!("{:.3}", judge.balanced.weighted_f1),
                format!("{:.3}", judge.balanced.accuracy),
                three_digits(judge.macro_auc),
                three_digits(judge.macro_average_precision),
                format!("{:.3}", judge.whole_life.macro_f1),
                format!("{:.3}", judge.as_they_come.macro_f1),
                format!("{:.5}", judge.as_they_come.accuracy),
            ]
        })
        .collect();
    table(
        "numbers",
        &[
            "Balanced",
            "Macro F1",
            "Weighted F1",
            "Accuracy",
            "AUC",
            "Average precision",
            "Macro F1, whole life of faults",
            "Macro F1, rows as they come",
            "Accuracy, rows as they come",
        ],
        &rows,
    )
}

fn by_fabric(findings: &Findings) -> String {
    let rows: Vec<Vec<String>> = findings
        .fabrics
        .iter()
        .flat_map(|fabric| {
            fabric.rows.iter().map(|row| {
                vec![
                    format!("seed {}, {}", fabric.seed, escape(row.judge)),
                    format!("{:.3}", row.macro_f1),
                    format!("{:.3}", row.accuracy),
                    three_digits(row.macro_auc),
                ]
            })
        })
        .collect();
    table("numbers", &["Balanced, by fabric", "Macro F1", "Accuracy", "AUC"], &rows)
}

fn against(findings: &Findings) -> String {
    let Some(live) = &findings.live else {
        return "<p>The model judged is the live one, so there is no other to hold it against.</p>".into();
    };
    let draws = findings.rows.against.first().map_or(0, |one| one.difference.draws);
    format!(
        "<p>Against the live model {}: both on the same {draws} draws of whole pieces of the fabric, by event and by row.</p>{}{}",
        escape(live),
        differences("By event", &findings.against_by_event),
        differences("By row", &findings.rows.against)
    )
}

fn differences(heading: &str, differences: &[Difference]) -> String {
    let rows: Vec<Vec<String>> = differences
        .iter()
        .map(|one| {
            let class = match one.difference.conclusion {
                Conclusion::Better => "good",
                Conclusion::Worse => "bad",
                Conclusion::NotToldApart => "fair",
            };
            let word = one.difference.conclusion.words();
            vec![
                escape(one.figure),
                format!("{:.4}", one.difference.candidate),
                format!("{:.4}", one.difference.live),
                format!("{:+.4}", one.difference.difference),
                format!("{:+.4} to {:+.4}", one.difference.interval.low, one.difference.interval.high),
                format!(r#"<span class="pill {class}">{word}</span>"#),
            ]
        })
        .collect();
    table("numbers", &[heading, "This model", "Live", "Difference", "95 % interval", "Conclusion"], &rows)
}
