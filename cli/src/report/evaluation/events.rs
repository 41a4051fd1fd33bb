//! By event: types, budgets, lead times, and the faults nobody was told of.

use super::grid::{interval, shaded, table};
use crate::judging::Findings;
use crate::report::plane::{Across, Diagonal, Line, Plane};
use crate::report::text::{escape, length_of_time, per_cent, spoken};
use linkcast_training::evaluation::wilson;

pub(super) fn by_type(findings: &Findings) -> String {
    let types = findings.shipped.types.iter().filter(|one| one.faults > 0);
    let rows: Vec<Vec<String>> = types
        .map(|one| {
            vec![
                escape(&spoken(one.class.name())),
                one.faults.to_string(),
                format!("{} ({})", one.found, per_cent(one.recall)),
                interval(wilson(one.found, one.faults)),
                one.found_before_impact.to_string(),
                per_cent(one.named_rightly),
                one.median_lead_s.map_or_else(|| "–".into(), length_of_time),
                one.median_delay_s.map_or_else(|| "–".into(), length_of_time),
            ]
        })
        .collect();
    table(
        "numbers",
        &[
            "Fault type",
            "Faults",
            "Found",
            "95 % interval",
            "Before it hurt",
            "Named rightly",
            "Median lead",
            "Median delay",
        ],
        &rows,
    )
}

pub(super) fn budget(findings: &Findings) -> String {
    let line = |class, of: fn(&linkcast_training::evaluation::BudgetPoint) -> Option<f64>| Line {
        class,
        points: findings.budget_curve.iter().filter_map(|point| Some([point.allowed, of(point)?])).collect(),
    };
    let plane = Plane {
        id: "budget-chart".into(),
        title: "Recall and precision of the best threshold within each budget of alerts".into(),
        size: (640.0, 280.0),
        across: (0.5, 100.0),
        runs: Across::PowersOfTen,
        marks: [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].map(|mark| (mark, mark.to_string())).to_vec(),
        names: ("alerts allowed for 1000 ports a week, at the faults simulated", "%"),
        diagonal: Diagonal::Absent,
        lines: vec![line("first", |point| point.recall), line("second", |point| point.precision)],
        whiskers: Vec::new(),
    };
    let rows: Vec<Vec<String>> = findings
        .budget_curve
        .iter()
        .map(|point| {
            vec![
                point.allowed.to_string(),
                format!("{:.1}", point.threshold),
                format!("{:.2}", point.raised),
                per_cent(point.recall),
                per_cent(point.precision),
            ]
        })
        .collect();
    let at_life = findings.at_budget.as_ref().map_or_else(String::new, |best| {
        format!(
            "<p>With faults as rare as in life (2·10⁻⁶ in a port's hour) a budget of one alert for 1000 ports a week is kept from a risk of {:.1} on: {:.2} alerts a week, recall {}, precision {}.</p>",
            best.risk,
            best.realistic.alerts_per_thousand_ports_a_week,
            per_cent(Some(best.realistic.recall)),
            per_cent(Some(best.realistic.precision))
        )
    });
    format!(
        r#"<p class="legend"><span class="key first"></span>recall <span class="key second"></span>precision</p>{}{at_life}{}"#,
        plane.svg(),
        table("numbers", &["Allowed", "Risk from", "Raised", "Recall", "Precision"], &rows)
    )
}

pub(super) fn lead(findings: &Findings) -> String {
    let Some(all) = findings.lead_curves.first() else { return "<p>No fault was injected.</p>".into() };
    let minutes: Vec<String> = all.points.iter().map(|point| format!("{:.0}", point[0])).collect();
    let headings: Vec<&str> = ["Minutes before the impact", "Faults"]
        .into_iter()
        .chain(minutes.iter().map(String::as_str))
        .collect();
    let rows: Vec<Vec<String>> = findings
        .lead_curves
        .iter()
        .map(|curve| {
            let name = curve.class.map_or_else(|| "all faults".into(), |class| spoken(class.name()));
            let shares = curve.points.iter().map(|point| shaded(point[1], ""));
            [escape(&name), curve.faults.to_string()].into_iter().chain(shares).collect()
        })
        .collect();
    format!(
        "<p>Per cent of all faults that were told of at least so many minutes before they hurt. Faults that hurt from their first minute, and those missed, count in the whole.</p>{}",
        table("dense numbers", &headings, &rows)
    )
}

pub(super) fn missed(findings: &Findings) -> String {
    if findings.missed.is_empty() {
        return "<p>Every fault was told of.</p>".into();
    }
    let rows: Vec<Vec<String>> = findings
        .missed
        .iter()
        .map(|one| {
            let why = match (one.insights, one.named, one.highest_risk) {
                (0, ..) => "no sample was worth a look".to_owned(),
                (count, None, _) => format!("{count} insights, all normal"),
                (count, Some(named), risk) => format!(
                    "{count} insights, at most risk {:.0} as {}, {} sure",
                    risk.unwrap_or(0.0),
                    spoken(named.name()),
                    per_cent(one.confidence)
                ),
            };
            vec![
                escape(&spoken(one.class.name())),
                format!(r#"<td class="words">{}</td>"#, escape(&one.cause)),
                format!(r#"<td class="words">{}</td>"#, escape(&why)),
            ]
        })
        .collect();
    table("", &["Fault type", "Cause", "What was said of its ports"], &rows)
}
