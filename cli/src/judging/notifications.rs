//! What people would be told of labelled incidents: the outbox of a replay, held against the truth.
//!
//! An alert belongs to the last incident that had begun when it opened, if it opened during it or within [`AFTER`] of its end; the
//! messages of one that belongs to none are noise. The count is of messages on one channel: that an alert opened, was told again, and resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use linkcast_domain::ports::{Outbox, OutboxMessage};
use linkcast_domain::{AlertState, Timestamp};
use linkcast_store::MemoryStore;
use serde::Serialize;

use crate::database::{ready, wait};
use crate::engine::{Engine, Parts};
use crate::exit::Failure;

/// How long after an incident's end what opens is still its own.
const AFTER: Duration = Duration::from_secs(30 * 60);

/// The channel whose messages are counted.
const CHANNEL: &str = "counted";

/// A fault somebody wrote down.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Incident {
    /// What it was.
    pub(crate) what: String,
    /// Where, for people.
    pub(crate) place: String,
    /// When it began.
    pub(crate) from: Timestamp,
    /// When it ended, as far as the data says.
    pub(crate) until: Option<Timestamp>,
}

/// Messages of one incident, or of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Messages {
    pub(crate) opened: u64,
    pub(crate) updated: u64,
    pub(crate) resolved: u64,
}

/// An incident, and what was told of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Heard {
    #[serde(flatten)]
    pub(crate) incident: Incident,
    #[serde(flatten)]
    pub(crate) messages: Messages,
    /// From its beginning to the first message.
    pub(crate) after_seconds: Option<f64>,
    /// The causes of its alerts.
    pub(crate) causes: BTreeSet<String>,
}

/// What a replay told.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Replayed {
    pub(crate) incidents: Vec<Heard>,
    pub(crate) noise: Messages,
    pub(crate) noise_summaries: BTreeSet<String>,
}

impl Messages {
    /// All of them.
    pub(crate) fn total(self) -> u64 {
        self.opened + self.updated + self.resolved
    }

    /// Both.
    pub(crate) fn plus(self, other: Messages) -> Messages {
        Messages {
            opened: self.opened + other.opened,
            updated: self.updated + other.updated,
            resolved: self.resolved + other.resolved,
        }
    }

    fn count(&mut self, message: &OutboxMessage) {
        match (message.alert.state, message.id.ends_with("-1")) {
            (AlertState::Resolved, _) => self.resolved += 1,
            (AlertState::Firing, true) => self.opened += 1,
            (AlertState::Firing, false) => self.updated += 1,
        }
    }
}

/// A pipeline as it ships, over a store whose outbox is kept whole.
pub(crate) fn counted_engine(parts: Parts) -> Result<Engine<MemoryStore>, Failure> {
    let store = MemoryStore::new();
    wait(store.register_channel(CHANNEL))?;
    Engine::open(store, parts)
}

/// Everything the replay told, against `incidents` in the order of their beginnings.
pub(crate) fn against(engine: &Engine<MemoryStore>, incidents: Vec<Incident>) -> Result<Replayed, Failure> {
    let messages = ready(engine.store().unpublished(CHANNEL, usize::MAX));
    Ok(attribute(&messages.map_err(crate::database::failure)?, incidents))
}

fn attribute(messages: &[OutboxMessage], incidents: Vec<Incident>) -> Replayed {
    let heard = |incident| Heard {
        incident,
        messages: Messages::default(),
        after_seconds: None,
        causes: BTreeSet::new(),
    };
    let mut replayed =
        Replayed { incidents: incidents.into_iter().map(heard).collect(), ..Replayed::default() };
    let mut owners: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for message in messages {
        let alert = &message.alert;
        let owner = *owners.entry(&alert.alert_id).or_insert_with(|| {
            replayed.incidents.iter().rposition(|heard| heard.incident.covers(alert.opened))
        });
        match owner.and_then(|owner| replayed.incidents.get_mut(owner)) {
            Some(heard) => {
                heard.messages.count(message);
                heard.after_seconds.get_or_insert(alert.updated.seconds_since(heard.incident.from));
                heard.causes.insert(alert.cause.to_string());
            }
            None => {
                replayed.noise.count(message);
                replayed.noise_summaries.insert(format!("{}: {}", alert.cause, alert.group));
            }
        }
    }
    replayed
}

impl Incident {
    fn covers(&self, opened: Timestamp) -> bool {
        self.from <= opened && self.until.is_none_or(|until| opened <= until.plus(AFTER))
    }
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{Alert, Cause};

    use super::*;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(minutes * 60))
    }

    fn message(alert_id: &str, version: u64, state: AlertState, opened: u64) -> OutboxMessage {
        let alert = Alert {
            alert_id: alert_id.to_owned(),
            state,
            fabric: "lab".into(),
            group: "stream:x".into(),
            cause: Cause::SeriesMissing,
            streams: vec![],
            names: vec![],
            opened: at(opened),
            updated: at(opened + version),
            risk_score: 80.0,
            confidence: 1.0,
            summary: String::new(),
            recommendations: vec![],
            insights: vec![],
        };
        OutboxMessage { sequence: 0, id: format!("{alert_id}-{version}"), alert }
    }

    #[test]
    fn messages_belong_to_the_incident_their_alert_opened_in_and_the_rest_is_noise() {
        let incident = |from, until| Incident {
            what: "down".into(),
            place: "x".into(),
            from: at(from),
            until: Some(at(until)),
        };
        let (firing, resolved) = (AlertState::Firing, AlertState::Resolved);
        let messages = [
            message("a", 1, firing, 5),
            message("b", 1, firing, 100),
            message("b", 2, firing, 100),
            message("a", 2, resolved, 5),
            message("b", 3, resolved, 100),
        ];
        let replayed = attribute(&messages, vec![incident(90, 110), incident(300, 400)]);
        assert_eq!(replayed.noise, Messages { opened: 1, updated: 0, resolved: 1 });
        assert_eq!(replayed.incidents[0].messages, Messages { opened: 1, updated: 1, resolved: 1 });
        assert_eq!(replayed.incidents[0].after_seconds, Some(11.0 * 60.0));
        assert_eq!(replayed.incidents[1].messages.total(), 0);
    }
}
