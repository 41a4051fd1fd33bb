//! A webhook: each alert as one JSON object, posted in order.

use std::time::Duration;

use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};

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
        let share = budget / u32::try_from(messages.len().max(1)).unwrap_or(u32::MAX);
        messages.iter().try_for_each(|message| self.0.post(message, &message.id, share))
    }
}
