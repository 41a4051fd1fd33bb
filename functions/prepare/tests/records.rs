//! Batches as the table's stream delivers them: what is damaged fails alone, and the rest is prepared.

#![expect(clippy::unwrap_used, reason = "what a test makes for itself is right, or the test fails")]

use std::time::Duration;

use linkcast_aws::record_of_arrival;
use linkcast_domain::ports::{ArrivalRecord, Arrivals, Memories, MemoryKey};
use linkcast_domain::{Budget, FixedClock, Timestamp};
use linkcast_features::Calendar;
use linkcast_lambda::{BatchError, BatchReport, RecordBatch};
use linkcast_pipeline::Settings;
use linkcast_pipeline::steps::Steps;
use linkcast_store::MemoryStore;
use linkcast_tests::{at_minute, numbered_stream, troubled_arrival};
use serde_json::{Value, json};

async fn handled(store: &MemoryStore, records: Vec<Value>) -> Result<BatchReport, BatchError> {
    let event: RecordBatch = serde_json::from_value(json!({ "Records": records })).unwrap();
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let clock = FixedClock(at_minute(0));
    let budget = Budget::of(Duration::from_secs(10), &clock);
    let steps = Steps { settings: &settings, calendar: &calendar };
    linkcast_prepare::handle(store, &steps, &event, (budget, &clock)).await
}

async fn remembers(store: &MemoryStore, number: u64) -> Option<u64> {
    let kept = store.load(&[MemoryKey::Folding(numbered_stream(number))]).await.unwrap().remove(0);
    kept.map(|kept| kept.version)
}

#[tokio::test]
async fn a_poison_record_fails_alone_and_is_named() {
    let store = MemoryStore::new();
    let mut poison = record_of_arrival(&troubled_arrival(2, 0), 102);
    poison["dynamodb"]["NewImage"]["b"]["B"] = "AAAA".into();
    let not_ours = json!({ "dynamodb": { "SequenceNumber": "104", "NewImage": { "pk": { "S": "x" } } } });
    let records = vec![
        record_of_arrival(&troubled_arrival(1, 0), 101),
        poison,
        record_of_arrival(&troubled_arrival(3, 0), 103),
        not_ours,
    ];
    let report = handled(&store, records).await.unwrap();
    let failed: Vec<&str> = report.failures().map(|(id, _)| id).collect();
    assert_eq!(failed, ["102", "104"]);
    assert_eq!(report.reply().unwrap().batch_item_failures.len(), 2);
    assert_eq!([remembers(&store, 1).await, remembers(&store, 3).await], [Some(1); 2]);
    assert_eq!(remembers(&store, 2).await, None);
}

#[tokio::test]
async fn a_batch_delivered_again_changes_nothing() {
    let store = MemoryStore::new();
    let records: Vec<Value> =
        (0..5).map(|minute| record_of_arrival(&troubled_arrival(1, minute), minute as u64)).collect();
    for _ in 0..3 {
        assert_eq!(handled(&store, records.clone()).await.unwrap().failures().count(), 0);
        assert_eq!(remembers(&store, 1).await, Some(1));
    }
}

#[tokio::test]
async fn what_was_lost_is_fetched_from_the_table() {
    let (whole, lossy) = (MemoryStore::new(), MemoryStore::new());
    let arrivals: Vec<ArrivalRecord> = (0..6).map(|minute| troubled_arrival(1, minute)).collect();
    for store in [&whole, &lossy] {
        store.put_arrivals(&arrivals).await.unwrap();
    }
    for (number, one) in arrivals.iter().enumerate() {
        handled(&whole, vec![record_of_arrival(one, number as u64)]).await.unwrap();
    }
    for number in [0, 5, 3] {
        handled(&lossy, vec![record_of_arrival(&arrivals[number], number as u64)]).await.unwrap();
    }
    let questions = async |store: &MemoryStore| {
        use linkcast_domain::ports::Questions;
        store.questions(&numbered_stream(1), Timestamp::EARLIEST, Timestamp::LATEST).await.unwrap()
    };
    let (expected, found) = (questions(&whole).await, questions(&lossy).await);
    assert!(expected.len() > 2);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_record_without_a_number_fails_the_whole_batch() {
    let store = MemoryStore::new();
    let records = vec![record_of_arrival(&troubled_arrival(1, 0), 1), json!({ "dynamodb": {} })];
    assert_eq!(handled(&store, records).await, Err(BatchError::Unnamed { place: 1 }));
    assert_eq!(remembers(&store, 1).await, None);
}
