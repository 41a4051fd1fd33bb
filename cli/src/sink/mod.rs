//! The channels that tell people: a file of JSON lines, a webhook, Alertmanager.
//!
//! Each is the pipeline's `Notifier` and `NoticeChannel`: it tells messages and notices in order and says whether trying again can
//! help. What must not be lost stays in the store until a channel has had it, so nothing here keeps anything.

mod alertmanager;
mod json_lines;
mod least;
mod post;
mod webhook;

use std::time::Duration;

use linkcast_domain::ports::{NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Notice, Severity};

pub(crate) use alertmanager::{Alertmanager, Reminder};
pub(crate) use json_lines::JsonLinesFile;
pub(crate) use least::{ChannelKind, LeastSeverity, least_of};
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
            Channel::File(file) => Notifier::channel(file),
            Channel::Webhook(webhook) => Notifier::channel(webhook),
            Channel::Alertmanager(alertmanager) => Notifier::channel(alertmanager),
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

impl NoticeChannel for Channel {
    fn channel(&self) -> &str {
        Notifier::channel(self)
    }

    fn least(&self) -> Severity {
        match self {
            Channel::File(file) => file.least(),
            Channel::Webhook(webhook) => webhook.least(),
            Channel::Alertmanager(alertmanager) => alertmanager.least(),
        }
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        match self {
            Channel::File(file) => file.tell_notice(notice, budget).await,
            Channel::Webhook(webhook) => webhook.tell_notice(notice, budget).await,
            Channel::Alertmanager(alertmanager) => alertmanager.tell_notice(notice, budget).await,
        }
    }
}
