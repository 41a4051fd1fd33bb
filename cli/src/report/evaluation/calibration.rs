//! Said against happened, in bins of equal mass.

use linkcast_training::evaluation::ReliabilityDiagram;

use super::grid::table;
use super::three_digits;
use crate::judging::Findings;
use crate::report::plane::{Across, Diagonal, Plane, Whisker, quarters};
use crate::report::text::count;

pub(super) fn section(findings: &Findings) -> String {
    format!(
        "<p>An insight that is 80 % sure should be right four times in five: on the line. Bars are 95 % intervals of bins of equal mass.</p><div class=\"small\">{}{}</div>",
        card("insights", "Insights, as people see them", &findings.insights),
        card("rows", "Rows as they come, nearly all normal", &findings.rows.reliability)
    )
}

fn card(id: &str, name: &str, diagram: &ReliabilityDiagram) -> String {
    let plane = Plane {
        id: format!("reliability-{id}"),
        title: format!("{name}: the share that was right against the confidence"),
        size: (330.0, 270.0),
        across: (0.0, 1.0),
        runs: Across::Even,
        marks: quarters(),
        names: ("said, %", "happened, %"),
        diagonal: Diagonal::Drawn,
        lines: Vec::new(),
        whiskers: diagram
            .bins
            .iter()
            .map(|bin| Whisker {
                x: bin.confidence,
                y: bin.right,
                low: bin.interval.low,
                high: bin.interval.high,
            })
            .collect(),
    };
    let rows: Vec<Vec<String>> = diagram
        .bins
        .iter()
        .map(|bin| {
            vec![
                format!("{:.3}", bin.confidence),
                format!("{:.3}", bin.right),
                format!("{:.3} to {:.3}", bin.interval.low, bin.interval.high),
                count(bin.answers as u64),
            ]
        })
        .collect();
    format!(
        r#"<article class="card"><header><h3>{name}</h3></header><p class="where">calibration error <strong>{}</strong> over {} answers</p>{}{}</article>"#,
        three_digits(diagram.calibration_error),
        count(diagram.answers as u64),
        plane.svg(),
        table("dense numbers", &["Said", "Happened", "Interval", "Answers"], &rows)
    )
}
