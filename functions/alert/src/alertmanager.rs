//! Prometheus Alertmanager, API v2.
//!
//! Alertmanager resolves by itself what it has not heard of for a while, and that is wanted: should this function fail,
//! its alerts must not stand for ever. So a firing alert is told as valid for some minutes, and each tick tells it again.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_aws::WebClient;
use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Alert, Clock, Notice, Retry, Severity, SystemClock, Timestamp};
use linkcast_pipeline::{AlertmanagerAlert, alertmanager_notice, alertmanager_payload};

/// How long a firing alert stands without being told again: Alertmanager's own default, `resolve_timeout`.
const VALID_FOR: Duration = Duration::from_secs(300);

/// Where to look further: a function serves no pages, so it only names who tells.
const GENERATOR: &str = "http://linkcast";

/// An Alertmanager.
pub(crate) struct Alertmanager {
    web: WebClient,
    url: String,
    channel: String,
    fires_from: Severity,
}

impl Alertmanager {
    /// The Alertmanager at `url`, the address of its web page; notices fire from `fires_from` on.
    pub(crate) fn new(web: WebClient, url: &str, fires_from: Severity) -> Self {
        let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
        Alertmanager { web, channel: format!("alertmanager:{url}"), url, fires_from }
    }

    /// Tells how alerts stand.
    pub(crate) async fn tell(
        &self,
        alerts: &[Alert],
        now: Timestamp,
        budget: Duration,
    ) -> Result<(), NotifyError> {
        if alerts.is_empty() {
            return Ok(());
        }
        self.post(&alertmanager_payload(alerts, now, VALID_FOR, GENERATOR), budget).await
    }

    /// Tells a notice; one too slight to fire ends what fired before it.
    pub(crate) async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        let payload = alertmanager_notice(notice, self.fires_from, SystemClock.now(), GENERATOR);
        self.post(&payload, budget).await
    }

    async fn post(&self, payload: &[AlertmanagerAlert], budget: Duration) -> Result<(), NotifyError> {
        let body = serde_json::to_string(payload).map_err(|error| self.failed(error.to_string()))?;
        match self.web.post_json(&self.url, body, budget).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => {
                let failed = self.failed(format!("expected status 200, got {}", answer.status));
                let retry = if is_refusal(answer.status) { Retry::Never } else { Retry::Later };
                Err(NotifyError { retry, ..failed })
            }
            Err(error) => Err(self.failed(linkcast_lambda::chain(&error))),
        }
    }

    fn failed(&self, reason: String) -> NotifyError {
        NotifyError { channel: self.channel.clone(), reason, retry: Retry::Later }
    }
}

/// Whether the same request will be answered so again.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && ![408, 429].contains(&status)
}

impl Notifier for Alertmanager {
    fn channel(&self) -> &str {
        &self.channel
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        // One request must not name an alert twice: the last word counts.
        let newest: BTreeMap<&str, &Alert> =
            messages.iter().map(|message| (message.alert.alert_id.as_str(), &message.alert)).collect();
        let alerts: Vec<Alert> = newest.into_values().cloned().collect();
        self.tell(&alerts, SystemClock.now(), budget).await
    }
}
