//! Small items to store, told apart by a number.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

use linkcast_domain::ports::{
    AlertRecord, Changes, ConditionKey, Coverage, OutboxMessage, SavedState, SourceRecord,
};
use linkcast_domain::{
    Alert, AlertState, Cause, Condition, ConditionState, Insight, InsightId, ModelIdentity, PortFacts,
    PredictionType, Sample, SampleField, SampleValues, StreamId, Timestamp,
};

/// Waits for a store's answer; those here answer at once, one across a network wakes the thread.
pub(super) fn now<T>(work: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Thread(std::thread::current())).into();
    let mut work = std::pin::pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

pub(super) fn stream(number: u64) -> StreamId {
    format!("{number:016x}/1").parse().unwrap()
}

pub(super) fn sample(number: u64, seconds: i64, symbols: f64) -> Sample {
    let values = SampleValues::default()
        .with(SampleField::SymbolErrors, symbols)
        .with(SampleField::BandwidthGbps, 85.123_456_789)
        .with(SampleField::Gap, 0.0);
    let other = vec![("PortXmitData".into(), 1.5), ("vendor counter".into(), -3.0)];
    Sample { stream: stream(number), time: at(seconds), values, other }
}

pub(super) fn samples(samples: Vec<Sample>) -> Changes {
    Changes { samples, ..Changes::default() }
}

pub(super) fn state(number: u64, bytes: &[u8]) -> SavedState {
    SavedState { stream: stream(number), last_time: at(60), bytes: bytes.to_vec() }
}

pub(super) fn facts(name: &str) -> PortFacts {
    PortFacts { node_name: Some(name.to_owned()), ..PortFacts::default() }
}

pub(super) fn insight(number: u64, seconds: i64, class: PredictionType, risk: f64) -> Insight {
    Insight {
        entity_id: InsightId::of(&stream(number), at(seconds), "link-health"),
        timestamp: at(seconds),
        entity_type: "insight".into(),
        related_entity: stream(number),
        fabric: "lab".into(),
        prediction_type: class,
        risk_score: risk,
        confidence: 0.75,
        explanation: "symbol errors rise".into(),
        influencers: Vec::new(),
        recommendations: vec!["clean the connector".into()],
        model: ModelIdentity { model_used: "embedded".into(), model_version: "1".into(), feature_schema: 1 },
        variant: "embedded".into(),
        fallback_from: None,
        latency_us: 7,
        cost_usd: 0.0,
        cost: linkcast_domain::Cost::default(),
        attempts: Vec::new(),
        ttl: at(seconds).seconds(),
    }
}

pub(super) fn condition(number: u64, cause: Cause, resolved: Option<i64>) -> Condition {
    Condition {
        stream: stream(number),
        cause,
        state: if resolved.is_some() { ConditionState::Resolved } else { ConditionState::Open },
        recent: 0b101,
        first_seen: at(0),
        last_seen: at(60),
        opened: Some(at(30)),
        resolved: resolved.map(at),
        peak_risk: 91.25,
        confidence: 0.875,
        insight: Some(InsightId::of(&stream(number), at(30), "link-health")),
        explanation: "symbol errors rise".into(),
        recommendations: vec!["clean the connector".into()],
    }
}

pub(super) fn record(id: &str, state: AlertState, updated: i64) -> AlertRecord {
    let cause = Cause::Predicted(PredictionType::PacketLossDetected);
    AlertRecord {
        alert: Alert {
            alert_id: id.into(),
            state,
            fabric: "lab".into(),
            group: format!("stream:{}", stream(1)),
            cause,
            streams: vec![stream(1)],
            names: vec!["leaf/1".into()],
            opened: at(0),
            updated: at(updated),
            risk_score: 90.0,
            confidence: 0.5,
            summary: "packets are lost".into(),
            recommendations: Vec::new(),
            insights: Vec::new(),
        },
        members: vec![ConditionKey { stream: stream(1), cause }],
        version: 1,
    }
}

pub(super) fn message(sequence: u64, seconds: i64) -> OutboxMessage {
    let id = format!("alert-{sequence}");
    OutboxMessage { sequence, alert: record(&id, AlertState::Firing, seconds).alert, id }
}

pub(super) fn messages(range: std::ops::RangeInclusive<u64>) -> Changes {
    Changes { messages: range.map(|sequence| message(sequence, 0)).collect(), ..Changes::default() }
}

pub(super) fn source(name: &str, position: u64) -> SourceRecord {
    SourceRecord {
        name: name.into(),
        position,
        last_heard: Some(at(30)),
        interval_s: 30.5,
        coverage: Coverage::Selective,
    }
}

/// One item of every kind.
pub(super) fn one_of_each() -> Changes {
    Changes {
        samples: vec![sample(1, 30, 4.0)],
        facts: vec![(stream(1), facts("leaf"))],
        states: vec![state(1, b"folds")],
        insights: vec![insight(1, 30, PredictionType::PacketLossDetected, 90.0)],
        conditions: vec![condition(1, Cause::SeriesMissing, None)],
        alerts: vec![record("a", AlertState::Firing, 30)],
        messages: vec![message(1, 30)],
        sources: vec![source("scrape", 7)],
    }
}
