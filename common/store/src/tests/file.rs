//! What only a file can show: a second opening, a failure half-way, and files that are not ours.

use std::path::{Path, PathBuf};

use linkcast_domain::ports::{
    InsightQuery, Lookup, Maintenance, MaintenanceScope, MaintenanceWindow, Outbox, PipelineStore,
    StoreError, TimeRange,
};
use rusqlite::Connection;

use super::items::*;
use crate::SqliteStore;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn by_hand(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn a_file_opened_again_has_everything() {
    let (_folder, path) = folder();
    let window = MaintenanceWindow {
        id: "w".into(),
        scope: MaintenanceScope::Fabric,
        from: at(0),
        until: at(9),
        note: String::new(),
    };
    let changes = one_of_each();
    {
        let store = SqliteStore::open(&path).unwrap();
        now(store.register_channel("lines")).unwrap();
        now(store.commit(&changes)).unwrap();
        now(store.put_window(&window)).unwrap();
    }
    let store = SqliteStore::open_existing(&path).unwrap();
    assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap(), changes.samples);
    let streams = now(store.streams(None, 9)).unwrap();
    assert_eq!((&streams[0].facts, &streams[0].state), (&facts("leaf"), &Some(state(1, b"folds"))));
    assert_eq!(now(store.insights(&InsightQuery::default())).unwrap(), changes.insights);
    let resume = now(store.resume()).unwrap();
    assert_eq!((resume.conditions, resume.alerts), (changes.conditions, changes.alerts));
    assert_eq!((resume.sources, resume.windows), (changes.sources, vec![window]));
    assert_eq!(resume.last_sequence, 1);
    assert_eq!(now(store.unpublished("lines", 9)).unwrap(), changes.messages);
    now(store.commit(&samples(vec![sample(2, 60, 1.0), sample(1, 60, 2.0)]))).unwrap();
    assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap()[1..], [sample(1, 60, 2.0)]);
    assert_eq!(now(store.samples(&stream(2), TimeRange::ALL)).unwrap(), [sample(2, 60, 1.0)]);
}

#[test]
fn a_commit_that_fails_at_its_last_step_leaves_nothing_and_can_be_done_again() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    now(store.register_channel("lines")).unwrap();
    by_hand(
        &path,
        "CREATE TRIGGER refuse BEFORE INSERT ON sources BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let error = now(store.commit(&one_of_each())).unwrap_err();
    assert!(matches!(error, StoreError::Failed { attempt: "write results", .. }), "{error:?}");
    assert!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap().is_empty());
    assert!(now(store.streams(None, 9)).unwrap().is_empty());
    assert!(now(store.insights(&InsightQuery::default())).unwrap().is_empty());
    assert!(now(store.conditions(None)).unwrap().is_empty());
    assert!(now(store.alerts(None, 9)).unwrap().is_empty());
    assert!(now(store.unpublished("lines", 9)).unwrap().is_empty());
    by_hand(&path, "DROP TRIGGER refuse");
    now(store.commit(&samples(vec![sample(2, 30, 2.0)]))).unwrap();
    now(store.commit(&one_of_each())).unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap(), one_of_each().samples);
    assert_eq!(now(store.samples(&stream(2), TimeRange::ALL)).unwrap(), [sample(2, 30, 2.0)]);
}

#[test]
fn what_could_not_be_written_behind_fails_the_next_commit_and_is_not_lost() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    by_hand(
        &path,
        "CREATE TRIGGER refuse BEFORE INSERT ON streams BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    now(store.commit_behind(&mut samples(vec![sample(1, 30, 1.0)]))).unwrap();
    let error = now(store.commit(&samples(vec![sample(2, 30, 2.0)]))).unwrap_err();
    assert!(matches!(error, StoreError::Failed { attempt: "write results", .. }), "{error:?}");
    let mut later = samples(vec![sample(1, 60, 3.0)]);
    assert!(now(store.commit_behind(&mut later)).is_err());
    assert_eq!(later.samples, [sample(1, 60, 3.0)], "the caller keeps what was not taken");
    by_hand(&path, "DROP TRIGGER refuse");
    now(store.commit_behind(&mut later)).unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    let found = now(store.samples(&stream(1), TimeRange::ALL)).unwrap();
    assert_eq!(found, [sample(1, 30, 1.0), sample(1, 60, 3.0)], "what is under way is waited for");
    assert!(now(store.samples(&stream(2), TimeRange::ALL)).unwrap().is_empty());
}

#[test]
fn a_reader_sees_streams_and_counters_that_a_writer_named_later() {
    let (_folder, path) = folder();
    let writer = SqliteStore::open(&path).unwrap();
    let reader = SqliteStore::open_existing(&path).unwrap();
    for number in 1..=3 {
        now(writer.commit(&samples(vec![sample(number, 30, 1.0)]))).unwrap();
        assert_eq!(now(reader.samples(&stream(number), TimeRange::ALL)).unwrap(), [sample(number, 30, 1.0)]);
    }
}

#[test]
fn a_file_of_a_later_layout_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    by_hand(&path, "PRAGMA user_version = 99");
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 4, .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let (_folder, path) = folder();
    std::fs::write(&path, "port,counter\n".repeat(1_000)).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    by_hand(&path, "CREATE TABLE bookmarks (url TEXT)");
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_piece_of_samples_with_broken_bytes_is_damaged_and_not_misread() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    now(store.commit(&one_of_each())).unwrap();
    by_hand(&path, "UPDATE samples SET bytes = x'05ffff'");
    let error = now(store.samples(&stream(1), TimeRange::ALL)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    by_hand(&path, "UPDATE conditions SET body = '{'");
    let error = now(store.resume()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_file_cut_short_is_never_taken_for_whole() {
    let (_folder, path) = folder();
    {
        let store = SqliteStore::open(&path).unwrap();
        now(store.commit(&one_of_each())).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let outcome = SqliteStore::open(&path).and_then(|store| now(store.resume()).map(|_| ()));
    assert!(matches!(outcome, Err(StoreError::Damaged { .. })), "{outcome:?}");
}

#[test]
fn a_file_that_must_exist_is_not_made() {
    let (_folder, path) = folder();
    assert!(SqliteStore::open_existing(&path).is_err());
    assert!(!path.exists());
}
