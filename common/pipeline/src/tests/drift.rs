//! What is seen and said is counted once, by the hour, whatever the store does; and the desk makes a verdict of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use linkcast_domain::ports::{ArrivalRecord, Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{
    Feature, FeatureVector, FixedClock, PredictionType, Sample, SampleField, SampleValues, StreamId,
    Timestamp,
};
use linkcast_features::Calendar;
use linkcast_monitoring::{DriftSettings, DriftVerdict, FeatureSketches, Lacking, Series};
use linkcast_store::MemoryStore;

use super::doubles::{Ear, Rule, now};
use super::fabric::Lab;
use crate::apart::{prepare, prepare_counted};
use crate::steps::Steps;
use crate::{DriftDesk, Freezing, Pipeline, Settings, Sketching};

const TASK: &str = "link-health";
const HOUR_MS: i64 = 3_600_000;

fn at(hour: i64, minute: i64) -> Timestamp {
    Timestamp::from_millis(472_222 * HOUR_MS + hour * HOUR_MS + minute * 60_000)
}

/// A store whose next writes do what they are told, and whose answers to some are lost.
#[derive(Default)]
struct Forgetful {
    store: MemoryStore,
    answers_lost: AtomicU32,
}

impl TaskItems for Forgetful {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        self.store.task_item(task, name).await
    }
    async fn task_items(&self, task: &str, name: &str) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        self.store.task_items(task, name).await
    }
    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        let written = self.store.put_task_item(task, item).await?;
        if self.answers_lost.load(Ordering::Relaxed) == 0 {
            return Ok(written);
        }
        self.answers_lost.fetch_sub(1, Ordering::Relaxed);
        let source = std::io::Error::other("the line is dead").into();
        Err(StoreError::Busy { store: "a table".to_owned(), attempt: "write an item", source })
    }
}

fn arrival(time: Timestamp, before: Option<Timestamp>) -> ArrivalRecord {
    let stream: StreamId = "0000000000000001/1".parse().unwrap();
    let values =
        SampleValues::default().with(SampleField::LatencyP99, 7.0).with(SampleField::IntervalS, 60.0);
    let sample = Some(Box::new(Sample { stream: stream.clone(), time, values, other: Vec::new() }));
    ArrivalRecord { stream, time, before, source: 1, told_active: true, sample }
}

fn latencies(sketches: &FeatureSketches) -> u64 {
    sketches.sketch(Series::Feature(Feature::LatencyP99)).present()
}

fn waiting<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

#[test]
fn prepare_counts_each_sample_once_however_often_it_is_delivered_and_an_answer_is_lost() {
    let (folds, items) = (MemoryStore::new(), Forgetful::default());
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let sketching = Sketching::new(TASK, "one");
    let desk = DriftDesk::new(&items, TASK);
    waiting(async {
        for minute in 50..70 {
            let before = (minute > 50).then(|| at(0, minute - 1));
            for _ in 0..2 {
                let outcomes =
                    prepare_counted(&folds, &steps, &[arrival(at(0, minute), before)], Some(&sketching))
                        .await;
                assert!(outcomes.iter().all(Result::is_ok));
            }
            let is_lost = minute % 3 == 0;
            items.answers_lost.store(u32::from(is_lost), Ordering::Relaxed);
            // Each write is due: the clock runs faster than the samples.
            let written = sketching.write_down(&items, at(0, minute * 6)).await;
            assert_eq!(written.is_err(), is_lost);
        }
        sketching.write_down(&items, at(9, 0)).await.unwrap();
        let hours = desk.hours(at(0, 0), at(2, 0)).await.unwrap();
        assert_eq!(hours.values().map(latencies).collect::<Vec<_>>(), [10, 10]);
        assert_eq!(items.task_items(TASK, "sketch#").await.unwrap().len(), 2, "one item an hour and process");
        assert!(desk.hours(at(2, 0), at(9, 0)).await.unwrap().is_empty());
    });
}

#[test]
fn a_write_that_waits_forever_is_broken_off_and_nothing_is_lost() {
    struct Mute;
    impl TaskItems for Mute {
        async fn task_item(&self, _: &str, _: &str) -> Result<Option<Revised<String>>, StoreError> {
            std::future::pending().await
        }
        async fn task_items(&self, _: &str, _: &str) -> Result<Vec<(String, Revised<String>)>, StoreError> {
            std::future::pending().await
        }
        async fn put_task_item(&self, _: &str, _: &TaskItem) -> Result<Written, StoreError> {
            std::future::pending().await
        }
    }
    let (folds, items, sketching) = (MemoryStore::new(), MemoryStore::new(), Sketching::new(TASK, "one"));
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let steps = Steps { settings: &settings, calendar: &calendar };
    waiting(async {
        prepare_counted(&folds, &steps, &[arrival(at(0, 1), None)], Some(&sketching)).await;
        let limit = Duration::from_secs(5);
        let written = tokio::time::timeout(limit, sketching.write_down(&Mute, at(0, 1))).await.unwrap();
        assert!(matches!(written, Err(StoreError::Busy { .. })));
        sketching.write_down(&items, at(0, 9)).await.unwrap();
        let hours = DriftDesk::new(&items, TASK).hours(at(0, 0), at(1, 0)).await.unwrap();
        assert_eq!(hours.values().map(latencies).sum::<u64>(), 1);
        let quiet = prepare(&folds, &steps, &[arrival(at(0, 2), Some(at(0, 1)))]).await;
        assert!(quiet.iter().all(Result::is_ok), "and who does not count prepares all the same");
    });
}

#[test]
fn the_embedded_pipeline_counts_what_its_checkpoints_hold() {
    let settings = Settings { workers: 2, ..Settings::default() };
    let channels: Vec<Ear> = Vec::new();
    let opening = Pipeline::open(settings, Calendar::utc(), MemoryStore::new(), Rule::new(), channels);
    let mut pipeline = now(opening).unwrap().counting("run");
    let mut lab = Lab::new();
    let (first, mut seen, mut scored) = (lab.time, 0, 0);
    for _ in 0..400 {
        lab.step();
        lab.port(super::fabric::leaf(1)).add(linkcast_telemetry::Counter::RcvErrors, 500);
        let sweep = lab.sweep("scrape", |_| true);
        let tally = now(pipeline.ingest(sweep.clone(), &FixedClock(sweep.time))).unwrap().tally;
        (seen, scored) = (seen + tally.samples, scored + tally.scored);
        now(pipeline.write_sketches()).unwrap();
    }
    now(pipeline.finish(lab.time)).unwrap();
    now(pipeline.write_last_sketches()).unwrap();
    let until = lab.time.plus(Duration::from_secs(3600));
    let hours = now(DriftDesk::new(pipeline.store(), TASK).hours(first, until)).unwrap();
    assert_eq!(hours.values().map(FeatureSketches::samples).sum::<u64>(), seen);
    assert_eq!(hours.values().map(FeatureSketches::scored).sum::<u64>(), scored);
    assert!(seen > 1_000 && scored > 100 && hours.len() > 1, "{seen} {scored} {}", hours.len());
}

/// Hours of two processes, with a latency around `center`.
fn write_hours(items: &MemoryStore, hours: std::ops::Range<i64>, center: f64) {
    for hour in hours {
        for process in ["one", "two"] {
            let mut sketches = FeatureSketches::default();
            for sample in 0..30_i64 {
                let mut vector = FeatureVector::default();
                let chance = xxhash_rust::xxh3::xxh3_64(format!("{hour} {process} {sample}").as_bytes());
                let noise = (chance >> 11) as f64 / (1_u64 << 53) as f64;
                vector.set(Feature::LatencyP99, center + noise);
                sketches.add(&vector);
                sketches.add_score(PredictionType::Normal, 10.0 + noise, 0.9);
            }
            let name = format!("sketch#{:012}#{process}-1", at(hour, 0).millis() / HOUR_MS);
            let text = Revised { revision: 0, value: sketches.to_text() };
            let written = now(items.put_task_item(TASK, &TaskItem { name, text, until: None })).unwrap();
            assert_eq!(written, Written::Yes);
        }
    }
}

#[test]
fn the_desk_freezes_once_and_names_what_drifted_since() {
    let items = MemoryStore::new();
    let settings =
        DriftSettings { reference_hours: 72, cycle_hours: 1, look_hours: 12, ..DriftSettings::default() };
    let desk = DriftDesk::new(&items, TASK).with_settings(settings);
    write_hours(&items, 1..73, 5.0);
    let early = now(desk.freeze("abc", at(0, 30), at(40, 0))).unwrap();
    let Freezing::TooEarly(missing) = early else { panic!("{early:?}") };
    assert_eq!((missing.of, missing.have, missing.need), (Lacking::ReferenceHours, 39, 72));
    let report = now(desk.look("abc", at(40, 0))).unwrap();
    assert!(matches!(report.verdict, DriftVerdict::NotEnoughData { .. }) && report.reference.is_none());
    let Freezing::Made(reference) = now(desk.freeze("abc", at(0, 30), at(80, 0))).unwrap() else { panic!() };
    assert_eq!((reference.hours().len(), reference.pooled().samples()), (72, 72 * 60));
    write_hours(&items, 73..109, 5.0);
    assert_eq!(now(desk.look("abc", at(109, 5))).unwrap().verdict, DriftVerdict::Steady);
    write_hours(&items, 109..145, 5.4);
    let report = now(desk.look("abc", at(145, 5))).unwrap();
    assert_eq!(report.features.drifted, ["latency_p99"]);
    assert_eq!(report.scores.verdict, DriftVerdict::Steady, "{:?}", report.scores.drifted);
    assert_eq!(now(desk.freeze("abc", at(120, 0), at(300, 0))).unwrap(), Freezing::Was(reference));
    assert!(now(desk.reference("another")).unwrap().is_none());
}

#[test]
fn a_model_whose_first_days_nobody_watched_is_held_against_its_last() {
    let items = MemoryStore::new();
    let settings = DriftSettings { reference_hours: 72, ..DriftSettings::default() };
    let desk = DriftDesk::new(&items, TASK).with_settings(settings);
    write_hours(&items, 500..600, 5.0);
    let Freezing::Made(reference) = now(desk.freeze("abc", at(0, 0), at(600, 0))).unwrap() else { panic!() };
    assert_eq!(reference.hours().first(), Some(&(at(528, 0).millis() / HOUR_MS)));
}
