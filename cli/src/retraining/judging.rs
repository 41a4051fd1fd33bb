//! A candidate held against the live model, on the frozen set and on the newest labels.

use std::path::Path;

use linkcast_domain::{FeatureVector, StreamId, Timestamp};
use linkcast_pipeline::retraining::{Candidate, VerdictFacts};
use linkcast_scoring::Model;
use linkcast_training::dataset::DatasetRow;
use linkcast_training::promotion::{GateSettings, Judged, judge_candidate};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::LiveModel;
use super::data::Prepared;
use crate::dataset::read_judging_rows;
use crate::exchange::{make_folder, write};
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;
use crate::progress::Progress;

/// What a pipeline's condition reads.
const EVALUATION_FILE: &str = "evaluation.json";

/// What the gate said, as it is handed on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Evaluation {
    /// 1 if the candidate may follow the live model, else 0.
    pub(crate) better_than_live: u8,
    /// The candidate.
    pub(crate) candidate: Candidate,
    /// The live model's version.
    pub(crate) live: String,
    /// The newest time of the candidate's data.
    pub(crate) data_until: Timestamp,
    /// The data set's version.
    pub(crate) data_version: String,
    /// The gate's word.
    pub(crate) verdict: VerdictFacts,
}

/// Judges.
pub(crate) fn judge(
    (candidate, facts): (&Model, Candidate),
    live: &LiveModel,
    data: &Prepared,
    notes: Notes,
) -> Result<Evaluation, Failure> {
    let mut progress = Progress::new(notes, "judging rows", None);
    let frozen: Vec<Judged> = data
        .frozen
        .iter()
        .flat_map(|frozen| frozen.rows())
        .map(|(row, group)| {
            progress.advance(1);
            judged(row, group, candidate, &live.model)
        })
        .collect();
    let mut newest = Vec::new();
    read_judging_rows(&data.folder, &data.manifest, |row, seat| {
        if live.data_until.is_none_or(|until| row.time > until) {
            progress.advance(1);
            newest.push(judged(&row, &seat.group, candidate, &live.model));
        }
    })?;
    drop(progress);
    let verdict = judge_candidate(&frozen, &newest, GateSettings::default());
    let figures = match serde_json::to_value(&verdict) {
        Ok(serde_json::Value::Object(figures)) => figures,
        _ => Map::new(),
    };
    let passed = verdict.has_passed();
    Ok(Evaluation {
        better_than_live: u8::from(passed),
        candidate: facts,
        live: live.version.clone(),
        data_until: data.facts.until,
        data_version: data.facts.version.clone(),
        verdict: VerdictFacts { passed, reason: verdict.reason(), figures },
    })
}

/// Writes it where a pipeline's condition looks for it.
pub(crate) fn write_evaluation(evaluation: &Evaluation, folder: &Path) -> Result<(), Failure> {
    make_folder(folder)?;
    let bytes =
        serde_json::to_vec_pretty(evaluation).map_err(|error| Failure::new(ExitKind::Machine, error))?;
    write(&folder.join(EVALUATION_FILE), &bytes)
}

/// Reads it back.
pub(crate) fn read_evaluation(folder: &Path) -> Result<Evaluation, Failure> {
    let path = folder.join(EVALUATION_FILE);
    let unusable = |error: String| {
        Failure::new(ExitKind::UnusableInput, format!("{}: {error}", path.display()))
            .with_next_step("name the folder that `linkcast retrain step judge --out` wrote")
    };
    let bytes = std::fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))
}

fn judged(row: &DatasetRow, group: &StreamId, candidate: &Model, live: &Model) -> Judged {
    let features = FeatureVector(row.features.map(f64::from));
    let of = |model: &Model| {
        let probabilities = model.score(&features).probabilities;
        probabilities.get(row.class.index()).copied().unwrap_or(0.0)
    };
    Judged {
        group: group.clone(),
        truth: row.class,
        weight: f64::from(row.weight),
        candidate: of(candidate),
        live: of(live),
    }
}
