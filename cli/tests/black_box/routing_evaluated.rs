//! `routing evaluate` against servers that run here and an address where nobody is.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;

use linkcast_server::{ModelSource, Models, Server, ServerSettings};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::models::model;
use crate::support::{Called, Outcome, call, file, text};

/// Nobody listens at the port of tcpmux.
const NOBODY: &str = "127.0.0.1:1";

/// A server of two models in this process, until it is dropped.
struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves the shipped model as `shipped`, and the one in `other` as `other`.
fn start(other: &Path) -> Outcome<Running> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    let models = Models::of("shipped".parse()?, ModelSource::Folder(shipped))?;
    let models = models.and("other".parse()?, ModelSource::Folder(other.to_owned()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let settings = ServerSettings::new(([127, 0, 0, 1], 0).into());
    let server = runtime.block_on(Server::bind(settings, models))?;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _ = runtime.block_on(server.run_until(async { stopped.await.unwrap_or_default() }));
    });
    Ok(Running { address, stop: Some(stop), thread: Some(thread) })
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// 70 % of the streams for one model and 30 % for nobody, with the other model standing in.
fn policy(folder: &Path, address: SocketAddr) -> Outcome<std::path::PathBuf> {
    let target = |url: String| format!(r#"{{"kind":"http","protocol":"linkcast","url":"{url}"}}"#);
    let (live, spare) = (
        target(format!("http://{address}/endpoints/shipped/invocations")),
        target(format!("http://{address}/endpoints/other/invocations")),
    );
    let dead = target(format!("http://{NOBODY}/invocations"));
    let text = format!(
        r#"{{"salt":"lab","fallback":["spare","embedded"],"deadline_ms":20000,"variants":[
        {{"name":"live","weight":70,"target":{live},"prices":{{"instance_hour":86700000}}}},
        {{"name":"dead","weight":30,"target":{dead}}},
        {{"name":"spare","weight":0,"target":{spare}}},
        {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#
    );
    file(folder, "policy.json", &text)
}

fn evaluated(policy: &Path, more: &[&str]) -> Outcome<Called> {
    let small = ["--ports", "128", "--hours", "6", "--fault-rate", "0.05", "--rows", "400"];
    call(&[&["routing", "evaluate", text(policy)], &small[..], more].concat())
}

#[test]
fn each_variant_has_its_row_a_dead_one_says_so_and_outages_follow_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&model(folder.path(), "9").unwrap()).unwrap();
    let policy = policy(folder.path(), running.address).unwrap();
    let called = evaluated(&policy, &["--json"]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    let lines: Vec<Value> =
        called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>().unwrap();
    let [set, live, dead, spare, embedded, outages @ ..] = lines.as_slice() else {
        panic!("{}", called.printed)
    };
    assert_eq!((&set["synthetic"], &set["rows"]), (&true.into(), &400.into()), "{set}");

    assert_eq!((&dead["variant"], &dead["unanswered_percent"]), (&"dead".into(), &100.0.into()));
    assert!(dead["figures"].is_null() && dead["p50_ms"].is_null() && dead["version"].is_null(), "{dead}");
    assert!(dead["reasons"]["unreachable"].as_u64() >= Some(5), "{dead}");
    assert!(dead["reasons"]["resting"].as_u64() > Some(300), "its breaker opens: {dead}");
    for (one, kind) in [(live, "http"), (spare, "http"), (embedded, "embedded")] {
        assert_eq!((&one["kind"], &one["asked"], &one["unanswered"]), (&kind.into(), &400.into(), &0.into()));
        assert_eq!(one["figures"], live["figures"], "they are one model under three names");
        assert!(one["p50_ms"].as_f64() > Some(0.0) && one["p99_ms"].as_f64() >= one["p50_ms"].as_f64());
    }
    assert!(live["figures"]["macro_f1"].as_f64() > Some(0.4), "{live}");
    assert_eq!((&spare["version"], &live["figures"]["rows"]), (&"9".into(), &400.into()));
    assert!(live["dollars_an_insight"].as_f64() > Some(0.0) && spare["dollars_an_insight"] == 0.0);

    let off: Vec<usize> = outages.iter().filter_map(|one| Some(one["off"].as_array()?.len())).collect();
    assert_eq!(off, [0, 1, 2, 3]);
    let share = |place: usize, name: &str| outages[place]["answered_by"][name].as_f64();
    assert!(share(0, "live") > Some(40.0) && share(0, "spare") > Some(5.0), "{}", outages[0]);
    assert_eq!((share(0, "dead"), share(0, "embedded")), (None, None));
    assert_eq!(
        (share(1, "spare"), share(2, "spare"), share(3, "embedded")),
        (Some(100.0), Some(100.0), Some(100.0))
    );
    for outage in outages {
        assert_eq!((&outage["accuracy_points"], &outage["macro_f1_points"]), (&0.0.into(), &0.0.into()));
    }
}

#[test]
fn people_read_two_tables_and_that_the_rows_are_synthetic() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(&model(folder.path(), "9").unwrap()).unwrap();
    let policy = policy(folder.path(), running.address).unwrap();
    let called = evaluated(&policy, &["--seed", "3"]).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.printed.starts_with("400 of "), "{}", called.printed);
    for said in [
        "synthetic rows",
        "dead did not answer 400 of 400: ",
        "100.0 %",
        "live, dead, spare",
        "embedded 100.0 %",
    ] {
        assert!(called.printed.contains(said), "{said}: {}", called.printed);
    }
}

#[test]
fn what_is_no_policy_is_told_before_anything_is_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "policy.json", r#"{"salt":"a","variants":[],"fallback":[]}"#).unwrap();
    let called = evaluated(&path, &[]).unwrap();
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(called.said.contains("variants: found 0, expected 1 to 16"), "{}", called.said);
}
