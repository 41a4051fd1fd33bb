//! What people and programs are told about models: a drift, a training run, a step of a rollout, an endpoint.
//!
//! An alert speaks of links, a notice of whoever judges them. Its id is a function of what happened, so that whoever tells it
//! again, after a crash or because two of them saw it, tells the same one.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use crate::Timestamp;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// What a model sees, or what it says, is not what it was.
    DriftDetected,
    /// What is confirmed of a model's insights is worse than it was.
    QualityDegraded,
    /// A training run began or ended.
    TrainingRun,
    /// A rollout began, took a step or ended.
    Rollout,
    /// An endpoint was made, changed or found broken.
    Endpoint,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look within days.
    Warning,
    /// Somebody should look now.
    Critical,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for the same happening: 32 hexadecimal digits.
    pub id: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// Whose fabric.
    pub fabric: String,
    /// Whose task.
    pub task: String,
    /// When it happened: the same whenever it is told.
    pub at: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for people: what happened, and what to do if anything.
    pub summary: String,
    /// The numbers it rests on.
    pub details: Map<String, Value>,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [NoticeKind; 5] = [
        NoticeKind::DriftDetected,
        NoticeKind::QualityDegraded,
        NoticeKind::TrainingRun,
        NoticeKind::Rollout,
        NoticeKind::Endpoint,
    ];

    /// The name of its events, as rules name it.
    pub fn event(self) -> &'static str {
        match self {
            NoticeKind::DriftDetected => "Drift Detected",
            NoticeKind::QualityDegraded => "Quality Degraded",
            NoticeKind::TrainingRun => "Training Run Changed",
            NoticeKind::Rollout => "Rollout Changed",
            NoticeKind::Endpoint => "Endpoint Changed",
        }
    }

    /// The name in output, labels and filters.
    pub fn name(self) -> &'static str {
        match self {
            NoticeKind::DriftDetected => "drift_detected",
            NoticeKind::QualityDegraded => "quality_degraded",
            NoticeKind::TrainingRun => "training_run",
            NoticeKind::Rollout => "rollout",
            NoticeKind::Endpoint => "endpoint",
        }
    }
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// A text that names no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a severity: expected info, warning or critical")]
pub struct ParseSeverityError {
    text: String,
}

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Severity::ALL.into_iter().find(|severity| severity.name() == text);
        named.ok_or_else(|| ParseSeverityError { text: text.chars().take(64).collect() })
    }
}

impl Notice {
    /// The notice of `what` (a name that no other happening of this kind and task has) at `at`, with nothing to rest on yet.
    pub fn of(
        kind: NoticeKind,
        (fabric, task): (&str, &str),
        (what, at): (&str, Timestamp),
        severity: Severity,
        summary: String,
    ) -> Self {
        let key = format!("{}\u{1f}{fabric}\u{1f}{task}\u{1f}{what}", kind.event());
        Notice {
            id: format!("{:032x}", xxh3_128(key.as_bytes())),
            kind,
            fabric: fabric.to_owned(),
            task: task.to_owned(),
            at,
            severity,
            summary,
            details: Map::new(),
        }
    }

    /// The same with one more thing it rests on.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_happening_has_the_same_id_and_another_has_another() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let told = |task, what| {
            let place = ("lab", task);
            Notice::of(NoticeKind::Rollout, place, (what, at), Severity::Info, "s".to_owned())
        };
        assert_eq!(told("link-health", "3/step/2"), told("link-health", "3/step/2").clone());
        assert_ne!(told("link-health", "3/step/2").id, told("link-health", "3/step/3").id);
        assert_ne!(told("link-health", "3/step/2").id, told("other", "3/step/2").id);
        let text = serde_json::to_string(&told("link-health", "x").with("weight", 25)).unwrap();
        assert!(text.contains(r#""kind":"rollout""#) && text.contains(r#""weight":25"#), "{text}");
    }
}
