//! Samples and insights are forgotten by the stores that have no time to live of their own.

use linkcast_domain::PredictionType;
use linkcast_domain::ports::{Changes, Forgotten, InsightQuery, Lookup, PipelineStore, TimeRange};

use super::items::*;

fn old_samples_and_insights_are_forgotten_a_bounded_number_at_a_time<S: PipelineStore + Lookup>(store: &S) {
    let normal = PredictionType::Normal;
    let insights = [0, 1, 2, 3, 4, 200].map(|time| insight(1, time, normal, 0.0)).to_vec();
    now(store.commit(&Changes { insights, ..Changes::default() })).unwrap();
    for time in [0, 30, 200] {
        now(store.commit(&samples(vec![sample(1, time, 1.0)]))).unwrap();
    }
    let first = now(store.forget(at(100), 2)).unwrap();
    assert_eq!(first, Forgotten { sample_pieces: 2, insights: 2, ..Forgotten::default() });
    let rest = Forgotten { insights: 3, ..Forgotten::default() };
    assert_eq!(now(store.forget(at(100), 100)).unwrap(), rest);
    let left = now(store.samples(&stream(1), TimeRange::ALL)).unwrap();
    assert_eq!(left, [sample(1, 200, 1.0)]);
    assert_eq!(now(store.insights(&InsightQuery::default())).unwrap().len(), 1);
}

#[test]
fn old_samples_and_insights_are_forgotten_in_memory() {
    old_samples_and_insights_are_forgotten_a_bounded_number_at_a_time(&crate::MemoryStore::new());
}

#[test]
fn old_samples_and_insights_are_forgotten_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::SqliteStore::open(&folder.path().join("store.db")).unwrap();
    old_samples_and_insights_are_forgotten_a_bounded_number_at_a_time(&store);
}
