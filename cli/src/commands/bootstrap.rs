//! `linkcast bootstrap`: from a folder of telemetry to a first model that answers.
//!
//! A recipe of commands that anybody can call: the telemetry goes through the pipeline into a history of its own, the history becomes a data
//! set, the data set a model, the model is registered and made live, and with an image and a role it is deployed. Broken off anywhere it is
//! called again and goes on: what a step has made is in the work folder and is not made twice.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_domain::{Alias, ModelName, Timestamp};
use serde_json::{Value, json};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{self, ready};
use crate::exit::{ExitKind, Failure};
use crate::learning::TRUTH_FILE;
use crate::output::Form;
use crate::recipe::{Recipe, text, words};
use crate::registry::{FolderPlace, Models, refusal};
use crate::store::StorePlace;

/// From a folder of telemetry to a first model that answers.
#[derive(Args, Debug)]
#[command(
    after_help = "Steps, each told before it is done and each a command of its own: replay, dataset export, dataset build, train, models add,\napprove and alias live; with --image-uri and --role also deploy. Where a model is live already none is trained.\n\nWithout truth.jsonl beside the telemetry the rules label what they are sure of, and --reviews what people said.\n\nExamples:\n  linkcast simulate --ports 500 --hours 24 --fault-rate 0.02 --out fabric/ && linkcast bootstrap fabric/ --db linkcast.db\n  linkcast bootstrap captures/ --store dynamodb:linkcast-lab --models s3:BUCKET --image-uri IMAGE --role ARN\n  linkcast bootstrap captures/ --store dynamodb:linkcast-lab --image-uri IMAGE --role ARN -- --serverless --memory 2048"
)]
pub(crate) struct BootstrapArguments {
    /// Captures or sample files, with truth.jsonl beside them where they are simulated.
    #[arg(value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Where models' files lie: a folder, or s3:BUCKET (default: LINKCAST_MODELS, or `models` beside the database file).
    #[arg(long, value_name = "PLACE")]
    models: Option<FolderPlace>,
    /// Verdicts of people: a .csv or .jsonl file, or a store.
    #[arg(long, value_name = "REVIEWS")]
    reviews: Option<OsString>,
    /// The version the first model gets.
    #[arg(long, value_name = "TEXT", default_value = "first")]
    version: String,
    /// Training settings, as a task has them (see `linkcast task check --help`); its platform is not asked.
    #[arg(long, value_name = "FILE")]
    task: Option<PathBuf>,
    /// Learn from every row, in place of one in 60 quiet ones.
    #[arg(long)]
    keep_all: bool,
    /// The image that serves the model, in ECR; the model is deployed if one is named.
    #[arg(long, value_name = "IMAGE", requires = "role")]
    image_uri: Option<String>,
    /// The role its container takes on.
    #[arg(long, value_name = "ARN", requires = "image_uri")]
    role: Option<String>,
    /// Whose image that is: ours, pytorch or xgboost.
    #[arg(long, value_name = "KIND", default_value = "ours", requires = "image_uri")]
    image: String,
    /// Where the work lies until it is done, and what is kept of it.
    #[arg(long, value_name = "DIR", default_value = "linkcast-bootstrap")]
    work: PathBuf,
    /// What `linkcast provision` is told beside.
    #[arg(last = true, value_name = "PROVISION OPTIONS", requires = "image_uri")]
    provision: Vec<OsString>,
}

/// Bootstraps.
pub(crate) fn execute(arguments: &BootstrapArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let place = arguments.database.place(session.configuration).ok_or_else(database::unnamed)?;
    if !arguments.data.is_dir() {
        let told = format!("{}: expected a folder of captures or sample files", arguments.data.display());
        return Err(Failure::new(ExitKind::UnusableInput, told)
            .with_next_step("make one with `linkcast simulate --out DIR`, or record one"));
    }
    let recipe = Recipe::new(session.notes)?;
    let before = arguments.live(&place, session)?;
    let version = match &before {
        Some(version) => version.clone(),
        None => arguments.first_model(&recipe, &place)?,
    };
    let deployed = arguments.deployed(&recipe, &place)?;
    match session.form {
        Form::JsonLines => {
            let trained = before.is_none();
            session.output.json(&json!({ "version": version, "trained": trained, "deployed": deployed }))?;
        }
        Form::Text => {
            let made = if before.is_some() { "was live before" } else { "is live" };
            session.output.line(&format!("version {version} {made} in {place}"))?;
            session.output.line(&match deployed.as_ref().map(|deployed| text(deployed, "endpoint")) {
                Some(endpoint) => format!("it answers from {}", endpoint?),
                None => format!("next: linkcast run --model registry:live --store {place} --source …"),
            })?;
        }
    }
    Ok(())
}

impl BootstrapArguments {
    /// The version that is live already. A file that is not there yet is made.
    fn live(&self, place: &StorePlace, session: &Session<'_>) -> Result<Option<String>, Failure> {
        let configuration = session.configuration;
        let store = database::open(place, configuration)?;
        let models = Models::new(store, place, self.models.as_ref(), configuration)?;
        let aliases = ready(models.registry().aliases()).map_err(refusal)?;
        let Some(version) = aliases.version(Alias::Live) else { return Ok(None) };
        let (model, _) = models.find(&ModelName::Version(version.clone()))?;
        Ok(Some(model.facts.version.to_string()))
    }

    /// Trains, registers and makes live; gives the version.
    fn first_model(&self, recipe: &Recipe, place: &StorePlace) -> Result<String, Failure> {
        make_folder(&self.work)?;
        let model = self.trained(recipe)?;
        let mut add = words(["models", "add"]);
        add.push(model.into());
        let version = text(&recipe.ask(&self.beside(add, place))?, "version")?;
        recipe.step(&self.beside(words(["models", "approve", &version]), place))?;
        recipe.step(&self.beside(words(["models", "alias", "live", &version]), place))?;
        Ok(version)
    }

    /// History, data set and model in the work folder; what is there is not made again.
    fn trained(&self, recipe: &Recipe) -> Result<PathBuf, Failure> {
        let at = |name: &str| self.work.join(name);
        let (history, rows, model) = (at("history"), at("dataset"), at("model"));
        if model.join(linkcast_scoring::CARD_FILE).is_file() {
            return Ok(model);
        }
        let database = at("telemetry.db");
        let with = |texts: &[&str], paths: &[(&str, &Path)]| -> Vec<OsString> {
            let mut said: Vec<OsString> = texts.iter().map(OsString::from).collect();
            said.extend(paths.iter().flat_map(|(name, path)| [OsString::from(name), path.into()]));
            said
        };
        let mut replay = with(&["replay"], &[("--db", &database)]);
        replay.push(self.data.clone().into());
        recipe.step(&replay)?;
        let (first, last) = self.times(recipe)?;
        let all = ["dataset", "export", "--since", &first, "--until", &last];
        recipe.step(&with(&all, &[("--db", &database), ("--out", &history)]))?;
        let mut build = with(&["dataset", "build"], &[("--history", &history), ("--out", &rows)]);
        if self.data.join(TRUTH_FILE).is_file() {
            build.extend(["--truth".into(), self.data.clone().into()]);
        }
        build.extend(self.reviews.iter().flat_map(|reviews| ["--reviews".into(), reviews.clone()]));
        build.extend(self.keep_all.then(|| "--keep-all".into()));
        recipe.step(&build)?;
        let train = ["train", "--version", &self.version];
        let mut train = with(&train, &[("--dataset", &rows), ("--out", &model)]);
        train.extend(self.task.iter().flat_map(|task| ["--task".into(), task.clone().into()]));
        recipe.step(&train)?;
        Ok(model)
    }

    /// The first and the last time that the telemetry tells of.
    fn times(&self, recipe: &Recipe) -> Result<(String, String), Failure> {
        let mut inspect = words(["inspect"]);
        inspect.push(self.data.clone().into());
        let files = recipe.ask_lines(&inspect)?;
        let of = |name: &str| -> Vec<Timestamp> {
            let texts = files.iter().filter_map(|file| file.get(name)?.as_str());
            texts.filter_map(|text| text.parse().ok()).collect()
        };
        let (first, last) = (of("first").into_iter().min(), of("last").into_iter().max());
        let both = first.zip(last).map(|(first, last)| (first.to_string(), last.to_string()));
        both.ok_or_else(|| {
            let told = format!("{}: expected telemetry that tells its times", self.data.display());
            Failure::new(ExitKind::UnusableInput, told)
                .with_next_step("see what can be used of it with `linkcast inspect DIR`")
        })
    }

    /// What deploying said, if an image was named.
    fn deployed(&self, recipe: &Recipe, place: &StorePlace) -> Result<Option<Value>, Failure> {
        let (Some(image_uri), Some(role)) = (&self.image_uri, &self.role) else { return Ok(None) };
        let said =
            words(["deploy", "live", "--image", &self.image, "--image-uri", image_uri, "--role", role]);
        let mut said = self.beside(said, place);
        if !self.provision.is_empty() {
            said.push("--".into());
            said.extend(self.provision.iter().cloned());
        }
        recipe.ask(&said).map(Some)
    }

    /// A command's words with the registry's place behind them.
    fn beside(&self, mut said: Vec<OsString>, place: &StorePlace) -> Vec<OsString> {
        said.extend(words(["--store", &place.to_string()]));
        if let Some(models) = &self.models {
            said.extend(words(["--models", &models.to_string()]));
        }
        said
    }
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::new(ExitKind::Machine, format!("making {}: {error}", folder.display()))
            .with_next_step("name a folder that may be written with --work")
    })
}
