//! Alert and retrain apart: what is told, once, and what waits.

use std::sync::Mutex;
use std::time::Duration;

use linkcast_domain::ports::{
    Bus, BusEvent, Changes, Coverage, Memories, MemoryKey, Notifier, NotifyError, OutboxMessage,
    PipelineStore, SourceRecord,
};
use linkcast_domain::{
    AlertState, Budget, Cause, Condition, ConditionState, FixedClock, PredictionType, Retry, Timestamp,
};
use linkcast_store::MemoryStore;

use super::doubles::now;
use super::fabric::{host, leaf};
use crate::Settings;
use crate::apart::{Alerted, Begun, RetrainError, RunRequest, alert, retrain};

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

impl Bus for Ear {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        assert!(events.iter().all(|event| event.kind == "Retraining Requested"));
        events.iter().map(|_| Ok(())).collect()
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

fn request(name: &str) -> RunRequest {
    RunRequest { task: "link-health".into(), reason: "drift".into(), request: name.into() }
}

fn ask(store: &MemoryStore, request: &RunRequest, minute: i64) -> Result<Begun, RetrainError> {
    now(retrain((store, &Ear::default()), "lab", request, &FixedClock(at(minute))))
}

#[test]
fn one_run_of_a_task_at_a_time_and_a_repeated_request_is_the_same_run() {
    let store = MemoryStore::new();
    let Begun::Run(first) = ask(&store, &request("event:1"), 0).unwrap() else { panic!("locked") };
    assert_eq!(ask(&store, &request("event:1"), 5).unwrap(), Begun::Run(first.clone()));
    assert_eq!(ask(&store, &request("event:2"), 5).unwrap(), Begun::Locked(first.clone()));
    let Begun::Run(second) = ask(&store, &request("event:2"), 361).unwrap() else { panic!("still locked") };
    assert_ne!(second.run, first.run);
    let runs = [first.run, second.run].map(|run| MemoryKey::Run("link-health".into(), run));
    assert!(now(store.load(&runs)).unwrap().iter().all(Option::is_some));
}

#[test]
fn a_request_that_makes_no_sense_is_refused_and_takes_no_lock() {
    let store = MemoryStore::new();
    let other = RunRequest { task: "weather".into(), ..request("event:1") };
    assert!(matches!(ask(&store, &other, 0), Err(RetrainError::UnknownTask { .. })));
    let silent = RunRequest { reason: String::new(), ..request("event:1") };
    assert!(matches!(ask(&store, &silent, 0), Err(RetrainError::Reason { length: 0 })));
    assert!(matches!(ask(&store, &request("event:2"), 0), Ok(Begun::Run(_))));
}
