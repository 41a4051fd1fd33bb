//! Prometheus Alertmanager, API v2.
//!
//! Alertmanager resolves by itself what it has not heard of for a while, and that is wanted: should this program die,
//! its alerts must not stand for ever. So a firing alert is told as valid for some minutes only, and told again well
//! within them for as long as it fires.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use linkcast_domain::ports::{NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Alert, Clock, Notice, Severity, SystemClock};
use linkcast_pipeline::{alertmanager_notice, alertmanager_payload};

use super::post::Address;

/// How long a firing alert stands without being told again: Alertmanager's own default, `resolve_timeout`.
const VALID_FOR: Duration = Duration::from_secs(300);
/// How often it is told again: four attempts may fail before Alertmanager takes it for resolved.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// The longest one reminder may take.
const REMINDER_LIMIT: Duration = Duration::from_secs(5);

/// Where to look further; this program serves no pages, so it only names who tells.
const GENERATOR: &str = "http://linkcast";

/// An Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    address: Address,
    /// Notices fire from this severity on.
    fires_from: Severity,
}

impl Alertmanager {
    /// The Alertmanager at `url`, the address of its web page; notices fire from `fires_from` on.
    pub(crate) fn new(url: &str, fires_from: Severity) -> Self {
        let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
        Alertmanager { address: Address::new("alertmanager", &url), fires_from }
    }

    fn post<'a>(
        &self,
        alerts: impl IntoIterator<Item = &'a Alert>,
        key: &str,
        budget: Duration,
    ) -> Result<(), NotifyError> {
        let body = alertmanager_payload(alerts, SystemClock.now(), VALID_FOR, GENERATOR);
        self.address.post(&body, key, budget)
    }
}

impl Notifier for Alertmanager {
    fn channel(&self) -> &str {
        self.address.channel()
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        let key = messages.last().map_or("", |message| &message.id);
        self.post(newest_of_each(messages), key, budget)
    }
}

impl NoticeChannel for Alertmanager {
    fn channel(&self) -> &str {
        self.address.channel()
    }

    /// All are told: what does not fire ends what fired before it.
    fn least(&self) -> Severity {
        Severity::Info
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        let body = alertmanager_notice(notice, self.fires_from, SystemClock.now(), GENERATOR);
        self.address.post(&body, &notice.id, budget)
    }
}

/// One request must not name an alert twice: the last word counts.
fn newest_of_each(messages: &[OutboxMessage]) -> impl Iterator<Item = &Alert> {
    let newest: BTreeMap<&str, &Alert> =
        messages.iter().map(|message| (message.alert.alert_id.as_str(), &message.alert)).collect();
    newest.into_values()
}

/// Tells an Alertmanager of firing alerts again and again. The thread that owns the pipeline does it, so that a
/// reminder can never overtake the word that its alert is resolved.
#[derive(Debug)]
pub(crate) struct Reminder {
    alertmanager: Alertmanager,
    due: Instant,
}

impl Reminder {
    /// Reminds the Alertmanager at `url`, at once after a start and then steadily.
    pub(crate) fn new(url: &str, now: Instant) -> Self {
        Reminder { alertmanager: Alertmanager::new(url, Severity::Info), due: now }
    }

    /// How long nothing is due.
    pub(crate) fn patience(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// Tells what is firing, if it is time to.
    pub(crate) fn remind<'a>(
        &mut self,
        firing: impl Iterator<Item = &'a Alert>,
        now: Instant,
    ) -> Result<(), NotifyError> {
        if now < self.due {
            return Ok(());
        }
        self.due = now + REMIND_EVERY;
        let firing: Vec<&Alert> = firing.collect();
        if firing.is_empty() {
            return Ok(());
        }
        self.alertmanager.post(firing, "", REMINDER_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_comes_several_times_within_an_alerts_validity() {
        assert!(REMIND_EVERY * 3 + REMINDER_LIMIT < VALID_FOR);
        let start = Instant::now();
        let mut reminder = Reminder::new("http://localhost:9093/", start);
        assert_eq!(reminder.patience(start), Duration::ZERO);
        assert!(reminder.remind(std::iter::empty(), start).is_ok());
        assert_eq!(reminder.patience(start), REMIND_EVERY);
    }
}
