//! Feedback as people give it, and the look a cron job makes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use linkcast_domain::ports::{Changes, PipelineStore};
use linkcast_domain::{
    Clock, FeedbackNote, FeedbackSource, FeedbackVerdict, FeedbackWord, Insight, InsightId, Sample,
    SampleField, SampleValues, StreamId, SystemClock, Timestamp,
};
use linkcast_pipeline::FeedbackDesk;
use linkcast_store::SqliteStore;
use serde_json::{Value, json};

use crate::support::{Called, Outcome, call, text};

const TASK: &str = "link-health";

/// What a file answers, which it does at once.
fn now<T>(work: impl Future<Output = T>) -> Outcome<T> {
    match pin!(work).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => Err("a file answers at once".into()),
    }
}

fn hours_ago(hours: u64) -> Timestamp {
    SystemClock.now().minus(Duration::from_secs(hours * 3_600))
}

/// An insight into stream `number`, which says that its link is about to drop.
fn insight(number: u64, time: Timestamp) -> Outcome<Insight> {
    let stream: StreamId = format!("{number:016x}/1").parse()?;
    Ok(serde_json::from_value(json!({
        "entity_id": InsightId::of(&stream, time, TASK), "timestamp": time, "entity_type": "insight",
        "related_entity": stream, "fabric": "fabric", "prediction_type": "connection_instability",
        "risk_score": 88.0, "confidence": 0.9, "explanation": "symbol errors tripled", "influencers": [],
        "recommendations": [], "model_used": "embedded", "model_version": "5", "feature_schema": 1,
        "variant": "live", "fallback_from": null, "latency_us": 1, "cost_usd": 0.0, "ttl": 0,
    }))?)
}

/// A database with these insights and samples.
fn database(folder: &Path, insights: &[Insight], samples: Vec<Sample>) -> Outcome<PathBuf> {
    let path = folder.join("linkcast.db");
    let changes = Changes { insights: insights.to_vec(), samples, ..Changes::default() };
    now(SqliteStore::open(&path)?.commit(&changes))??;
    Ok(path)
}

fn feedback(database: &Path, arguments: &[&str]) -> Outcome<Called> {
    call(&[&["feedback"], arguments, &["--db", text(database)]].concat())
}

/// A call that must succeed, its lines as JSON.
fn lines(database: &Path, arguments: &[&str]) -> Outcome<Vec<Value>> {
    let called = feedback(database, &[arguments, &["--json"]].concat())?;
    assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
    Ok(called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[test]
fn an_insight_nobody_knows_and_a_correction_of_nothing_are_refused_with_what_to_do() -> Outcome {
    let folder = tempfile::tempdir()?;
    let one = insight(1, hours_ago(3))?;
    let database = database(folder.path(), std::slice::from_ref(&one), Vec::new())?;
    let nobody = insight(2, hours_ago(3))?.entity_id.to_string();
    let unknown = feedback(&database, &["add", &nobody, "--verdict", "confirmed"])?;
    assert_eq!(unknown.code, Some(3), "{}", unknown.said);
    assert!(
        unknown.said.contains("no insight") && unknown.said.contains("linkcast insights"),
        "{}",
        unknown.said
    );
    let id = one.entity_id.to_string();
    for (arguments, said) in [
        (vec!["--verdict", "corrected"], "correction of nothing"),
        (vec!["--verdict", "corrected", "--severity", "101"], "0 to 100"),
        (vec!["--verdict", "confirmed", "--type", "normal"], "corrected alone"),
        (vec!["--verdict", "maybe"], "false_positive"),
    ] {
        let called = feedback(&database, &[&["add", &id][..], &arguments].concat())?;
        assert_eq!(called.code, Some(2), "{}", called.said);
        assert!(called.said.contains(said), "{arguments:?}: {}", called.said);
    }
    assert!(lines(&database, &["list"])?.is_empty());
    Ok(())
}

#[test]
fn the_same_word_twice_is_one_and_a_third_decides_what_two_contest() -> Outcome {
    let folder = tempfile::tempdir()?;
    let one = insight(1, hours_ago(3))?;
    let database = database(folder.path(), std::slice::from_ref(&one), Vec::new())?;
    let id = one.entity_id.to_string();
    let said = |by: &str, verdict: &[&str]| -> Outcome<Value> {
        Ok(lines(&database, &[&["add", &id, "--by", by, "--verdict"][..], verdict].concat())?.remove(0))
    };
    assert_eq!(said("ada", &["confirmed"])?["outcome"], "added");
    assert_eq!(said("ada", &["confirmed"])?["outcome"], "unchanged");
    let contested = said("bob", &["corrected", "--type", "rdma_timeout", "--note", "it was the host"])?;
    assert_eq!((&contested["outcome"], &contested["standing"]), (&json!("added"), &json!("contested")));
    let sums = lines(&database, &["stats"])?;
    assert_eq!((&sums[0]["contested"], &sums[0]["accuracy"]), (&json!(1), &Value::Null));
    assert_eq!(lines(&database, &["list", "--standing", "contested"])?.len(), 1);
    said("eve", &["false_positive"])?;
    let sums = lines(&database, &["stats"])?;
    assert_eq!(
        (&sums[0]["wrong"], &sums[0]["variant"], &sums[0]["model_version"]),
        (&json!(1), &json!("live"), &json!("5"))
    );
    let changed = said("eve", &["confirmed"])?;
    assert_eq!((&changed["outcome"], &changed["standing"]), (&json!("replaced"), &json!("confirmed")));
    assert_eq!(changed["history"][0]["verdict"], "false_positive");
    let told = feedback(&database, &["list"])?.printed;
    assert!(told.contains("bob: corrected to rdma_timeout (it was the host)"), "{told}");
    let told = feedback(&database, &["stats"])?.printed;
    assert!(told.contains("100.0 %"), "{told}");
    Ok(())
}

#[test]
fn a_look_records_outcomes_once_and_is_shown_again_in_its_hour() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (failed, unseen) = (insight(1, hours_ago(5))?, insight(2, hours_ago(5))?);
    let values =
        SampleValues::default().with(SampleField::LinkDowned, 2.0).with(SampleField::IntervalS, 60.0);
    let time = failed.timestamp.plus(Duration::from_secs(20 * 60));
    let sample = Sample { stream: failed.related_entity.clone(), time, values, other: Vec::new() };
    let database = database(folder.path(), &[failed, unseen], vec![sample])?;
    let look = |more: &[&str]| call(&[&["monitor", "--db", text(&database)], more].concat());
    let first: Value = serde_json::from_str(&look(&["--json"])?.printed)?;
    let outcomes = &first["outcomes"];
    assert_eq!(
        (&outcomes["insights"], &outcomes["confirmed"], &outcomes["undecided"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(
        first["drift"]["verdict"]["is"].as_str().or(first["drift"]["look"].as_str()),
        Some("not_enough_data")
    );
    let again = look(&["--fail-on", "variants,drift,quality"])?;
    assert_eq!(again.code, Some(0), "{}", again.said);
    for said in
        ["what the model sees: not enough data", "2 insights up to", "1 came true", "nothing was asked"]
    {
        assert!(again.printed.contains(said), "{said}: {}", again.printed);
    }
    let listed = lines(&database, &["list"])?;
    assert_eq!((listed.len(), &listed[0]["source"]), (1, &json!("outcome")));
    assert_eq!(listed[0]["words"][0]["note"], "link_downed rose 20 min after it");
    Ok(())
}

#[test]
fn a_model_that_is_right_less_often_fails_the_look_that_asks_for_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let database = database(folder.path(), &[], Vec::new())?;
    let store = SqliteStore::open(&database)?;
    let desk = FeedbackDesk::new(&store, TASK);
    for number in 0..350_u64 {
        let time = hours_ago(24 * 10).plus(Duration::from_secs(number * 600));
        let is_wrong = number >= 200 && number % 2 == 0 || number % 20 == 0;
        let verdict = if is_wrong { FeedbackVerdict::FalsePositive } else { FeedbackVerdict::Confirmed };
        let (by, source, note) = ("ada".parse()?, FeedbackSource::Person, FeedbackNote::default());
        now(desk.add_to(&insight(number, time)?, &FeedbackWord { by, source, at: time, verdict, note }))??;
    }
    drop(store);
    let look = |more: &[&str]| call(&[&["monitor", "--db", text(&database)], more].concat());
    let bad = look(&["--fail-on", "quality"])?;
    assert_eq!(bad.code, Some(8), "{}{}", bad.printed, bad.said);
    assert!(
        bad.said.contains("trouble with quality") && bad.said.contains("docs/MONITOR.md"),
        "{}",
        bad.said
    );
    assert!(bad.printed.contains("quality of 5: WORSE"), "{}", bad.printed);
    assert!(
        bad.printed.contains("told: model 5 is right less often than when it went live"),
        "{}",
        bad.printed
    );
    assert_eq!(look(&["--fail-on", "drift"])?.code, Some(0));
    Ok(())
}
