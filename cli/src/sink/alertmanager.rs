//! Prometheus Alertmanager, API v2.
//!
//! Alertmanager knows an alert by its labels, so they hold only what never changes in an alert's life; everything that
//! moves (risk, cause, sentence) is an annotation. A firing alert is given an end a day ahead, for without one
//! Alertmanager would call it resolved after five minutes of silence.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Alert, AlertState, Clock, SystemClock, Timestamp};
use serde::Serialize;

use super::post::Address;

/// How long a firing alert stands without being told again.
const STANDS_FOR: Duration = Duration::from_secs(24 * 3600);

/// An Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager(Address);

#[derive(Debug, Serialize)]
struct PostedAlert {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    #[serde(rename = "startsAt")]
    starts_at: Timestamp,
    #[serde(rename = "endsAt")]
    ends_at: Timestamp,
}

impl Alertmanager {
    /// The Alertmanager at `url`, the address of its web page.
    pub(crate) fn new(url: &str) -> Self {
        Alertmanager(Address::new("alertmanager", &format!("{}/api/v2/alerts", url.trim_end_matches('/'))))
    }
}

impl Notifier for Alertmanager {
    fn channel(&self) -> &str {
        self.0.channel()
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        let now = SystemClock.now();
        let posted: Vec<PostedAlert> = newest_of_each(messages).map(|alert| posted(alert, now)).collect();
        let key = messages.last().map_or("", |message| &message.id);
        self.0.post(&posted, key, budget)
    }
}

/// One request must not name an alert twice: the last word counts.
fn newest_of_each(messages: &[OutboxMessage]) -> impl Iterator<Item = &Alert> {
    let newest: BTreeMap<&str, &Alert> =
        messages.iter().map(|message| (message.alert.alert_id.as_str(), &message.alert)).collect();
    newest.into_values()
}

fn posted(alert: &Alert, now: Timestamp) -> PostedAlert {
    let ends_at = match alert.state {
        AlertState::Firing => now.plus(STANDS_FOR),
        AlertState::Resolved => alert.updated.min(now),
    };
    let ports = alert.streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    PostedAlert {
        labels: BTreeMap::from([
            ("alertname", "LinkcastForecast".to_owned()),
            ("alert_id", alert.alert_id.clone()),
            ("fabric", alert.fabric.clone()),
            ("group", alert.group.clone()),
        ]),
        annotations: BTreeMap::from([
            ("summary", alert.summary.clone()),
            ("cause", alert.cause.to_string()),
            ("risk", format!("{:.0}", alert.risk_score)),
            ("confidence", format!("{:.2}", alert.confidence)),
            ("ports", ports),
            ("names", alert.names.join(", ")),
            ("recommendations", alert.recommendations.join("; ")),
        ]),
        starts_at: alert.opened.min(ends_at),
        ends_at,
    }
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{Cause, PredictionType};

    use super::*;

    fn alert(state: AlertState, cause: PredictionType) -> Alert {
        Alert {
            alert_id: "a1".into(),
            state,
            fabric: "lab".into(),
            group: "stream:x".into(),
            cause: Cause::Predicted(cause),
            streams: vec!["x".parse().unwrap()],
            names: vec![],
            opened: Timestamp::from_millis(1_000),
            updated: Timestamp::from_millis(9_000),
            risk_score: 91.4,
            confidence: 0.9,
            summary: "x will drop".into(),
            recommendations: vec![],
            insights: vec![],
        }
    }

    #[test]
    fn labels_do_not_change_when_the_leading_cause_does() {
        let now = Timestamp::from_millis(10_000);
        let before = posted(&alert(AlertState::Firing, PredictionType::LatencySpike), now);
        let after = posted(&alert(AlertState::Resolved, PredictionType::RdmaTimeout), now);
        assert_eq!(before.labels, after.labels);
        assert_ne!(before.annotations["cause"], after.annotations["cause"]);
    }

    #[test]
    fn a_resolved_alert_ends_in_the_past_and_a_firing_one_ahead() {
        let now = Timestamp::from_millis(10_000);
        assert_eq!(
            posted(&alert(AlertState::Resolved, PredictionType::LatencySpike), now).ends_at.millis(),
            9_000
        );
        assert!(posted(&alert(AlertState::Firing, PredictionType::LatencySpike), now).ends_at > now);
    }
}
