//! What a user is told of a source: its first failure, a change of reason, its return. Not the same line every 30 s.

use std::time::Duration;

use linkcast_telemetry::Parsed;

use crate::output::Notes;
use crate::source::SourceSpec;

/// One source's health.
#[derive(Debug)]
pub(crate) struct SourceHealth {
    name: String,
    failing_because: Option<String>,
    failures: u64,
    refused: u64,
}

impl SourceHealth {
    /// A source of which nothing is known yet.
    pub(crate) fn new(spec: &SourceSpec) -> Self {
        SourceHealth { name: spec.to_string(), failing_because: None, failures: 0, refused: 0 }
    }

    /// The source answered.
    pub(crate) fn answered(&mut self, parsed: &Parsed, notes: Notes) {
        if self.failing_because.take().is_some() {
            notes.inform(format!("{} answers again after {} failures", self.name, self.failures));
        }
        self.failures = 0;
        if let Some(reject) = parsed.rejects.kept().first().filter(|_| self.refused == 0) {
            notes.warn(format!("{} values were refused, the first {reject}", parsed.rejects.total()));
        }
        self.refused = parsed.rejects.total();
        for notice in &parsed.notices {
            notes.detail(format!("note: {}: {notice}", self.name));
        }
    }

    /// The source failed.
    pub(crate) fn failed(&mut self, why: &str, pause: Option<Duration>, notes: Notes) {
        self.failures += 1;
        let again =
            pause.map_or_else(String::new, |pause| format!("; asked again in {:.0} s", pause.as_secs_f64()));
        if self.failing_because.as_deref() == Some(why) {
            notes.detail(format!("{why} ({} times){again}", self.failures));
        } else {
            notes.warn(format!("{why}{again}"));
            self.failing_because = Some(why.to_owned());
        }
    }
}
