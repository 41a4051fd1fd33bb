//! A rollout as people lead it: begun, looked at, changed by hand in its middle, aborted with evidence, told afterwards.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use linkcast_domain::ports::{Revised, TaskItem, TaskItems, Written};
use linkcast_store::SqliteStore;

use crate::support::{Called, Outcome, call, file, text};

const POLICY: &str = r#"{"salt":"s","fallback":["live","embedded"],"variants":[
    {"name":"live","weight":100,"target":{"kind":"sagemaker","endpoint":"live"}},
    {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#;

/// A rollout's command on a store that has a policy.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Outcome<Place> {
        let place = Place { folder: tempfile::tempdir()? };
        let policy = file(place.folder.path(), "policy.json", POLICY)?;
        let set = call(&["routing", "set", text(&policy), "--db", text(&place.store())])?;
        assert_eq!(set.code, Some(0), "{}", set.said);
        Ok(place)
    }

    fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("store.db")
    }

    fn rollout(&self, arguments: &[&str]) -> Outcome<Called> {
        call(&[["rollout"].as_slice(), arguments, &["--db", text(&self.store())]].concat())
    }

    fn start(&self) -> Outcome<Called> {
        let steps = ["start", "--candidate", "v2", "--endpoint", "v2", "--shadow", "shadow-2"];
        let terms = ["--shortest-hours", "0", "--least", "100", "--slow-ms", "50", "--by", "ada"];
        self.rollout(&[steps.as_slice(), &terms].concat())
    }

    /// What was seen in this hour, in place of what was seen before.
    fn see(&self, hour: &str) -> Outcome {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 3_600;
        put(&self.store(), &format!("evidence#{now:012}#one"), hour)
    }
}

fn put(store: &Path, name: &str, value: &str) -> Outcome {
    let store = SqliteStore::open(store)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let revision = store.task_item("link-health", name).await?.map_or(0, |found| found.revision);
        let text = Revised { revision, value: value.to_owned() };
        let item = TaskItem { name: name.to_owned(), text, until: None };
        assert_eq!(store.put_task_item("link-health", &item).await?, Written::Yes);
        Ok(())
    })
}

fn read(called: &Called) -> Outcome<serde_json::Value> {
    assert_eq!(called.code, Some(0), "{}", called.said);
    Ok(serde_json::from_str(&called.printed)?)
}

#[test]
fn a_candidate_is_led_changed_by_hand_and_aborted_with_its_numbers() -> Outcome {
    let place = Place::new()?;
    let begun = place.start()?;
    assert_eq!(begun.code, Some(0), "{}", begun.said);
    assert!(begun.printed.contains("[shadow]---(10)---(25)---(50)---(100)"), "{}", begun.printed);
    let again = place.start()?;
    assert!(again.code == Some(7) && again.said.contains("one at a time"), "{}", again.said);

    let waits = read(&place.rollout(&["look", "--json"])?)?;
    assert_eq!(waits["decision"]["decision"], "hold");
    place.see(
        r#"{"live":{"answered":4000,"agreed":4000},
            "shadow-2":{"answered":4000,"agreed":3900,"disagreed":{"normal>latency_spike":100}}}"#,
    )?;
    let may = read(&place.rollout(&["look", "--json"])?)?;
    assert_eq!((&may["decision"]["decision"], &may["decision"]["to"]), (&"promote".into(), &10.into()));
    let shown = call(&["routing", "show", "--db", text(&place.store())])?;
    assert!(shown.printed.contains("revision 1"), "a look changes nothing: {}", shown.printed);
    let stepped = place.rollout(&["advance"])?;
    assert!(stepped.printed.contains("done: stepped"), "{} {}", stepped.printed, stepped.said);
    let shown = call(&["routing", "show", "--db", text(&place.store())])?;
    assert!(shown.printed.contains("10 %") && shown.printed.contains("revision 2"), "{}", shown.printed);
    let idle = read(&place.rollout(&["advance", "--json"])?)?;
    assert_eq!(idle["did"], serde_json::Value::Null);

    let weights = ["routing", "set", "--weight", "v2=20", "--weight", "live=80"];
    let by_hand = call(&[weights.as_slice(), &["--db", text(&place.store())]].concat())?;
    assert_eq!(by_hand.code, Some(0), "{}", by_hand.said);
    let refused = place.rollout(&["promote", "--by", "bob", "--reason", "it is time"])?;
    assert!(refused.code == Some(7) && refused.said.contains("changed by hand"), "{}", refused.said);
    assert!(place.rollout(&["advance"])?.printed.contains("done: paused"));
    let status = place.rollout(&["status"])?;
    assert!(status.printed.contains("PAUSED BY A PERSON"), "{}", status.printed);
    assert!(status.printed.contains("v2 has 20 % in place of 10 %"), "{}", status.printed);
    let resumed = place.rollout(&["resume", "--by", "bob", "--reason", "20 % is right"])?;
    assert_eq!(resumed.code, Some(0), "{}", resumed.said);

    place.see(
        r#"{"live":{"answered":8000,"agreed":8000,"failures":{"timeout":20}},
            "v2":{"answered":700,"agreed":690,"failures":{"timeout":300},"disagreed":{"normal>latency_spike":10}},
            "shadow-2":{"answered":8000,"agreed":7800,"disagreed":{"normal>latency_spike":200}}}"#,
    )?;
    let status = place.rollout(&["status", "--quality", "3/40,20/360"])?;
    assert!(status.printed.contains("ABORT: it harms by failures"), "{}", status.printed);
    let aborted = read(&place.rollout(&["advance", "--json"])?)?;
    assert_eq!((&aborted["did"], &aborted["phase"]), (&"aborted".into(), &"aborted".into()));
    let harm = &aborted["verdict"]["guardrails"][0]["harm"];
    assert!(harm["evidence"].as_f64() > harm["stop_at"].as_f64(), "{harm}");
    let shown = read(&call(&["routing", "show", "--json", "--db", text(&place.store())])?)?;
    let names = shown["policy"]["variants"].as_array().ok_or("no variants")?.len();
    assert_eq!(names, 2, "the policy of before is in force");

    let history = place.rollout(&["history"])?;
    let told = ["started", "stepped", "paused", "resumed", "aborted"];
    let lines: Vec<&str> = history.printed.lines().skip(1).collect();
    assert_eq!(lines.len(), told.len(), "{}", history.printed);
    assert!(lines.iter().zip(told).all(|(line, what)| line.contains(what)), "{}", history.printed);
    assert!(history.printed.contains("failures: 300 of 1000 against"), "{}", history.printed);
    assert!(history.printed.contains("bob") && history.printed.contains("20 % is right"));
    Ok(())
}

#[test]
fn a_person_may_take_every_step_and_take_them_back_after_the_end() -> Outcome {
    let place = Place::new()?;
    assert_eq!(place.start()?.code, Some(0));
    let because = ["promote", "--by", "ada", "--reason", "tried on the other fabric"];
    for step in ["[10]", "[25]", "[50]", "[100]"] {
        let stepped = place.rollout(&because)?;
        assert!(stepped.printed.contains(step), "{} {}", stepped.printed, stepped.said);
    }
    let more = place.rollout(&because)?;
    assert!(more.code == Some(7) && more.said.contains("finished"), "{}", more.said);
    let back = place.rollout(&["abort", "--by", "ada", "--reason", "ports of rack 7 disagree"])?;
    assert!(
        back.code == Some(0) && back.printed.contains("in force again"),
        "{} {}",
        back.printed,
        back.said
    );
    let again = place.rollout(&["abort", "--by", "ada", "--reason", "once more"])?;
    assert_eq!(again.code, Some(7), "{}", again.said);
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_with_the_place() -> Outcome {
    let place = Place::new()?;
    let absent = place.rollout(&["status"])?;
    assert!(absent.code == Some(3) && absent.said.contains("no rollout"), "{}", absent.said);
    let plan = r#"{"candidate":{"name":"v2","target":{"kind":"sagemaker","endpoint":"v2"}},"steps":[10,100],"slow_ms":50}"#;
    for (from, to, said) in [
        ("[10,100]", "[100,10]", "rise to 100"),
        ("\"slow_ms\":50", "\"slow_ms\":-1", "slow_ms: found -1"),
        ("\"slow_ms\":50", "\"colour\":1", "colour"),
        ("\"name\":\"v2\"", "\"name\":\"live\"", "has 100 % already"),
        ("\"slow_ms\":50", "\"alpha\":0.1", "slow_ms: found none"),
    ] {
        assert!(plan.contains(from), "{from}");
        let plan = file(place.folder.path(), "plan.json", &plan.replacen(from, to, 1))?;
        let refused = place.rollout(&["start", "--plan", text(&plan)])?;
        assert_eq!(refused.code, Some(3), "{to}: {}", refused.said);
        assert!(refused.said.contains(said) && refused.said.contains("next:"), "{to}: {}", refused.said);
    }
    let nobody = place.rollout(&["start", "--candidate", "v2"])?;
    assert!(nobody.code == Some(2) && nobody.said.contains("--endpoint"), "{}", nobody.said);
    let good = file(place.folder.path(), "plan.json", plan)?;
    assert_eq!(place.rollout(&["start", "--plan", text(&good)])?.code, Some(0));
    Ok(())
}
