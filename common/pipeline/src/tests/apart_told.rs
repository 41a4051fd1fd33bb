//! Alert apart: what is told, once, and what waits.

use std::sync::Mutex;
use std::time::Duration;

use linkcast_domain::ports::{
    Changes, Coverage, Notifier, NotifyError, OutboxMessage, PipelineStore, SourceRecord,
};
use linkcast_domain::{
    AlertState, Budget, Cause, Condition, ConditionState, FixedClock, PredictionType, Retry, Timestamp,
};
use linkcast_store::MemoryStore;

use super::doubles::now;
use super::fabric::{host, leaf};
use crate::Settings;
use crate::apart::{Alerted, alert};

const OPENED: i64 = 1_700_000_000_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(OPENED + minute * 60_000)
}

fn hear(store: &MemoryStore, last_heard: Timestamp) {
    let source = SourceRecord {
        name: "exporter".to_owned(),
        position: 0,
        last_heard: Some(last_heard),
        interval_s: 60.0,
        coverage: Coverage::Selective,
    };
    now(store.commit(&Changes { sources: vec![source], ..Changes::default() })).unwrap();
}

#[test]
fn a_source_that_falls_silent_is_told_and_its_return_too() {
    let (store, ears) = (MemoryStore::new(), [Ear::default()]);
    hear(&store, at(0));
    for minute in [1, 30, 31, 60] {
        settle(&store, &ears, minute);
    }
    let states = || -> Vec<AlertState> {
        ears[0].heard.lock().unwrap().iter().map(|message| message.alert.state).collect()
    };
    assert_eq!(states(), [AlertState::Firing]);
    hear(&store, at(61));
    for minute in [61, 62, 63] {
        settle(&store, &ears, minute);
        hear(&store, at(minute + 1));
    }
    assert_eq!(states(), [AlertState::Firing, AlertState::Resolved]);
}

#[test]
fn a_source_that_was_imported_long_ago_is_not_missed() {
    let (store, ears) = (MemoryStore::new(), [Ear::default()]);
    hear(&store, at(0));
    for minute in [3_000, 3_030] {
        settle(&store, &ears, minute);
    }
    assert!(ears[0].heard.lock().unwrap().is_empty());
}

/// A channel that may be deaf.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<OutboxMessage>>,
    deaf: Mutex<bool>,
}

impl Notifier for Ear {
    fn channel(&self) -> &str {
        "ear"
    }

    async fn publish(&self, messages: &[OutboxMessage], _: Duration) -> Result<(), NotifyError> {
        if *self.deaf.lock().unwrap() {
            return Err(NotifyError { channel: "ear".into(), reason: "deaf".into(), retry: Retry::Later });
        }
        self.heard.lock().unwrap().extend(messages.iter().cloned());
        Ok(())
    }
}

fn condition(port: linkcast_domain::PortId, resolved: Option<Timestamp>) -> Condition {
    Condition {
        stream: port.into(),
        cause: Cause::Predicted(PredictionType::ConnectionInstability),
        state: if resolved.is_some() { ConditionState::Resolved } else { ConditionState::Open },
        recent: 7,
        first_seen: at(-5),
        last_seen: at(0),
        opened: Some(at(0)),
        resolved,
        peak_risk: 95.0,
        confidence: 0.95,
        insight: None,
        explanation: "the link keeps dropping".into(),
        recommendations: vec!["change the cable".into()],
    }
}

fn write(store: &MemoryStore, conditions: Vec<Condition>) {
    now(store.commit(&Changes { conditions, ..Changes::default() })).unwrap();
}

fn settle(store: &MemoryStore, ear: &[Ear], minute: i64) -> Alerted {
    let clock = FixedClock(at(minute));
    let budget = Budget::of(Duration::from_secs(5), &clock);
    now(alert((store, ear), &Settings::default(), (&budget, &clock))).unwrap()
}

#[test]
fn a_condition_is_told_once_however_often_alert_is_woken_and_its_end_too() {
    let (store, ears) = (MemoryStore::new(), [Ear::default()]);
    write(&store, vec![condition(leaf(1), None), condition(host(1), None)]);
    for minute in [30, 31, 32] {
        settle(&store, &ears, minute);
    }
    write(&store, vec![condition(leaf(1), Some(at(40))), condition(host(1), Some(at(40)))]);
    for minute in [50, 51] {
        settle(&store, &ears, minute);
    }
    let heard = ears[0].heard.lock().unwrap();
    let states: Vec<AlertState> = heard.iter().map(|message| message.alert.state).collect();
    assert_eq!(states.iter().filter(|state| **state == AlertState::Resolved).count(), states.len() / 2);
    assert_eq!(states.first(), Some(&AlertState::Firing));
    let mut ids: Vec<&str> = heard.iter().map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), heard.len(), "nothing is told twice");
}

#[test]
fn what_a_deaf_channel_missed_waits_for_it() {
    let (store, ears) = (MemoryStore::new(), [Ear::default()]);
    *ears[0].deaf.lock().unwrap() = true;
    write(&store, vec![condition(leaf(1), None)]);
    assert_eq!(settle(&store, &ears, 30), Alerted { alerts: 1, told: 0, failed: 1 });
    *ears[0].deaf.lock().unwrap() = false;
    assert_eq!(settle(&store, &ears, 31), Alerted { alerts: 0, told: 1, failed: 0 });
    assert_eq!(settle(&store, &ears, 32), Alerted::default());
}
