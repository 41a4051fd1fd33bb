//! From YAML to a task: which keys there are, what each may be, and what it is where it is left out.

use std::collections::BTreeMap;
use std::time::Duration;

use saphyr::{LoadableYamlNode, MarkedYaml};

use super::section::{Faults, Section, Value};
use super::{
    Deployment, ModelKind, Platform, SageMakerSettings, ServerlessEndpoint, Task, TaskError, TaskFault,
};
use crate::TrainingConfig;
use crate::config::ForestSettings;

/// The memory sizes that a serverless endpoint may have.
const MEMORY_MB: [i64; 6] = [1024, 2048, 3072, 4096, 5120, 6144];
/// The most calls side by side of one serverless endpoint.
const MOST_CONCURRENT: i64 = 200;
/// The longest run that SageMaker allows: 28 days.
const LONGEST_RUN_MINUTES: i64 = 28 * 24 * 60;

/// Reads a task, or tells everything that is wrong with it.
pub(super) fn task(text: &str) -> Result<Task, TaskError> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| {
        let (key, found) = ("the task".to_owned(), format!("no YAML ({})", error.info()));
        TaskError(vec![TaskFault {
            line: error.marker().line(),
            key,
            found,
            expected: "a mapping".to_owned(),
        }])
    })?;
    let [document] = documents.as_slice() else {
        let found = format!("{} documents", documents.len());
        let fault = TaskFault { line: 1, key: "the task".to_owned(), found, expected: "one".to_owned() };
        return Err(TaskError(vec![fault]));
    };
    let mut faults = Faults::default();
    let read = whole(document, &mut faults);
    faults.0.sort_by_key(|fault| fault.line);
    match read {
        Some(task) if faults.0.is_empty() => Ok(task),
        _ => Err(TaskError(faults.0)),
    }
}

fn whole(document: &MarkedYaml<'_>, faults: &mut Faults) -> Option<Task> {
    let mut top = Section::top(document, faults);
    let mut training = top.section("training", faults);
    if top.is_there() && !training.is_there() && faults.0.is_empty() {
        faults.add(1, "training", "missing", "type, platform, deployment_target, endpoint and parameters");
    }
    top.finish(faults);
    let kind = training.require("type", "boosted_trees", faults, |value| match value.text()? {
        "boosted_trees" => Some(ModelKind::BoostedTrees),
        _ => None,
    });
    let is_sagemaker =
        training.require("platform", "local or sagemaker", faults, |value| match value.text()? {
            "local" => Some(false),
            "sagemaker" => Some(true),
            _ => None,
        });
    let deployment = deployment(&mut training, faults);
    let mut parameters = training.section("parameters", faults);
    let config = config(&mut parameters, faults);
    let mut sagemaker = parameters.section("sagemaker", faults);
    let platform = match is_sagemaker {
        Some(true) => settings(&mut sagemaker, faults).map(Platform::SageMaker),
        Some(false) if sagemaker.is_there() => {
            let (line, key) = (sagemaker.line(), parameters.path_of("sagemaker"));
            faults.add(line, key, "there", "nothing, as the platform is local");
            None
        }
        other => other.map(|_| Platform::Local),
    };
    if is_sagemaker == Some(true) {
        sagemaker.finish(faults);
    }
    parameters.finish(faults);
    training.finish(faults);
    Some(Task { kind: kind?, platform: platform?, deployment: deployment?, config })
}

fn deployment(training: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Deployment> {
    let expected = "embedded, serverless or realtime";
    let target = training
        .require("deployment_target", expected, faults, |value| {
            value.text().filter(|text| ["embedded", "serverless", "realtime"].contains(text))
        })
        .map(str::to_owned);
    let mut endpoint = training.section("endpoint", faults);
    let deployment = match target.as_deref()? {
        "serverless" => Some(Deployment::Serverless(serverless(&mut endpoint, faults)?)),
        target if endpoint.is_there() => {
            let (line, key) = (endpoint.line(), training.path_of("endpoint"));
            let expected = format!("nothing, as the deployment target is {target}");
            faults.add(line, key, "there", &expected);
            return None;
        }
        "realtime" => Some(Deployment::RealTime),
        _ => Some(Deployment::Embedded),
    };
    endpoint.finish(faults);
    deployment
}

fn serverless(endpoint: &mut Section<'_, '_>, faults: &mut Faults) -> Option<ServerlessEndpoint> {
    let sizes = MEMORY_MB.map(|size| size.to_string()).join(", ");
    let memory_mb = endpoint.require("memory_mb", &format!("one of {sizes}"), faults, |value| {
        value.whole(0..=i64::from(u32::MAX)).filter(|size| MEMORY_MB.contains(size))
    });
    let expected = format!("a whole number from 1 to {MOST_CONCURRENT}");
    let most =
        endpoint.require("max_concurrency", &expected, faults, |value| value.whole(1..=MOST_CONCURRENT));
    Some(ServerlessEndpoint { memory_mb: memory_mb? as u32, max_concurrency: most? as u32 })
}

fn config(parameters: &mut Section<'_, '_>, faults: &mut Faults) -> TrainingConfig {
    let mut config = TrainingConfig::default();
    let text = |value: &Value<'_, '_>| value.text().map(str::to_owned);
    set(&mut config.version, parameters.read("version", "a text", faults, text));
    let seed =
        parameters.read("seed", "a whole number, not below 0", faults, |value| value.whole(0..=i64::MAX));
    set(&mut config.seed, seed.map(i64::unsigned_abs));
    for (key, place) in
        [("balance", &mut config.balance), ("regressor_balance", &mut config.regressor_balance)]
    {
        set(place, parameters.read(key, "a number from 0 to 1", faults, |value| value.real(0.0..=1.0)));
    }
    for (key, settings) in [("classifier", &mut config.classifier), ("regressor", &mut config.regressor)] {
        let mut section = parameters.section(key, faults);
        forest(&mut section, settings, faults);
        section.finish(faults);
    }
    config
}

fn forest(section: &mut Section<'_, '_>, settings: &mut ForestSettings, faults: &mut Faults) {
    let counts = [
        ("rounds", &mut settings.rounds, 1..=10_000),
        ("depth", &mut settings.depth, 1..=12),
        ("patience", &mut settings.patience, 0..=1_000),
    ];
    for (key, place, range) in counts {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let read = section.read(key, &expected, faults, |value| value.whole(range));
        set(place, read.map(|number| number as usize));
    }
    let shares = [
        ("eta", &mut settings.eta, 0.0001..=1.0),
        ("min_child_weight", &mut settings.min_child_weight, 0.0..=1e9),
        ("lambda", &mut settings.lambda, 0.0..=1e9),
        ("features_per_tree", &mut settings.features_per_tree, 0.01..=1.0),
    ];
    for (key, place, range) in shares {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        set(place, section.read(key, &expected, faults, |value| value.real(range)));
    }
}

fn settings(section: &mut Section<'_, '_>, faults: &mut Faults) -> Option<SageMakerSettings> {
    let role = section.require("role", "a role's ARN, arn:…:iam::…:role/…", faults, |value| {
        value.text().filter(|text| text.starts_with("arn:") && text.contains(":role/")).map(str::to_owned)
    });
    let bucket = section.require("bucket", "a bucket's name, without s3://", faults, |value| {
        value
            .text()
            .filter(|text| (3..=63).contains(&text.len()) && !text.contains(['/', ':']))
            .map(str::to_owned)
    });
    let prefix = section.read("prefix", "a key's beginning", faults, |value| {
        value.text().map(|text| text.trim_matches('/').to_owned())
    });
    let instance_type =
        section.read("instance_type", "a machine's type, as ml.m5.2xlarge", faults, |value| {
            value.text().filter(|text| text.starts_with("ml.")).map(str::to_owned)
        });
    let mut whole = |key, most: i64, missing: i64| {
        let expected = format!("a whole number from 1 to {most}");
        section.read(key, &expected, faults, |value| value.whole(1..=most)).unwrap_or(missing)
    };
    let instance_count = whole("instance_count", 100, 1) as u32;
    let volume_gb = whole("volume_gb", 16_384, 20) as u32;
    let minutes = whole("max_minutes", LONGEST_RUN_MINUTES, 60);
    let image = section.read("image", "an image's address", faults, |value| value.text().map(str::to_owned));
    let tags = tags(section, faults);
    Some(SageMakerSettings {
        role: role?,
        bucket: bucket?,
        prefix: prefix.unwrap_or_else(|| "linkcast".to_owned()),
        instance_type: instance_type.unwrap_or_else(|| "ml.m5.2xlarge".to_owned()),
        instance_count,
        volume_gb,
        longest_run: Duration::from_secs(minutes.unsigned_abs() * 60),
        image,
        tags,
    })
}

fn tags(section: &mut Section<'_, '_>, faults: &mut Faults) -> BTreeMap<String, String> {
    let tags = section.section("tags", faults);
    let mut read = BTreeMap::new();
    for (key, value) in tags.free() {
        match value.scalar() {
            Some(text) => drop(read.insert(key.to_owned(), text)),
            None => faults.add(value.line, &value.path, "no plain value", "a text"),
        }
    }
    read
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
