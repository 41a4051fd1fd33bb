//! What the channels are told, in their own forms.
//!
//! The forms are pure; whoever speaks to the network or owns the file stands behind the notifier port.

mod alertmanager;
mod lines;

pub use alertmanager::{AlertmanagerAlert, alertmanager_payload};
pub use lines::{JsonLines, WrittenLines, written_lines};

use linkcast_domain::ports::OutboxMessage;

/// A webhook's body: `{"messages": [...]}`, each with its `id` by which a receiver tells repeats.
pub fn webhook_payload(messages: &[OutboxMessage]) -> serde_json::Value {
    serde_json::json!({ "messages": messages })
}
