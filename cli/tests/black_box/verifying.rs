//! `verify` as a user meets it: a checklist that is whole, a cause and an exit code where it is not, and nothing left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::models::model;
use crate::support::{Called, Outcome, finished, linkcast, text};

const PATIENCE: Duration = Duration::from_secs(240);
const STEPS: [&str; 11] = [
    "model", "evaluate", "register", "serve", "health", "answers", "latency", "breaker", "recovery", "stop",
    "clean up",
];

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health")
}

/// A folder for temporary files that is this test's alone, so that what is left behind is seen.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Outcome<Self> {
        Ok(Room(tempfile::tempdir()?))
    }

    fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    fn start(&self, arguments: &[&str]) -> Outcome<Child> {
        fs::create_dir_all(self.temporary())?;
        let mut command = linkcast();
        command.arg("verify").args(arguments).env("TMPDIR", self.temporary());
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    fn call(&self, arguments: &[&str]) -> Outcome<Called> {
        finished(self.start(arguments)?.wait_with_output()?)
    }

    /// The command lines of processes that work in this room.
    fn processes(&self) -> Outcome<Vec<String>> {
        let place = text(&self.temporary()).to_owned();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let line = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&place) {
                found.push(line);
            }
        }
        Ok(found)
    }

    fn assert_empty(&self) -> Outcome {
        assert_eq!(self.processes()?, Vec::<String>::new());
        assert_eq!(fs::read_dir(self.temporary())?.count(), 0, "the folder is left");
        Ok(())
    }
}

fn lines(printed: &str) -> Outcome<Vec<Value>> {
    Ok(printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn outcomes(lines: &[Value]) -> Vec<(&str, &str)> {
    lines.iter().filter_map(|line| Some((line["step"].as_str()?, line["outcome"].as_str()?))).collect()
}

fn expected(failed: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let place = STEPS.iter().position(|step| failed == Some(*step)).unwrap_or(STEPS.len());
    let outcome = |at: usize| match at.cmp(&place) {
        std::cmp::Ordering::Less => "ok",
        std::cmp::Ordering::Equal => "failed",
        std::cmp::Ordering::Greater if at + 1 == STEPS.len() => "ok",
        std::cmp::Ordering::Greater => "not_run",
    };
    STEPS.iter().enumerate().map(|(at, step)| (*step, outcome(at))).collect()
}

fn send(signal: &str, child: &Child) -> Outcome {
    Command::new("kill").args([signal, &child.id().to_string()]).status()?;
    Ok(())
}

#[test]
fn a_model_that_exists_goes_the_whole_way_and_nothing_is_left() {
    let room = Room::new().unwrap();
    let called = room.call(&["--model", text(&shipped()), "--rows", "2500", "--json"]).unwrap();
    assert_eq!(called.code, Some(0), "{}{}", called.printed, called.said);
    let lines = lines(&called.printed).unwrap();
    assert_eq!(outcomes(&lines), expected(None));
    let measured = |step: &str| &lines.iter().find(|line| line["step"] == step).unwrap()["measured"];
    assert_eq!(measured("health")["version"], measured("register")["version"]);
    assert_eq!(measured("health")["card"], measured("model")["card"]);
    let answers = measured("answers");
    assert!(answers["rows"].as_u64() > Some(1_200) && answers["equal"] == answers["rows"], "{answers}");
    assert!(answers["classes_named"].as_u64() >= Some(5), "{answers}");
    assert!(measured("latency")["p99_ms"].as_f64() >= measured("latency")["p50_ms"].as_f64());
    assert_eq!(measured("breaker")["answered_by"], "embedded");
    assert_eq!(measured("breaker")["fallback_from"], "server");
    assert_eq!(measured("breaker")["opened_after_questions"], 3);
    assert_eq!(measured("stop")["exit_code"], 0);
    let whole = lines.last().unwrap();
    assert_eq!((&whole["verified"], &whole["ok"]), (&Value::from(true), &Value::from(11)));
    room.assert_empty().unwrap();
}

#[test]
fn a_model_is_trained_and_told_as_a_checklist_and_the_folder_kept_if_asked_for() {
    let room = Room::new().unwrap();
    let called = room.call(&["--rows", "600", "--keep"]).unwrap();
    assert_eq!(called.code, Some(0), "{}{}", called.printed, called.said);
    let oks: Vec<&str> = called.printed.lines().filter(|line| line.starts_with("ok ")).collect();
    assert_eq!(oks.len(), STEPS.len(), "{}", called.printed);
    assert!(oks[0].contains("version verify-77 is trained"), "{}", oks[0]);
    let last = called.printed.lines().last().unwrap();
    assert!(last.starts_with("verified: 11 of 11 steps ok"), "{last}");
    let kept = Path::new(last.rsplit("kept: ").next().unwrap());
    assert!(kept.join("model/card.json").is_file() && kept.join("linkcast.db").is_file(), "{last}");
    assert_eq!(room.processes().unwrap(), Vec::<String>::new());
}

#[test]
fn a_busy_port_fails_its_step_and_leaves_nothing() {
    let room = Room::new().unwrap();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let called = room.call(&["--model", text(&shipped()), "--listen", &address, "--json"]).unwrap();
    assert_eq!(called.code, Some(2), "{}{}", called.printed, called.said);
    let lines = lines(&called.printed).unwrap();
    assert_eq!(outcomes(&lines), expected(Some("serve")));
    let failed = &lines[3];
    assert!(failed["cause"].as_str().unwrap().contains(&format!("listening on {address}")), "{failed}");
    assert!(failed["next"].as_str().unwrap().contains("--listen"), "{failed}");
    assert_eq!((&failed["exit_code"], &lines[11]["verified"]), (&Value::from(2), &Value::from(false)));
    assert!(called.said.contains("error: linkcast serve ended with exit status: 2"), "{}", called.said);
    room.assert_empty().unwrap();
}

#[test]
fn told_to_stop_while_the_server_runs_it_ends_the_server_too() {
    let room = Room::new().unwrap();
    let mut child = room.start(&["--model", text(&shipped()), "--rows", "100000", "--json"]).unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut all = String::new();
    while !all.contains(r#""step":"serve""#) {
        assert!(printed.read_line(&mut all).unwrap() > 0, "{all}");
    }
    assert!(!room.processes().unwrap().is_empty(), "the server is a process of its own");
    send("-TERM", &child).unwrap();
    while printed.read_line(&mut all).unwrap() > 0 {}
    assert_eq!(child.wait().unwrap().code(), Some(143), "{all}");
    let lines = lines(&all).unwrap();
    let failed = lines.iter().find(|line| line["outcome"] == "failed").unwrap();
    assert_eq!(failed["cause"], "told to stop by SIGTERM");
    let server = lines[3]["measured"]["address"].as_str().unwrap();
    assert!(TcpStream::connect(server).is_err(), "{server} still answers");
    room.assert_empty().unwrap();
}

#[test]
fn interrupted_while_it_trains_it_ends_the_training_too() {
    let room = Room::new().unwrap();
    let child = room.start(&[]).unwrap();
    let begun = Instant::now();
    while room.processes().unwrap().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no training began");
        thread::park_timeout(Duration::from_millis(5));
    }
    send("-INT", &child).unwrap();
    let called = finished(child.wait_with_output().unwrap()).unwrap();
    assert_eq!(called.code, Some(130), "{}{}", called.printed, called.said);
    let first = called.printed.lines().next().unwrap();
    assert!(first.starts_with("FAILED   model") && first.ends_with("told to stop by SIGINT"), "{first}");
    room.assert_empty().unwrap();
}

#[test]
fn a_damaged_model_is_told() {
    // The packed forests are what is loaded here; that the graphs beside them are whole is asked where it is registered.
    for (name, step) in [("card.json", "model"), ("classifier.onnx", "register")] {
        let room = Room::new().unwrap();
        let folder = model(room.0.path(), "9").unwrap();
        let whole = fs::read(folder.join(name)).unwrap();
        fs::write(folder.join(name), &whole[..whole.len() / 2]).unwrap();
        let called = room.call(&["--model", text(&folder), "--json"]).unwrap();
        assert_eq!(called.code, Some(5), "{}{}", called.printed, called.said);
        let lines = lines(&called.printed).unwrap();
        assert_eq!(outcomes(&lines), expected(Some(step)));
        let failed = lines.iter().find(|line| line["outcome"] == "failed").unwrap();
        assert!(failed["cause"].as_str().unwrap().contains(name), "{failed}");
        assert!(failed["next"].is_string(), "{failed}");
        room.assert_empty().unwrap();
    }
}
