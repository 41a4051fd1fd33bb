//! A run's data set: history out of the store, labels that people gave, and the streams that judge kept out of training.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{History, TimeRange};
use linkcast_features::Calendar;
use linkcast_pipeline::retraining::DataFacts;
use linkcast_training::dataset::{DealSettings, Manifest, Thinning};

use super::frozen::FrozenSet;
use crate::commands::Session;
use crate::database::wait;
use crate::dataset::{Build, Plan, build, export};
use crate::exchange::make_folder;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::registry::Models;
use crate::reviewing::AgreedLabels;

/// The sides of a retraining's data sets. More judges than in other data sets: labels that people gave are few, and without enough of
/// them on the judging side no candidate is ever told from the live model.
const DEAL: DealSettings =
    DealSettings { train_streams: 0.60, validation_streams: 0.15, train_time: 0.70, seed: 20_260_101 };

/// What a data set is made of.
pub(crate) struct Preparing<'a> {
    /// An exported history; the store's own where none is named.
    pub(crate) history: Option<&'a Path>,
    /// A simulation's folder whose truth labels the rows.
    pub(crate) truth: Option<&'a Path>,
    /// A file of verdicts; the store's own where none is named.
    pub(crate) reviews: Option<&'a Path>,
    /// How much of the store's history is taken.
    pub(crate) last: Duration,
    /// Keep every row.
    pub(crate) thinning: Thinning,
    /// The last instant that is taken of the store.
    pub(crate) until: Timestamp,
    /// Where work lies.
    pub(crate) folder: &'a Path,
    /// Where the data set goes; below the folder if not said.
    pub(crate) out: Option<&'a Path>,
}

/// A data set that is there.
pub(crate) struct Prepared {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its own account of itself.
    pub(crate) manifest: Manifest,
    /// The set that judges, if one is pinned.
    pub(crate) frozen: Option<FrozenSet>,
    /// For the run's record.
    pub(crate) facts: DataFacts,
}

/// Makes the data set, or what is missing of it. The first one with enough labels on its judging side gives the frozen set.
pub(crate) fn prepare(
    preparing: &Preparing<'_>,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<Prepared, Failure> {
    make_folder(preparing.folder)?;
    let (history, until) = history(preparing, models, session)?;
    let reviews = match preparing.reviews {
        Some(file) => AgreedLabels::of_rows(file)?,
        None => AgreedLabels::of_store(models.store())?,
    };
    let pinned = FrozenSet::pinned(models, &preparing.folder.join("frozen"))?;
    let judges = pinned.as_ref().map(FrozenSet::streams).unwrap_or_default();
    let folder = match preparing.out {
        Some(out) => out.to_owned(),
        None => preparing.folder.join(name(&reviews, &judges)),
    };
    let manifest = make(preparing, (&history, &reviews), &judges, &folder, session)?;
    let frozen = match pinned {
        Some(frozen) => Some(frozen),
        None => FrozenSet::pin(models, &folder, &manifest, &preparing.folder.join("frozen"))?,
    };
    let facts = DataFacts {
        version: manifest.version.clone(),
        digest: manifest.digest.clone(),
        until,
        frozen: frozen.as_ref().map(|frozen| frozen.digest().to_owned()),
    };
    Ok(Prepared { folder, manifest, frozen, facts })
}

/// The exported history, and the newest time it may hold.
fn history(
    preparing: &Preparing<'_>,
    models: &Models,
    session: &Session<'_>,
) -> Result<(PathBuf, Timestamp), Failure> {
    if let Some(folder) = preparing.history {
        let until = Plan::of(folder)?.map_or(preparing.until, |plan| plan.until.min(preparing.until));
        return Ok((folder.to_owned(), until));
    }
    let folder = preparing.folder.join("history");
    make_folder(&folder)?;
    let range = TimeRange { from: preparing.until.minus(preparing.last), until: preparing.until };
    let plan =
        Plan::new("the run's store".to_owned(), range, wait(models.store().groups())?).agreed(&folder)?;
    let parts = plan.groups.len() * plan.days().len();
    let mut progress = Progress::new(session.notes, "exporting parts", Some(parts as u64));
    export(models.store(), &plan, &folder, &mut progress)?;
    Ok((folder, preparing.until))
}

fn make(
    preparing: &Preparing<'_>,
    (history, reviews): (&Path, &AgreedLabels),
    judges: &BTreeSet<linkcast_domain::StreamId>,
    out: &Path,
    session: &Session<'_>,
) -> Result<Manifest, Failure> {
    let zone = session.configuration.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let calendar =
        Calendar::named(&zone).map_err(|error| Failure::new(crate::exit::ExitKind::WrongUse, error))?;
    let plan = Build {
        history,
        truth: preparing.truth,
        outcomes: &[],
        reviews: Some(reviews),
        asking: None,
        out,
        calendar,
        time_zone: zone,
        thinning: preparing.thinning,
        deal: DEAL,
        judges,
        threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let mut progress = Progress::new(session.notes, "making groups of rows", None);
    Ok(build(&plan, &mut progress)?.manifest)
}

/// Verdicts that came while a run was broken off make another data set, in a folder of its own.
fn name(reviews: &AgreedLabels, judges: &BTreeSet<linkcast_domain::StreamId>) -> String {
    let digits: String = reviews.digest.chars().take(8).collect();
    format!("dataset-{digits}-{}", judges.len())
}
