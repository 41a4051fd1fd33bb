//! Notices about models, told by `run` and shown by `events tail`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use linkcast_domain::{Clock, Notice, NoticeKind, Severity, SystemClock};
use linkcast_pipeline::{NoBus, NoticeBoard};
use linkcast_store::SqliteStore;
use serde_json::Value;

use crate::support::{Outcome, call, linkcast, text};

const TASK: &str = "link-health";
const METRICS: &str = "# TYPE node_infiniband_symbol_error_total counter\n\
    node_infiniband_symbol_error_total{device=\"mlx5_0\",port=\"1\"} 7\n";

/// Puts a notice on the board, as whoever watches models does.
fn publish(database: &Path, what: &str, severity: Severity) -> Outcome {
    let store = SqliteStore::open(database)?;
    let (place, happened) = (("fabric", TASK), (what, SystemClock.now()));
    let notice = Notice::of(NoticeKind::Rollout, place, happened, severity, format!("{what} was taken"));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let _ = runtime.block_on(NoticeBoard::new(&store, TASK).publish(&NoBus, &notice.with("weight", 10)))?;
    Ok(())
}

/// Asks a source once, and tells what there is to tell.
fn run_once(folder: &Path, more: &[&str]) -> Outcome {
    let metrics = crate::support::file(folder, "metrics.txt", METRICS)?;
    let (database, output) = (folder.join("linkcast.db"), folder.join("told.jsonl"));
    let source = format!("command:cat {}", metrics.display());
    let arguments =
        ["run", "--once", "--source", &source, "--db", text(&database), "--output", text(&output)];
    let called = call(&[&arguments[..], more].concat())?;
    if called.code == Some(0) { Ok(()) } else { Err(called.said.into()) }
}

#[test]
fn a_notice_is_told_once_and_the_stream_says_to_whom() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("linkcast.db");
    let dead = ["--webhook", "http://127.0.0.1:1/hook", "--notices", "webhook=warning"];
    run_once(folder.path(), &dead).unwrap();
    publish(&database, "step one", Severity::Info).unwrap();
    publish(&database, "step two", Severity::Critical).unwrap();
    for _ in 0..3 {
        run_once(folder.path(), &dead).unwrap();
    }
    let told = std::fs::read_to_string(folder.path().join("told.jsonl")).unwrap();
    assert_eq!(told.lines().filter(|line| line.starts_with(r#"{"notice":"#)).count(), 2, "{told}");

    let shown = call(&["events", "tail", "--db", text(&database), "--kind", "rollout"]).unwrap();
    assert_eq!(shown.code, Some(0), "{}", shown.said);
    let lines: Vec<&str> = shown.printed.lines().collect();
    assert_eq!(lines.len(), 2, "{}", shown.printed);
    assert!(lines[0].contains("rollout   info      step one was taken [told file:"), "{}", lines[0]);
    assert!(!lines[0].contains("webhook"), "too slight for the webhook: {}", lines[0]);
    assert!(lines[1].contains("critical  step two was taken [told file:"), "{}", lines[1]);
    assert!(lines[1].contains("not told webhook:http://127.0.0.1:1/hook: "), "{}", lines[1]);

    let shown = call(&["events", "tail", "--db", text(&database), "--json"]).unwrap();
    let events: Vec<Value> = shown.printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[1]["kind"], "rollout");
    assert_eq!(events[1]["told"][0]["outcome"], "told");
    assert_eq!(events[1]["told"][1]["outcome"], "failed");
    let none = call(&["events", "tail", "--db", text(&database), "--kind", "alert"]).unwrap();
    assert_eq!((none.code, none.printed.as_str()), (Some(0), ""));
}

#[test]
fn who_follows_sees_what_happens_and_leaves_by_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("linkcast.db");
    publish(&database, "step one", Severity::Info).unwrap();
    let mut child = linkcast()
        .args(["events", "tail", "--follow", "--every", "50ms", "--db", text(&database)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("step one was taken"));
    publish(&database, "step two", Severity::Warning).unwrap();
    assert!(next().contains("step two was taken"));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(lines.next().is_none(), "each was shown once");
}
