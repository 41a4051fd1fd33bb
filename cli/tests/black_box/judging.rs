//! `replay`, `predict` and the looks into a database, on ibsim's recorded fabric.

use std::path::{Path, PathBuf};

use crate::support::{Outcome, call, file, text};
use serde_json::Value;

/// Readings of two ports of one switch, 30 s apart; someone resets the counters before 120 s.
fn series() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/ibsim/series-leaf-r01-p2")
}

fn json_lines(printed: &str) -> Outcome<Vec<Value>> {
    Ok(printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// A database that a replay of the series made.
fn database(folder: &Path) -> Outcome<PathBuf> {
    let path = folder.join("linkcast.db");
    let called = call(&["replay", text(&series()), "--db", text(&path)])?;
    if called.code == Some(0) { Ok(path) } else { Err(called.said.into()) }
}

#[test]
fn a_replay_gives_the_rates_and_errors_that_were_set_and_survives_a_reset() {
    let called = call(&["replay", text(&series()), "--json"]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let lines = json_lines(&called.printed).unwrap();
    let is_port_2 = |line: &&Value| line["stream_id"].as_str().is_some_and(|id| id.ends_with("/2"));
    let samples: Vec<&Value> =
        lines.iter().filter(|line| line["kind"] == "sample").filter(is_port_2).collect();
    let times: Vec<&str> =
        samples.iter().map(|sample| &sample["timestamp"].as_str().unwrap()[14..19]).collect();
    assert_eq!(times, ["00:30", "01:00", "01:30", "02:00", "02:30"]);
    for sample in &samples[..3] {
        assert_eq!(sample["xmit_gbps"], 100.0);
        assert!((sample["rcv_gbps"].as_f64().unwrap() - 85.33).abs() < 0.01, "{sample}");
        assert_eq!(sample["reset"], 0.0);
    }
    let symbol_errors: Vec<Option<f64>> =
        samples.iter().map(|sample| sample["symbol_errors"].as_f64()).collect();
    assert_eq!(symbol_errors, [Some(200.0), Some(200.0), None, Some(0.0), Some(0.0)]);
    let saturated: Vec<bool> =
        samples.iter().map(|sample| sample["saturated_counters"].as_f64().unwrap() > 0.0).collect();
    assert_eq!(saturated, [false, true, true, false, false]);
    assert_eq!(samples[3]["reset"], 1.0);
    for sample in &samples[3..] {
        assert!((0.0..1.0).contains(&sample["bandwidth_gbps"].as_f64().unwrap()), "{sample}");
    }
    let insights: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "insight").collect();
    assert!(
        insights.iter().any(|insight| insight["related_entity"].as_str().unwrap().ends_with("/2")),
        "{insights:?}"
    );
}

#[test]
fn what_a_replay_found_can_be_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).unwrap();
    let ports = call(&["ports", "--json", "--db", text(&database)]).unwrap();
    assert_eq!(json_lines(&ports.printed).unwrap().len(), 2);
    let insights = call(&["insights", "--json", "--db", text(&database)]).unwrap();
    let insights = json_lines(&insights.printed).unwrap();
    let sick = |insight: &&Value| insight["prediction_type"] == "connection_instability";
    let told: Vec<&Value> = insights.iter().filter(sick).collect();
    assert!(!told.is_empty(), "{insights:?}");
    for insight in told {
        assert_eq!(insight["related_entity"], "lid2/2");
        assert!(insight["explanation"].as_str().unwrap().contains("200 symbol errors"), "{insight}");
    }
    for name in ["entity_id", "risk_score", "confidence", "explanation", "influencers", "model_used"] {
        assert!(!insights[0][name].is_null(), "{name}: {}", insights[0]);
    }
    let none = call(&["insights", "--json", "--min-risk", "100", "--db", text(&database)]).unwrap();
    assert_eq!((none.code, none.printed.as_str()), (Some(0), ""));
    let alerts = call(&["alerts", "--json", "--state", "firing", "--db", text(&database)]).unwrap();
    assert_eq!(alerts.code, Some(0), "{}", alerts.said);
}

#[test]
fn a_replay_that_was_done_before_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).unwrap();
    let before = call(&["insights", "--json", "--db", text(&database)]).unwrap().printed;
    let again = call(&["replay", text(&series()), "--db", text(&database)]).unwrap();
    assert_eq!(again.code, Some(0), "{}", again.said);
    assert!(again.said.contains("6 of 6 instants were done before"), "{}", again.said);
    assert_eq!(call(&["insights", "--json", "--db", text(&database)]).unwrap().printed, before);
}

#[test]
fn a_database_that_is_missing_damaged_or_newer_has_its_own_message() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &Path, code: i32, why: &str| {
        let called = call(&["insights", "--db", text(path)]).unwrap();
        assert_eq!(called.code, Some(code), "{}", called.said);
        assert!(called.said.contains(why) && called.said.contains("next:"), "{}", called.said);
    };
    check(&folder.path().join("absent.db"), 3, "does not exist");
    let damaged = file(folder.path(), "damaged.db", &"no database at all. ".repeat(500)).unwrap();
    check(&damaged, 4, "damaged or not a linkcast database");
    let newer = database(folder.path()).unwrap();
    let mut bytes = std::fs::read(&newer).unwrap();
    // SQLite keeps the layout's number, `user_version`, in bytes 60 to 63 of the file.
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(&newer, bytes).unwrap();
    check(&newer, 4, "layout 999");
    let called = call(&["insights"]).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
}

#[test]
fn every_sample_of_a_capture_is_judged_by_predict() {
    let called = call(&["predict", text(&series()), "--json"]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let verdicts = json_lines(&called.printed).unwrap();
    assert_eq!(verdicts.len(), 10);
    for verdict in &verdicts {
        assert!((0.0..=100.0).contains(&verdict["risk_score"].as_f64().unwrap()), "{verdict}");
        assert!((0.0..=1.0).contains(&verdict["confidence"].as_f64().unwrap()), "{verdict}");
    }
}

/// A copy of the shipped model without its packed form, so that its ONNX files are what is read.
fn model(folder: &Path) -> Outcome<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    for name in ["classifier.onnx", "regressor.onnx", "card.json"] {
        std::fs::copy(shipped.join(name), folder.join(name))?;
    }
    Ok(folder.to_owned())
}

#[test]
fn a_model_of_another_schema_or_with_a_damaged_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path()).unwrap();
    let predict = || call(&["predict", "--model", text(&model), text(&series())]).unwrap();
    assert_eq!(predict().code, Some(0));
    let card = std::fs::read_to_string(model.join("card.json")).unwrap();
    let other = card.replace("\"feature_schema\": 1", "\"feature_schema\": 2");
    assert_ne!(other, card);
    file(&model, "card.json", &other).unwrap();
    let called = predict();
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains("feature schema 2, expected 1"), "{}", called.said);
    file(&model, "card.json", &card).unwrap();
    file(&model, "classifier.onnx", "torn").unwrap();
    let called = predict();
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains("classifier.onnx"), "{}", called.said);
    std::fs::remove_file(model.join("classifier.onnx")).unwrap();
    assert_eq!(predict().code, Some(5));
}
