//! What only files can show of the registry: an older layout brought up, two processes at once, a folder cut short.

use std::sync::Barrier;

use linkcast_domain::ports::{
    FeedbackItems, FolderFile, Lookup, ModelFolders, PipelineStore, RegistryItems, TaskItems, TimeRange,
};
use linkcast_domain::{Alias, Decision, InsightId, Registry, Ruling};
use rusqlite::Connection;

use super::items::{at, now, one_of_each, stream};
use super::registry_contract::{TASK, facts, version};
use crate::{LocalFolders, SqliteStore};

#[test]
fn a_file_of_a_layout_before_is_brought_up_and_keeps_what_it_holds() {
    let of_3 = "DROP TABLE feedback; PRAGMA user_version = 3;";
    let of_2 = "DROP TABLE feedback; DROP TABLE task_items; PRAGMA user_version = 2;";
    let of_1 = "DROP TABLE feedback; DROP TABLE task_items; DROP TABLE models; DROP TABLE aliases; DROP TABLE reviews;
                PRAGMA user_version = 1;";
    for by_hand in [of_1, of_2, of_3] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        now(SqliteStore::open(&path).unwrap().commit(&one_of_each())).unwrap();
        Connection::open(&path).unwrap().execute_batch(by_hand).unwrap();
        let store = SqliteStore::open_existing(&path).unwrap();
        assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap(), one_of_each().samples);
        now(Registry::new(&store, TASK).add(&facts("1", "one"))).unwrap();
        assert_eq!(now(SqliteStore::open(&path).unwrap().models(TASK)).unwrap().len(), 1);
        assert_eq!(now(store.task_item(TASK, "routing")).unwrap(), None);
        let insight = (stream(1), InsightId::of(&stream(1), at(0), TASK));
        assert_eq!(now(store.feedback(&[insight])).unwrap(), [None]);
    }
}

#[test]
fn of_many_who_move_an_alias_at_once_one_wins_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    let registry = Registry::new(&store, TASK);
    let names = ["1", "2", "3", "4"];
    for name in names {
        now(registry.add(&facts(name, name))).unwrap();
        let approved = Decision { ruling: Ruling::Approved, by: "bob".into(), at: at(30) };
        now(registry.decide(&version(name), &approved)).unwrap();
    }
    let start = Barrier::new(names.len());
    let outcomes: Vec<Result<_, String>> = std::thread::scope(|scope| {
        let movers = names.map(|name| {
            let (path, start) = (&path, &start);
            scope.spawn(move || {
                let store = SqliteStore::open_existing(path).unwrap();
                start.wait();
                let registry = Registry::new(&store, TASK);
                let moved = now(registry.point(Alias::Live, Some(&version(name)), None, (name, at(60))));
                moved.map(|_| name).map_err(|error| error.to_string())
            })
        });
        movers.into_iter().map(|mover| mover.join().unwrap()).collect()
    });
    let won: Vec<&str> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok().copied()).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let told = format!("alias live names {}, expected none", won[0]);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|error| *error == told));
    let aliases = now(registry.aliases()).unwrap();
    assert_eq!(aliases.version(Alias::Live), Some(&version(won[0])));
    assert_eq!(aliases.previous, None);
}

#[test]
fn a_folder_whose_writing_broke_off_is_not_there_and_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let folders = LocalFolders::new(folder.path().to_owned());
    let left = folder.path().join(TASK).join(format!(".one.{}", std::process::id()));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("card.json"), "{").unwrap();
    assert_eq!(now(folders.files(TASK, "one", &["card.json"])).unwrap(), [None]);
    let files = [FolderFile { name: "card.json".into(), bytes: b"{}".to_vec() }];
    now(folders.put_folder(TASK, "one", &files)).unwrap();
    assert_eq!(now(folders.files(TASK, "one", &["card.json"])).unwrap(), [Some(b"{}".to_vec())]);
    assert!(!left.exists());
}

#[test]
fn a_name_that_leads_out_of_its_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folders = LocalFolders::new(folder.path().join("models"));
    for name in ["../card.json", "a/b", ".hidden", ""] {
        let files = [FolderFile { name: name.into(), bytes: Vec::new() }];
        assert!(now(folders.put_folder(TASK, "one", &files)).is_err(), "{name}");
        assert!(now(folders.files(TASK, "one", &[name])).is_err(), "{name}");
    }
    assert!(!folder.path().join("card.json").exists());
}
