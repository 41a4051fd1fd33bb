//! `score-nab` and `score-events` on the third parties' data that docs/REAL_TELEMETRY.md tells of.
//!
//! The data is not part of this repository: `LINKCAST_CAPTURES` names the folder it lies in, and without it nothing can be said.

use std::path::{Path, PathBuf};

use crate::support::{Outcome, call, text};
use serde_json::Value;

/// A folder below `data/` of the captures; a test without it says so and ends.
fn third_party(folder: &str) -> Option<PathBuf> {
    let Some(captures) = std::env::var_os("LINKCAST_CAPTURES") else {
        eprintln!(
            "skipped: LINKCAST_CAPTURES does not name a folder of captures, so there is no {folder} to score"
        );
        return None;
    };
    let path = Path::new(&captures).join("data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn map(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../maps").join(name)
}

fn scored(arguments: &[&str]) -> Outcome<Value> {
    let called = call(&[arguments, &["--json"]].concat())?;
    if called.code != Some(0) {
        return Err(called.said.into());
    }
    Ok(serde_json::from_str(&called.printed)?)
}

/// The figures of docs/NOTIFICATIONS.md. The trace has no counters; what it makes of a server that is off the fabric says `judging::fault_trace`.
#[test]
fn servers_that_leave_the_fabric_are_told_twice_at_most_and_restarts_not_at_all() {
    let Some(trace) = third_party("gpu_faults") else { return };
    let found = scored(&["score-notifications", text(&trace.join("fault_trace.json"))]).unwrap();
    let total = &found["total"];
    assert_eq!(total["most"], 2, "{total}");
    assert!(found["messages_per_incident"].as_f64().unwrap() <= 2.0);
    assert_eq!((total["incidents"].as_u64(), total["told"].as_u64()), (Some(70), Some(66)), "{total}");
    assert_eq!(found["noise"]["opened"], 0, "{}", found["noise_about"]);
    let kinds = found["by_kind"].as_object().unwrap();
    let restarts: Vec<&Value> = kinds
        .iter()
        .filter(|(kind, _)| kind.ends_with("over within 20 min"))
        .map(|(_, found)| found)
        .collect();
    assert!(!restarts.is_empty() && restarts.iter().all(|found| found["told"] == 0), "{kinds:?}");
}

#[test]
fn injected_faults_are_told_twice_at_most_and_the_only_other_message_is_of_a_link_that_flaps() {
    let Some(runs) = third_party("cisco_events") else { return };
    let names = ["200122_1624_blackhole_big", "200122_1729_iflap_ifdown", "200124_0247_bfd_break"];
    let mut folders: Vec<PathBuf> = names.iter().map(|name| runs.join(format!("S-{name}"))).collect();
    folders.push(runs.join("S-200122_1802_ecmp_low_traffic-2"));
    let map = map("cisco-ios-xr-generic-counters.toml");
    let mut arguments =
        vec!["score-notifications", "--map", text(&map), "--files", "latest_generic-counters"];
    arguments.extend(folders.iter().map(|folder| text(folder)));
    for fault in ["shutdown_interface", "break_bfd", "add_blackhole", "set_loopback"] {
        arguments.extend(["--fault", fault]);
    }
    let found = scored(&arguments).unwrap();
    assert_eq!(found["total"]["told"], 0, "the recordings end before a link may be told as down");
    let flapping = "connection_instability: stream:leaf8/HundredGigE0/0/0/18";
    assert_eq!(found["noise"], serde_json::json!({"opened": 1, "updated": 0, "resolved": 0}));
    assert_eq!(found["noise_about"], serde_json::json!({flapping: 1}));
    arguments.extend(["--hold", "45m"]);
    let held = scored(&arguments).unwrap();
    assert_eq!(held["by_kind"]["shutdown_interface"]["told"], 1);
    assert_eq!((&held["total"]["told"], &held["total"]["most"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(held["noise_about"], serde_json::json!({flapping: 1}));
}

/// What one sense saw.
fn seen_by<'a>(found: &'a Value, sense: &str) -> Option<&'a Value> {
    found["seen_by"].as_array()?.iter().find(|one| one["sense"] == sense)
}

#[test]
fn the_anomaly_benchmark_scores_as_documented() {
    let Some(nab) = third_party("nab") else { return };
    let found = scored(&["score-nab", text(&nab), "--map", text(&map("nab.toml"))]).unwrap();
    let documented = match found["series"].as_u64() {
        Some(44) => DOCUMENTED,
        other => {
            eprintln!("skipped: the documented scores are of 44 series, and {other:?} are there");
            return;
        }
    };
    for (sense, profile, score) in documented {
        let measured = seen_by(&found, sense).unwrap()["profiles"][profile]["score"].as_f64().unwrap();
        assert!((measured - score).abs() < 0.1, "{sense}, {profile}: {measured}, documented {score}");
    }
}

const DOCUMENTED: [(&str, &str, f64); 4] = [
    ("novelty", "standard", 70.8),
    ("novelty", "reward_low_FP_rate", 66.4),
    ("novelty", "reward_low_FN_rate", 74.1),
    ("gate", "standard", -18.6),
];

#[test]
fn an_interface_that_is_shut_down_is_seen_within_one_sample_and_without_a_false_alarm() {
    let Some(runs) = third_party("cisco_events") else { return };
    let run = runs.join("S-200122_1729_iflap_ifdown");
    let map = map("cisco-ios-xr-generic-counters.toml");
    let arguments = ["score-events", text(&run), "--fault", "shutdown_interface", "--map", text(&map)];
    let found = scored(&[&arguments[..], &["--files", "latest_generic-counters"]].concat()).unwrap();
    let gate = seen_by(&found, "gate").unwrap();
    assert!(gate["delay_seconds"].as_f64().unwrap() < 10.0, "{gate}");
    assert_eq!((gate["before"].as_u64(), gate["streams_after"].as_u64()), (Some(0), Some(3)), "{gate}");
}
