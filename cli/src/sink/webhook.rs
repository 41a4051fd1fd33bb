//! A webhook: alerts as JSON, posted in order, several in one request where several wait.

use std::time::Duration;

use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};
use linkcast_pipeline::webhook_payload;

use super::post::Address;

/// An address that wants every alert.
#[derive(Debug)]
pub(crate) struct Webhook(Address);

impl Webhook {
    /// The webhook at `url`.
    pub(crate) fn new(url: &str) -> Self {
        Webhook(Address::new("webhook", url))
    }
}

impl Notifier for Webhook {
    fn channel(&self) -> &str {
        self.0.channel()
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        let key = messages.last().map_or("", |message| &message.id);
        self.0.post(&webhook_payload(messages), key, budget)
    }
}
