//! The report's tables: by fault type, by benign kind, and the false alarms one by one.

use std::fmt::Write as _;

use linkcast_domain::PredictionType;

use super::text::{escape, length_of_time, per_cent, spoken};
use super::{FaultOutcome, Report, Verdict, median};

/// One row a fault type that was injected.
pub(super) fn by_type(report: &Report) -> String {
    let mut rows = String::new();
    let longest = report.faults.iter().filter_map(FaultOutcome::lead_seconds).fold(60.0, f64::max);
    for class in PredictionType::ALL {
        let faults: Vec<&FaultOutcome> = report.faults.iter().filter(|fault| fault.class == class).collect();
        if faults.is_empty() {
            continue;
        }
        let of = |verdict| faults.iter().filter(|fault| fault.verdict() == verdict).count();
        let lead = median(faults.iter().filter_map(|fault| fault.lead_seconds()));
        let _ = write!(
            rows,
            r#"<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class="lead">{}</td></tr>"#,
            escape(&spoken(class.name())),
            faults.len(),
            of(Verdict::Early),
            of(Verdict::Late),
            of(Verdict::Missed),
            lead_bar(lead, longest),
        );
    }
    format!(
        r#"<div class="scroll"><table><thead><tr><th scope="col">Fault type</th><th scope="col">Injected</th><th scope="col">Forecast</th><th scope="col">Late</th><th scope="col">Missed</th><th scope="col">Median lead time</th></tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn lead_bar(lead: Option<f64>, longest: f64) -> String {
    lead.map_or_else(
        || "–".into(),
        |lead| {
            let share = (lead / longest * 100.0).clamp(0.0, 100.0);
            format!(r#"<span class="bar" style="--share:{share:.1}%"></span>{}"#, length_of_time(lead))
        },
    )
}

/// One row a benign kind.
pub(super) fn by_benign_kind(report: &Report) -> String {
    let mut kinds: Vec<String> = report.benign.iter().map(|outcome| kind_name(outcome.kind)).collect();
    kinds.sort();
    kinds.dedup();
    let mut rows = String::new();
    for kind in kinds {
        let of_kind = report.benign.iter().filter(|outcome| kind_name(outcome.kind) == kind);
        let (number, alarms) =
            of_kind.fold((0, 0), |(number, alarms), one| (number + 1, alarms + one.alerts));
        let class = if alarms == 0 { "good" } else { "bad" };
        let word = if alarms == 0 { "none".to_owned() } else { alarms.to_string() };
        let _ = write!(
            rows,
            r#"<tr><th scope="row">{}</th><td>{number}</td><td><span class="pill {class}">{word}</span></td></tr>"#,
            escape(&spoken(&kind)),
        );
    }
    format!(
        r#"<div class="scroll"><table><thead><tr><th scope="col">What happened</th><th scope="col">Times</th><th scope="col">False alarms</th></tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn kind_name(kind: linkcast_domain::BenignKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Every false alarm, or a sentence that there was none.
pub(super) fn false_alarms(report: &Report) -> String {
    if report.false_alarms.is_empty() {
        return r#"<p>No alert was raised that a fault does not explain.</p>"#.into();
    }
    let mut rows = String::new();
    for alert in &report.false_alarms {
        let after = length_of_time(alert.opened.seconds_since(report.begin));
        let lasted = alert
            .resolved
            .map_or_else(|| "open".into(), |end| length_of_time(end.seconds_since(alert.opened)));
        let _ = write!(
            rows,
            r#"<tr><td>{after}</td><td>{}</td><td>{}</td><td>{lasted}</td><td class="words">{}</td></tr>"#,
            escape(&alert.ports.join(", ")),
            escape(&spoken(&alert.cause)),
            escape(&alert.summary)
        );
    }
    format!(
        r#"<div class="scroll"><table><thead><tr><th scope="col">At</th><th scope="col">Ports</th><th scope="col">Cause told</th><th scope="col">Lasted</th><th scope="col">Alert</th></tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

/// The figures at the top.
pub(super) fn tiles(report: &Report) -> String {
    let summary = report.summary();
    let lead = summary.median_lead_seconds.map_or_else(|| "–".into(), length_of_time);
    let tile = |figure: String, name: &str, detail: String| {
        format!(
            r#"<li><span class="figure">{figure}</span><span class="name">{name}</span><span class="detail">{detail}</span></li>"#
        )
    };
    [
        tile(
            format!("{}<small> / {}</small>", summary.early, summary.faults),
            "forecast before impact",
            format!("{} found in all", summary.found),
        ),
        tile(lead, "median lead time", "from the alert to the impact".into()),
        tile(per_cent(summary.precision), "precision", format!("{} false alarms", summary.false_alarms)),
        tile(per_cent(summary.recall), "recall", "of faults, by episode".into()),
    ]
    .concat()
}
