//! The page itself: order of the sections, words between them, style.

use super::text::{count, escape, length_of_time};
use super::{Report, episodes, fabric_map, overview, tables};

const STYLE: &str = include_str!("report.css");

/// The whole report as one HTML document.
pub(crate) fn render(report: &Report) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>Linkcast demo report</title><style>{STYLE}</style></head><body>{}<main>{}</main>{}</body></html>\n",
        masthead(report),
        sections(report),
        footer(report)
    )
}

fn masthead(report: &Report) -> String {
    let hours = length_of_time(report.end.seconds_since(report.begin));
    format!(
        r#"<header class="masthead"><p class="brand">Linkcast</p><h1>What was injected, what was forecast, and how early</h1><p class="lead">A <strong>synthetic</strong> fabric of {} ports ran for {hours} of simulated time with {} faults and {} harmless look-alikes in it. Linkcast saw the port counters and nothing else.</p><ul class="tiles">{}</ul></header>"#,
        count(report.totals.ports),
        report.faults.len(),
        report.benign.len(),
        tables::tiles(report)
    )
}

fn sections(report: &Report) -> String {
    let legend = r#"<p class="legend"><span class="key growing"></span>fault growing <span class="key hurting"></span>users hurt <span class="key diamond"></span>alert raised</p>"#;
    let map_legend = r#"<p class="legend">Peak risk <span class="key r0"></span>0 <span class="key r1"></span>20 <span class="key r2"></span>40 <span class="key r3"></span>60 <span class="key r4"></span>80 and more · ○ fault found · × fault missed or false alarm</p>"#;
    [
        section("faults", "Every fault, over the whole run", &format!("{legend}<div class=\"scroll\">{}</div>", overview::overview(report))),
        section("types", "By fault type", &tables::by_type(report)),
        section("benign", "What only looked like a fault", &format!("<p>Reboots, maintenance, counter resets and their like show in the same counters. An alert about one of them is a false alarm.</p>{}", tables::by_benign_kind(report))),
        section("false-alarms", "False alarms, one by one", &tables::false_alarms(report)),
        section("map", "The fabric", &format!("{map_legend}<div class=\"scroll\">{}</div>", fabric_map::fabric_map(report))),
        section("episodes", "Each fault in detail", &format!("{legend}<div class=\"cards\">{}</div>", episodes::cards(report))),
    ]
    .concat()
}

fn section(id: &str, heading: &str, body: &str) -> String {
    format!(r#"<section aria-labelledby="{id}"><h2 id="{id}">{heading}</h2>{body}</section>"#)
}

fn footer(report: &Report) -> String {
    format!(
        r#"<footer><p>Everything here is simulated; the faults' truth was never shown to the model. Model {}, seed {}. {} samples, {} insights, {} alerts in {:.1} s.</p><p>Remake it with <code>{}</code></p></footer>"#,
        escape(&report.model),
        report.seed,
        count(report.totals.samples),
        count(report.totals.insights),
        count(report.totals.alerts),
        report.totals.seconds,
        escape(&report.command)
    )
}
