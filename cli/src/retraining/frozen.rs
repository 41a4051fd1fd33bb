//! The frozen set: rows that judge every candidate and teach none, pinned by digest.
//!
//! It lies beside the models' files, in a folder named by its digest, and the task remembers which one it is. Its streams, and all that belong with
//! them, are kept off the training sides of every later data set. It is taken of the first data set that has enough labels
//! that people (or a simulation's truth) gave.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use linkcast_domain::StreamId;
use linkcast_domain::ports::{FolderFile, Revised, TaskItem, TaskItems, Written};
use linkcast_scoring::{TASK, digest};
use linkcast_training::dataset::{DatasetRow, Manifest, RowWriter, read_rows};
use linkcast_training::promotion::{GateSettings, Judged, judge_candidate};
use serde::{Deserialize, Serialize};

use crate::database::wait;
use crate::dataset::read_judging_rows;
use crate::exchange::{make_folder, write};
use crate::exit::{ExitKind, Failure, chain};
use crate::registry::Models;

/// Where a task says which set is pinned.
const ITEM: &str = "frozen";
const ROWS: &str = "rows.parquet";
const STREAMS: &str = "streams.json";

/// What is pinned.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pin {
    /// The digest of its files, which names their folder.
    digest: String,
    /// The data set it was taken of.
    data_version: String,
    /// Its rows.
    rows: usize,
    /// SHA-256 of each file, by name.
    files: BTreeMap<String, String>,
}

/// The set, read.
#[derive(Clone, Debug)]
pub(crate) struct FrozenSet {
    pin: Pin,
    /// The group of each of its streams.
    groups: BTreeMap<StreamId, StreamId>,
    rows: Vec<DatasetRow>,
}

impl FrozenSet {
    /// The set that is pinned, if one is; its files are put into `folder` on their way.
    pub(crate) fn pinned(models: &Models, folder: &Path) -> Result<Option<Self>, Failure> {
        let Some(found) = wait(models.store().task_item(TASK, ITEM))? else { return Ok(None) };
        let pin: Pin =
            serde_json::from_str(&found.value).map_err(|error| damaged(&format!("its pin: {error}")))?;
        let read = models.get(&pin.digest, &[ROWS, STREAMS])?;
        let mut files = Vec::new();
        for (name, bytes) in [ROWS, STREAMS].into_iter().zip(read) {
            let bytes = bytes.filter(|bytes| pin.files.get(name) == Some(&digest(bytes)));
            files.push(bytes.ok_or_else(|| damaged(&format!("{name} is not there as it was pinned")))?);
        }
        let [rows, streams] = files.as_slice() else { return Err(damaged("a file is missing")) };
        make_folder(folder)?;
        write(&folder.join(ROWS), rows)?;
        let groups = serde_json::from_slice(streams).map_err(|error| damaged(&error.to_string()))?;
        FrozenSet::read(pin, groups, &folder.join(ROWS)).map(Some)
    }

    /// Pins the known rows of a data set's judging side, if there are enough to tell models apart. Written: the files, by digest; which set
    /// is pinned, if none is.
    pub(crate) fn pin(
        models: &Models,
        dataset: &Path,
        manifest: &Manifest,
        folder: &Path,
    ) -> Result<Option<Self>, Failure> {
        let (mut rows, mut groups) = (Vec::new(), BTreeMap::new());
        read_judging_rows(dataset, manifest, |row, seat| {
            groups.insert(row.stream.clone(), seat.group.clone());
            rows.push(row);
        })?;
        if !is_enough(&rows, &groups) {
            return Ok(None);
        }
        let files = files(&rows, &groups)?;
        let digests = files.iter().map(|file| (file.name.clone(), digest(&file.bytes))).collect();
        let lines: String =
            files.iter().map(|file| format!("{}\0{}\n", file.name, digest(&file.bytes))).collect();
        let pin = Pin {
            digest: digest(lines.as_bytes()),
            data_version: manifest.version.clone(),
            rows: rows.len(),
            files: digests,
        };
        models.put(&pin.digest, &files)?;
        let value = serde_json::to_string(&pin).map_err(|error| Failure::new(ExitKind::Machine, error))?;
        let item = TaskItem { name: ITEM.to_owned(), text: Revised { revision: 0, value }, until: None };
        match wait(models.store().put_task_item(TASK, &item))? {
            Written::Yes => Ok(Some(FrozenSet { pin, groups, rows })),
            // Somebody else pinned one meanwhile: that is the one.
            Written::Moved => FrozenSet::pinned(models, folder),
        }
    }

    /// Its digest.
    pub(crate) fn digest(&self) -> &str {
        &self.pin.digest
    }

    /// The streams that judge.
    pub(crate) fn streams(&self) -> BTreeSet<StreamId> {
        self.groups.keys().cloned().collect()
    }

    /// Its rows, each with the group its stream is of.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&DatasetRow, &StreamId)> {
        self.rows.iter().map(|row| (row, self.groups.get(&row.stream).unwrap_or(&row.stream)))
    }

    fn read(pin: Pin, groups: BTreeMap<StreamId, StreamId>, path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| {
            Failure::new(ExitKind::Machine, format!("reading {}: {error}", path.display()))
        })?;
        let mut rows = Vec::new();
        read_rows(file, |row| rows.push(row)).map_err(|error| damaged(&chain(&error)))?;
        Ok(FrozenSet { pin, groups, rows })
    }
}

/// Whether the gate could tell anything by them: it is asked about a model that is like itself.
fn is_enough(rows: &[DatasetRow], groups: &BTreeMap<StreamId, StreamId>) -> bool {
    let row = |row: &DatasetRow| Judged {
        group: groups.get(&row.stream).unwrap_or(&row.stream).clone(),
        truth: row.class,
        weight: f64::from(row.weight),
        candidate: 1.0,
        live: 1.0,
    };
    let rows: Vec<Judged> = rows.iter().map(row).collect();
    let settings = GateSettings { draws: 1, ..GateSettings::default() };
    judge_candidate(&rows, &[], settings).frozen.difference.is_some()
}

fn files(rows: &[DatasetRow], groups: &BTreeMap<StreamId, StreamId>) -> Result<Vec<FolderFile>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(ExitKind::Machine, format!("writing the frozen set: {error}"))
    };
    let mut writer = RowWriter::new(Vec::new()).map_err(|error| failed(&error))?;
    for row in rows {
        writer.push(row.clone()).map_err(|error| failed(&error))?;
    }
    let bytes = writer.finish().map_err(|error| failed(&error))?;
    let streams = serde_json::to_vec(groups).map_err(|error| failed(&error))?;
    Ok(vec![
        FolderFile { name: ROWS.to_owned(), bytes },
        FolderFile { name: STREAMS.to_owned(), bytes: streams },
    ])
}

fn damaged(what: &str) -> Failure {
    Failure::new(ExitKind::UnusableInput, format!("the frozen set cannot be used: {what}")).with_next_step(
        "restore its folder beside the models' files from a copy; without it no candidate is judged",
    )
}
