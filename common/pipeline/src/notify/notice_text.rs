//! A notice in words: a subject line, what happened, the numbers, and what to do next.
//!
//! The summary is whoever's who found it; what to do depends on what it is about and how grave it is, and stands here, so that
//! every channel says the same.

use std::fmt::Write as _;

use linkcast_domain::{Notice, NoticeKind, Severity};
use serde_json::Value;

/// The longest subject: what SNS takes.
const LONGEST_SUBJECT: usize = 100;

/// Numbers told; more than these nobody reads in a message.
const MOST_NUMBERS: usize = 30;

/// A notice for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText {
    /// One line of printable ASCII, at most a hundred characters.
    pub subject: String,
    /// A few sentences, and a line for each number.
    pub body: String,
}

impl NoticeText {
    /// The words for a notice.
    pub fn of(notice: &Notice) -> Self {
        let Notice { fabric, task, summary, .. } = notice;
        let (kind, severity) = (heading(notice.kind), notice.severity.name());
        let subject = format!("Linkcast {fabric}: {severity}: {kind}: {summary}");
        let subject = subject
            .chars()
            .map(|one| if one.is_whitespace() { ' ' } else { one })
            .filter(|one| (' '..='~').contains(one))
            .take(LONGEST_SUBJECT)
            .collect();
        let mut body = format!("{kind}, {severity}, at {}.\n{task} on {fabric}.\n\n{summary}\n", notice.at);
        let mut numbers = Vec::new();
        for (name, value) in &notice.details {
            flatten(name, value, &mut numbers);
        }
        if !numbers.is_empty() {
            body.push_str("\nThe numbers:\n");
        }
        for (name, value) in numbers.iter().take(MOST_NUMBERS) {
            let _ = writeln!(body, "  {name}: {value}");
        }
        if numbers.len() > MOST_NUMBERS {
            let _ = writeln!(body, "  and {} more", numbers.len() - MOST_NUMBERS);
        }
        let _ = write!(body, "\nWhat to do: {}\nNotice {}.\n", advice(notice), notice.id);
        NoticeText { subject, body }
    }
}

/// What a notice is about, in words.
fn heading(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::DriftDetected => "drift",
        NoticeKind::QualityDegraded => "quality",
        NoticeKind::TrainingRun => "training run",
        NoticeKind::Rollout => "rollout",
        NoticeKind::Endpoint => "endpoint",
    }
}

fn advice(notice: &Notice) -> String {
    let task = &notice.task;
    let grave = notice.severity >= Severity::Warning;
    match (notice.kind, grave) {
        (NoticeKind::DriftDetected, true) => format!(
            "see with `linkcast monitor --task {task}` which features moved; a change of firmware, topology or load explains most. \
             Retraining starts by itself if its guards allow it."
        ),
        (NoticeKind::QualityDegraded, true) => format!(
            "look through the newest verdicts with `linkcast feedback list --task {task}`; if they are right, retraining \
             or a rollback is due."
        ),
        (NoticeKind::TrainingRun, true) => {
            "the live model goes on as it is; read the reason above before another run is started.".to_owned()
        }
        (NoticeKind::Rollout, true) => format!(
            "nothing at once: the model before answers. `linkcast rollout history --task {task}` has the evidence; correct the \
             candidate before it is tried again."
        ),
        (NoticeKind::Endpoint, true) => {
            "the embedded model answers meanwhile; `linkcast provision status` says what stands in the way."
                .to_owned()
        }
        (_, false) => "nothing; this is for the record.".to_owned(),
    }
}

/// Numbers within numbers, each under its whole name.
fn flatten(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(inner, value)| flatten(&format!("{name}.{inner}"), value, into));
        }
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            into.push((
                name.to_owned(),
                if number.abs() < 0.001 { format!("{number:.2e}") } else { format!("{number:.4}") },
            ));
        }
        other => into.push((name.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use linkcast_domain::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notice_says_what_happened_the_numbers_and_what_to_do() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let summary = "candidate 7 was taken back at 10 % – more errors\nthan live".to_owned();
        let place = ("lab", "link-health");
        let notice = Notice::of(NoticeKind::Rollout, place, ("7/abort", at), Severity::Critical, summary)
            .with("errors", json!({"candidate": 0.25, "p": 0.00002}))
            .with("requests", 1_200);
        let text = NoticeText::of(&notice);
        assert_eq!(
            text.subject,
            "Linkcast lab: critical: rollout: candidate 7 was taken back at 10 %  more errors than live"
        );
        for part in ["errors.candidate: 0.2500", "errors.p: 2.00e-5", "requests: 1200", "rollout history"] {
            assert!(text.body.contains(part), "{part}: {}", text.body);
        }
        assert!(text.body.contains(&notice.id));
    }
}
