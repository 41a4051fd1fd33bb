//! The fabric map: one square a port, one row a switch, so that one sees where trouble was and how much was quiet.

use std::fmt::Write as _;

use super::text::escape;
use super::{PortCell, PortFate, Report};

const CELL: f64 = 13.0;
const LEFT: f64 = 118.0;
const TOP: f64 = 4.0;
/// Rows beyond this say nothing more to the eye.
const MOST_ROWS: usize = 80;

/// The map.
pub(super) fn fabric_map(report: &Report) -> String {
    let widest = report.nodes.iter().map(|node| node.ports.len()).max().unwrap_or(0);
    let rows = report.nodes.len().min(MOST_ROWS);
    let mut svg = format!(
        r#"<svg class="map" viewBox="0 0 {:.0} {:.0}" style="max-width:{:.0}px" role="img" aria-labelledby="map-title"><title id="map-title">Every port of the fabric by switch: shaded by the highest risk an alert told; marked where a fault was found or missed, or an alert was false.</title>"#,
        LEFT + widest as f64 * CELL + 4.0,
        TOP + rows as f64 * CELL + 4.0,
        (LEFT + widest as f64 * CELL + 4.0) * 1.3
    );
    for (row, node) in report.nodes.iter().take(MOST_ROWS).enumerate() {
        let y = TOP + row as f64 * CELL;
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            y + 9.5,
            escape(&super::overview::shortened(&node.name, 18))
        );
        for (column, cell) in node.ports.iter().enumerate() {
            svg.push_str(&square(cell, LEFT + column as f64 * CELL, y));
        }
    }
    svg.push_str("</svg>");
    if report.nodes.len() > MOST_ROWS {
        let _ =
            write!(svg, "<p class=\"faint\">The first {MOST_ROWS} of {} switches.</p>", report.nodes.len());
    }
    svg
}

fn square(cell: &PortCell, x: f64, y: f64) -> String {
    let shade = match cell.peak_risk {
        Some(risk) if risk >= 80.0 => "r4",
        Some(risk) if risk >= 60.0 => "r3",
        Some(risk) if risk >= 40.0 => "r2",
        Some(risk) if risk >= 20.0 => "r1",
        Some(_) => "r0",
        None => "unjudged",
    };
    let (mark, word) = match cell.fate {
        PortFate::Well => (String::new(), "well"),
        PortFate::Found => (ring(x, y, "found"), "at fault, found"),
        PortFate::Missed => (cross(x, y, "missed"), "at fault, missed"),
        PortFate::FalseAlarm => (cross(x, y, "false"), "false alarm"),
    };
    let risk = cell.peak_risk.map_or_else(|| "no alert".into(), |risk| format!("peak risk {risk:.0}"));
    format!(
        r#"<g><title>{}: {word}, {risk}</title><rect class="{shade}" x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="2"/>{mark}</g>"#,
        escape(cell.stream.as_str()),
        x + 1.0,
        y + 1.0,
        CELL - 2.0,
        CELL - 2.0
    )
}

fn ring(x: f64, y: f64, class: &str) -> String {
    format!(r#"<circle class="mark {class}" cx="{:.1}" cy="{:.1}" r="3"/>"#, x + CELL / 2.0, y + CELL / 2.0)
}

fn cross(x: f64, y: f64, class: &str) -> String {
    let (near, far) = (3.5, CELL - 3.5);
    format!(
        r#"<path class="mark {class}" d="M{:.1} {:.1}L{:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}"/>"#,
        x + near,
        y + near,
        x + far,
        y + far,
        x + far,
        y + near,
        x + near,
        y + far
    )
}
