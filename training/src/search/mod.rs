//! Looking for better settings of the classifier, without ever looking at the rows that judge.
//!
//! - **What is searched.** Candidate 0 is the settings at hand, the baseline. The drawn candidates follow, each a
//!   function of the seed and its number alone; last come a few straight planes, the other family. The number of rounds
//!   stays the baseline's: it bounds how long a model takes to answer, which is a promise and no matter of taste.
//! - **What they are judged by.** Folds of whole stream groups, within the rows that fit; rows that calibrate or judge
//!   take no part. A fold never decides how many trees there are: the rows that stop do, as in the final training. The
//!   score is a cross entropy in which each class weighs as the baseline weighs it, the same for everyone, after what a
//!   candidate's own class weights did to its margins is taken out again (see `score`).
//! - **Who goes on.** Successive halving (Jamieson and Talwalkar 2016): all are tried on a share of the stream groups,
//!   the best third on three times as many, until the last are tried on all. Rounds would be the cheaper ladder, but on
//!   few rounds a slow learner looks like a bad one. Rows of a small share weigh more, so that regularisation, which
//!   works against sums over rows, means the same on every rung. The baseline is on every rung.
//! - **What depends on what.** Jobs are done in parallel and in any order, each on one thread; which candidate goes on
//!   depends on scores and numbers alone. So threads change nothing, and neither does an interruption: what a
//!   [`Journal`] says is finished is not done again.

mod candidate;
mod folds;
mod ladder;
mod record;
mod report;
mod run;
mod score;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, Ranges};
pub use record::{Journal, RecordError, Records, SearchHeader, TrialRecord};
pub use report::{Paired, SearchReport, Shown};
pub use score::FoldScore;

use std::num::NonZeroUsize;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::boost::heed;
use crate::progress::{Progress, TrainingEvent};
use crate::train::{Parts, parts};
use crate::{TrainingConfig, TrainingError, TrainingSet};
use folds::{Folds, RungRows};
use ladder::Ladder;
use score::Yardstick;

/// How the search is held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSettings {
    /// Candidates drawn, beside the baseline and the other family.
    pub trials: usize,
    /// Folds of stream groups.
    pub folds: usize,
    /// What is drawn from.
    pub ranges: Ranges,
}

impl Default for SearchSettings {
    fn default() -> Self {
        SearchSettings { trials: 50, folds: 3, ranges: Ranges::default() }
    }
}

/// Searches for better settings than `config`'s. What is found is the report's to apply.
///
/// # Errors
///
/// A setting or part that cannot be used, the booster's own errors, a record that cannot be kept, a stop asked for.
pub fn search(
    set: &TrainingSet,
    config: &TrainingConfig,
    settings: &SearchSettings,
    journal: &mut dyn Journal,
    progress: &mut dyn Progress,
) -> Result<SearchReport, TrainingError> {
    check(settings)?;
    let parts = parts(set, config)?;
    let ladder = Ladder::of(settings.trials);
    let candidates = candidate::all(settings, config);
    let folds = Folds::of(&parts.fit, settings.folds, config.seed)?;
    let ground = Ground { parts: &parts, config, folds: &folds, candidates: &candidates };
    let mut survivors: Vec<usize> = ladder.starters(settings.trials);
    let mut last = Vec::new();
    let mut shown = Vec::new();
    for rung in 0..ladder.rungs() {
        if rung + 1 == ladder.rungs() {
            survivors.extend(settings.trials + 1..candidates.len());
        }
        let climb = Climb { rung, ladder: &ladder, survivors: &survivors };
        last = climb_rung(&ground, &climb, journal, progress)?;
        shown.push(Shown { share: ladder.share(rung), candidates: survivors.len() });
        survivors = ladder.survivors(&last);
    }
    report::conclude(settings, shown, &last)
}

/// What stays the same from rung to rung.
struct Ground<'a> {
    parts: &'a Parts,
    config: &'a TrainingConfig,
    folds: &'a Folds,
    candidates: &'a [Candidate],
}

/// One rung, and who is on it.
struct Climb<'a> {
    rung: usize,
    ladder: &'a Ladder,
    survivors: &'a [usize],
}

/// One candidate on one fold.
#[derive(Clone, Copy, Debug)]
struct Job {
    trial: usize,
    fold: usize,
}

/// Tries everyone on the rung whom the journal does not know yet; the records come by number.
fn climb_rung(
    ground: &Ground<'_>,
    climb: &Climb<'_>,
    journal: &mut dyn Journal,
    progress: &mut dyn Progress,
) -> Result<Vec<TrialRecord>, TrainingError> {
    let known = |trial: &usize| {
        journal.finished().iter().find(|record| record.rung == climb.rung && record.trial == *trial).cloned()
    };
    let mut records: Vec<TrialRecord> = climb.survivors.iter().filter_map(known).collect();
    let missing = climb.survivors.iter().filter(|trial| records.iter().all(|record| record.trial != **trial));
    let folds = 0..ground.folds.count();
    let jobs: Vec<Job> =
        missing.flat_map(|trial| folds.clone().map(|fold| Job { trial: *trial, fold })).collect();
    tell(climb, &records, progress)?;
    let share = climb.ladder.share(climb.rung);
    let rows: Vec<RungRows> =
        if jobs.is_empty() { Vec::new() } else { ground.folds.rows(&ground.parts.fit, share) };
    let yardstick = Yardstick::of(&ground.parts.fit, ground.config.balance);
    let work = |job: &Job| {
        let (Some(candidate), Some(rows)) = (ground.candidates.get(job.trial), rows.get(job.fold)) else {
            return Ok(FoldScore::default());
        };
        score::score(candidate, rows, &ground.parts.stop, &yardstick, ground.config)
    };
    let mut unfinished = record::Unfinished::new(ground.folds.count());
    run::in_parallel(&jobs, threads(ground.config), work, |job, score| {
        let Some(folds) = unfinished.take(job.trial, job.fold, score) else { return Ok(()) };
        let Some(candidate) = ground.candidates.get(job.trial) else { return Ok(()) };
        let record = TrialRecord::new(job.trial, climb.rung, *candidate, folds);
        journal.keep(&record).map_err(TrainingError::Record)?;
        records.push(record);
        tell(climb, &records, progress)
    })?;
    records.sort_by_key(|record| record.trial);
    Ok(records)
}

fn tell(
    climb: &Climb<'_>,
    records: &[TrialRecord],
    progress: &mut dyn Progress,
) -> Result<(), TrainingError> {
    let best = records.iter().min_by(|one, other| one.order(other));
    let event = TrainingEvent::Trial {
        rung: climb.rung + 1,
        rungs: climb.ladder.rungs(),
        done: records.len(),
        total: climb.survivors.len(),
        best: best.map(|record| (record.trial, record.loss)),
    };
    heed(progress.tell(event), "search", records.len())
}

fn threads(config: &TrainingConfig) -> NonZeroUsize {
    config.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

fn check(settings: &SearchSettings) -> Result<(), TrainingError> {
    let refused = |name, found: usize, expected| {
        Err(TrainingError::BadSetting { name, found: found.to_string(), expected })
    };
    match settings {
        SearchSettings { trials, .. } if !(1..=10_000).contains(trials) => {
            refused("trials", *trials, "1 to 10000")
        }
        SearchSettings { folds, .. } if !(2..=20).contains(folds) => refused("folds", *folds, "2 to 20"),
        _ => settings.ranges.check(),
    }
}
