//! From what the rules doubt to a reviewer's verdict to the row that carries it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use linkcast_training::dataset::{DatasetRow, LabelSource, read_rows};
use serde_json::Value;

use crate::datasets::{RANGE, build, export, files, recorded};
use crate::support::{Outcome, call, text};

/// A history, and the database it is of.
fn history(folder: &Path) -> Outcome<(PathBuf, PathBuf)> {
    let (_, database) = recorded(folder)?;
    let history = folder.join("history");
    export(&database, &history, &RANGE)?;
    Ok((history, database))
}

/// What `linkcast review` says, line by line.
fn review(database: &Path, arguments: &[&str]) -> Outcome<Vec<Value>> {
    let called = call(&[&["review"], arguments, &["--db", text(database), "--json"]].concat())?;
    assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
    Ok(called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn give(database: &Path, item: &Value, verdict: &str) -> Outcome {
    let id = item["id"].as_str().ok_or("no id")?;
    review(database, &["set", id, "--verdict", verdict, "--reviewer", "ada", "--severity", "60"])?;
    Ok(())
}

fn rows(dataset: &Path) -> Outcome<Vec<DatasetRow>> {
    let mut rows = Vec::new();
    read_rows(File::open(dataset.join("rows/group=00000.parquet"))?, |row| rows.push(row))?;
    Ok(rows)
}

/// The rows of this item's sample.
fn of_item<'a>(rows: &'a [DatasetRow], item: &Value) -> Vec<&'a DatasetRow> {
    let is_it = |row: &&DatasetRow| {
        item["stream"] == row.stream.as_str() && item["time"] == row.time.to_string().as_str()
    };
    rows.iter().filter(is_it).collect()
}

fn digest(manifest: &Value, what: &str) -> Option<String> {
    let sources = manifest["sources"].as_array()?;
    let source = sources.iter().find(|source| source["what"] == what)?;
    source["digest"].as_str().map(str::to_owned)
}

#[test]
fn a_verdict_on_what_the_rules_doubt_becomes_the_label_of_its_row() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (history, database) = history(folder.path())?;
    let (first, second, third) =
        (folder.path().join("first"), folder.path().join("second"), folder.path().join("third"));
    let settings = ["--reviews", text(&database), "--ask", "6"];
    let told = build(&history, &first, &settings)?;
    assert_eq!((&told["asked"]["new"], &told["asked"]["known"]), (&6.into(), &0.into()), "{told}");
    let items = review(&database, &["list"])?;
    let priorities: Vec<f64> = items.iter().filter_map(|item| item["priority"].as_f64()).collect();
    assert!(priorities.len() == 6 && priorities.is_sorted_by(|one, other| one >= other), "{priorities:?}");
    let before = rows(&first)?;
    assert!(items.iter().all(|item| of_item(&before, item).is_empty()), "what is asked about is no row");

    give(&database, &items[0], "rdma_timeout")?;
    give(&database, &items[1], "false_positive")?;
    let told = build(&history, &second, &settings)?;
    let after = rows(&second)?;
    let [timeout, normal] = [of_item(&after, &items[0]), of_item(&after, &items[1])];
    let label = |rows: &[&DatasetRow]| {
        rows.iter().map(|row| (row.class.name(), row.source, row.risk)).collect::<Vec<_>>()
    };
    assert_eq!(label(&timeout), [("rdma_timeout", LabelSource::Reviewer, 60.0)]);
    assert_eq!(label(&normal), [("normal", LabelSource::Reviewer, 0.0)]);
    assert_eq!(after.len(), before.len() + 2);
    assert!(digest(&told, "reviews").is_some(), "{told}");
    assert_eq!(told["asked"]["known"], 4, "what was answered is not asked again: {told}");
    let open: Vec<Value> = review(&database, &["list"])?.iter().map(|item| item["id"].clone()).collect();
    assert!(!open.contains(&items[0]["id"]) && !open.contains(&items[1]["id"]));

    let exported = folder.path().join("reviews.csv");
    review(&database, &["export", text(&exported)])?;
    build(&history, &third, &["--reviews", text(&exported)])?;
    assert_eq!(files(&second)?, files(&third)?, "a file of the same verdicts gives the same bytes");
    Ok(())
}

#[test]
fn a_build_that_was_broken_off_asks_the_same_and_keeps_its_verdicts() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (history, database) = history(folder.path())?;
    let (out, again) = (folder.path().join("out"), folder.path().join("again"));
    let settings = ["--reviews", text(&database), "--ask", "5"];
    build(&history, &out, &settings)?;
    let (asked, made) = (review(&database, &["list", "--standing", "all"])?, files(&out)?);
    // Once with the group's rows gone, once with them there.
    for part in ["rows/group=00000.json", "manifest.json"] {
        fs::remove_file(out.join(part))?;
        let told = build(&history, &out, &settings)?;
        assert_eq!((&told["asked"]["new"], &told["asked"]["known"]), (&0.into(), &5.into()), "{told}");
        assert_eq!(review(&database, &["list", "--standing", "all"])?, asked);
        assert_eq!(files(&out)?, made);
    }
    build(&history, &again, &[&settings[..2], &["--ask", "0", "--threads", "3"]].concat())?;
    assert_eq!(files(&again)?, made, "whoever is asked, the rows are the same");
    give(&database, &asked[0], "normal")?;
    let always = ["dataset", "build", "--history", text(&history), "--out", text(&out)];
    let called = call(&[&always[..], &settings].concat())?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("another set of outcomes and labels"), "{}", called.said);
    Ok(())
}

#[test]
fn a_model_that_contradicts_the_rules_is_heard() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (history, database) = history(folder.path())?;
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    let out = folder.path().join("out");
    build(&history, &out, &["--reviews", text(&database), "--model", text(&model)])?;
    let items = review(&database, &["list", "--limit", "200"])?;
    assert!(!items.is_empty() && items.iter().all(|item| item["model"]["class"].is_string()), "{items:?}");
    Ok(())
}

#[test]
fn what_cannot_be_asked_and_what_cannot_be_read_is_said() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (history, out) = (folder.path().join("history"), folder.path().join("out"));
    let rows = folder.path().join("reviews.csv");
    fs::write(&rows, "stream_id,timestamp,verdict,reviewer\na/1,5,broken,ada\n")?;
    let always = ["dataset", "build", "--history", text(&history), "--out", text(&out), "--reviews"];
    let refused = |more: &[&str]| call(&[&always[..], more].concat());
    let called = refused(&[text(&rows), "--ask", "9"])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("nobody can be asked"), "{}", called.said);
    let called = refused(&[text(&rows)])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("reviews.csv:2: verdict:"), "{}", called.said);
    let called = refused(&["nowhere.db"])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("does not exist"), "{}", called.said);
    Ok(())
}
