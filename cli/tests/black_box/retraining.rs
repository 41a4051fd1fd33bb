//! Runs of training as a user starts them: guards, the gate, the record, and a process that is killed in the middle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Called, Outcome, call, file, linkcast, text};

/// Training of one round: a model that knows next to nothing.
const WEAK: &str = "\
training:
  type: boosted_trees
  platform: local
  deployment_target: embedded
  parameters:
    version: weak
    classifier: {rounds: 1, depth: 1, eta: 0.05}
    regressor: {rounds: 1, depth: 1, eta: 0.05}
";

/// Training of few rounds, so that the test is done soon.
const FAIR: &str = "\
training:
  type: boosted_trees
  platform: local
  deployment_target: embedded
  parameters:
    classifier: {rounds: 12, depth: 4, eta: 0.4}
    regressor: {rounds: 6, depth: 3, eta: 0.3}
";

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A database with a small simulated fabric full of faults, its history exported, and the truth about it.
    fn new() -> Outcome<Self> {
        let scene = Scene { folder: tempfile::tempdir()? };
        let (fabric, database, history) = (scene.path("fabric"), scene.path("lab.db"), scene.path("history"));
        let simulate =
            ["simulate", "--ports", "160", "--hours", "6", "--interval-seconds", "180", "--seed", "11"];
        done(&[&simulate[..], &["--fault-rate", "0.3", "--out", text(&fabric)]].concat())?;
        done(&["replay", text(&fabric), "--db", text(&database)])?;
        let range = ["--since", "2026-01-04T00:00:00Z", "--until", "2026-01-06T00:00:00Z"];
        done(
            &[&["dataset", "export", "--db", text(&database), "--out", text(&history)], &range[..]].concat(),
        )?;
        file(scene.folder.path(), "weak.yaml", WEAK)?;
        file(scene.folder.path(), "fair.yaml", FAIR)?;
        Ok(scene)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, task: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let named = [
            ("--db", path("lab.db")),
            ("--data", path("history")),
            ("--truth", path("fabric")),
            ("--task", path(task)),
        ];
        let always = ["retrain", "run", "--keep-all", "--json"].map(str::to_owned);
        always
            .into_iter()
            .chain(named.into_iter().flat_map(|(name, value)| [name.to_owned(), value]))
            .collect()
    }

    fn run(&self, task: &str, more: &[&str]) -> Outcome<Called> {
        let arguments = self.arguments(task);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        call(&arguments)
    }

    /// A run that goes to its end, as it was recorded.
    fn ends(&self, task: &str, more: &[&str]) -> Outcome<Value> {
        let called = self.run(task, more)?;
        assert_eq!(called.code, Some(0), "{}", called.said);
        Ok(serde_json::from_str(&called.printed)?)
    }

    fn models(&self, arguments: &[&str]) -> Outcome<Called> {
        done(&[&["models"], arguments, &["--db", text(&self.path("lab.db")), "--json"]].concat())
    }

    fn runs(&self) -> Outcome<Vec<Value>> {
        let listed = done(&["retrain", "list", "--db", text(&self.path("lab.db")), "--json"])?;
        Ok(listed.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

/// A call that must succeed.
fn done(arguments: &[&str]) -> Outcome<Called> {
    let called = call(arguments)?;
    assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
    Ok(called)
}

fn stage(run: &Value) -> &str {
    run["stages"].as_array().and_then(|stages| stages.last()?["stage"].as_str()).unwrap_or_default()
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[test]
fn a_worse_model_is_registered_with_the_reason_and_a_better_one_becomes_the_candidate() -> Outcome {
    let scene = Scene::new()?;

    // Nothing is live, so the shipped model answers; a model of one round is no match for it.
    let tried = scene.run("weak.yaml", &["--dry-run"])?;
    assert_eq!(tried.code, Some(0), "{}", tried.said);
    let few = scene.run("weak.yaml", &["--dry-run", "--least-labels", "100000"])?;
    assert_eq!(few.code, Some(7), "{}", few.said);
    assert!(few.said.contains("100000 are needed"), "{}", few.said);
    assert!(scene.runs()?.is_empty(), "a dry run writes nothing");

    let worse = scene.ends("weak.yaml", &["--reason", "a first try", "--by", "ada"])?;
    assert_eq!(stage(&worse), "registered", "{worse:#}");
    let reason = worse["outcome"].as_str().unwrap_or_default();
    assert!(reason.contains("on the frozen set worse (log score"), "{reason}");
    let version = worse["candidate"]["version"].as_str().unwrap_or_default().to_owned();
    let shown: Value = serde_json::from_str(&scene.models(&["show", &version])?.printed)?;
    assert!(shown.to_string().contains("on the frozen set worse"), "the registry says why: {shown:#}");
    assert!(!shown.to_string().contains("\"approved\""), "and nobody approved it: {shown:#}");

    // A second run finds the cooldown, says when it passes, and a person may override it.
    let refused = scene.run("fair.yaml", &[])?;
    assert_eq!(refused.code, Some(7), "{}", refused.said);
    assert!(refused.said.contains("7 days must pass: passes at 20"), "{}", refused.said);
    assert!(scene.runs()?.iter().any(|line| line["refused"]["refusal"]["guard"] == "cooldown"));

    // The weak model is trained by hand and made live: beside it a fair one is better.
    let weak = scene.path("weak");
    done(&[
        "train",
        "--data",
        text(&scene.path("fabric")),
        "--task",
        text(&scene.path("weak.yaml")),
        "--out",
        text(&weak),
    ])?;
    scene.models(&["add", text(&weak)])?;
    scene.models(&["approve", "weak"])?;
    scene.models(&["alias", "live", "weak"])?;
    let better = scene.ends("fair.yaml", &["--force", "--because", "the live model knows nothing"])?;
    assert_eq!(stage(&better), "deployed", "{better:#}");
    assert_eq!(better["over"]["because"], "the live model knows nothing");
    assert_eq!(better["data"]["frozen"], worse["data"]["frozen"], "both are judged by the same set");
    assert_eq!(better["live"], "weak");
    let version = better["candidate"]["version"].as_str().unwrap_or_default();
    let candidate: Value = serde_json::from_str(&scene.models(&["show", "candidate"])?.printed)?;
    assert!(candidate.to_string().contains(version), "{candidate:#}");
    assert!(candidate.to_string().contains("\"approved\""), "{candidate:#}");
    Ok(())
}

#[test]
fn a_run_that_was_killed_holds_the_task_and_is_taken_up_by_the_next_call() -> Outcome {
    let scene = Scene::new()?;
    let work = scene.path("retraining");
    let mut first =
        linkcast().args(scene.arguments("fair.yaml")).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Killed as soon as it writes below its own run's folder.
    let patience = Instant::now();
    let begun = || {
        fs::read_dir(&work)
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir())))
    };
    while !begun() {
        assert!(patience.elapsed() < Duration::from_secs(120), "the first call never began");
        std::thread::yield_now();
    }
    first.kill()?;
    first.wait()?;
    let [held]: [Value; 1] = scene.runs()?.try_into().map_err(|runs: Vec<Value>| format!("{runs:?}"))?;
    assert_eq!(stage(&held), "training", "{held:#}");

    // Another workplace is another trainer: it finds the lock.
    let elsewhere = scene.path("elsewhere");
    copy(&work, &elsewhere)?;
    let refused = scene.run("fair.yaml", &["--work", text(&elsewhere), "--force", "--because", "no"])?;
    assert_eq!(refused.code, Some(7), "{}", refused.said);
    assert!(refused.said.contains("holds the task"), "{}", refused.said);

    let ended = scene.ends("fair.yaml", &[])?;
    assert_eq!(ended["run"], held["run"], "the same run");
    assert!(["registered", "deployed"].contains(&stage(&ended)), "{ended:#}");
    assert_eq!(scene.runs()?.iter().filter(|line| line.get("run").is_some()).count(), 1);
    Ok(())
}

#[test]
fn a_run_that_cannot_be_done_ends_as_failed_and_a_pipeline_is_printed_the_same_twice() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (database, nothing) = (folder.path().join("lab.db"), folder.path().join("nothing"));
    let samples =
        file(folder.path(), "samples.csv", "stream_id,timestamp,error_rate\na/1,2026-01-05T00:00:00Z,0\n")?;
    done(&["replay", text(&samples), "--db", text(&database)])?;
    let run = ["retrain", "run", "--db", text(&database), "--least-labels", "0"];
    let failed = call(&[&run[..], &["--data", text(&nothing)]].concat())?;
    assert_eq!(failed.code, Some(2), "{}", failed.said);
    let listed = done(&["retrain", "list", "--db", text(&database), "--json"])?;
    let line: Value = serde_json::from_str(listed.printed.lines().next().unwrap_or_default())?;
    assert_eq!(stage(&line), "failed", "{line:#}");
    let again = call(&run)?;
    assert!(again.said.contains("0.25 days must pass"), "{}", again.said);

    let role = "arn:aws:iam::123456789012:role/train";
    let print =
        ["retrain", "pipeline", "--image", "image:1", "--role", role, "--bucket", "rows", "--table", "lab"];
    let (one, other) = (done(&print)?.printed, done(&print)?.printed);
    assert_eq!(one, other);
    assert_eq!(serde_json::from_str::<Value>(&one)?["Version"], "2020-12-01");
    Ok(())
}
