//! What the registry knows, told.

use linkcast_domain::{Alias, Aliases, Approval, ModelName, RegisteredModel};
use linkcast_training::registry::leaves;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Session;
use crate::database::ready;
use crate::exit::Failure;
use crate::output::{Form, Table};
use crate::registry::{Models, parts, refusal};

/// Digits of a digest that tell it from any other one is likely to meet.
const SHORT_DIGEST: usize = 12;

/// Letters of a value in a table for people.
const SHORT_VALUE: usize = 60;

#[derive(Serialize)]
struct ModelLine<'a> {
    #[serde(flatten)]
    model: &'a RegisteredModel,
    approval: Approval,
    aliases: Vec<Alias>,
    place: String,
}

fn line<'a>(model: &'a RegisteredModel, aliases: &Aliases, models: &Models) -> ModelLine<'a> {
    let aliases = aliases.naming(&model.facts.version);
    ModelLine { model, approval: model.approval(), aliases, place: models.place(model) }
}

pub(super) fn list(models: &Models, session: &mut Session<'_>) -> Result<(), Failure> {
    let aliases = ready(models.registry().aliases()).map_err(refusal)?;
    let all = ready(models.registry().models()).map_err(refusal)?;
    if session.form == Form::JsonLines {
        all.iter().try_for_each(|model| session.output.json(&line(model, &aliases, models)))?;
        return Ok(());
    }
    let headings = ["version", "state", "alias", "added", "by", "data", "accuracy", "macro f1", "digest"];
    let mut table = Table::new(&headings);
    for model in &all {
        let facts = &model.facts;
        let data = facts.lineage.data_version.as_deref().or(facts.lineage.data_digest.as_deref());
        table.row(vec![
            facts.version.to_string(),
            model.approval().name().to_owned(),
            or_none(parts(&aliases, model)),
            facts.added.to_string(),
            facts.added_by.clone(),
            or_none(short(data.unwrap_or_default(), SHORT_DIGEST)),
            figure(&facts.metrics, &["classifier", "accuracy"]),
            figure(&facts.metrics, &["classifier", "macro_f1"]),
            short(&facts.digest, SHORT_DIGEST),
        ]);
    }
    table.lines().iter().try_for_each(|line| session.output.line(line))?;
    if all.is_empty() {
        session.notes.warn("no model is registered: add one with `linkcast models add DIR`");
    }
    Ok(())
}

fn figure(metrics: &Map<String, Value>, path: &[&str]) -> String {
    let first = path.first().and_then(|name| metrics.get(*name));
    let found = path.iter().skip(1).fold(first, |found, name| found?.get(*name));
    found.and_then(Value::as_f64).map_or_else(|| "-".to_owned(), |number| format!("{number:.3}"))
}

fn or_none(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

pub(super) fn short(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}

pub(super) fn show(name: &ModelName, models: &Models, session: &mut Session<'_>) -> Result<(), Failure> {
    let (model, aliases) = models.find(name)?;
    if session.form == Form::JsonLines {
        session.output.json(&line(&model, &aliases, models))?;
        return Ok(());
    }
    let facts = &model.facts;
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    row("version", facts.version.to_string());
    row("task", facts.task.clone());
    row("state", model.approval().name().to_owned());
    row("alias", or_none(parts(&aliases, &model)));
    row("feature schema", facts.feature_schema.to_string());
    row("digest", facts.digest.clone());
    row("place", models.place(&model));
    row("added", format!("{} by {}", facts.added, facts.added_by));
    for decision in &model.decisions {
        let told = serde_json::to_value(&decision.ruling).unwrap_or_default();
        let reason =
            told.get("reason").and_then(Value::as_str).map_or(String::new(), |why| format!(": {why}"));
        let ruling = told.get("approval").and_then(Value::as_str).unwrap_or_default();
        row(ruling, format!("{} by {}{reason}", decision.at, decision.by));
    }
    for file in &facts.files {
        row(&file.name, format!("{} bytes, sha256 {}", file.bytes, file.sha256));
    }
    let lineage = serde_json::to_value(&facts.lineage).unwrap_or_default();
    let metrics = Value::Object(facts.metrics.clone());
    for (part, value) in [("", &lineage), ("metrics.", &metrics)] {
        for (name, value) in leaves(value) {
            row(&format!("{part}{name}"), shown(value));
        }
    }
    table.lines().iter().skip(1).try_for_each(|line| session.output.line(line))?;
    Ok(())
}

/// A value for people.
pub(super) fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    short(&text, SHORT_VALUE)
}
