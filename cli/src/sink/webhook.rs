//! A webhook: alerts as JSON, posted in order, several in one request where several wait.

use std::time::Duration;

use linkcast_domain::ports::{NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Notice, Severity};
use linkcast_pipeline::{webhook_notice, webhook_payload};

use super::post::Address;

/// An address that wants every alert.
#[derive(Debug)]
pub(crate) struct Webhook {
    address: Address,
    least: Severity,
}

impl Webhook {
    /// The webhook at `url`, told of notices from `least` on.
    pub(crate) fn new(url: &str, least: Severity) -> Self {
        Webhook { address: Address::new("webhook", url), least }
    }
}

impl Notifier for Webhook {
    fn channel(&self) -> &str {
        self.address.channel()
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        let key = messages.last().map_or("", |message| &message.id);
        self.address.post(&webhook_payload(messages), key, budget)
    }
}

impl NoticeChannel for Webhook {
    fn channel(&self) -> &str {
        self.address.channel()
    }

    fn least(&self) -> Severity {
        self.least
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        self.address.post(&webhook_notice(notice), &notice.id, budget)
    }
}
