//! Alertmanager's API v2: the body of `POST /api/v2/alerts`.
//!
//! Alertmanager takes alerts with the same labels for the same alert, so the labels are exactly the identity and
//! everything that moves is an annotation. It resolves by `endsAt`: a firing alert says until when it is to be
//! believed and is told again before that, a resolved one says when it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{Alert, AlertState, Timestamp};
use serde::Serialize;

/// One alert as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertmanagerAlert {
    /// The identity.
    pub labels: BTreeMap<&'static str, String>,
    /// Everything else.
    pub annotations: BTreeMap<&'static str, String>,
    /// When it opened.
    pub starts_at: Timestamp,
    /// Until when it is to be believed, or when it ended.
    pub ends_at: Timestamp,
    /// Where to look further.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
}

/// The body for `alerts` at `now`. Firing ones are believed for `valid_for`; tell them again within that time.
pub fn alertmanager_payload<'a>(
    alerts: impl IntoIterator<Item = &'a Alert>,
    now: Timestamp,
    valid_for: Duration,
    generator_url: &str,
) -> Vec<AlertmanagerAlert> {
    let told = |alert: &Alert| AlertmanagerAlert {
        labels: BTreeMap::from([
            ("alertname", "LinkcastForecast".to_owned()),
            ("alert_id", alert.alert_id.clone()),
            ("fabric", alert.fabric.clone()),
            ("group", alert.group.clone()),
        ]),
        annotations: annotations(alert),
        starts_at: alert.opened,
        ends_at: match alert.state {
            AlertState::Firing => now.max(alert.updated).plus(valid_for),
            AlertState::Resolved => alert.updated,
        },
        generator_url: generator_url.to_owned(),
    };
    alerts.into_iter().map(told).collect()
}

fn annotations(alert: &Alert) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("cause", alert.cause.name().to_owned()),
        ("confidence", format!("{:.2}", alert.confidence)),
        ("names", alert.names.join(", ")),
        ("recommendations", alert.recommendations.join("; ")),
        ("risk_score", format!("{:.0}", alert.risk_score)),
        ("streams", alert.streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ("summary", alert.summary.clone()),
    ])
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{Cause, PredictionType};

    use super::*;

    fn alert(state: AlertState) -> Alert {
        Alert {
            alert_id: "a1".into(),
            state,
            fabric: "f".into(),
            group: "link:x--y".into(),
            cause: Cause::Predicted(PredictionType::ConnectionInstability),
            streams: vec!["0000000000200000/2".parse().unwrap()],
            names: vec!["leaf-r01/2".into()],
            opened: Timestamp::from_millis(1_000),
            updated: Timestamp::from_millis(61_000),
            risk_score: 91.4,
            confidence: 0.93,
            summary: "s".into(),
            recommendations: vec!["clean the connector".into()],
            insights: Vec::new(),
        }
    }

    #[test]
    fn a_firing_alert_is_believed_for_a_while_and_a_resolved_one_has_ended() {
        let now = Timestamp::from_millis(100_000);
        let alerts = [alert(AlertState::Firing), alert(AlertState::Resolved)];
        let payload = alertmanager_payload(&alerts, now, Duration::from_secs(240), "http://linkcast");
        let body = serde_json::to_value(&payload).unwrap();
        assert_eq!(body[0]["startsAt"], "1970-01-01T00:00:01.000Z");
        assert_eq!(body[0]["endsAt"], "1970-01-01T00:05:40.000Z");
        assert_eq!(body[1]["endsAt"], "1970-01-01T00:01:01.000Z");
        assert_eq!(body[0]["labels"], body[1]["labels"]);
        assert_eq!(body[0]["generatorURL"], "http://linkcast");
    }
}
