//! `evaluate`: one report for people and the same figures for programs.

use std::path::Path;

use crate::support::{Outcome, call, text};
use serde_json::Value;

/// A tiny fabric with enough faults to say something of.
const TINY: [&str; 9] =
    ["evaluate", "--ports", "128", "--hours", "12", "--fault-rate", "0.02", "--interval-seconds", "120"];

fn evaluated(more: &[&str]) -> Outcome<Value> {
    let called = call(&[&TINY, more].concat())?;
    if called.code != Some(0) {
        return Err(called.said.into());
    }
    Ok(serde_json::from_str(&called.printed)?)
}

#[test]
fn a_report_of_two_fabrics_is_one_file_that_says_what_the_json_says() {
    let count = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    let folder = tempfile::tempdir().unwrap();
    let (html, json) = (folder.path().join("report.html"), folder.path().join("report.json"));
    let findings =
        evaluated(&["--seed", "7,8,7", "--json", "--html", text(&html), "--out-json", text(&json)]).unwrap();
    let written: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(findings, written);

    let fabrics = findings["fabrics"].as_array().unwrap();
    assert_eq!(fabrics.iter().map(|fabric| count(&fabric["seed"])).collect::<Vec<_>>(), [7, 8]);
    let faults: u64 = fabrics.iter().map(|fabric| count(&fabric["shipped"]["faults"])).sum();
    assert!(faults > 10, "{faults}");
    assert_eq!(count(&findings["shipped"]["faults"]), faults);
    assert_eq!(count(&findings["lead_curves"][0]["faults"]), faults);
    let told_by = findings["by_event"].as_array().unwrap();
    let names: Vec<&str> = told_by.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["model", "rules alone", "published thresholds", "majority class"]);
    assert_eq!(told_by[0]["report"], findings["shipped"]);
    assert_eq!(count(&told_by[3]["report"]["alerts"]), 0);
    for judge in findings["rows"]["judges"].as_array().unwrap() {
        let shares = [&judge["balanced"]["macro_f1"], &judge["balanced"]["accuracy"], &judge["macro_auc"]];
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(&share.as_f64().unwrap())), "{judge}");
    }
    let by_rate =
        findings["rows"]["slices"].as_array().unwrap().iter().filter(|one| one["by"] == "link rate");
    assert_eq!(by_rate.map(|one| count(&one["rows"])).sum::<u64>(), count(&findings["rows"]["rows"]));
    let by_fabric = findings["slices"].as_array().unwrap().iter().filter(|slice| slice["by"] == "fabric");
    assert_eq!(by_fabric.map(|slice| count(&slice["faults"])).sum::<u64>(), faults);

    let page = std::fs::read_to_string(&html).unwrap();
    for outside in ["<script", "http-equiv", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let recall = format!("{} of {faults} faults", findings["shipped"]["found"]);
    for part in [
        &recall,
        "Beside the baselines",
        "What is taken for what",
        "Where rows are misjudged",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_model_is_not_held_against_itself() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    let itself = evaluated(&["--seed", "7", "--json", "--model", text(&shipped)]).unwrap();
    assert!(itself["live"].is_null(), "{}", itself["live"]);
    assert_eq!(itself["rows"]["against"], Value::Array(Vec::new()));
    assert_eq!(itself["against_by_event"], Value::Array(Vec::new()));
}

#[test]
fn another_model_is_held_against_the_live_one_on_the_same_faults() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    let train = ["train", "--simulate", "--ports", "300", "--hours", "10", "--fault-rate", "0.05"];
    let called = call(&[&train[..], &["--out", text(&small)]].concat()).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let page = folder.path().join("report.html");
    let model = ["--seed", "7", "--json", "--model", text(&small), "--html", text(&page)];
    let findings = evaluated(&model).unwrap();

    let told_by = findings["by_event"].as_array().unwrap();
    let recall = |name: &str| {
        let contender = told_by.iter().find(|one| one["name"] == name).unwrap();
        contender["report"]["recall"].as_f64().unwrap()
    };
    let by_event = findings["against_by_event"].as_array().unwrap();
    assert_eq!(by_event.len(), 3, "{by_event:?}");
    assert_eq!(by_event[0]["figure"], "recall by event");
    assert_eq!(by_event[0]["candidate"].as_f64().unwrap(), recall("model"));
    assert_eq!(by_event[0]["live"].as_f64().unwrap(), recall("live model"));
    assert_eq!(findings["rows"]["against"].as_array().unwrap().len(), 2);
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.contains("recall by event, before it hurts") && page.contains("balanced macro F1"));
}
