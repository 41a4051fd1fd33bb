//! Alerts on an SNS topic: the alert as JSON, with attributes subscriptions can filter by.

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{AlertState, Retry};

use crate::client::Shared;

/// The longest subject SNS takes.
const LONGEST_SUBJECT: usize = 100;

/// One topic.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
    channel: String,
}

impl Topic {
    /// The topic `arn`.
    pub fn new(shared: &Shared, arn: &str) -> Self {
        Topic { client: Client::new(&shared.config), arn: arn.to_owned(), channel: format!("sns:{arn}") }
    }

    fn failed(&self, reason: String) -> NotifyError {
        NotifyError { channel: self.channel.clone(), reason, retry: Retry::Later }
    }

    async fn tell(&self, message: &OutboxMessage) -> Result<(), NotifyError> {
        let body = serde_json::to_string(message).map_err(|error| self.failed(error.to_string()))?;
        let mut request = self.client.publish().topic_arn(&self.arn).subject(subject(message)).message(body);
        let state = match message.alert.state {
            AlertState::Firing => "firing",
            AlertState::Resolved => "resolved",
        };
        let attributes =
            [("id", message.id.as_str()), ("state", state), ("cause", message.alert.cause.name())];
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| self.failed(error.to_string()))?;
            request = request.message_attributes(name, value);
        }
        request.send().await.map_err(|error| self.failed(linkcast_lambda::chain(&error)))?;
        Ok(())
    }
}

/// One line of printable ASCII, as SNS asks.
fn subject(message: &OutboxMessage) -> String {
    let state = match message.alert.state {
        AlertState::Firing => "firing",
        AlertState::Resolved => "resolved",
    };
    let text = format!("Linkcast {}: {state}: {}", message.alert.fabric, message.alert.summary);
    text.chars().filter(|one| (' '..='~').contains(one)).take(LONGEST_SUBJECT).collect()
}

impl Notifier for Topic {
    fn channel(&self) -> &str {
        &self.channel
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        let told = async {
            for message in messages {
                self.tell(message).await?;
            }
            Ok(())
        };
        let late = || self.failed(format!("not told within {} ms", budget.as_millis()));
        tokio::time::timeout(budget, told).await.unwrap_or_else(|_| Err(late()))
    }
}
