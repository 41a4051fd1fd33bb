//! Verdicts as a user gives them. What asks for one is put into the database as data sets' builds do.

use std::fs;
use std::future::Future as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use linkcast_domain::{
    ModelOpinion, PredictionType, ReviewDesk, ReviewId, ReviewItem, RuleOpinion, StreamId, Timestamp,
};
use linkcast_store::SqliteStore;
use serde_json::Value;

use crate::support::{Called, Outcome, call, file, text};

fn stream(number: u64) -> Outcome<StreamId> {
    Ok(format!("{number:016x}/1").parse()?)
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000)
}

/// A database in which items 1 to 4 ask for a verdict, the first the most.
fn database(folder: &Path) -> Outcome<PathBuf> {
    let path = folder.join("linkcast.db");
    let mut items = Vec::new();
    for number in 1..=4 {
        let stream = stream(number)?;
        let rules = RuleOpinion {
            class: PredictionType::PacketLossDetected,
            risk: 80.0,
            confidence: 0.7,
            rule: Some("packets in error over 2 %".into()),
            disputed_by: None,
        };
        let model = Some(ModelOpinion { class: PredictionType::Normal, risk: 3.0, confidence: 0.9 });
        let id = ReviewId::of(&stream, at());
        items.push(ReviewItem { id, stream, time: at(), rules, model, priority: 50.0 / number as f64 });
    }
    let store = SqliteStore::open(&path)?;
    let desk = ReviewDesk::new(&store);
    let mut asking = pin!(desk.ask(&items));
    match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(asked) => assert_eq!(asked?.new, 4),
        Poll::Pending => return Err("a file answers at once".into()),
    }
    Ok(path)
}

fn review(database: &Path, arguments: &[&str]) -> Outcome<Called> {
    call(&[&["review"], arguments, &["--db", text(database)]].concat())
}

/// A call that must succeed, its lines as JSON.
fn lines(database: &Path, arguments: &[&str]) -> Outcome<Vec<Value>> {
    let called = review(database, &[arguments, &["--json"]].concat())?;
    assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
    Ok(called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn give(database: &Path, number: u64, verdict: &str, reviewer: &str) -> Outcome<Value> {
    let id = ReviewId::of(&stream(number)?, at()).to_string();
    let more = ["--severity", "60", "--note", "cable 7, \"loose\""];
    let given = ["set", &id, "--verdict", verdict, "--reviewer", reviewer];
    Ok(lines(database, &[&given[..], &more].concat())?.remove(0))
}

fn streams(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["stream"].as_str()?.get(15..16)).collect()
}

#[test]
fn what_asks_most_comes_first_and_goes_when_it_was_judged() -> Outcome {
    let folder = tempfile::tempdir()?;
    let database = database(folder.path())?;
    assert_eq!(streams(&lines(&database, &["list", "--limit", "3"])?), ["1", "2", "3"]);
    let judged = give(&database, 1, "false_positive", "ada")?;
    assert_eq!(judged["reviews"][0]["verdict"], "false_positive");
    assert_eq!(judged["reviews"][0]["note"], "cable 7, \"loose\"");
    assert_eq!(streams(&lines(&database, &["list"])?), ["2", "3", "4"]);
    assert_eq!(streams(&lines(&database, &["list", "--needs-second"])?), ["1"]);
    assert!(lines(&database, &["list", "--needs-second", "--reviewer", "ada"])?.is_empty());
    give(&database, 1, "packet_loss_detected", "bob")?;
    assert_eq!(streams(&lines(&database, &["list", "--standing", "disputed"])?), ["1"]);
    let agreed = give(&database, 1, "packet_loss_detected", "ada")?;
    assert_eq!(agreed["reviews"].as_array().map(Vec::len), Some(3), "what she said before is kept");
    assert_eq!(streams(&lines(&database, &["list", "--standing", "agreed"])?), ["1"]);
    let told = review(&database, &["list", "--standing", "all"])?.printed;
    assert!(told.contains("packets in error over 2 %") && told.contains("normal (0.90)"), "{told}");
    Ok(())
}

#[test]
fn a_verdict_on_nothing_and_a_word_that_is_none_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let database = database(folder.path())?;
    let nobody = ReviewId::of(&stream(9)?, at()).to_string();
    let called = review(&database, &["set", &nobody, "--verdict", "normal", "--reviewer", "ada"])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("nobody asked about item"), "{}", called.said);
    let called = review(&database, &["set", &nobody, "--verdict", "broken", "--reviewer", "ada"])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("false_positive"), "{}", called.said);
    Ok(())
}

#[test]
fn what_is_exported_is_imported_again_without_a_change() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (first, other) = (folder.path().join("first"), folder.path().join("other"));
    fs::create_dir(&first)?;
    fs::create_dir(&other)?;
    let (first, other) = (database(&first)?, database(&other)?);
    for (number, verdict, reviewer) in
        [(1, "normal", "ada"), (1, "false_positive", "ada"), (2, "normal", "bob")]
    {
        give(&first, number, verdict, reviewer)?;
    }
    for name in ["reviews.csv", "reviews.jsonl"] {
        let path = folder.path().join(name);
        let told = lines(&first, &["export", text(&path)])?;
        assert_eq!((&told[0]["items"], &told[0]["rows"]), (&4.into(), &5.into()));
        let told = lines(&first, &["import", text(&path)])?;
        assert_eq!(
            (&told[0]["taken"], &told[0]["known"], &told[0]["open"]),
            (&0.into(), &3.into(), &2.into())
        );
        lines(&other, &["import", text(&path)])?;
        let again = folder.path().join(format!("again-{name}"));
        lines(&other, &["export", text(&again)])?;
        assert_eq!(fs::read_to_string(&path)?, fs::read_to_string(&again)?, "{name}");
    }
    Ok(())
}

#[test]
fn bad_rows_are_told_by_line_and_field_and_the_rest_is_taken() -> Outcome {
    let folder = tempfile::tempdir()?;
    let database = database(folder.path())?;
    let (one, nobody) = (ReviewId::of(&stream(1)?, at()), ReviewId::of(&stream(9)?, at()));
    let rows = format!(
        "item,verdict,reviewer,severity\n{one},loss,ada,\n{nobody},normal,ada,\n{one},normal,ada,much\n{one},normal,,\n"
    );
    let path = file(folder.path(), "filled.csv", &rows)?;
    let called = review(&database, &["import", text(&path), "--reviewer", "eve", "--json"])?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    let tally: Value = serde_json::from_str(&called.printed)?;
    assert_eq!((&tally["taken"], &tally["rejected"]), (&1.into(), &3.into()));
    for told in ["filled.csv:2: verdict:", "filled.csv:3: item:", "filled.csv:4: severity:"] {
        assert!(called.said.contains(told), "{told}: {}", called.said);
    }
    assert_eq!(lines(&database, &["list", "--needs-second"])?[0]["reviews"][0]["reviewer"], "eve");
    let path = file(folder.path(), "useless.csv", &rows.replace(",,", ",,900"))?;
    let called = review(&database, &["import", text(&path)])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    let called = review(&database, &["import", "filled.xlsx"])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    Ok(())
}

#[test]
fn reviewers_agreement_is_told_and_undefined_where_it_is() -> Outcome {
    let folder = tempfile::tempdir()?;
    let database = database(folder.path())?;
    let called = review(&database, &["agreement"])?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.said.contains("--needs-second"), "{}", called.said);
    for number in 1..=2 {
        give(&database, number, "normal", "ada")?;
        give(&database, number, "normal", "bob")?;
    }
    let pairs = lines(&database, &["agreement"])?;
    assert_eq!((&pairs[0]["items"], &pairs[0]["kappa"]), (&2.into(), &Value::Null));
    assert!(review(&database, &["agreement"])?.printed.contains("undefined"));
    give(&database, 3, "rdma_timeout", "ada")?;
    give(&database, 3, "rdma_timeout", "bob")?;
    give(&database, 4, "rdma_timeout", "ada")?;
    give(&database, 4, "normal", "bob")?;
    // 3 of 4 the same; by chance (2 · 3 + 2 · 1) / 16 = 0.5.
    let pairs = lines(&database, &["agreement"])?;
    assert_eq!((pairs[0]["observed"].as_f64(), pairs[0]["kappa"].as_f64()), (Some(0.75), Some(0.5)));
    assert_eq!(pairs[0]["verdicts"].as_array().map(Vec::len), Some(2));
    Ok(())
}
