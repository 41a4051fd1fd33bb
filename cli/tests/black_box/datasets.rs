//! History out of a store and into files, and back to the very features it was.

use std::path::{Path, PathBuf};

use crate::support::{Outcome, call, text};

/// A database with an hour of a small simulated fabric, and the samples it was made of.
pub(crate) fn recorded(folder: &Path) -> Outcome<(PathBuf, PathBuf)> {
    let (samples, database) = (folder.join("samples.parquet"), folder.join("linkcast.db"));
    let simulated = call(&[
        "simulate",
        "--format",
        "parquet",
        "--ports",
        "32",
        "--hours",
        "1",
        "--seed",
        "5",
        "--fault-rate",
        "0.3",
        "--out",
        text(&samples),
    ])?;
    assert_eq!(simulated.code, Some(0), "{}", simulated.said);
    let replayed = call(&["replay", text(&samples), "--db", text(&database), "--json"])?;
    assert_eq!(replayed.code, Some(0), "{}", replayed.said);
    Ok((samples, database))
}

/// The features of a capture, a line a row, in an order of their own.
fn features(of: &Path, folder: &Path) -> Outcome<Vec<String>> {
    let out = folder.join("features.csv");
    let called = call(&["features", text(of), "--out", text(&out)])?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    let mut lines: Vec<String> = std::fs::read_to_string(&out)?.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

pub(crate) fn export(database: &Path, out: &Path, more: &[&str]) -> Outcome<serde_json::Value> {
    let always = ["dataset", "export", "--db", text(database), "--out", text(out), "--json"];
    let called = call(&[&always, more].concat())?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    Ok(serde_json::from_str(&called.printed)?)
}

/// A range of time around it.
pub(crate) const RANGE: [&str; 4] = ["--since", "2026-01-04T00:00:00Z", "--until", "2026-01-06T00:00:00Z"];

#[test]
fn what_is_exported_has_the_features_of_what_was_recorded() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (samples, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    let told = export(&database, &history, &RANGE)?;
    let (before, after) =
        (features(&samples, folder.path())?, features(&history.join("samples"), folder.path())?);
    assert_eq!(told["samples"].as_u64(), Some(before.len() as u64 - 1), "all but the heading");
    assert_eq!(before, after);
    assert!(told["outcomes"].as_u64() > Some(0), "{told}");
    let outcomes = std::fs::read_to_string(history.join("outcomes/alerts.jsonl"))?;
    assert!(outcomes.lines().all(|line| line.contains("\"alert_opened\"")), "{outcomes}");
    Ok(())
}

#[test]
fn work_that_was_broken_off_goes_on_with_what_is_missing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (_, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    let whole = export(&database, &history, &RANGE)?;
    let part = history.join("samples/day=2026-01-05/group=00000.parquet");
    let bytes = std::fs::read(&part)?;
    std::fs::remove_file(&part)?;
    std::fs::write(part.with_extension("parquet.part"), &bytes[..bytes.len() / 2])?;
    let rest = export(&database, &history, &RANGE)?;
    assert_eq!(
        (rest["parts"].as_u64(), rest["parts_before"].as_u64()),
        (Some(1), whole["parts"].as_u64().map(|parts| parts - 1))
    );
    assert_eq!(std::fs::read(&part)?, bytes, "the same samples give the same bytes");
    assert!(!part.with_extension("parquet.part").exists());
    Ok(())
}

#[test]
fn a_folder_of_another_history_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (_, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    export(&database, &history, &RANGE)?;
    let other = ["--since", "2026-01-05T00:00:00Z", "--until", "2026-01-06T00:00:00Z"];
    let always = ["dataset", "export", "--db", text(&database), "--out", text(&history)];
    let called = call(&[&always[..], &other].concat())?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("another beginning"), "{}", called.said);
    assert!(called.said.contains("next:"), "{}", called.said);
    Ok(())
}

pub(crate) fn build(history: &Path, out: &Path, more: &[&str]) -> Outcome<serde_json::Value> {
    let always = ["dataset", "build", "--history", text(history), "--out", text(out), "--json"];
    let called = call(&[&always, more].concat())?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    Ok(serde_json::from_str(&called.printed)?)
}

pub(crate) fn files(folder: &Path) -> Outcome<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for path in
        [folder.join("manifest.json"), folder.join("streams.jsonl"), folder.join("rows/group=00000.parquet")]
    {
        found.push((path.strip_prefix(folder)?.to_owned(), std::fs::read(&path)?));
    }
    Ok(found)
}

#[test]
fn a_data_set_is_the_same_to_the_byte_however_it_came_to_be() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (_, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    export(&database, &history, &RANGE)?;
    let (once, again, resumed) =
        (folder.path().join("once"), folder.path().join("again"), folder.path().join("resumed"));
    let manifest = build(&history, &once, &["--keep-all", "--threads", "1"])?;
    build(&history, &again, &["--keep-all", "--threads", "3"])?;
    assert_eq!(files(&once)?, files(&again)?, "threads and folders leave no trace");
    build(&history, &resumed, &["--keep-all"])?;
    std::fs::remove_file(resumed.join("rows/group=00000.json"))?;
    std::fs::write(resumed.join("rows/group=00000.parquet"), b"half")?;
    std::fs::remove_file(resumed.join("manifest.json"))?;
    build(&history, &resumed, &["--keep-all"])?;
    assert_eq!(files(&once)?, files(&resumed)?, "broken off and gone on with");
    let (samples, unsure) = (manifest["samples"].as_u64(), manifest["unsure"].as_u64());
    let sides = ["train", "validation", "test"].map(|side| manifest["sides"][side]["rows"].as_u64());
    let rows: u64 = sides.iter().flatten().sum::<u64>() + manifest["left_out"].as_u64().unwrap_or(0);
    assert_eq!(samples, unsure.map(|unsure| unsure + rows), "{manifest}");
    assert!(sides.iter().all(|rows| *rows > Some(0)), "{manifest}");
    assert!(manifest["leakage_rows_tried"].as_u64() > Some(0), "{manifest}");
    Ok(())
}

#[test]
fn a_damaged_part_is_named_and_nothing_is_made_of_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (_, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    export(&database, &history, &RANGE)?;
    let part = history.join("samples/day=2026-01-05/group=00000.parquet");
    let bytes = std::fs::read(&part)?;
    std::fs::write(&part, &bytes[..bytes.len() - 20])?;
    let out = folder.path().join("out");
    let called = call(&["dataset", "build", "--history", text(&history), "--out", text(&out)])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("group=00000.parquet is damaged"), "{}", called.said);
    assert!(!out.join("manifest.json").exists() && !out.join("rows/group=00000.json").exists());
    std::fs::remove_file(&part)?;
    let called = call(&["dataset", "build", "--history", text(&history), "--out", text(&out)])?;
    assert!(called.said.contains("the history lacks"), "{}", called.said);
    Ok(())
}

#[test]
fn a_folder_begun_with_other_settings_is_not_gone_on_with() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (_, database) = recorded(folder.path())?;
    let history = folder.path().join("history");
    export(&database, &history, &RANGE)?;
    let out = folder.path().join("out");
    build(&history, &out, &["--keep-all"])?;
    let called = call(&["dataset", "build", "--history", text(&history), "--out", text(&out)])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("another thinning"), "{}", called.said);
    let called = call(&["dataset", "build", "--history", text(folder.path()), "--out", text(&out)])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("holds no exported history"), "{}", called.said);
    Ok(())
}
