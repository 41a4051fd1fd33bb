//! A run on this machine, from its request to its end.

use std::path::Path;
use std::time::Duration;

use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::retraining::{Candidate, Run, RunEvent};
use linkcast_training::TrainingConfig;
use linkcast_training::dataset::Thinning;

use super::data::{Preparing, prepare};
use super::judging::judge;
use super::registering::{facts_of, register};
use super::{Workplace, desk, live_model, refused, train_candidate};
use crate::commands::Session;
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::registry::Models;

/// How a run is done here.
pub(crate) struct Local<'a> {
    /// Where.
    pub(crate) place: &'a Workplace,
    /// An exported history; the store's own where none is named.
    pub(crate) history: Option<&'a Path>,
    /// A simulation's folder whose truth labels the rows.
    pub(crate) truth: Option<&'a Path>,
    /// A file of verdicts; the store's own where none is named.
    pub(crate) reviews: Option<&'a Path>,
    /// How much of the store's history is taken.
    pub(crate) last: Duration,
    /// What is left out of many rows.
    pub(crate) thinning: Thinning,
    /// What training is told.
    pub(crate) config: TrainingConfig,
}

/// The version of a run's model, here and in a pipeline.
pub(crate) fn version_of(run: Timestamp) -> String {
    format!("r{:016}", run.millis().max(0))
}

/// Does the run's work, going on where an earlier process left it. What fails ends the run as failed; a process that is killed leaves
/// it to the next.
pub(crate) fn work(
    run: &Run,
    local: &Local<'_>,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<Run, Failure> {
    match steps(run, local, models, session) {
        Err(Failure::Told { kind, error, next_step }) => {
            let told = crate::exit::chain(error.as_ref());
            advance(run.run, &RunEvent::Failed(told), models, session)?;
            Err(Failure::Told { kind, error, next_step })
        }
        done => done,
    }
}

fn steps(run: &Run, local: &Local<'_>, models: &Models, session: &mut Session<'_>) -> Result<Run, Failure> {
    advance(run.run, &RunEvent::Started(local.place.trainer()), models, session)?;
    let folder = local.place.of_run(run.run);
    let preparing = Preparing {
        history: local.history,
        truth: local.truth,
        reviews: local.reviews,
        last: local.last,
        thinning: local.thinning,
        until: run.run,
        folder: &folder,
        out: None,
    };
    let data = prepare(&preparing, models, session)?;
    let live = live_model(models, session)?;
    let code_revision = session.configuration.code_revision.clone();
    let prepared = RunEvent::Prepared {
        data: data.facts.clone(),
        live: Some(live.version.clone()),
        code_revision: code_revision.clone(),
    };
    advance(run.run, &prepared, models, session)?;
    let mut config = TrainingConfig { version: version_of(run.run), ..local.config.clone() };
    config.origin.code_revision.clone_from(&code_revision);
    let files =
        train_candidate(&data, &config, &folder.join(format!("model-{}", data.facts.version)), session)?;
    let model = linkcast_training::registry::load(&files)
        .map_err(|error| Failure::new(ExitKind::Model, crate::exit::chain(&error)))?;
    let evaluation = judge((&model, named(&files)?), &live, &data, session.notes)?;
    let judged =
        RunEvent::Judged { candidate: evaluation.candidate.clone(), verdict: evaluation.verdict.clone() };
    let now = advance(run.run, &judged, models, session)?;
    if now.stage().is_end() {
        // Somebody stopped it, or its time ran out, while it trained: it hands nothing over.
        let told = format!("the run is {} already: {}", now.stage().name(), now.outcome.unwrap_or_default());
        return Err(
            Failure::new(ExitKind::Refused, told).with_next_step("begin another with `linkcast retrain run`")
        );
    }
    register(run.run, &files, &evaluation, code_revision, models)?;
    advance(run.run, &RunEvent::Registered, models, session)
}

/// The trained model's name and digest.
pub(crate) fn named(files: &[linkcast_domain::ports::FolderFile]) -> Result<Candidate, Failure> {
    let facts = facts_of(files, None)?;
    Ok(Candidate { version: facts.version.to_string(), digest: facts.digest })
}

fn advance(run: Timestamp, event: &RunEvent, models: &Models, session: &Session<'_>) -> Result<Run, Failure> {
    let desk = desk(models, &session.configuration.fabric, Default::default());
    let found = ready(desk.advance(run, event, SystemClock.now())).map_err(refused)?;
    found.ok_or_else(|| Failure::new(ExitKind::Refused, format!("there is no run of {run} any more")))
}
