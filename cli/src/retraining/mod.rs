//! Retraining on this machine: the steps of a run, which a SageMaker pipeline runs one by one in containers.
//!
//! A run's work lies in a folder of its own. Every step may be done again: an export and a build go on where they were broken off, a model
//! that has its name is whole, a version that is registered is not registered twice. So a run that was killed anywhere is taken up by
//! the next call.

mod candidate;
mod data;
mod frozen;
mod judging;
mod place;
mod registering;
mod run;

pub(crate) use candidate::open_candidate;
use candidate::train_candidate;
pub(crate) use data::{Prepared, Preparing, prepare};
pub(crate) use frozen::FrozenSet;
pub(crate) use judging::{Evaluation, judge, read_evaluation, write_evaluation};
pub(crate) use place::Workplace;
pub(crate) use registering::register;
pub(crate) use run::{Local, named, version_of, work};

use linkcast_domain::{Alias, ModelName};
use linkcast_pipeline::NoBus;
use linkcast_pipeline::retraining::{GuardSettings, LINEAGE, RetrainingDesk, RetrainingError};
use linkcast_scoring::{Model, TASK};

use crate::commands::Session;
use crate::database;
use crate::exit::{ExitKind, Failure, chain};
use crate::registry::Models;
use crate::store::AnyStore;

/// The desk over a registry's store. Nobody hears a bus here: whoever tells people reads the board.
pub(crate) fn desk<'a>(
    models: &'a Models,
    fabric: &'a str,
    guards: GuardSettings,
) -> RetrainingDesk<'a, AnyStore, NoBus> {
    RetrainingDesk::new((models.store(), &NoBus), (fabric, TASK), guards)
}

/// What is wrong at the desk, with what to do about it.
pub(crate) fn refused(error: RetrainingError) -> Failure {
    match error {
        RetrainingError::Store(error) => database::failure(error),
        RetrainingError::Request(_) => {
            Failure::new(ExitKind::WrongUse, error).with_next_step("see `linkcast retrain run --help`")
        }
        RetrainingError::Damaged(_) => Failure::new(ExitKind::Database, error)
            .with_next_step("restore the store from a copy, or delete that item"),
        RetrainingError::Untold(_)
        | RetrainingError::NotStarted { .. }
        | RetrainingError::Contended { .. } => {
            Failure::new(ExitKind::Machine, chain(&error)).with_next_step("call again in a while")
        }
    }
}

/// The model that answers now.
pub(crate) struct LiveModel {
    /// Its version.
    pub(crate) version: String,
    /// The model.
    pub(crate) model: Model,
    /// When its data ended, if the run that made it wrote that down.
    pub(crate) data_until: Option<linkcast_domain::Timestamp>,
}

/// The registry's live model, or the shipped one where none is live.
pub(crate) fn live_model(models: &Models, session: &Session<'_>) -> Result<LiveModel, Failure> {
    let aliases = database::ready(models.registry().aliases()).map_err(crate::registry::refusal)?;
    if aliases.version(Alias::Live).is_none() {
        let model = crate::model::load(None, None, session.configuration)?;
        let version = format!("{} (shipped)", model.identity().model_version);
        return Ok(LiveModel { version, model, data_until: None });
    }
    let (registered, _) = models.find(&ModelName::Alias(Alias::Live))?;
    let text = registered.facts.metrics.get(LINEAGE).and_then(|lineage| lineage.get("data_until"));
    let data_until = text.and_then(|text| text.as_str()?.parse().ok());
    let version = registered.facts.version.to_string();
    Ok(LiveModel { version, model: models.load(&registered)?, data_until })
}
