//! The channels that tell people: a file of JSON lines, a webhook, Alertmanager.
//!
//! Each is the pipeline's `Notifier`: it tells messages in order and says whether trying again can help. What must not
//! be lost stays in the store's outbox until a channel has had it, so nothing here keeps anything.

mod alertmanager;
mod json_lines;
mod post;
mod webhook;

use std::time::Duration;

use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};

pub(crate) use alertmanager::{Alertmanager, Reminder};
pub(crate) use json_lines::JsonLinesFile;
pub(crate) use webhook::Webhook;

/// A channel of any kind: the pipeline asks for one type.
#[derive(Debug)]
pub(crate) enum Channel {
    /// A file of JSON lines.
    File(JsonLinesFile),
    /// A webhook.
    Webhook(Webhook),
    /// An Alertmanager.
    Alertmanager(Alertmanager),
}

impl Notifier for Channel {
    fn channel(&self) -> &str {
        match self {
            Channel::File(file) => file.channel(),
            Channel::Webhook(webhook) => webhook.channel(),
            Channel::Alertmanager(alertmanager) => alertmanager.channel(),
        }
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        match self {
            Channel::File(file) => file.publish(messages, budget).await,
            Channel::Webhook(webhook) => webhook.publish(messages, budget).await,
            Channel::Alertmanager(alertmanager) => alertmanager.publish(messages, budget).await,
        }
    }
}
