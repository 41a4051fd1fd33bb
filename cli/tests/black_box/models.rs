//! The registry as a user works it: add, look, decide, point, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Called, Outcome, call, text};

const FILES: [&str; 5] = ["card.json", "classifier.onnx", "regressor.onnx", "model.packed", "MODEL_CARD.md"];

/// A copy of the shipped model that says it is another version.
pub(crate) fn model(folder: &Path, version: &str) -> Outcome<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    let copy = folder.join(format!("model-{version}"));
    fs::create_dir(&copy)?;
    for name in FILES {
        fs::copy(shipped.join(name), copy.join(name))?;
    }
    let mut card: Value = serde_json::from_slice(&fs::read(copy.join("card.json"))?)?;
    for (path, name, value) in
        [("", "model_version", Value::from(version)), ("/training/settings", "seed", version.len().into())]
    {
        let place = card.pointer_mut(path).and_then(Value::as_object_mut);
        place.ok_or("the shipped card has no such part")?.insert(name.to_owned(), value);
    }
    fs::write(copy.join("card.json"), serde_json::to_vec(&card)?)?;
    Ok(copy)
}

/// A database in a folder, and calls of `linkcast models` on it.
struct Registry {
    folder: tempfile::TempDir,
}

impl Registry {
    fn new() -> Outcome<Self> {
        Ok(Registry { folder: tempfile::tempdir()? })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn call(&self, arguments: &[&str]) -> Outcome<Called> {
        let database = self.path().join("linkcast.db");
        call(&[&["models"], arguments, &["--by", "ada", "--db", text(&database)]].concat())
    }

    /// A call that must succeed, its lines as JSON.
    fn lines(&self, arguments: &[&str]) -> Outcome<Vec<Value>> {
        let called = self.call(&[arguments, &["--json"]].concat())?;
        assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
        Ok(called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    fn add(&self, version: &str) -> Outcome<PathBuf> {
        let folder = model(self.path(), version)?;
        let added = self.lines(&["add", text(&folder), "--code-revision", "abc"])?;
        assert!(added.iter().all(|line| line.get("is_new") == Some(&Value::Bool(true))));
        Ok(folder)
    }

    /// Adds and approves.
    fn approved(&self, version: &str) -> Outcome<PathBuf> {
        let folder = self.add(version)?;
        self.lines(&["approve", version])?;
        Ok(folder)
    }

    /// A call that must be refused, and what it says.
    fn refused(&self, arguments: &[&str]) -> Outcome<String> {
        let called = self.call(arguments)?;
        assert_eq!(called.code, Some(7), "{arguments:?}: {}", called.said);
        assert!(called.said.contains("next:"), "{}", called.said);
        Ok(called.said)
    }
}

#[test]
fn a_model_is_registered_with_what_it_was_made_of_and_once_only() -> Outcome {
    let registry = Registry::new()?;
    let folder = registry.add("7")?;
    let again = registry.lines(&["add", text(&folder)])?;
    assert_eq!(again[0]["is_new"], false);
    let listed = registry.lines(&["list"])?;
    assert_eq!(listed.len(), 1);
    let shown = &registry.lines(&["show", "7"])?[0];
    assert_eq!(shown, &listed[0]);
    assert_eq!((&shown["version"], &shown["approval"]), (&"7".into(), &"pending".into()));
    assert_eq!((&shown["added_by"], &shown["lineage"]["code_revision"]), (&"ada".into(), &"abc".into()));
    assert_eq!(shown["files"].as_array().map(Vec::len), Some(FILES.len()));
    assert!(shown["lineage"]["data_digest"].is_string() && shown["metrics"]["classifier"].is_object());
    let place = Path::new(shown["place"].as_str().unwrap_or_default());
    assert_eq!(fs::read(place.join("model.packed"))?, fs::read(folder.join("model.packed"))?);
    let text_form = registry.call(&["list"])?.printed;
    let accuracy = shown["metrics"]["classifier"]["accuracy"].as_f64().ok_or("no accuracy")?;
    assert!(text_form.contains("pending") && text_form.contains(&format!("{accuracy:.3}")), "{text_form}");
    Ok(())
}

#[test]
fn a_version_with_other_bytes_is_refused() -> Outcome {
    let registry = Registry::new()?;
    let folder = registry.add("7")?;
    fs::write(folder.join("MODEL_CARD.md"), "another")?;
    let said = registry.refused(&["add", text(&folder)])?;
    assert!(said.contains("a version never changes"), "{said}");
    assert_eq!(registry.lines(&["verify"])?[0]["is_whole"], true);
    Ok(())
}

#[test]
fn a_folder_without_a_model_that_can_be_served_is_not_registered() -> Outcome {
    let registry = Registry::new()?;
    let folder = model(registry.path(), "7")?;
    let onnx = fs::read(folder.join("regressor.onnx"))?;
    fs::write(folder.join("regressor.onnx"), &onnx[..onnx.len() / 2])?;
    let called = registry.call(&["add", text(&folder)])?;
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains("regressor.onnx"), "{}", called.said);
    fs::remove_file(folder.join("regressor.onnx"))?;
    let called = registry.call(&["add", text(&folder)])?;
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains("there is no regressor.onnx"), "{}", called.said);
    let called = registry.call(&["add", text(&registry.path().join("nowhere"))])?;
    assert_eq!(called.code, Some(3), "{}", called.said);
    assert!(registry.lines(&["list"])?.is_empty());
    Ok(())
}

#[test]
fn only_what_is_approved_becomes_live_and_what_was_live_is_the_previous_one() -> Outcome {
    let registry = Registry::new()?;
    registry.approved("1")?;
    registry.add("2")?;
    registry.lines(&["alias", "live", "1"])?;
    let said = registry.refused(&["alias", "live", "2"])?;
    assert!(said.contains("version 2 is pending") && said.contains("models approve 2"), "{said}");
    registry.lines(&["approve", "2"])?;
    let moved = &registry.lines(&["alias", "live", "2", "--expect", "1"])?[0];
    assert_eq!((&moved["live"]["version"], &moved["previous"]["version"]), (&"2".into(), &"1".into()));
    assert_eq!(moved["live"]["by"], "ada");
    let said = registry.refused(&["alias", "candidate", "1", "--expect", "2"])?;
    assert!(said.contains("alias candidate names none, expected 2"), "{said}");
    let back = &registry.lines(&["alias", "live", "previous"])?[0];
    assert_eq!((&back["live"]["version"], &back["previous"]["version"]), (&"1".into(), &"2".into()));
    assert_eq!(registry.lines(&["show", "live"])?[0]["version"], "1");
    Ok(())
}

#[test]
fn a_rejected_version_says_why_and_plays_no_part() -> Outcome {
    let registry = Registry::new()?;
    registry.approved("1")?;
    registry.approved("2")?;
    registry.lines(&["alias", "candidate", "2"])?;
    let rejected = &registry.lines(&["reject", "2", "--reason", "misses flaps"])?[0];
    assert_eq!(rejected["decisions"][1]["reason"], "misses flaps");
    let shown = &registry.lines(&["show", "2"])?[0];
    assert_eq!((&shown["approval"], &shown["aliases"]), (&"rejected".into(), &Value::Array(Vec::new())));
    let said = registry.refused(&["alias", "candidate", "2"])?;
    assert!(said.contains("misses flaps"), "{said}");
    registry.lines(&["alias", "live", "1"])?;
    registry.refused(&["reject", "live", "--reason", "late"])?;
    let called = registry.call(&["reject", "1", "--reason", " "])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    registry.refused(&["show", "3"])?;
    registry.refused(&["show", "previous"])?;
    Ok(())
}

#[test]
fn two_versions_are_told_apart_by_what_differs() -> Outcome {
    let registry = Registry::new()?;
    registry.add("1")?;
    registry.add("2026-11")?;
    let found = registry.lines(&["diff", "1", "2026-11"])?;
    let named: Vec<_> =
        found.iter().filter_map(|line| Some((line["part"].as_str()?, line["name"].as_str()?))).collect();
    assert_eq!(named, [("card", "model_version"), ("parameters", "settings.seed")]);
    assert_eq!((&found[1]["one"], &found[1]["other"]), (&1.into(), &7.into()));
    let called = registry.call(&["diff", "1", "2026-11"])?;
    assert!(called.printed.contains("+6"), "{}", called.printed);
    assert_eq!(registry.call(&["diff", "1", "1"])?.printed.trim(), "no difference");
    Ok(())
}

#[test]
fn a_damaged_file_is_named_and_adding_the_model_again_mends_it() -> Outcome {
    let registry = Registry::new()?;
    registry.add("1")?;
    let folder = registry.add("2")?;
    let place = registry.lines(&["show", "2"])?[0]["place"].as_str().unwrap_or_default().to_owned();
    let damaged = Path::new(&place).join("classifier.onnx");
    let mut bytes = fs::read(&damaged)?;
    bytes[100] ^= 1;
    fs::write(&damaged, bytes)?;
    let called = registry.call(&["verify", "--json"])?;
    assert_eq!(called.code, Some(5), "{}", called.said);
    let lines: Vec<Value> = called.printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!((&lines[0]["is_whole"], &lines[1]["is_whole"]), (&true.into(), &false.into()));
    let told = lines[1]["error"].as_str().unwrap_or_default();
    assert!(told.contains("classifier.onnx is damaged") && !told.contains("regressor.onnx"), "{told}");
    fs::remove_file(&damaged)?;
    assert!(registry.call(&["verify", "2"])?.printed.contains("classifier.onnx is missing"));
    registry.lines(&["add", text(&folder)])?;
    assert_eq!(registry.lines(&["verify"])?.iter().filter(|line| line["is_whole"] == true).count(), 2);
    Ok(())
}

#[test]
fn the_live_model_judges_and_a_damaged_one_does_not() -> Outcome {
    let registry = Registry::new()?;
    registry.approved("7")?;
    let database = registry.path().join("linkcast.db");
    let samples = "stream_id,timestamp,symbol_errors,link_rate_gbps,interval_s\n\
        0000000000200000/2,2026-01-01T00:00:30Z,200,100,30\n";
    let path = crate::support::file(registry.path(), "samples.csv", samples)?;
    let predict =
        |name: &str| call(&["predict", text(&path), "--model", name, "--db", text(&database), "--json"]);
    let called = predict("registry:live")?;
    assert_eq!(called.code, Some(7), "{}", called.said);
    registry.lines(&["alias", "live", "7"])?;
    let called = predict("registry:live")?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    let shipped = call(&["predict", text(&path), "--json"])?;
    assert_eq!(called.printed, shipped.printed, "the same trees say the same");
    let replayed = registry.path().join("replayed.db");
    let called = call(&["replay", text(&path), "--model", "registry:7", "--db", text(&replayed)])?;
    assert_eq!(called.code, Some(7), "that database has no such model: {}", called.said);
    let place = registry.lines(&["show", "7"])?[0]["place"].as_str().unwrap_or_default().to_owned();
    fs::write(Path::new(&place).join("model.packed"), "")?;
    let called = predict("registry:7")?;
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains("model.packed is damaged"), "{}", called.said);
    Ok(())
}
