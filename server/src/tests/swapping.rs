//! Another model in the folder, a damaged one, and the same one again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use linkcast_scoring::CARD_FILE;
use serde_json::Value;

use super::client::{Running, awaited, shipped, start};
use crate::{Limits, Notice};

fn copy(folder: &Path) {
    for entry in fs::read_dir(shipped()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
}

/// Writes the card anew under another version, as one rename.
fn rename_version(folder: &Path, version: &str) {
    let mut card: Value = serde_json::from_slice(&fs::read(folder.join(CARD_FILE)).unwrap()).unwrap();
    card["model_version"] = version.into();
    fs::write(folder.join("card.next"), card.to_string()).unwrap();
    fs::rename(folder.join("card.next"), folder.join(CARD_FILE)).unwrap();
}

fn version(server: &Running) -> String {
    let models: Value = serde_json::from_str(&server.client().get("/models").body).unwrap();
    models["models"][0]["model_version"].as_str().unwrap().to_owned()
}

fn notice(server: &Running) -> Notice {
    server.notices.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn a_changed_folder_is_taken_and_a_damaged_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let server = start(folder.path(), Limits::default(), Some(Duration::from_millis(10)));
    let first = version(&server);
    rename_version(folder.path(), "other");
    let name: crate::EndpointName = "lab".parse().unwrap();
    let swapped = Notice::Swapped { name: name.clone(), from: first, to: "other".into() };
    assert_eq!(notice(&server), swapped);
    assert_eq!(version(&server), "other");
    fs::write(folder.path().join(CARD_FILE), "{\"model_version\": \"half").unwrap();
    let refused = notice(&server);
    assert!(matches!(&refused, Notice::Refused { stays, .. } if stays == "other"), "{refused}");
    assert!(refused.to_string().contains("card.json"), "{refused}");
    let answer =
        server.client().post("/invocations", "content-type: application/json\r\n", br#"{"instances":[{}]}"#);
    assert_eq!((answer.status, answer.header("x-linkcast-model-version")), (200, Some("other")));
    let page = server.client().get("/metrics").body;
    assert!(page.contains("linkcast_server_model_swaps_total{model=\"lab\"} 1\n"), "{page}");
    assert!(page.contains("linkcast_server_model_refused_total{model=\"lab\"} 1\n"), "{page}");
    assert!(page.contains("linkcast_server_model_refused_total{model=\"field\"} 0\n"), "{page}");
    let _ = server.stop().join().unwrap();
}

#[test]
fn who_is_told_to_looks_at_once() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let server = start(folder.path(), Limits::default(), None);
    rename_version(folder.path(), "other");
    server.reloader.reload();
    awaited("the other version", || (version(&server) == "other").then_some(()));
    fs::remove_file(folder.path().join(CARD_FILE)).unwrap();
    server.reloader.reload();
    assert!(matches!(notice(&server), Notice::Swapped { .. }));
    assert!(matches!(notice(&server), Notice::Refused { .. }));
    assert_eq!(version(&server), "other");
    let _ = server.stop().join().unwrap();
}
