//! Python's own XGBoost and ONNX Runtime beside Linkcast: what one trains, the other serves, with the same answers.
//!
//! The libraries are the real ones, installed by `cargo xtask set-up`; tests/python/models.py calls them through their own
//! interfaces, on files that Linkcast's commands wrote, and Linkcast's commands read what it wrote.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use linkcast_domain::{FEATURE_COUNT, FeatureVector};
use linkcast_scoring::Model;
use linkcast_tests::{Linkcast, ask_python, field, labelled_fabric, project_folder};
use serde_json::Value;

/// How far answers may lie apart that were added up in another order and printed as decimals.
const CLOSE: f64 = 1e-4;

fn linkcast(arguments: &[&str]) -> Result<Linkcast> {
    let called = Linkcast::call(arguments)?;
    if called.code() == Some(0) { Ok(called) } else { bail!("{arguments:?}: {}", called.said()) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// A capture, and its features as `linkcast features` writes them.
struct Judged {
    capture: PathBuf,
    features: PathBuf,
}

fn judged(folder: &Path) -> Result<Judged> {
    let (capture, features) = (folder.join("capture"), folder.join("features.csv"));
    linkcast(&[
        "simulate",
        "--ports",
        "40",
        "--hours",
        "2",
        "--interval-seconds",
        "60",
        "--seed",
        "9",
        "--fault-rate",
        "0.2",
        "--out",
        text(&capture),
    ])?;
    let mut files = std::fs::read_dir(&capture)?.filter_map(|entry| Some(entry.ok()?.path()));
    let samples = files.find(|path| path.extension().is_some_and(|ending| ending == "csv"));
    let capture = samples.context("the simulation wrote no samples")?;
    linkcast(&["features", text(&capture), "--out", text(&features)])?;
    Ok(Judged { capture, features })
}

/// A data set of the fabric's recorded telemetry, labelled with its truth.
fn dataset(folder: &Path, fabric: &Path) -> Result<PathBuf> {
    let (database, history, out) =
        (folder.join("linkcast.db"), folder.join("history"), folder.join("dataset"));
    linkcast(&["replay", text(fabric), "--db", text(&database)])?;
    let range = ["--since", "2026-01-04T00:00:00Z", "--until", "2026-01-07T00:00:00Z"];
    let export = ["dataset", "export", "--db", text(&database), "--out", text(&history)];
    linkcast(&[&export[..], &range].concat())?;
    let build =
        ["dataset", "build", "--history", text(&history), "--truth", text(fabric), "--out", text(&out)];
    linkcast(&build)?;
    Ok(out)
}

fn close(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= CLOSE * (1.0 + theirs.abs()),
        _ => false,
    }
}

#[test]
fn a_model_that_python_trained_on_a_data_set_is_taken_over_and_predicts_as_python_does() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (rows, theirs, model) =
        (folder.path().join("rows"), folder.path().join("xgboost"), folder.path().join("model"));
    std::fs::create_dir(&theirs)?;
    let fabric = labelled_fabric(folder.path())?;
    let dataset = dataset(folder.path(), &fabric)?;
    linkcast(&["export-rows", "--dataset", text(&dataset), "--out", text(&rows)])?;
    let trained = ask_python(&[Path::new("train"), &rows, &theirs])?;
    assert!(trained.iter().any(|line| line.get("classifier").is_some_and(Value::is_number)), "{trained:?}");

    let taken = linkcast(&[
        "import",
        "--classifier",
        text(&theirs.join("classifier.json")),
        "--regressor",
        text(&theirs.join("regressor.tar.gz")),
        "--dataset",
        text(&dataset),
        "--out",
        text(&model),
    ])?;
    assert!(taken.said().contains("says what the trainer says"), "{}", taken.said());
    let read = |path: PathBuf| -> Result<Value> { Ok(serde_json::from_slice(&std::fs::read(path)?)?) };
    let (card, manifest) = (read(model.join("card.json"))?, read(dataset.join("manifest.json"))?);
    assert_eq!(field(field(&card, "training"), "data_version"), field(&manifest, "version"));

    let judged = judged(folder.path())?;
    let expected = ask_python(&[Path::new("judge"), &theirs, &model, &judged.features])?;
    let ours =
        linkcast(&["predict", "--model", text(&model), text(&judged.capture), "--json"])?.json_lines()?;
    assert_eq!(ours.len(), expected.len());
    assert!(ours.len() > 4_000, "{} rows are too few to compare", ours.len());
    for (row, (ours, theirs)) in ours.iter().zip(&expected).enumerate() {
        let same = field(ours, "prediction_type") == field(theirs, "class")
            && close(field(ours, "confidence"), field(theirs, "confidence"))
            && close(field(ours, "risk_score"), field(theirs, "risk"));
        assert!(same, "row {row}: ours {ours}, theirs {theirs}");
    }
    Ok(())
}

#[test]
fn the_shipped_model_answers_in_xgboost_and_in_onnx_runtime_as_it_does_here() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (written, model) = (folder.path().join("xgboost"), project_folder().join("models/link-health"));
    linkcast(&["export-xgboost", text(&model), "--out", text(&written)])?;
    let judged = judged(folder.path())?;
    let answers = ask_python(&[Path::new("compare"), &written, &model, &judged.features])?;
    let (summary, theirs) = answers.split_first().context("no answer")?;
    for forest in ["classifier", "regressor"] {
        let apart = field(summary, forest).as_f64().context("no difference")?;
        assert!(apart <= CLOSE, "ONNX Runtime and XGBoost are {apart} apart on the {forest}");
    }
    let loaded = Model::in_folder(&model, |path| std::fs::read(path))?;
    let rows = features_of(&judged.features)?;
    assert_eq!(rows.len(), theirs.len());
    for (row, (features, theirs)) in rows.iter().zip(theirs).enumerate() {
        let sums = loaded.sums(features);
        let margins = field(theirs, "margins").as_array().context("no margins")?;
        let same = margins.iter().zip(sums.margins).all(|(theirs, ours)| close(&ours.into(), theirs))
            && close(&sums.output.into(), field(theirs, "output"));
        assert!(same, "row {row}: ours {sums:?}, theirs {theirs}");
    }
    Ok(())
}

fn features_of(path: &Path) -> Result<Vec<FeatureVector>> {
    let text = std::fs::read_to_string(path)?;
    let row = |line: &str| {
        let mut vector = [f64::NAN; FEATURE_COUNT];
        for (place, cell) in vector.iter_mut().zip(line.split(',').skip(2)) {
            if !cell.is_empty() {
                *place = cell.parse().with_context(|| format!("not a number: {cell}"))?;
            }
        }
        Ok(FeatureVector(vector))
    };
    text.lines().skip(1).map(row).collect()
}
