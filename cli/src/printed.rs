//! What came of a sweep, printed: one JSON object a line, or a line for people.
//!
//! Every JSON line says by `kind` what it is: a sample, an insight, an alert.

use linkcast_domain::{Alert, AlertState, Insight, Sample, SampleField, Timestamp};
use linkcast_pipeline::SweepReport;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::commands::Session;
use crate::exit::Failure;
use crate::output::Form;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Sample(SampleLine<'a>),
    Insight(&'a Insight),
    Alert(&'a Alert),
}

/// A sample under the names of the canonical sample file; what is absent is left out.
struct SampleLine<'a>(&'a Sample);

impl Serialize for SampleLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("stream_id", &self.0.stream)?;
        map.serialize_entry("timestamp", &self.0.time)?;
        for field in SampleField::ALL {
            if let Some(value) = self.0.values.get(field) {
                map.serialize_entry(field.name(), &value)?;
            }
        }
        for (name, value) in &self.0.other {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

/// Prints samples (JSON only, where the report repeats them), insights and alerts.
pub(crate) fn report(report: &SweepReport, session: &mut Session<'_>) -> Result<(), Failure> {
    let output = &mut session.output;
    match session.form {
        Form::JsonLines => {
            report.samples.iter().try_for_each(|sample| output.json(&Line::Sample(SampleLine(sample))))?;
            report.insights.iter().try_for_each(|insight| output.json(&Line::Insight(insight)))?;
            report.alerts.iter().try_for_each(|alert| output.json(&Line::Alert(alert)))?;
        }
        Form::Text => report.alerts.iter().try_for_each(|alert| output.line(&told(alert)))?,
    }
    output.flush()?;
    Ok(())
}

/// An alert as one line.
fn told(alert: &Alert) -> String {
    let (time, word) = match alert.state {
        AlertState::Firing if alert.updated > alert.opened => (alert.updated, "STILL   "),
        AlertState::Firing => (alert.opened, "ALERT   "),
        AlertState::Resolved => (alert.updated, "resolved"),
    };
    format!("{} {word} risk {:>3.0}  {}", clock(time), alert.risk_score, alert.summary)
}

fn clock(time: Timestamp) -> String {
    time.to_string().replace('T', " ").chars().take(19).collect()
}
