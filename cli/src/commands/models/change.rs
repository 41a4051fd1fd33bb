//! What changes the registry.

use linkcast_domain::{Added, Clock, Decision, ModelName, RegisteredModel, Ruling, SystemClock};
use linkcast_training::registry::{Provenance, describe};
use serde::Serialize;

use super::{AddArguments, AliasArguments, Session, Target, version_of};
use crate::database::ready;
use crate::exit::{ExitKind, Failure, chain};
use crate::output::Form;
use crate::registry::{Models, read_folder, refusal};

#[derive(Serialize)]
struct AddedLine<'a> {
    version: &'a str,
    digest: &'a str,
    is_new: bool,
    place: String,
}

pub(super) fn add(
    arguments: &AddArguments,
    by: &str,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let files = read_folder(&arguments.folder)?;
    let provenance = Provenance {
        data_version: arguments.data_version.clone(),
        code_revision: arguments.code_revision.clone(),
    };
    let facts = describe(&files, &provenance, (by, SystemClock.now())).map_err(|error| {
        let told =
            format!("the model in {} cannot be registered: {}", arguments.folder.display(), chain(&error));
        Failure::new(ExitKind::Model, told)
            .with_next_step("name a folder that `linkcast train --out DIR` of this version wrote")
    })?;
    // Whether the version is taken is asked before files are written, and decided after: a registered version has its files.
    let known = ready(models.registry().models()).map_err(refusal)?;
    let is_taken =
        known.iter().any(|model| model.facts.version == facts.version && model.facts.digest != facts.digest);
    if !is_taken {
        models.put(&facts.digest, &files)?;
    }
    let added = ready(models.registry().add(&facts)).map_err(refusal)?;
    let model = RegisteredModel { facts, decisions: Vec::new() };
    let (version, digest) = (model.facts.version.as_str(), model.facts.digest.as_str());
    let (is_new, place) = (added == Added::New, models.place(&model));
    match session.form {
        Form::JsonLines => session.output.json(&AddedLine { version, digest, is_new, place })?,
        Form::Text if is_new => session.output.line(&format!(
            "version {version} is registered and pending: {place}\nnext: linkcast models approve {version}"
        ))?,
        Form::Text => {
            session.output.line(&format!("version {version} was registered before: {place}"))?;
        }
    }
    Ok(())
}

pub(super) fn approve(
    name: &ModelName,
    by: &str,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    decide(name, (Ruling::Approved, by), models, session)
}

pub(super) fn reject(
    name: &ModelName,
    reason: &str,
    by: &str,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::new(
            ExitKind::WrongUse,
            "--reason is empty: expected why the version is rejected",
        ));
    }
    decide(name, (Ruling::Rejected { reason: reason.to_owned() }, by), models, session)
}

fn decide(
    name: &ModelName,
    (ruling, by): (Ruling, &str),
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let version = version_of(name, models)?;
    let decision = Decision { ruling, by: by.to_owned(), at: SystemClock.now() };
    let model = ready(models.registry().decide(&version, &decision)).map_err(refusal)?;
    match session.form {
        Form::JsonLines => session.output.json(&model)?,
        Form::Text => session.output.line(&format!("version {version} is {}", model.approval().name()))?,
    }
    Ok(())
}

pub(super) fn point(
    arguments: &AliasArguments,
    by: &str,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let version = |target: &Target| target.0.as_ref().map(|name| version_of(name, models)).transpose();
    let before = ready(models.registry().aliases()).map_err(refusal)?;
    let expected = match &arguments.expect {
        Some(expected) => version(expected)?,
        None => before.version(arguments.alias).cloned(),
    };
    let target = version(&arguments.target)?;
    let who = (by, SystemClock.now());
    let registry = models.registry();
    let moved = registry.point(arguments.alias, target.as_ref(), expected.as_ref(), who);
    let aliases = ready(moved).map_err(refusal)?;
    if session.form == Form::JsonLines {
        session.output.json(&aliases)?;
        return Ok(());
    }
    for (name, pointer) in
        [("live", &aliases.live), ("candidate", &aliases.candidate), ("previous", &aliases.previous)]
    {
        let named = pointer.as_ref().map_or_else(
            || "none".to_owned(),
            |pointer| format!("{} (by {} at {})", pointer.version, pointer.by, pointer.at),
        );
        session.output.line(&format!("{name}: {named}"))?;
    }
    Ok(())
}
