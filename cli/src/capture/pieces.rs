//! One file, parsed piece by piece: a snapshot is one piece, a series as many as memory asks for.

use std::path::Path;

use linkcast_telemetry::{Format, Parsed, parse_sysfs};

use super::bytes::{ReadError, read_bytes, read_head};
use super::reader::{Reader, instant_of};
use super::series::{Series, is_series};
use super::sysfs_tree::read_tree;
use super::walk::CaptureFile;

/// How much of a file is looked at to recognise its format.
const HEAD_BYTES: u64 = 256 * 1024;

/// What was made of a part of a file.
pub(crate) struct Piece {
    /// The file's format.
    pub(crate) format: Format,
    /// What it holds.
    pub(crate) parsed: Parsed,
}

/// Why a file gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PieceError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No format claims it.
    #[error("no known format: expected the output of an exporter or diagnostic, or a sample file")]
    UnknownFormat,
}

/// The format of a file, from its first bytes and name.
pub(crate) fn recognise_file(path: &Path, reader: &Reader) -> Result<Format, PieceError> {
    let head = read_head(path, HEAD_BYTES)?;
    let name = path.display().to_string();
    reader.format_of(name.strip_suffix(".gz").unwrap_or(&name), &head).ok_or(PieceError::UnknownFormat)
}

/// Hands every piece of a file to `take`, in order; an error ends it. A sysfs tree is one piece.
pub(crate) fn for_each_piece(
    file: &CaptureFile,
    reader: &Reader,
    mut take: impl FnMut(Piece),
) -> Result<(), PieceError> {
    let path = match file {
        CaptureFile::SysfsTree(devices) => {
            let parsed = parse_sysfs(&read_tree(devices)?, &reader.origin(devices, instant_of(devices)));
            take(Piece { format: Format::SysfsAttribute, parsed });
            return Ok(());
        }
        CaptureFile::File(path) => path,
    };
    let format = recognise_file(path, reader)?;
    if is_series(format) {
        let mut series = Series::new(path.clone(), format, 1);
        while let Some(parsed) = series.next_piece(reader)? {
            take(Piece { format, parsed });
        }
    } else {
        let bytes = read_bytes(path)?;
        take(Piece { format, parsed: reader.parse(format, path, instant_of(path), &bytes) });
    }
    Ok(())
}
