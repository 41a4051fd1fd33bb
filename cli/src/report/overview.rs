//! The overview chart: every fault as a bar over the whole run, its impact, and when the alert came.

use std::fmt::Write as _;

use super::charts::{TimeScale, time_axis};
use super::text::{escape, length_of_time, spoken};
use super::{FaultOutcome, Report, Verdict};

const WIDTH: f64 = 1040.0;
const LEFT: f64 = 300.0;
const RIGHT: f64 = 1020.0;
const TOP: f64 = 12.0;
const ROW: f64 = 22.0;

/// The chart, or a sentence where no fault was injected.
pub(super) fn overview(report: &Report) -> String {
    if report.faults.is_empty() {
        return "<p>No fault was injected.</p>".into();
    }
    let bottom = TOP + ROW * report.faults.len() as f64;
    let scale = TimeScale::new(report.begin, report.end, LEFT, RIGHT);
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {:.0}" role="img" aria-labelledby="overview-title"><title id="overview-title">{} faults over the run: when each began, hurt, ended, and when Linkcast raised its alert. The table of faults below says the same in words.</title>"#,
        bottom + 24.0,
        report.faults.len()
    );
    svg.push_str(&time_axis(&scale.ticks(report.begin, 12), TOP, bottom));
    for (row, fault) in report.faults.iter().enumerate() {
        svg.push_str(&fault_bar(fault, &scale, TOP + ROW * row as f64 + ROW / 2.0));
    }
    svg.push_str("</svg>");
    svg
}

fn fault_bar(fault: &FaultOutcome, scale: &TimeScale, y: f64) -> String {
    let (onset, impact, end) = (scale.x(fault.onset), scale.x(fault.impact), scale.x(fault.end));
    let mut svg = String::from("<g>");
    let _ = write!(svg, "<title>{}</title>", escape(&told(fault)));
    let _ = write!(
        svg,
        r#"<text class="label" x="{:.1}" y="{:.1}" text-anchor="end">{} <tspan class="faint">{}</tspan></text>"#,
        LEFT - 10.0,
        y + 4.0,
        escape(&spoken(fault.class.name())),
        escape(&shortened(&fault.port, 16)),
    );
    let _ = write!(
        svg,
        r#"<rect class="growing" x="{onset:.1}" y="{:.1}" width="{:.1}" height="8" rx="2"/><rect class="hurting" x="{impact:.1}" y="{:.1}" width="{:.1}" height="8" rx="2"/>"#,
        y - 4.0,
        (impact - onset).max(1.0),
        y - 4.0,
        (end - impact).max(2.0),
    );
    for alert in &fault.alerts {
        svg.push_str(&alert_mark(scale.x(alert.opened), y));
    }
    if fault.verdict() == Verdict::Missed {
        let _ =
            write!(svg, r#"<text class="missed-mark" x="{:.1}" y="{:.1}">missed</text>"#, end + 6.0, y + 4.0);
    }
    svg.push_str("</g>");
    svg
}

/// A diamond: told from bars by its shape and not by colour alone.
pub(super) fn alert_mark(x: f64, y: f64) -> String {
    format!(
        r#"<path class="alert" d="M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}Z"/>"#,
        y - 7.0,
        x + 6.0,
        y + 7.0,
        x - 6.0
    )
}

/// The fault in one sentence.
pub(super) fn told(fault: &FaultOutcome) -> String {
    let outcome = match (fault.verdict(), fault.lead_seconds()) {
        (Verdict::Early, Some(lead)) => format!("alert {} before users were hurt", length_of_time(lead)),
        (Verdict::Late, Some(lead)) => format!("alert {} after users were hurt", length_of_time(-lead)),
        _ => "no alert".into(),
    };
    format!("{} on {} ({}): {outcome}", spoken(fault.class.name()), fault.port, fault.cause)
}

/// At most `most` characters, the middle left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(length - most / 2).collect();
    let head: String = text.chars().take(most - most / 2 - 1).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(shortened("leaf-r01/2", 16), "leaf-r01/2");
        assert_eq!(shortened("0000000000200000/2", 9), "0000…00/2");
    }
}
