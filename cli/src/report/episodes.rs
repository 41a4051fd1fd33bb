//! One chart a fault: what the counters showed, what risk was forecast, and when people were told.
//!
//! Two panes share one time axis: risk above, and below it the evidence, which is the symbol error rate where the port
//! counted symbol errors and otherwise the feature that moved the score most.

use std::fmt::Write as _;
use std::time::Duration;

use linkcast_domain::Timestamp;

use super::charts::{TimeScale, ValueScale, path, thinned, time_axis, value_axis};
use super::overview::alert_mark;
use super::text::{escape, length_of_time, spoken};
use super::{FaultOutcome, Report, Verdict};

const WIDTH: f64 = 500.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 488.0;
const RISK: (f64, f64) = (14.0, 104.0);
const EVIDENCE: (f64, f64) = (122.0, 190.0);
const MOST_POINTS: usize = 220;

/// One card a fault.
pub(super) fn cards(report: &Report) -> String {
    report.faults.iter().enumerate().map(|(number, fault)| card(report, number, fault)).collect()
}

fn card(report: &Report, number: usize, fault: &FaultOutcome) -> String {
    let (class, verdict) = match fault.verdict() {
        Verdict::Early => ("good", "forecast"),
        Verdict::Late => ("fair", "late"),
        Verdict::Missed => ("bad", "missed"),
    };
    let lead = match fault.lead_seconds() {
        Some(lead) if lead > 0.0 => format!("{} early", length_of_time(lead)),
        Some(lead) => format!("{} after impact", length_of_time(-lead)),
        None => "no alert".into(),
    };
    let said = fault
        .alerts
        .first()
        .map_or_else(String::new, |alert| format!(r#"<p class="said">“{}”</p>"#, escape(&alert.summary)));
    format!(
        r#"<article class="card"><header><h3>{}</h3><span class="pill {class}">{verdict}</span></header><p class="where">{} · {} · <strong>{lead}</strong></p>{}{said}</article>"#,
        escape(&spoken(fault.class.name())),
        escape(&fault.port),
        escape(&fault.cause),
        chart(report, number, fault),
    )
}

fn chart(report: &Report, number: usize, fault: &FaultOutcome) -> String {
    let margin = Duration::from_secs_f64((fault.end.seconds_since(fault.onset) * 0.15).clamp(900.0, 7200.0));
    let begin = fault.onset.minus(margin).max(report.begin);
    let end = fault.end.plus(margin).min(report.end);
    let scale = TimeScale::new(begin, end, LEFT, RIGHT);
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} 210" role="img" aria-labelledby="fault-{number}"><title id="fault-{number}">Risk and evidence on {} around the fault; the alert is the diamond, the impact the heavy line.</title>"#,
        escape(&fault.port)
    );
    svg.push_str(&phases(fault, &scale));
    svg.push_str(&time_axis(&scale.ticks(report.begin, 6), RISK.0, EVIDENCE.1));
    svg.push_str(&risk_pane(fault, &scale));
    svg.push_str(&evidence_pane(fault, &scale));
    let impact = scale.x(fault.impact);
    let _ = write!(
        svg,
        r#"<line class="impact" x1="{impact:.1}" x2="{impact:.1}" y1="{:.1}" y2="{:.1}"/><text class="impact-label" x="{:.1}" y="{:.1}" text-anchor="end">impact</text>"#,
        RISK.0,
        EVIDENCE.1,
        impact - 4.0,
        RISK.0 + 9.0
    );
    for alert in fault.alerts.iter().filter(|alert| scale.holds(alert.opened)) {
        let x = scale.x(alert.opened);
        let _ = write!(
            svg,
            r#"<line class="alert-line" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/>"#,
            RISK.0, EVIDENCE.1
        );
        svg.push_str(&alert_mark(x, RISK.0 + 2.0));
    }
    svg.push_str("</svg>");
    svg
}

/// The fault's two phases as a shade behind everything: growing, then hurting.
fn phases(fault: &FaultOutcome, scale: &TimeScale) -> String {
    let (onset, impact, end) = (scale.x(fault.onset), scale.x(fault.impact), scale.x(fault.end));
    let height = EVIDENCE.1 - RISK.0;
    format!(
        r#"<rect class="growing-shade" x="{onset:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"/><rect class="hurting-shade" x="{impact:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"/>"#,
        RISK.0,
        (impact - onset).max(0.0),
        RISK.0,
        (end - impact).max(0.0)
    )
}

fn risk_pane(fault: &FaultOutcome, scale: &TimeScale) -> String {
    let values = ValueScale::linear(0.0, 100.0, RISK.0, RISK.1);
    let marks = [0.0, 50.0, 100.0].map(|risk| (values.y(risk), format!("{risk:.0}")));
    let mut svg = value_axis(&marks, LEFT, RIGHT);
    let _ = write!(svg, r#"<text class="pane" x="{:.1}" y="{:.1}">risk</text>"#, LEFT + 5.0, RISK.0 + 11.0);
    let points = visible(&fault.track.risk, scale);
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let line = path(points.iter().map(|(time, risk)| (scale.x(*time), values.y(*risk))));
        let _ = write!(
            svg,
            r#"<path class="risk-area" d="{line}L{:.1} {:.1}L{:.1} {:.1}Z"/><path class="risk" d="{line}"/>"#,
            scale.x(last.0),
            RISK.1,
            scale.x(first.0),
            RISK.1
        );
    }
    svg
}

fn evidence_pane(fault: &FaultOutcome, scale: &TimeScale) -> String {
    match &fault.track.signal {
        Some(signal) => {
            let points = visible(&signal.values, scale);
            let name = format!("{} ({})", spoken(&signal.name), signal.unit);
            let top = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
            let top = if top > 0.0 { top * 1.08 } else { 1.0 };
            let values = ValueScale::linear(0.0, top, EVIDENCE.0, EVIDENCE.1);
            let marks = [0.0, top / 1.08].map(|value| (values.y(value), figure(value)));
            pane(&name, &points, scale, &values, &marks)
        }
        None => {
            let points = visible(&fault.track.symbol_ber, scale);
            let values = ValueScale::powers_of_ten(1e-16, 1e-8, EVIDENCE.0, EVIDENCE.1);
            let marks = [(1e-15, "10⁻¹⁵"), (1e-12, "10⁻¹²"), (1e-9, "10⁻⁹")];
            let marks = marks.map(|(value, label)| (values.y(value), label.to_owned()));
            pane("symbol errors a bit, 12 min", &points, scale, &values, &marks)
        }
    }
}

fn pane(
    name: &str,
    points: &[(Timestamp, f64)],
    scale: &TimeScale,
    values: &ValueScale,
    marks: &[(f64, String)],
) -> String {
    let mut svg = value_axis(marks, LEFT, RIGHT);
    let line = path(points.iter().map(|(time, value)| (scale.x(*time), values.y(*value))));
    let _ = write!(
        svg,
        r#"<path class="evidence" d="{line}"/><text class="pane" x="{:.1}" y="{:.1}">{}</text>"#,
        LEFT + 5.0,
        EVIDENCE.0 + 9.0,
        escape(name)
    );
    svg
}

fn visible(values: &[(Timestamp, f64)], scale: &TimeScale) -> Vec<(Timestamp, f64)> {
    let inside: Vec<_> = values.iter().copied().filter(|(time, _)| scale.holds(*time)).collect();
    thinned(&inside, MOST_POINTS)
}

/// A value in few characters: `0.02`, `7.5`, `120`, `1.3e6`.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_at_every_size() {
        for (value, text) in [(0.0, "0"), (0.0213, "0.021"), (7.46, "7.5"), (119.6, "120"), (1.3e6, "1.3e6")]
        {
            assert_eq!(figure(value), text);
        }
    }
}
