//! What verdicts rest on, where faults are missed, and what the rules cover.

use super::grid::{interval, table};
use crate::judging::{Findings, RowSlice, Slice};
use crate::report::text::{count, escape, per_cent, spoken};

/// Features beyond these move little.
const MOST_FEATURES: usize = 20;

pub(super) fn attributions(findings: &Findings) -> String {
    let largest = findings.attributions.first().map_or(1.0, |first| first.mean_contribution).max(1e-9);
    let rows: Vec<Vec<String>> = findings
        .attributions
        .iter()
        .take(MOST_FEATURES)
        .map(|one| {
            let share = one.mean_contribution / largest * 100.0;
            vec![
                escape(one.feature),
                format!(
                    r#"<td class="lead"><span class="bar" style="--share:{share:.1}%"></span>{:.3}</td>"#,
                    one.mean_contribution
                ),
            ]
        })
        .collect();
    format!(
        "<p>The mean size of each feature's exact share (Shapley's) in the log-odds of the class named, over rows that the model called trouble.</p>{}",
        table("", &["Feature", "Mean share, log-odds"], &rows)
    )
}

pub(super) fn slices(findings: &Findings) -> String {
    let row = |slice: &Slice| {
        vec![
            format!("{}: {}", escape(slice.by), escape(slice.value.trim())),
            slice.faults.to_string(),
            slice.found.to_string(),
            per_cent((slice.faults > 0).then(|| slice.found as f64 / slice.faults as f64)),
            interval(slice.interval),
        ]
    };
    let rows: Vec<Vec<String>> = findings.slices.iter().map(row).collect();
    format!(
        "<p>Faults found, by what the faults have in common. The intervals of few faults are wide: a slice is worse only where they do not overlap.</p>{}",
        table("numbers", &["Slice", "Faults", "Found", "Recall", "95 % interval"], &rows)
    )
}

pub(super) fn row_slices(findings: &Findings) -> String {
    let row = |slice: &RowSlice| {
        vec![
            format!("{}: {}", escape(slice.by), escape(slice.value.trim())),
            count(slice.rows as u64),
            count(slice.faulty_rows as u64),
            slice.faulty_groups.to_string(),
            slice.classes.to_string(),
            format!("{:.3}", slice.macro_f1),
            format!("{:.3}", slice.accuracy),
            format!("{:.5}", slice.accuracy_as_they_come),
            format!("{:.3}", slice.rules_macro_f1),
        ]
    };
    let rows: Vec<Vec<String>> = findings.rows.slices.iter().map(row).collect();
    let headings = [
        "Slice",
        "Rows",
        "Of faults",
        "From pieces of the fabric",
        "Classes there",
        "Macro F1",
        "Accuracy",
        "Accuracy, rows as they come",
        "Macro F1 of the rules",
    ];
    format!(
        "<p>The same rows as above, by what they have in common; F1 and accuracy are balanced over the classes that are there, so slices with other classes compare badly, and rows of one piece of the fabric resemble each other.</p>{}",
        table("numbers", &headings, &rows)
    )
}

pub(super) fn rules(findings: &Findings) -> String {
    let report = &findings.rules.report;
    let rows: Vec<Vec<String>> = report
        .rules
        .iter()
        .map(|tally| {
            let faulty = (tally.known > 0).then(|| tally.faulty as f64 / tally.known as f64);
            vec![
                escape(&tally.rule),
                escape(&spoken(tally.class.name())),
                format!("{:.2}", tally.believed),
                tally.precision().map_or_else(|| "–".into(), |share| format!("{share:.3}")),
                per_cent(faulty),
                count(tally.spoke),
                count(tally.disputed),
            ]
        })
        .collect();
    format!(
        "<p>Rules label history where no expert did. They leave {} of {} samples to nobody's review (the aim is 80 %). What each believes of itself stands beside how often simulated truth agreed.</p>{}",
        per_cent(findings.rules.coverage),
        count(report.samples),
        table(
            "numbers",
            &["Rule", "Calls it", "Believed", "Precision", "Any fault", "Samples", "Disputed"],
            &rows
        )
    )
}
