//! Two versions beside each other, and each beside what it was when it was registered.

use linkcast_domain::{ModelName, RegisteredModel};
use linkcast_scoring::CARD_FILE;
use linkcast_training::registry::{Difference, differences};
use serde::Serialize;
use serde_json::Value;

use super::Session;
use super::list::shown;
use crate::database::ready;
use crate::exit::{ExitKind, Failure, chain};
use crate::output::{Form, Table};
use crate::progress::Progress;
use crate::registry::{Models, refusal};

pub(super) fn diff(
    one: &ModelName,
    other: &ModelName,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let (one, other) = (models.find(one)?.0, models.find(other)?.0);
    let (card_of_one, card_of_other) = (card(&one, models)?, card(&other, models)?);
    let found = differences((&one.facts, &card_of_one), (&other.facts, &card_of_other));
    match session.form {
        Form::JsonLines => found.iter().try_for_each(|difference| session.output.json(difference))?,
        Form::Text if found.is_empty() => session.output.line("no difference")?,
        Form::Text => {
            let lines = table(&found).lines();
            lines.iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

fn card(model: &RegisteredModel, models: &Models) -> Result<Value, Failure> {
    let files = models.files(model)?;
    let card = files.iter().find(|file| file.name == CARD_FILE).map(|file| file.bytes.as_slice());
    let card = serde_json::from_slice(card.unwrap_or_default());
    card.map_err(|error| {
        Failure::new(ExitKind::Model, format!("the card of {}: {error}", model.facts.version))
    })
}

fn table(found: &[Difference]) -> Table {
    let mut table = Table::new(&["part", "name", "first", "second", "change"]);
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), shown);
    for difference in found {
        let change = difference.change().map_or_else(String::new, |change| format!("{change:+}"));
        table.row(vec![
            difference.part.to_owned(),
            difference.name.clone(),
            value(&difference.one),
            value(&difference.other),
            change.chars().take(12).collect(),
        ]);
    }
    table
}

#[derive(Serialize)]
struct VerifiedLine<'a> {
    version: &'a str,
    is_whole: bool,
    files: usize,
    place: String,
    error: Option<String>,
}

pub(super) fn verify(
    name: Option<&ModelName>,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let wanted = match name {
        Some(name) => vec![models.find(name)?.0],
        None => ready(models.registry().models()).map_err(refusal)?,
    };
    let mut progress = Progress::new(session.notes, "verifying", Some(wanted.len() as u64));
    let mut damaged = Vec::new();
    for model in &wanted {
        let version = model.facts.version.as_str();
        let error = match models.load(model) {
            Ok(_) => None,
            Err(Failure::Told { kind: ExitKind::Model, error, .. }) => Some(chain(error.as_ref())),
            Err(other) => return Err(other),
        };
        progress.advance(1);
        let (files, place) = (model.facts.files.len(), models.place(model));
        if error.is_some() {
            damaged.push(version);
        }
        match (session.form, error) {
            (Form::JsonLines, error) => {
                let is_whole = error.is_none();
                session.output.json(&VerifiedLine { version, is_whole, files, place, error })?;
            }
            (Form::Text, None) => {
                session.output.line(&format!("version {version} is whole: {files} files in {place}"))?;
            }
            (Form::Text, Some(error)) => session.output.line(&error)?,
        }
    }
    drop(progress);
    session.output.flush()?;
    if damaged.is_empty() {
        return Ok(());
    }
    let told = format!("{} of {} versions are damaged: {}", damaged.len(), wanted.len(), damaged.join(", "));
    Err(Failure::new(ExitKind::Model, told)
        .with_next_step("mend each with `linkcast models add DIR` from a whole copy, or reject it"))
}
