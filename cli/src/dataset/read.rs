//! A data set's rows, by side, once every file of it is what its manifest says.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use linkcast_domain::StreamId;
use linkcast_training::TrainingSet;
use linkcast_training::dataset::{DatasetRow, Deal, LabelSource, Manifest, Seat, Side, read_rows};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DatasetError;
use super::group::hex;
use super::outcomes::{failed, read_lines};
use crate::exit::{ExitKind, Failure};
use crate::progress::Progress;

/// The file of the streams' sides.
pub(super) const STREAMS_FILE: &str = "streams.jsonl";
/// The file that says what the data set is.
pub(super) const MANIFEST_FILE: &str = "manifest.json";

/// What is expected of a line of the streams' file.
const A_STREAM: &str = r#"{"stream_id":…,"group":…,"side":"train|validation|test"}"#;

/// One line of the streams' file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StreamLine {
    pub(super) stream_id: StreamId,
    #[serde(flatten)]
    pub(super) seat: Seat,
}

/// What a data set says of itself.
pub(crate) fn read_manifest(folder: &Path) -> Result<Manifest, DatasetError> {
    let path = folder.join(MANIFEST_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DatasetError::NoDataset(folder.to_owned()));
        }
        Err(source) => return Err(failed("read", &path, source)),
    };
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|source| DatasetError::Plan { path: path.clone(), source })?;
    match manifest.check() {
        Ok(()) => Ok(manifest),
        Err(found) => Err(DatasetError::DamagedPart { path, found }),
    }
}

/// The rows that are on a side, in a set that is split as the data set is.
pub(crate) fn read_dataset(
    folder: &Path,
    manifest: &Manifest,
    progress: &mut Progress,
) -> Result<TrainingSet, Failure> {
    let mut unused = Sha256::new();
    let lines: Vec<StreamLine> = read_lines(&folder.join(STREAMS_FILE), A_STREAM, &mut unused)?;
    let seats = lines.into_iter().map(|line| (line.stream_id, line.seat));
    let deal = Deal::resumed(seats, manifest.cutoff)
        .map_err(|source| DatasetError::Deal { path: folder.to_owned(), source })?;
    let mut set = TrainingSet::default();
    for (name, digest) in &manifest.files {
        let path = folder.join(name);
        check_digest(&path, digest)?;
        let file = fs::File::open(&path).map_err(|source| failed("read", &path, source))?;
        let mut outcome = Ok(());
        read_rows(file, |row| {
            if let (Some((_, row)), true) = (deal.admit(row), outcome.is_ok()) {
                outcome = set.push_of_dataset(&row);
            }
        })
        .map_err(|source| DatasetError::ReadRows { path, source })?;
        outcome.map_err(|error| {
            Failure::new(ExitKind::UnusableInput, error)
                .with_next_step("build the data set again from its history")
        })?;
        progress.advance(1);
    }
    set.follow(&deal);
    Ok(set)
}

/// The rows of the test side whose label is known, each with where its stream sits; a row that only rules labelled is not known.
pub(crate) fn read_judging_rows(
    folder: &Path,
    manifest: &Manifest,
    mut take: impl FnMut(DatasetRow, &Seat),
) -> Result<(), Failure> {
    let mut unused = Sha256::new();
    let lines: Vec<StreamLine> = read_lines(&folder.join(STREAMS_FILE), A_STREAM, &mut unused)?;
    let seats = lines.into_iter().map(|line| (line.stream_id, line.seat));
    let deal = Deal::resumed(seats, manifest.cutoff)
        .map_err(|source| DatasetError::Deal { path: folder.to_owned(), source })?;
    for (name, digest) in &manifest.files {
        let path = folder.join(name);
        check_digest(&path, digest)?;
        let file = fs::File::open(&path).map_err(|source| failed("read", &path, source))?;
        read_rows(file, |row| {
            if let Some((Side::Test, row)) = deal.admit(row)
                && row.source != LabelSource::Rules
                && let Some(seat) = deal.seats().get(&row.stream)
            {
                take(row, seat);
            }
        })
        .map_err(|source| DatasetError::ReadRows { path, source })?;
    }
    Ok(())
}

fn check_digest(path: &Path, expected: &str) -> Result<(), DatasetError> {
    let mut file = fs::File::open(path).map_err(|source| failed("read", path, source))?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).map_err(|source| failed("read", path, source))? {
            0 => break,
            read => hasher.update(piece.get(..read).unwrap_or_default()),
        }
    }
    let found = hex(hasher);
    if found == expected {
        return Ok(());
    }
    let found = format!("its digest is {found}, and the manifest says {expected}");
    Err(DatasetError::DamagedPart { path: path.to_owned(), found })
}
