//! From a built data set to models, by every command that takes one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Called, Outcome, call, file, linkcast, text};

fn done(arguments: &[&str]) -> Outcome<Called> {
    let called = call(arguments)?;
    assert_eq!(called.code, Some(0), "{arguments:?}: {}", called.said);
    Ok(called)
}

/// The telemetry of a fabric sick enough to be learnt from, and the data set of it.
fn dataset(folder: &Path) -> Outcome<(PathBuf, PathBuf)> {
    let fabric = folder.join("fabric");
    let simulation = ["--ports", "400", "--hours", "8", "--interval-seconds", "60", "--seed", "4"];
    let faults = ["--fault-rate", "0.2", "--out", text(&fabric)];
    done(&[&["simulate"], &simulation[..], &faults].concat())?;
    let (database, history, out) =
        (folder.join("linkcast.db"), folder.join("history"), folder.join("dataset"));
    done(&["replay", text(&fabric), "--db", text(&database)])?;
    let range = ["--since", "2026-01-04T00:00:00Z", "--until", "2026-01-07T00:00:00Z"];
    let export = ["dataset", "export", "--db", text(&database), "--out", text(&history)];
    done(&[&export[..], &range].concat())?;
    let truth = ["--truth", text(&fabric), "--out", text(&out)];
    done(&[&["dataset", "build", "--history", text(&history)], &truth[..]].concat())?;
    Ok((fabric, out))
}

fn json(path: PathBuf) -> Outcome<Value> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn training(model: &Path) -> Outcome<Value> {
    let card = json(model.join("card.json"))?;
    Ok(card.get("training").cloned().ok_or("the card says nothing of a training")?)
}

const TASK: &str = "\
training:
  type: boosted_trees
  platform: local
  deployment_target: embedded
  parameters:
    classifier:
      rounds: 15
      depth: 4
    regressor:
      rounds: 20
";

#[test]
fn a_data_set_is_trained_on_exported_and_imported_by_and_every_card_names_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (fabric, dataset) = dataset(folder.path())?;
    let task = file(folder.path(), "task.yaml", TASK)?;
    let [trained, run, rows, forests, imported] =
        ["trained", "run", "rows", "forests", "imported"].map(|name| folder.path().join(name));
    let version = json(dataset.join("manifest.json"))?["version"].take();
    let of_dataset = ["--dataset", text(&dataset), "--out"];

    let train = ["train", "--task", text(&task), "--code-revision", "4f2a91c"];
    done(&[&train[..], &["--forecast"], &of_dataset, &[text(&trained)]].concat())?;
    done(&[&["task", "run", text(&task)], &of_dataset[..], &[text(&run)]].concat())?;
    let (card, other) = (training(&trained)?, training(&run)?);
    assert_eq!((&card["data_version"], &other["data_version"]), (&version, &version));
    assert_eq!((&card["code_revision"], other.get("code_revision")), (&"4f2a91c".into(), None));
    assert_eq!(card["settings"], other["settings"], "a task is the same task by either name");
    assert_eq!(fs::read(trained.join("classifier.onnx"))?, fs::read(run.join("classifier.onnx"))?);

    done(&[&["export-rows"], &of_dataset[..], &[text(&rows)]].concat())?;
    assert!(fs::read_to_string(rows.join("classifier/train.csv"))?.lines().count() > 500);
    done(&["export-xgboost", text(&trained), "--out", text(&forests)])?;
    let (classifier, regressor) = (forests.join("classifier.json"), forests.join("regressor.json"));
    let import = ["import", "--classifier", text(&classifier), "--regressor", text(&regressor)];
    done(&[&import[..], &of_dataset, &[text(&imported)]].concat())?;
    assert_eq!(training(&imported)?["data_version"], version);

    let capture = fs::read_dir(&fabric)?.filter_map(|entry| Some(entry.ok()?.path()));
    let capture = capture.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).min();
    let capture = capture.ok_or("no samples")?;
    let predict = |model: &Path, more: &[&str]| {
        done(&[&["predict", text(&capture), "--model", text(model), "--min-risk", "20"], more].concat())
    };
    let first = predict(&trained, &["--json"])?.printed.lines().next().unwrap_or_default().to_owned();
    let said: Value = serde_json::from_str(&first)?;
    let chance = said["failure"]["within_1h"].as_f64();
    assert!(chance.is_some_and(|chance| (0.0..=1.0).contains(&chance)), "{said}");
    assert!(predict(&trained, &[])?.printed.contains("  fails within 1h "));
    let without = predict(&run, &["--json"])?.printed;
    let said: Value = serde_json::from_str(without.lines().next().unwrap_or_default())?;
    assert!(said["risk_score"].is_number() && said.get("failure").is_none(), "{said}");
    Ok(())
}

#[test]
fn the_codes_revision_is_told_by_the_environment_too_and_is_no_guess() -> Outcome {
    let folder = tempfile::tempdir()?;
    let arguments =
        ["train", "--simulate", "--ports", "300", "--hours", "10", "--fault-rate", "0.05", "--out"];
    let (silent, told) = (folder.path().join("silent"), folder.path().join("told"));
    done(&[&arguments[..], &[text(&silent)]].concat())?;
    assert_eq!(training(&silent)?.get("code_revision"), None);
    let mut command = linkcast();
    let output = command.env("LINKCAST_CODE_REVISION", "v7-3-g1a2b").args(arguments).arg(&told).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(training(&told)?["code_revision"], "v7-3-g1a2b");
    assert_eq!(fs::read(silent.join("model.packed"))?, fs::read(told.join("model.packed"))?);
    let called = call(&[&arguments[..], &[text(&silent), "--code-revision", "two words"]].concat())?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    Ok(())
}

#[test]
fn no_rows_and_two_kinds_of_rows_are_wrong_use() -> Outcome {
    for command in
        [&["export-rows"][..], &["task", "run", "task.yaml"], &["import", "--classifier", "c.json"]]
    {
        for rows in [&[][..], &["--data", "fabric", "--dataset", "dataset"]] {
            let called = call(&[command, rows, &["--out", "out"]].concat())?;
            assert_eq!(called.code, Some(2), "{command:?}: {}", called.said);
        }
    }
    let folder = tempfile::tempdir()?;
    let task = TASK.replace("local", "sagemaker").replace(
        "    classifier:",
        "    sagemaker:\n      role: arn:aws:iam::123456789012:role/train\n      bucket: rows\n    classifier:",
    );
    let task = file(folder.path(), "task.yaml", &task)?;
    let called =
        call(&["train", "--simulate", "--search", "--task", text(&task), "--out", text(folder.path())])?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("neither searches nor forecasts"), "{}", called.said);
    Ok(())
}
