//! Looks over the memory store: once an hour, once told, outcomes once, and whole again after a crash.

use std::sync::Mutex;

use linkcast_domain::ports::{BusEvent, Changes, NotifyError, PipelineStore};
use linkcast_domain::{
    FeedbackSource, FeedbackVerdict, FeedbackWord, FixedClock, Insight, InsightId, ModelIdentity,
    PredictionType, Sample, SampleField, SampleValues, StreamId,
};
use linkcast_store::MemoryStore;

use super::*;
use crate::notices::NoticeError;

const TASK: &str = "link-health";
const PLACE: (&str, &str) = ("lab", TASK);

/// Midnight of a day, and minutes after it.
fn at(day: i64, minute: i64) -> Timestamp {
    Timestamp::from_millis((20_000 + day) * DAY_MS + minute * 60_000)
}

/// A bus that remembers, and fails as often as it is told.
#[derive(Default)]
struct Heard(Mutex<(Vec<String>, usize)>);

impl Bus for Heard {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let mut heard = self.0.lock().unwrap();
        let fate = |event: &BusEvent| {
            if heard.1 > 0 {
                heard.1 -= 1;
                let (channel, reason) = ("bus".to_owned(), "down".to_owned());
                return Err(NotifyError { channel, reason, retry: Retry::Later });
            }
            heard.0.push(event.kind.to_owned());
            Ok(())
        };
        events.iter().map(fate).collect()
    }
}

fn insight(number: u64, time: Timestamp) -> Insight {
    let stream: StreamId = format!("{number:016x}/1").parse().unwrap();
    let model = ModelIdentity { model_used: "e".into(), model_version: "7".into(), feature_schema: 1 };
    Insight {
        entity_id: InsightId::of(&stream, time, TASK),
        timestamp: time,
        entity_type: "insight".into(),
        related_entity: stream,
        fabric: "lab".into(),
        prediction_type: PredictionType::ConnectionInstability,
        risk_score: 90.0,
        confidence: 0.9,
        explanation: String::new(),
        influencers: Vec::new(),
        recommendations: Vec::new(),
        model,
        variant: "live".into(),
        fallback_from: None,
        latency_us: 1,
        cost_usd: 0.0,
        cost: linkcast_domain::Cost::default(),
        attempts: Vec::new(),
        ttl: 0,
    }
}

/// A minute's sample of an insight's stream, in which the link went down so often.
fn sample(of: &Insight, minute: i64, downed: f64) -> Sample {
    let values = SampleValues::default()
        .with(SampleField::IntervalS, 60.0)
        .with(SampleField::LinkDowned, downed)
        .with(SampleField::LinkErrorRecoveries, 0.0);
    let time = of.timestamp.plus(Duration::from_secs(minute as u64 * 60));
    Sample { stream: of.related_entity.clone(), time, values, other: Vec::new() }
}

async fn commit(store: &MemoryStore, insights: Vec<Insight>, samples: Vec<Sample>) {
    store.commit(&Changes { insights, samples, ..Changes::default() }).await.unwrap();
}

async fn look(store: &MemoryStore, bus: &Heard, now: Timestamp) -> Result<Look, MonitorError> {
    Monitor::new(store, PLACE).look(bus, &FixedClock(now)).await
}

/// People's words on `n` insights of one day, every `nth` wrong.
async fn judged(store: &MemoryStore, day: i64, n: u64, nth: u64) {
    let desk = FeedbackDesk::new(store, TASK);
    for number in 0..n {
        let time = at(day, number as i64);
        let verdict =
            if number % nth == 0 { FeedbackVerdict::FalsePositive } else { FeedbackVerdict::Confirmed };
        let by = "ada".parse().unwrap();
        let word =
            FeedbackWord { by, source: FeedbackSource::Person, at: time, verdict, note: Default::default() };
        desk.add_to(&insight(number, time), &word).await.unwrap();
    }
}

#[tokio::test]
async fn an_empty_store_is_looked_at_and_every_verdict_says_what_is_missing() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let made = look(&store, &bus, at(0, 90)).await.unwrap();
    assert!(matches!(made, Look::Made(_)));
    let report = made.report();
    assert_eq!((report.at, &report.drift, report.troubles()), (at(0, 60), &DriftLook::NoModel, vec![]));
    let lines = report.lines().join("\n");
    assert!(
        lines.contains("nothing was asked")
            && lines.contains("no model")
            && lines.contains("nothing was said")
    );
    let again = look(&store, &bus, at(0, 119)).await.unwrap();
    assert_eq!(again, Look::Before(report.clone()));
    assert!(matches!(look(&store, &bus, at(0, 120)).await.unwrap(), Look::Made(_)));
}

#[tokio::test]
async fn outcomes_are_recorded_once_after_the_horizon_and_count_for_who_answered() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let (failed, quiet, young) = (insight(1, at(0, 5)), insight(2, at(0, 7)), insight(3, at(0, 70)));
    let mut samples = vec![sample(&failed, 30, 1.0)];
    samples.extend((1..=60).map(|minute| sample(&quiet, minute, 0.0)));
    commit(&store, vec![failed, quiet, young], samples).await;
    let first = look(&store, &bus, at(0, 121)).await.unwrap();
    let done = first.report().outcomes;
    assert_eq!((done.insights, done.confirmed, done.false_positives), (2, 1, 1), "{done:?}");
    assert_eq!((done.through, done.due), (at(0, 60), at(0, 60)));
    let next = look(&store, &bus, at(0, 181)).await.unwrap();
    let done = next.report().outcomes;
    assert_eq!((done.insights, done.undecided), (1, 1), "the third, whose samples nobody has: {done:?}");
    let hours = FeedbackDesk::new(&store, TASK).quality_by_hour(at(0, 0), at(1, 0)).await.unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!(hours[0].1["live"], crate::QualityCounts { confirmed: 1, wrong: 1 });
}

#[tokio::test]
async fn a_flood_of_insights_is_worked_off_in_bounded_looks() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let insights = (0..1_200).map(|number| insight(number, at(0, (number / 40) as i64))).collect();
    commit(&store, insights, Vec::new()).await;
    let mut seen = Vec::new();
    for hour in 2..8 {
        let done = look(&store, &bus, at(0, hour * 60)).await.unwrap().report().outcomes;
        seen.push(done.insights);
        assert!(done.insights <= 1_000, "{done:?}");
    }
    assert_eq!(seen.iter().sum::<u64>(), 1_200, "{seen:?}");
}

#[tokio::test]
async fn a_version_that_is_right_less_often_is_told_once_and_even_after_a_crash() {
    let (store, bus) = (MemoryStore::new(), Heard(Mutex::new((Vec::new(), 1))));
    judged(&store, 0, 200, 20).await;
    judged(&store, 3, 100, 2).await;
    let calm = look(&store, &bus, at(1, 30)).await.unwrap();
    assert!(
        calm.report().troubles().is_empty() && calm.report().told.is_empty(),
        "{:?}",
        calm.report().quality
    );
    let broken = look(&store, &bus, at(4, 30)).await;
    assert!(matches!(broken, Err(MonitorError::Notice(NoticeError::Untold(_)))), "{broken:?}");
    let made = look(&store, &bus, at(4, 90)).await.unwrap();
    assert_eq!(made.report().troubles(), [Trouble::Quality]);
    let [told] = made.report().told.as_slice() else { panic!("{:?}", made.report().told) };
    assert!(told.summary.contains("model 7 is right less often") && told.summary.contains("50.0 % of 100"));
    for hour in 2..30 {
        let later = look(&store, &bus, at(4, hour * 60 + 30)).await.unwrap();
        assert!(later.report().told.is_empty());
    }
    assert_eq!(bus.0.lock().unwrap().0, ["Quality Degraded"]);
    let board = NoticeBoard::new(&store, TASK).between(at(0, 0), at(9, 0)).await.unwrap();
    assert_eq!(board.len(), 1);
    let lines = made.report().lines().join("\n");
    assert!(lines.contains("quality of 7: WORSE: 50.0 % of 100 by person, was 95.0 % of 200, p "), "{lines}");
}

#[tokio::test]
async fn of_two_looks_at_once_one_goes_on_and_the_other_is_told() {
    let (store, bus) = (MemoryStore::new(), Heard::default());
    let monitor = Monitor::new(&store, PLACE);
    let mut stale = monitor.state().await.unwrap();
    look(&store, &bus, at(0, 30)).await.unwrap();
    let late = monitor.write_state(&mut stale).await.unwrap_err();
    assert!(matches!(late, MonitorError::Overtaken { .. }) && late.class() == Retry::Later);
}
