//! One group's rows: all its days, one after the other, into one file.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use linkcast_domain::Sample;
use linkcast_telemetry::{Format, Origin, parse};
use linkcast_training::dataset::{GroupBuilder, GroupCounts, Making, RowWriter};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DatasetError;
use super::outcomes::failed;
use super::plan::{Plan, part_path, staged, write_whole};

/// What is known of a group's file of rows, beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupRecord {
    /// SHA-256 of the file of rows.
    pub(super) digest: String,
    /// SHA-256 of the parts of the history it was made of.
    pub(super) history_digest: String,
    /// What became of the samples.
    pub(super) counts: GroupCounts,
}

/// Where a group's rows lie.
pub(super) fn rows_path(out: &Path, number: usize) -> PathBuf {
    out.join("rows").join(format!("group={number:05}.parquet"))
}

/// The group's record, where its rows were made before.
pub(super) fn made_before(out: &Path, number: usize) -> Option<GroupRecord> {
    let path = rows_path(out, number);
    let record = fs::read(path.with_extension("json")).ok()?;
    path.exists().then(|| serde_json::from_slice(&record).ok()).flatten()
}

/// Makes the group's rows. The record is written last: where it is, the rows are whole.
pub(super) fn make(
    history: (&Path, &Plan),
    number: usize,
    making: Making<'_>,
    out: &Path,
) -> Result<GroupRecord, DatasetError> {
    let (folder, plan) = history;
    let path = rows_path(out, number);
    let wrote = |source| DatasetError::WriteRows { path: path.clone(), source };
    let staged = staged(&path);
    let file = fs::File::create(&staged).map_err(|source| failed("create", &staged, source))?;
    let mut writer = RowWriter::new(Hashed::new(BufWriter::new(file))).map_err(wrote)?;
    let watched = plan.groups.get(number).and_then(|group| group.first().cloned());
    let mut builder = GroupBuilder::new(making, watched);
    let mut hasher = Sha256::new();
    for (date, _) in plan.days() {
        for sample in part(&part_path(folder, &date, number), &mut hasher)? {
            if let Some(row) = builder.take(&sample) {
                writer.push(row).map_err(wrote)?;
            }
        }
    }
    let counts = builder.finish().map_err(|source| DatasetError::Leak { path: path.clone(), source })?;
    let (file, digest) = writer.finish().map_err(wrote)?.finish();
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)
        .and_then(|file| file.sync_all())
        .map_err(|source| failed("write", &staged, source))?;
    fs::rename(&staged, &path).map_err(|source| failed("rename", &path, source))?;
    let record = GroupRecord { digest, history_digest: hex(hasher), counts };
    let path = path.with_extension("json");
    let bytes =
        serde_json::to_vec(&record).map_err(|source| DatasetError::Json { path: path.clone(), source })?;
    write_whole(&path, |file| file.write_all(&bytes))?;
    Ok(record)
}

/// A part's samples; one that is not wholly understood is refused.
fn part(path: &Path, hasher: &mut Sha256) -> Result<Vec<Sample>, DatasetError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DatasetError::MissingPart(path.to_owned()));
        }
        Err(source) => return Err(failed("read", path, source)),
    };
    hasher.update(&bytes);
    let parsed = parse(Format::SampleParquet, &bytes, &Origin::named(path.display().to_string()));
    match parsed.rejects.kept().first() {
        None => Ok(parsed.samples),
        Some(reject) => Err(DatasetError::DamagedPart { path: path.to_owned(), found: reject.to_string() }),
    }
}

/// Digits of a digest.
pub(super) fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file whose digest is taken while it is written.
struct Hashed<W> {
    inner: W,
    hasher: Sha256,
}

impl<W> Hashed<W> {
    fn new(inner: W) -> Self {
        Hashed { inner, hasher: Sha256::new() }
    }

    fn finish(self) -> (W, String) {
        (self.inner, hex(self.hasher))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
