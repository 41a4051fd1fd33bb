//! What the channels are told, in their own forms.
//!
//! The forms are pure; whoever speaks to the network or owns the file stands behind the notifier port.

mod alertmanager;
mod alertmanager_notice;
mod lines;
mod notice_text;

pub use alertmanager::{AlertmanagerAlert, alertmanager_payload};
pub use alertmanager_notice::alertmanager_notice;
pub use lines::{JsonLines, WrittenLines, written_lines, written_notices};
pub use notice_text::NoticeText;

use linkcast_domain::Notice;
use linkcast_domain::ports::OutboxMessage;

/// A webhook's body: `{"messages": [...]}`, each with its `id` by which a receiver tells repeats.
pub fn webhook_payload(messages: &[OutboxMessage]) -> serde_json::Value {
    serde_json::json!({ "messages": messages })
}

/// A webhook's body for a notice: `{"notices": [...]}`, with its `id` by which a receiver tells repeats, and its words.
pub fn webhook_notice(notice: &Notice) -> serde_json::Value {
    let NoticeText { subject, body } = NoticeText::of(notice);
    let mut told = serde_json::json!(notice);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("subject".to_owned(), subject.into());
        fields.insert("text".to_owned(), body.into());
    }
    serde_json::json!({ "notices": [told] })
}
