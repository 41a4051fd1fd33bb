//! The model before it is served: trained or taken, judged, registered.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use linkcast_scoring::Model;
use serde_json::{Value, json};

use super::called::Program;
use super::checklist::Measured;
use super::course::Plan;
use crate::configuration::Configuration;
use crate::database;
use crate::exit::{ExitKind, Failure};
use crate::model;
use crate::registry::{ModelChoice, Models};
use crate::store::StorePlace;

/// The fabric a model is trained on: as small as one can be that has rows of every class in every part.
const TRAINING: [&str; 8] =
    ["train", "--simulate", "--ports", "300", "--hours", "10", "--fault-rate", "0.05"];

/// The fabric it is judged on: small, and full of faults.
const JUDGING: [&str; 9] =
    ["evaluate", "--ports", "128", "--hours", "12", "--fault-rate", "0.02", "--interval-seconds", "120"];

/// A model in its folder.
pub(super) struct Made {
    /// Where.
    pub(super) folder: PathBuf,
    /// The same, loaded here.
    pub(super) model: Model,
}

/// A model that is registered and live.
pub(super) struct Registered {
    /// Its version.
    pub(super) version: String,
    /// The sha256 of its card, as the registry has it.
    pub(super) card: String,
    /// The store.
    pub(super) database: PathBuf,
}

/// Trains a model in `folder`, or takes the one that is named.
pub(super) async fn model(
    plan: &Plan,
    program: &Program,
    folder: &Path,
    configuration: &Configuration,
) -> Result<(Made, Measured), Failure> {
    let (folder, how) = match &plan.model {
        None => (trained(plan, program, &folder.join("model")).await?, "trained"),
        Some(ModelChoice::Folder(named)) => (named.clone(), "taken"),
        Some(choice) => (fetched(choice, plan, &folder.join("model"), configuration)?, "fetched"),
    };
    let model = model::load(Some(&ModelChoice::Folder(folder.clone())), None, configuration)?;
    let card = model.card();
    let rows = card.training.get("rows").cloned().unwrap_or_default();
    let version = &card.model_version;
    let told = format!("version {version} is {how}; its card says it was made of {rows} rows");
    let figures = json!({ "version": version, "how": how, "rows": rows, "card": model.card_digest() });
    Ok((Made { folder, model }, Measured::new(told, figures)))
}

async fn trained(plan: &Plan, program: &Program, out: &Path) -> Result<PathBuf, Failure> {
    let (seed, version) = (plan.seed.to_string(), format!("verify-{}", plan.seed));
    let more = ["--seed", &seed, "--version", &version, "--json", "--out"];
    let words: Vec<&OsStr> = TRAINING.iter().chain(&more).map(OsStr::new).chain([out.as_os_str()]).collect();
    program.call(&words).await?;
    Ok(out.to_owned())
}

/// The files of a registered model, each checked against the digest it was registered with.
fn fetched(
    choice: &ModelChoice,
    plan: &Plan,
    out: &Path,
    configuration: &Configuration,
) -> Result<PathBuf, Failure> {
    let ModelChoice::Registered(name) = choice else {
        return Err(Failure::new(ExitKind::WrongUse, "the model is in no registry"));
    };
    let of_environment = configuration.database.clone().map(StorePlace::File);
    let place = plan.store.clone().or(of_environment).ok_or_else(database::unnamed)?;
    let models = Models::new(database::open_place(&place, configuration)?, &place, None, configuration)?;
    let (model, _) = models.find(name)?;
    let failed = |error: std::io::Error| {
        Failure::new(ExitKind::Machine, format!("writing {}: {error}", out.display()))
    };
    fs::create_dir_all(out).map_err(failed)?;
    for file in models.files(&model)? {
        fs::write(out.join(&file.name), &file.bytes).map_err(failed)?;
    }
    Ok(out.to_owned())
}

/// Judges it, and holds it to the least a model must do: better than to call everything normal.
pub(super) async fn evaluate(plan: &Plan, program: &Program, made: &Made) -> Result<((), Measured), Failure> {
    let seed = plan.seed.wrapping_add(1).to_string();
    let more = ["--seed", &seed, "--json", "--model"];
    let words: Vec<&OsStr> =
        JUDGING.iter().chain(&more).map(OsStr::new).chain([made.folder.as_os_str()]).collect();
    let findings = object("evaluate", &program.call(&words).await?)?;
    let number = |path: &str| findings.pointer(path).and_then(Value::as_f64);
    let judged = (|| {
        Some((
            number("/rows/rows")?,
            number("/rows/judges/0/balanced/accuracy")?,
            number("/rows/judges/0/balanced/macro_f1")?,
            number("/rows/judges/2/balanced/macro_f1")?,
            number("/rows/reliability/calibration_error")?,
        ))
    })();
    let Some((rows, accuracy, f1, majority_f1, calibration_error)) = judged else {
        return Err(unread("evaluate"));
    };
    if f1 <= majority_f1 {
        let told =
            format!("macro F1 {f1:.3}: no better than the {majority_f1:.3} of calling every row normal");
        return Err(Failure::new(ExitKind::Model, told)
            .with_next_step("look at it with `linkcast evaluate --model DIR`, and train it on more"));
    }
    let told = format!(
        "{rows} synthetic rows: balanced accuracy {accuracy:.3}, macro F1 {f1:.3}, calibration error {calibration_error:.3}"
    );
    let figures = json!({
        "synthetic": true,
        "rows": rows,
        "balanced_accuracy": accuracy,
        "macro_f1": f1,
        "macro_f1_of_always_normal": majority_f1,
        "calibration_error": calibration_error,
    });
    Ok(((), Measured::new(told, figures)))
}

/// Registers it in a store of its own, approves it, and points `live` at it.
pub(super) async fn register(
    program: &Program,
    made: &Made,
    folder: &Path,
) -> Result<(Registered, Measured), Failure> {
    let database = folder.join("linkcast.db");
    let model = made.folder.as_os_str();
    let added = models(program, &database, &[OsStr::new("add"), model]).await?;
    let text = |from: &Value, name: &str| from.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(version), Some(digest)) = (text(&added, "version"), text(&added, "digest")) else {
        return Err(unread("models add"));
    };
    models(program, &database, &["approve", &version].map(OsStr::new)).await?;
    models(program, &database, &["alias", "live", &version].map(OsStr::new)).await?;
    let live = models(program, &database, &["show", "live"].map(OsStr::new)).await?;
    let files = live.get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let card = files.iter().find(|file| text(file, "name").as_deref() == Some(linkcast_scoring::CARD_FILE));
    let Some(card) = card.and_then(|card| text(card, "sha256")) else { return Err(unread("models show")) };
    if (version.as_str(), card.as_str())
        != (made.model.card().model_version.as_str(), made.model.card_digest())
    {
        let told = format!("version {version} with the card {card} is live: not the model that was made");
        return Err(Failure::new(ExitKind::Model, told));
    }
    let told = format!("version {version}, digest {digest}, is approved and live in a store of its own");
    let figures = json!({ "version": version, "digest": digest, "card": card, "alias": "live" });
    Ok((Registered { version, card, database }, Measured::new(told, figures)))
}

/// One call of `linkcast models`, and what it printed.
async fn models(program: &Program, database: &Path, words: &[&OsStr]) -> Result<Value, Failure> {
    let ends = ["--by", "linkcast verify", "--json", "--db"].map(OsStr::new);
    let all = [&[OsStr::new("models")], words, &ends, &[database.as_os_str()]].concat();
    object("models", &program.call(&all).await?)
}

fn object(command: &str, printed: &str) -> Result<Value, Failure> {
    serde_json::from_str(printed).map_err(|_| unread(command))
}

fn unread(command: &str) -> Failure {
    Failure::new(ExitKind::Machine, format!("linkcast {command} --json printed something else than it does"))
}
