//! The columns of a row, which are the same in both forms.

use linkcast_domain::{Review, Reviewed};

pub(super) const ITEM: &str = "item";
pub(super) const STREAM: &str = "stream_id";
pub(super) const TIME: &str = "timestamp";
pub(super) const REVIEWER: &str = "reviewer";
pub(super) const REVIEWED_AT: &str = "reviewed_at";
pub(super) const VERDICT: &str = "verdict";
pub(super) const SEVERITY: &str = "severity";
pub(super) const NOTE: &str = "note";

/// Every column, in the order they are written.
pub(super) const COLUMNS: [&str; 17] = [
    ITEM,
    STREAM,
    TIME,
    "priority",
    "rules_class",
    "rules_risk",
    "rules_confidence",
    "rule",
    "disputed_by",
    "model_class",
    "model_risk",
    "model_confidence",
    REVIEWER,
    REVIEWED_AT,
    VERDICT,
    SEVERITY,
    NOTE,
];

/// A row's cells, in the columns' order; an empty one is absent. Without a verdict, those of the item alone.
pub(super) fn cells(reviewed: &Reviewed, review: Option<&Review>) -> [String; COLUMNS.len()] {
    let item = &reviewed.item;
    let (rules, model) = (&item.rules, item.model.as_ref());
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let text = |text: Option<String>| text.unwrap_or_default();
    [
        item.id.to_string(),
        item.stream.to_string(),
        item.time.to_string(),
        item.priority.to_string(),
        rules.class.to_string(),
        rules.risk.to_string(),
        rules.confidence.to_string(),
        text(rules.rule.clone()),
        text(rules.disputed_by.clone()),
        text(model.map(|model| model.class.to_string())),
        number(model.map(|model| model.risk)),
        number(model.map(|model| model.confidence)),
        text(review.map(|review| review.reviewer.to_string())),
        text(review.map(|review| review.time.to_string())),
        text(review.map(|review| review.verdict.to_string())),
        number(review.and_then(|review| review.severity)),
        text(review.map(|review| review.note.clone())),
    ]
}
