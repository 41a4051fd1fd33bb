//! Alerts and notices on an SNS topic: as JSON, with attributes subscriptions can filter by. Who subscribes by e-mail reads a notice's
//! words instead.

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::types::MessageAttributeValue;
use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{AlertState, Notice, Retry};
use serde_json::json;

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

    /// Tells a notice: JSON by default, `words` by e-mail, under a `subject` of one line of printable ASCII.
    ///
    /// # Errors
    /// A topic that does not take it within `budget`.
    pub async fn tell_notice(
        &self,
        notice: &Notice,
        (subject, words): (&str, &str),
        budget: Duration,
    ) -> Result<(), NotifyError> {
        let message = forms(notice, words).map_err(|error| self.failed(error.to_string()))?;
        let request = self.client.publish().topic_arn(&self.arn).subject(subject);
        let request = request.message_structure("json").message(message);
        let attributes = [
            ("id", notice.id.as_str()),
            ("kind", notice.kind.name()),
            ("severity", notice.severity.name()),
            ("task", notice.task.as_str()),
        ];
        let told = tokio::time::timeout(budget, self.send(request, &attributes)).await;
        told.unwrap_or_else(|_| Err(self.failed(format!("not told within {} ms", budget.as_millis()))))
    }

    fn failed(&self, reason: String) -> NotifyError {
        NotifyError { channel: self.channel.clone(), reason, retry: Retry::Later }
    }

    async fn tell(&self, message: &OutboxMessage) -> Result<(), NotifyError> {
        let body = serde_json::to_string(message).map_err(|error| self.failed(error.to_string()))?;
        let request = self.client.publish().topic_arn(&self.arn).subject(subject(message)).message(body);
        let state = match message.alert.state {
            AlertState::Firing => "firing",
            AlertState::Resolved => "resolved",
        };
        let attributes = [
            ("id", message.id.as_str()),
            ("state", state),
            ("cause", message.alert.cause.name()),
            ("kind", "alert"),
        ];
        self.send(request, &attributes).await
    }

    async fn send(
        &self,
        mut request: PublishFluentBuilder,
        attributes: &[(&str, &str)],
    ) -> Result<(), NotifyError> {
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            let value = value.map_err(|error| self.failed(error.to_string()))?;
            request = request.message_attributes(*name, value);
        }
        request.send().await.map_err(|error| self.failed(linkcast_lambda::chain(&error)))?;
        Ok(())
    }
}

/// A message in two forms: JSON for programs, words for people.
fn forms(notice: &Notice, words: &str) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(notice)?;
    serde_json::to_string(&json!({ "default": json, "email": words }))
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

#[cfg(test)]
mod tests {
    use linkcast_domain::{NoticeKind, Severity, Timestamp};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_notice_is_json_for_programs_and_words_for_people() {
        let (place, what) = (("lab", "link-health"), ("1/abort", Timestamp::EPOCH));
        let notice = Notice::of(NoticeKind::Rollout, place, what, Severity::Critical, "it ended".to_owned());
        let forms: Value = serde_json::from_str(&forms(&notice, "in words").unwrap()).unwrap();
        assert_eq!(forms["email"], "in words");
        let read: Notice = serde_json::from_str(forms["default"].as_str().unwrap()).unwrap();
        assert_eq!(read, notice);
    }
}
