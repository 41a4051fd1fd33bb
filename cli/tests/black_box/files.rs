//! The commands that read and write files, called as a user calls them.

use std::process::Stdio;

use crate::support::{call, file, finished, linkcast, text};

const SAMPLES: &str = "stream_id,timestamp,symbol_errors,link_rate_gbps,interval_s\n\
    0000000000200000/2,2026-01-01T00:00:30Z,200,100,30\n\
    0000000000200000/2,2026-01-01T00:01:00Z,,100,30\n";

#[test]
fn inspect_says_what_a_sample_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "samples.csv", SAMPLES).unwrap();
    let called = call(&["inspect", text(&path), "--json"]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let holding: serde_json::Value = serde_json::from_str(&called.printed).unwrap();
    assert_eq!(holding["samples"], 2);
    assert_eq!(holding["streams"], 1);
    assert_eq!(holding["counters"]["symbol_errors"], 1);
    assert_eq!(holding["first"], "2026-01-01T00:00:30.000Z");
    let accounted: u64 =
        ["used", "ignored", "rejected"].iter().map(|fate| holding[*fate].as_u64().unwrap()).sum();
    assert_eq!(holding["lines"].as_u64().unwrap(), accounted);
}

#[test]
fn a_bad_value_is_told_by_file_line_and_field_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let bad = format!("{SAMPLES}0000000000200000/2,2026-01-01T00:01:30Z,many,100,30\n");
    let path = file(folder.path(), "samples.csv", &bad).unwrap();
    let called = call(&["inspect", text(&path)]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.printed.contains("samples.csv:4"), "{}", called.printed);
    assert!(called.printed.contains("symbol_errors"), "{}", called.printed);
    assert!(called.said.contains("1 lines were rejected"), "{}", called.said);
}

#[test]
fn a_file_without_telemetry_is_unusable_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "notes.txt", "buy milk\n").unwrap();
    let called = call(&["inspect", text(&path)]).unwrap();
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("notes.txt"), "{}", called.said);
    assert!(called.said.contains("next:"), "{}", called.said);
}

#[test]
fn a_missing_file_is_unusable_input_and_named() {
    let called = call(&["inspect", "no-such-capture"]).unwrap();
    assert_eq!(called.code, Some(3));
    assert!(called.said.contains("no-such-capture"), "{}", called.said);
}

#[test]
fn wrong_arguments_and_a_wrong_environment_exit_with_two() {
    assert_eq!(call(&["inspect"]).unwrap().code, Some(2));
    assert_eq!(call(&["forecast"]).unwrap().code, Some(2));
    assert_eq!(call(&["inspect", "x", "--format", "morse"]).unwrap().code, Some(2));
    let called =
        finished(linkcast().args(["inspect", "x"]).env("LINKCAST_LOG", "loud").output().unwrap()).unwrap();
    assert_eq!(called.code, Some(2));
    assert!(
        called.said.contains(r#"LINKCAST_LOG="loud": expected quiet, normal or verbose"#),
        "{}",
        called.said
    );
}

#[test]
fn features_are_written_with_a_name_for_every_column_and_nothing_for_absent() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "samples.csv", SAMPLES).unwrap();
    let out = folder.path().join("features.csv");
    let called = call(&["features", text(&path), "--out", text(&out)]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let written = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<Vec<&str>> = written.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.len() == 42));
    assert_eq!(lines[0][2], "latency_p99");
    assert_eq!(lines[1][2], "");
    let symbol_ber = lines[0].iter().position(|name| *name == "symbol_ber_12m").unwrap();
    let expected = 200.0 / (100.0 * 1e9 * 30.0);
    assert!(
        (lines[1][symbol_ber].parse::<f64>().unwrap() / expected - 1.0).abs() < 1e-6,
        "{}",
        lines[1][symbol_ber]
    );
}

#[test]
fn a_feature_file_of_another_kind_is_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "samples.csv", SAMPLES).unwrap();
    let called = call(&["features", text(&path), "--out", "features.xlsx"]).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains(".parquet"), "{}", called.said);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..400 {
        file(folder.path(), &format!("samples-{number}.csv"), SAMPLES).unwrap();
    }
    let mut command = linkcast();
    command.args(["inspect", text(folder.path()), "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let called = finished(child.wait_with_output().unwrap()).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let called = call(&["completions", shell]).unwrap();
        assert_eq!(called.code, Some(0));
        assert!(called.printed.contains("inspect"), "{shell}");
    }
}

#[test]
fn a_simulation_is_the_same_each_time_and_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    for out in [&one, &other] {
        let called = call(&["simulate", "--ports", "64", "--hours", "0.1", "--out", text(out)]).unwrap();
        assert_eq!(called.code, Some(0), "{}", called.said);
        assert!(called.printed.contains("synthetic"), "{}", called.printed);
    }
    for entry in std::fs::read_dir(&one).unwrap() {
        let name = entry.unwrap().file_name();
        assert_eq!(
            std::fs::read(one.join(&name)).unwrap(),
            std::fs::read(other.join(&name)).unwrap(),
            "{name:?}"
        );
    }
    let called = call(&["inspect", text(&one)]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
}

#[test]
fn every_third_party_capture_is_read_and_each_line_accounted_for() {
    let Some(captures) = std::env::var_os("LINKCAST_CAPTURES") else { return };
    let called = finished(linkcast().arg("inspect").arg(captures).arg("--json").output().unwrap()).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    for line in called.printed.lines() {
        let holding: serde_json::Value = serde_json::from_str(line).unwrap();
        let fates = ["used", "ignored", "rejected"].iter().map(|fate| holding[*fate].as_u64().unwrap());
        assert_eq!(holding["lines"].as_u64().unwrap(), fates.sum::<u64>(), "{}", holding["file"]);
    }
}
