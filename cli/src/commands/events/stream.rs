//! Alerts and notices as one stream of events, in the order of their times.
//!
//! An alert is kept as it stands, so it gives at most two events: that it opened, and how it stood last. A notice gives one, and one
//! more for each channel that hears of it after it was shown.

use std::collections::BTreeMap;

use clap::ValueEnum;
use linkcast_domain::{Alert, AlertState, Notice, NoticeKind, Severity, Timestamp};
use linkcast_pipeline::{ChannelLog, Telling, TellingOutcome};
use serde::Serialize;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(super) enum EventKind {
    /// A port, link, node or source.
    Alert,
    /// What a model sees or says has changed.
    DriftDetected,
    /// What is confirmed of it is worse.
    QualityDegraded,
    /// A training run.
    TrainingRun,
    /// A rollout.
    Rollout,
    /// An endpoint.
    Endpoint,
}

impl From<NoticeKind> for EventKind {
    fn from(kind: NoticeKind) -> Self {
        match kind {
            NoticeKind::DriftDetected => EventKind::DriftDetected,
            NoticeKind::QualityDegraded => EventKind::QualityDegraded,
            NoticeKind::TrainingRun => EventKind::TrainingRun,
            NoticeKind::Rollout => EventKind::Rollout,
            NoticeKind::Endpoint => EventKind::Endpoint,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    /// How it is with it: firing, updated or resolved; or a notice's severity.
    pub(super) state: &'static str,
    /// The alert's or the notice's.
    pub(super) id: String,
    pub(super) summary: String,
    /// Whom a notice was told; of alerts the store keeps only how far each channel is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) told: Vec<Told>,
}

/// What came of telling one channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Told {
    pub(super) channel: String,
    pub(super) at: Timestamp,
    pub(super) attempts: u32,
    #[serde(flatten)]
    pub(super) outcome: TellingOutcome,
}

impl Event {
    /// What tells this event from every other.
    pub(super) fn key(&self) -> (Timestamp, String, &'static str) {
        (self.at, self.id.clone(), self.state)
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let kind = match self.kind {
            EventKind::Alert => "alert",
            EventKind::DriftDetected => "drift",
            EventKind::QualityDegraded => "quality",
            EventKind::TrainingRun => "training",
            EventKind::Rollout => "rollout",
            EventKind::Endpoint => "endpoint",
        };
        let told: Vec<String> = self.told.iter().map(Told::words).collect();
        let told = if told.is_empty() { String::new() } else { format!(" [{}]", told.join("; ")) };
        format!("{}  {kind:<8}  {:<8}  {}{told}", self.at, self.state, one_line(&self.summary))
    }
}

impl Told {
    fn of(log: &ChannelLog, telling: &Telling) -> Option<Self> {
        let Telling { at, attempts, .. } = *telling;
        let (channel, outcome) = (log.channel.clone(), telling.outcome.clone());
        (outcome != TellingOutcome::Before).then_some(Told { channel, at, attempts, outcome })
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let Told { channel, attempts, .. } = self;
        match &self.outcome {
            TellingOutcome::Told => format!("told {channel}"),
            TellingOutcome::Before => format!("before {channel}"),
            TellingOutcome::Failed { reason, again } => {
                format!("not told {channel}: {reason}, {attempts} attempts, again from {again}")
            }
            TellingOutcome::Refused { reason, again } => {
                format!("refused by {channel}: {reason}, {attempts} attempts, again from {again}")
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything from `since` on, in order.
pub(super) fn events(
    alerts: &[Alert],
    notices: &[Notice],
    logs: &[ChannelLog],
    since: Timestamp,
) -> Vec<Event> {
    let mut all: Vec<Event> = alerts.iter().flat_map(of_alert).collect();
    all.extend(notices.iter().map(|notice| of_notice(notice, logs)));
    all.retain(|event| event.at >= since);
    all.sort_by_key(Event::key);
    all
}

fn of_alert(alert: &Alert) -> Vec<Event> {
    let event = |at, state, summary: &str| Event {
        at,
        kind: EventKind::Alert,
        state,
        id: alert.alert_id.clone(),
        summary: summary.to_owned(),
        told: Vec::new(),
    };
    let said = alert.summary.strip_prefix("resolved: ").unwrap_or(&alert.summary);
    let mut events = vec![event(alert.opened, "firing", said)];
    match alert.state {
        AlertState::Resolved => events.push(event(alert.updated, "resolved", said)),
        AlertState::Firing if alert.updated > alert.opened => {
            events.push(event(alert.updated, "updated", said))
        }
        AlertState::Firing => {}
    }
    events
}

fn of_notice(notice: &Notice, logs: &[ChannelLog]) -> Event {
    let told = logs.iter().filter_map(|log| Told::of(log, log.of(&notice.id)?)).collect();
    Event {
        at: notice.at,
        kind: notice.kind.into(),
        state: Severity::name(notice.severity),
        id: notice.id.clone(),
        summary: notice.summary.clone(),
        told,
    }
}

/// What was printed, so that nothing is printed twice, and whom it was told by then.
#[derive(Debug, Default)]
pub(super) struct Printed(BTreeMap<(Timestamp, String, &'static str), Vec<Told>>);

impl Printed {
    /// What of `events` is new: events never seen, and events seen of which more channels have heard, with those alone.
    pub(super) fn news(&mut self, events: Vec<Event>) -> Vec<(Event, News)> {
        let mut news = Vec::new();
        for event in events {
            match self.0.insert(event.key(), event.told.clone()) {
                None => news.push((event, News::Event)),
                Some(known) => {
                    let is_new = |told: &Told| !known.contains(told);
                    let told: Vec<Told> = event.told.iter().filter(|told| is_new(told)).cloned().collect();
                    if !told.is_empty() {
                        news.push((Event { told, ..event }, News::Telling));
                    }
                }
            }
        }
        news
    }

    /// Forgets what was before `since`: it will not be asked for again.
    pub(super) fn forget_before(&mut self, since: Timestamp) {
        self.0.retain(|(at, _, _), _| *at >= since);
    }
}

/// What is new of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// All of it.
    Event,
    /// That a channel has heard of it, or could not.
    Telling,
}

#[cfg(test)]
mod tests {
    use linkcast_domain::Cause;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn alert(state: AlertState) -> Alert {
        Alert {
            alert_id: "a1".into(),
            state,
            fabric: "lab".into(),
            group: "stream:x".into(),
            cause: Cause::SeriesMissing,
            streams: vec![],
            names: vec![],
            opened: at(10),
            updated: at(30),
            risk_score: 91.4,
            confidence: 0.9,
            summary: "resolved: x is\nmissing".into(),
            recommendations: vec![],
            insights: vec![],
        }
    }

    fn notice() -> Notice {
        let (place, what) = (("lab", "link-health"), ("1/start", at(20)));
        Notice::of(NoticeKind::Rollout, place, what, Severity::Info, "it began".to_owned())
    }

    fn log(outcome: &str) -> ChannelLog {
        let text = format!(
            r#"{{"channel":"webhook:x","turn":null,"dropped":null,"tellings":[{{"happened":"1970-01-01T00:00:20.000Z","id":"{}",
               "kind":"rollout","severity":"info","at":"1970-01-01T00:00:40.000Z","attempts":2,{outcome}}}]}}"#,
            notice().id
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn alerts_and_notices_are_one_stream_in_the_order_of_their_times() {
        let logs = [log(r#""outcome":"told""#)];
        let all = events(&[alert(AlertState::Resolved)], &[notice()], &logs, at(0));
        let lines: Vec<String> = all.iter().map(Event::line).collect();
        assert_eq!(
            lines,
            [
                "1970-01-01T00:00:10.000Z  alert     firing    x is missing",
                "1970-01-01T00:00:20.000Z  rollout   info      it began [told webhook:x]",
                "1970-01-01T00:00:30.000Z  alert     resolved  x is missing",
            ]
        );
        assert_eq!(events(&[alert(AlertState::Firing)], &[], &[], at(15)).len(), 1);
    }

    #[test]
    fn who_follows_sees_each_event_once_and_each_telling_once() {
        let mut printed = Printed::default();
        let mut look = |logs: &[ChannelLog]| printed.news(events(&[], &[notice()], logs, at(0)));
        assert_eq!(look(&[]).len(), 1);
        assert_eq!(look(&[]), []);
        let failed = [log(r#""outcome":"failed","reason":"down","again":"1970-01-01T00:01:00.000Z""#)];
        let news = look(&failed);
        assert_eq!(news[0].1, News::Telling);
        assert!(news[0].0.line().contains("not told webhook:x: down"), "{}", news[0].0.line());
        assert_eq!(look(&failed), []);
        assert_eq!(look(&[log(r#""outcome":"told""#)]).len(), 1);
    }
}
