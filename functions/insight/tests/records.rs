//! Batches as the table's stream delivers them: what is damaged fails alone, the rest is answered, once.

#![expect(clippy::unwrap_used, reason = "what a test makes for itself is right, or the test fails")]

use std::sync::Mutex;
use std::time::Duration;

use linkcast_aws::record_of_question;
use linkcast_domain::ports::{
    ArrivalRecord, Bus, BusEvent, InsightQuery, Lookup, NotifyError, QuestionRecord, Questions,
};
use linkcast_domain::{Budget, FixedClock, Retry, Timestamp};
use linkcast_features::Calendar;
use linkcast_lambda::{BatchReport, RecordBatch};
use linkcast_pipeline::apart::{Answering, prepare};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{OneJudge, Settings};
use linkcast_store::MemoryStore;
use linkcast_tests::{at_minute, numbered_stream, troubled_arrival};
use serde_json::{Value, json};

/// A bus that can be out of order.
#[derive(Default)]
struct Heard {
    events: Mutex<Vec<BusEvent>>,
    refuses: bool,
}

impl Bus for Heard {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let refused =
            || NotifyError { channel: "bus".into(), reason: "it is down".into(), retry: Retry::Later };
        let mut heard = self.events.lock().unwrap();
        heard.extend(events.iter().filter(|_| !self.refuses).cloned());
        events.iter().map(|_| if self.refuses { Err(refused()) } else { Ok(()) }).collect()
    }
}

/// What prepare asks of three ports in trouble.
async fn asked(store: &MemoryStore) -> Vec<QuestionRecord> {
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let arrivals: Vec<ArrivalRecord> =
        (0..3).flat_map(|minute| (1..4).map(move |number| troubled_arrival(number, minute))).collect();
    for outcome in prepare(store, &steps, &arrivals).await {
        outcome.unwrap();
    }
    let mut questions = Vec::new();
    for number in 1..4 {
        let of_stream =
            store.questions(&numbered_stream(number), Timestamp::EARLIEST, Timestamp::LATEST).await;
        questions.extend(of_stream.unwrap());
    }
    assert!(questions.len() >= 3);
    questions
}

async fn handled(store: &MemoryStore, bus: &Heard, records: &[Value]) -> (BatchReport, u64) {
    let event: RecordBatch = serde_json::from_str(&json!({ "Records": records }).to_string()).unwrap();
    let (settings, calendar, clock) = (Settings::default(), Calendar::utc(), FixedClock(at_minute(5)));
    let steps = Steps { settings: &settings, calendar: &calendar };
    let model = linkcast_insight::shipped_model().unwrap();
    let answering = Answering { steps: &steps, judges: &OneJudge(&model), clock: &clock };
    let budget = Budget::of(Duration::from_secs(10), &clock);
    linkcast_insight::handle((store, bus), &answering, &event, budget).await.unwrap()
}

fn records_of(questions: &[QuestionRecord]) -> Vec<Value> {
    questions.iter().zip(100..).map(|(question, number)| record_of_question(question, number)).collect()
}

async fn insights(store: &MemoryStore) -> usize {
    store.insights(&InsightQuery { limit: usize::MAX, ..InsightQuery::default() }).await.unwrap().len()
}

#[tokio::test]
async fn a_damaged_question_fails_alone_and_is_named() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let questions = asked(&store).await;
    let mut records = records_of(&questions);
    let mut damaged = questions[0].clone();
    damaged.stream = numbered_stream(9);
    damaged.bytes.truncate(3);
    records.insert(1, record_of_question(&damaged, 7));
    let (report, made) = handled(&store, &bus, &records).await;
    let failed: Vec<&str> = report.failures().map(|(id, _)| id).collect();
    assert_eq!(failed, ["7"]);
    assert!(made >= 3);
    assert_eq!(insights(&store).await as u64, made);
}

#[tokio::test]
async fn a_batch_delivered_again_makes_no_insight_twice() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let records = records_of(&asked(&store).await);
    let (_, made) = handled(&store, &bus, &records).await;
    let (report, again) = handled(&store, &bus, &records).await;
    assert_eq!((report.failures().count(), again), (0, 0));
    assert_eq!(insights(&store).await as u64, made);
}

#[tokio::test]
async fn a_record_is_not_done_before_the_bus_has_heard_of_it() {
    let (store, bus) = (MemoryStore::new(), Heard { refuses: true, ..Heard::default() });
    let records = records_of(&asked(&store).await);
    let (report, made) = handled(&store, &bus, &records).await;
    assert_eq!(report.failures().count(), records.len());
    let bus = Heard::default();
    let (report, again) = handled(&store, &bus, &records).await;
    assert_eq!((report.failures().count(), again), (0, 0));
    assert_eq!(insights(&store).await as u64, made);
    assert!(bus.events.lock().unwrap().len() as u64 >= made, "what was not told is told now");
}
