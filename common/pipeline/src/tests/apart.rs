//! The use cases apart, under everything a cloud does to them: deliveries that are repeated, late, out of order and
//! lost, and calls that fail before or after they took effect. What the table holds in the end is what the embedded
//! pipeline would have written.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Mutex;

use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Bus, BusEvent, Changes, Forgotten, InsightQuery, Judgement, Judgements, Keep,
    Kept, Known, Lookup, Maintenance, MaintenanceWindow, Memories, MemoryKey, NotifyError, PipelineStore,
    QuestionRecord, Questions, Resume, SourceRecord, StoreError, StreamRecord, TimeRange, Written,
};
use linkcast_domain::{
    Alert, AlertState, Condition, FixedClock, Insight, NodeGuid, NodeKind, PortFacts, Retry, Sample,
    StreamId, Timestamp,
};
use linkcast_features::Calendar;
use linkcast_store::MemoryStore;
use linkcast_telemetry::Counter;

use super::doubles::{Rule, now};
use super::fabric::{Desk, Lab, host, leaf};
use crate::apart::{Answering, Collect, insight, prepare};
use crate::steps::Steps;
use crate::{OneJudge, Settings, Sweep};

/// Chance that is the same in every run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A table with a stream, whose calls fail by chance: half of those that fail took effect.
struct Table {
    store: MemoryStore,
    dice: Mutex<Dice>,
    /// One call in so many fails; 0 for none.
    failing: u64,
    arrivals: Mutex<VecDeque<ArrivalRecord>>,
    questions: Mutex<VecDeque<QuestionRecord>>,
    told: Mutex<BTreeMap<String, u32>>,
}

enum Fate {
    Well,
    FailsBefore,
    FailsAfter,
}

fn lost() -> StoreError {
    StoreError::Busy { store: "table".into(), attempt: "answer", source: "thrown by the dice".into() }
}

impl Table {
    fn new(seed: u64, failing: u64) -> Self {
        Table {
            store: MemoryStore::new(),
            dice: Mutex::new(Dice(seed)),
            failing,
            arrivals: Mutex::default(),
            questions: Mutex::default(),
            told: Mutex::default(),
        }
    }

    fn fate(&self) -> Fate {
        let mut dice = self.dice.lock().unwrap();
        if self.failing == 0 || dice.roll(self.failing) != 0 {
            Fate::Well
        } else if dice.roll(2) == 0 {
            Fate::FailsBefore
        } else {
            Fate::FailsAfter
        }
    }

    async fn call<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.fate() {
            Fate::Well => work.await,
            Fate::FailsBefore => Err(lost()),
            Fate::FailsAfter => {
                work.await?;
                Err(lost())
            }
        }
    }
}

impl Memories for Table {
    async fn load(&self, keys: &[MemoryKey]) -> Result<Vec<Option<Kept>>, StoreError> {
        self.call(self.store.load(keys)).await
    }

    async fn keep(&self, changes: &[Keep]) -> Vec<Result<Written, StoreError>> {
        let mut outcomes = Vec::new();
        for change in changes {
            let one = async { self.store.keep(std::slice::from_ref(change)).await.remove(0) };
            outcomes.push(self.call(one).await);
        }
        outcomes
    }
}

impl Arrivals for Table {
    /// A batch may be written in part; an item that was there as it is gives no record of the stream.
    async fn put_arrivals(&self, arrivals: &[ArrivalRecord]) -> Result<(), StoreError> {
        for arrival in arrivals {
            let place = (arrival.stream.clone(), arrival.time);
            let was_there = now(self.store.have_arrived(&[place])).unwrap() == [true];
            self.call(async {
                self.store.put_arrivals(std::slice::from_ref(arrival)).await?;
                if !was_there {
                    self.arrivals.lock().unwrap().push_back(arrival.clone());
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn arrivals(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<ArrivalRecord>, StoreError> {
        self.call(self.store.arrivals(stream, after, before)).await
    }

    async fn have_arrived(&self, arrivals: &[(StreamId, Timestamp)]) -> Result<Vec<bool>, StoreError> {
        self.call(self.store.have_arrived(arrivals)).await
    }
}

impl Questions for Table {
    async fn put_questions(&self, questions: &[QuestionRecord]) -> Result<(), StoreError> {
        for question in questions {
            self.call(async {
                self.store.put_questions(std::slice::from_ref(question)).await?;
                self.questions.lock().unwrap().push_back(question.clone());
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn questions(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<QuestionRecord>, StoreError> {
        self.call(self.store.questions(stream, after, before)).await
    }
}

impl Judgements for Table {
    async fn judge(&self, judgements: &[Judgement]) -> Vec<Result<Written, StoreError>> {
        let mut outcomes = Vec::new();
        for judgement in judgements {
            let one = async { self.store.judge(std::slice::from_ref(judgement)).await.remove(0) };
            outcomes.push(self.call(one).await);
        }
        outcomes
    }
}

impl Known for Table {
    async fn facts(&self, streams: &[StreamId]) -> Result<Vec<PortFacts>, StoreError> {
        self.call(self.store.facts(streams)).await
    }

    async fn source(&self, name: &str) -> Result<Option<SourceRecord>, StoreError> {
        self.call(self.store.source(name)).await
    }

    async fn kinds(&self, nodes: &[NodeGuid]) -> Result<Vec<Option<NodeKind>>, StoreError> {
        self.call(self.store.kinds(nodes)).await
    }
}

impl PipelineStore for Table {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.call(self.store.commit(changes)).await
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        self.call(self.store.resume()).await
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        self.call(self.store.streams(after, limit)).await
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        self.call(self.store.forget(before, most)).await
    }
}

impl Lookup for Table {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        self.call(self.store.samples(stream, range)).await
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        self.call(self.store.insights(query)).await
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        self.call(self.store.conditions(stream)).await
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        self.call(self.store.alerts(state, limit)).await
    }
}

impl Maintenance for Table {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        self.call(self.store.put_window(window)).await
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        self.call(self.store.windows(now)).await
    }
}

impl Bus for Table {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let mut outcomes = Vec::new();
        for event in events {
            let fate = self.fate();
            if !matches!(fate, Fate::FailsBefore) && event.kind == "Insight Created" {
                let insight: Insight = serde_json::from_str(&event.detail).unwrap();
                *self.told.lock().unwrap().entry(insight.entity_id.to_string()).or_default() += 1;
            }
            let failed = || NotifyError { channel: "bus".into(), reason: "dice".into(), retry: Retry::Later };
            outcomes.push(if matches!(fate, Fate::Well) { Ok(()) } else { Err(failed()) });
        }
        outcomes
    }
}

/// How the stream delivers.
#[derive(Clone, Copy)]
enum Delivery {
    /// In order, at once.
    Orderly,
    /// Any number of records in any order, some twice, some late.
    Wild,
    /// As wild, and one record in ten never.
    Lossy,
}

fn pick<T: Clone>(queue: &Mutex<VecDeque<T>>, dice: &Mutex<Dice>, delivery: Delivery) -> Vec<T> {
    let (mut queue, mut dice) = (queue.lock().unwrap(), dice.lock().unwrap());
    if matches!(delivery, Delivery::Orderly) {
        return queue.drain(..).collect();
    }
    let mut picked = Vec::new();
    for _ in 0..queue.len() {
        let place = dice.roll(queue.len() as u64) as usize;
        match dice.roll(10) {
            0..=5 => picked.extend(queue.remove(place)),
            6 => picked.extend(queue.get(place).cloned()),
            7 if matches!(delivery, Delivery::Lossy) => drop(queue.remove(place)),
            _ => {}
        }
    }
    picked
}

struct Cloud {
    table: Table,
    collect: Collect,
    settings: Settings,
    delivery: Delivery,
}

impl Cloud {
    fn take(&mut self, sweep: &Sweep) {
        let calendar = Calendar::utc();
        let steps = Steps { settings: &self.settings, calendar: &calendar };
        while now(self.collect.sweep(&self.table, &steps, sweep.clone())).is_err() {
            if self.table.dice.lock().unwrap().roll(3) == 0 {
                self.collect = Collect::default();
            }
        }
        self.deliver(sweep.time, self.delivery);
    }

    fn deliver(&self, time: Timestamp, delivery: Delivery) {
        let (table, calendar) = (&self.table, Calendar::utc());
        let steps = Steps { settings: &self.settings, calendar: &calendar };
        let arrivals = pick(&table.arrivals, &table.dice, delivery);
        for (arrival, outcome) in arrivals.iter().zip(now(prepare(table, &steps, &arrivals))) {
            if outcome.is_err() {
                table.arrivals.lock().unwrap().push_back(arrival.clone());
            }
        }
        let questions = pick(&table.questions, &table.dice, delivery);
        let clock = FixedClock(time);
        let answering = Answering { steps: &steps, judges: &OneJudge(&Rule::new()), clock: &clock };
        let (outcomes, _) = now(insight((table, table), &answering, &questions));
        for (question, outcome) in questions.iter().zip(outcomes) {
            if outcome.is_err() {
                table.questions.lock().unwrap().push_back(question.clone());
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.table.arrivals.lock().unwrap().is_empty() && self.table.questions.lock().unwrap().is_empty()
    }
}

/// Trouble of several kinds, its end, a reset, and a host that restarts.
fn story(lab: &mut Lab, minute: usize) {
    if (20..60).contains(&minute) {
        lab.port(leaf(1)).add(Counter::RcvErrors, 500);
    }
    if (30..45).contains(&minute) {
        lab.port(host(2)).add(Counter::XmitWait, 9_000_000_000);
    }
    if [40, 42, 44, 46].contains(&minute) {
        lab.port(leaf(3)).add(Counter::LinkDowned, 1);
    }
    if minute == 70 {
        lab.port(host(4)).reset();
    }
}

/// Runs the story on both; the last sweeps are delivered in order, so that nothing is still on its way.
fn compare(seed: u64, failing: u64, delivery: Delivery) {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    let settings = Settings { workers: 2, ..Settings::default() };
    let table = Table::new(seed, failing);
    let mut cloud = Cloud { table, collect: Collect::default(), settings, delivery };
    for minute in 0..150 {
        lab.step();
        story(&mut lab, minute);
        let sweep = lab.sweep("scrape", |_| true);
        if minute == 148 {
            cloud.delivery = Delivery::Orderly;
        }
        cloud.take(&sweep);
        desk.take(&sweep);
    }
    while !cloud.is_idle() {
        cloud.deliver(lab.time, Delivery::Orderly);
    }
    now(desk.pipeline.checkpoint()).unwrap();
    let all = InsightQuery { limit: usize::MAX, ..InsightQuery::default() };
    let sorted = |mut insights: Vec<Insight>| {
        insights.sort_by(|left, right| left.entity_id.cmp(&right.entity_id));
        // How long an answer took is the run's own.
        insights.iter_mut().for_each(|insight| insight.latency_us = 0);
        insights
    };
    let expected = sorted(now(desk.store.insights(&all)).unwrap());
    assert!(expected.len() > 10);
    assert_eq!(sorted(now(cloud.table.store.insights(&all)).unwrap()), expected);
    assert_eq!(now(cloud.table.store.conditions(None)).unwrap(), now(desk.store.conditions(None)).unwrap());
    for id in [leaf(1), host(2), leaf(3), host(4)] {
        let stream = StreamId::from(id);
        let samples = now(cloud.table.store.samples(&stream, TimeRange::ALL)).unwrap();
        assert_eq!(samples, now(desk.store.samples(&stream, TimeRange::ALL)).unwrap());
    }
    if !matches!(delivery, Delivery::Lossy) {
        let told = cloud.table.told.lock().unwrap();
        let untold = expected.iter().filter(|insight| !told.contains_key(insight.entity_id.as_str()));
        assert_eq!(untold.count(), 0, "every insight is told at least once");
    }
}

#[test]
fn the_use_cases_apart_come_to_the_pipelines_end() {
    compare(1, 0, Delivery::Orderly);
}

#[test]
fn repeats_delays_and_disorder_change_nothing() {
    (10..14).for_each(|seed| compare(seed, 0, Delivery::Wild));
}

#[test]
fn calls_that_fail_before_or_after_they_took_effect_change_nothing() {
    (20..23).for_each(|seed| compare(seed, 25, Delivery::Orderly));
}

#[test]
fn lost_records_are_made_up_for_by_the_next_ones() {
    (30..33).for_each(|seed| compare(seed, 0, Delivery::Lossy));
}

#[test]
fn all_of_it_at_once_changes_nothing() {
    (40..43).for_each(|seed| compare(seed, 40, Delivery::Lossy));
}
