//! A file whose rows carry their own times, read in pieces.
//!
//! Lines are cut at line ends and the header is set before each piece, so that the parser sees a whole small file. The
//! piece is as large as memory shared between all series allows, and rows are put in order within it: a file that is
//! out of order over more than a piece is handed on as it stands, and the streams drop what comes too late.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use linkcast_domain::Timestamp;
use linkcast_telemetry::{Format, Parsed};

use super::bytes::{ReadError, open, read_bytes};
use super::reader::Reader;

/// What all series together may hold unparsed.
const SHARED_BYTES: usize = 128 << 20;
/// The smallest and largest piece of one series.
const PIECE_BYTES: (usize, usize) = (256 << 10, 16 << 20);

/// A series file.
pub(super) struct Series {
    path: PathBuf,
    format: Format,
    piece_bytes: usize,
    lines: Option<BufReader<Box<dyn Read + Send>>>,
    header: Vec<u8>,
    lines_before: u64,
    read_until: Option<Timestamp>,
    is_done: bool,
}

impl Series {
    /// The series in `path`, one of `sharing`.
    pub(super) fn new(path: PathBuf, format: Format, sharing: usize) -> Self {
        let piece_bytes = (SHARED_BYTES / sharing.max(1)).clamp(PIECE_BYTES.0, PIECE_BYTES.1);
        Series {
            path,
            format,
            piece_bytes,
            lines: None,
            header: Vec::new(),
            lines_before: 0,
            read_until: None,
            is_done: false,
        }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The latest time read so far.
    pub(super) fn read_until(&self) -> Option<Timestamp> {
        self.read_until
    }

    /// The next piece, or `None` at the end. After an error the series is done.
    pub(super) fn next_piece(&mut self, reader: &Reader) -> Result<Option<Parsed>, ReadError> {
        let piece = if is_line_based(self.format) { self.next_lines() } else { self.whole() };
        let bytes = match piece {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.is_done = true;
                return Ok(None);
            }
            Err(error) => {
                self.is_done = true;
                return Err(error);
            }
        };
        let mut parsed = reader.parse(self.format, &self.path, None, &bytes);
        let header_lines = if self.lines_before > 0 { count_lines(&self.header) } else { 0 };
        parsed.account.lines = parsed.account.lines.saturating_sub(header_lines);
        parsed.account.ignored = parsed.account.ignored.saturating_sub(header_lines);
        parsed.rejects.shift_lines(self.lines_before.saturating_sub(header_lines));
        self.lines_before += parsed.account.lines;
        parsed.samples.sort_by_key(|sample| sample.time);
        let times = parsed.samples.iter().map(|sample| sample.time);
        let last = times.chain(parsed.readings.iter().filter_map(|reading| reading.time)).max();
        self.read_until = self.read_until.max(last);
        Ok(Some(parsed))
    }

    fn whole(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        if self.lines_before > 0 || self.read_until.is_some() {
            return Ok(None);
        }
        self.is_done = true;
        read_bytes(&self.path).map(Some)
    }

    fn next_lines(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let failed = |path: &Path, source| ReadError::from_reading(path, source);
        let mut lines = match self.lines.take() {
            Some(lines) => lines,
            None => {
                let mut lines = BufReader::with_capacity(1 << 20, open(&self.path)?);
                if has_header(self.format) {
                    lines.read_until(b'\n', &mut self.header).map_err(|error| failed(&self.path, error))?;
                }
                lines
            }
        };
        let mut bytes = self.header.clone();
        let header_bytes = bytes.len();
        Read::by_ref(&mut lines)
            .take(self.piece_bytes as u64)
            .read_to_end(&mut bytes)
            .and_then(|_| lines.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut bytes))
            .map_err(|error| failed(&self.path, error))?;
        if bytes.len() == header_bytes && (self.lines_before > 0 || header_bytes == 0) {
            return Ok(None);
        }
        self.is_done = bytes.len() == header_bytes;
        self.lines = Some(lines);
        Ok(Some(bytes))
    }
}

/// A line beyond this is cut: the parser refuses both halves.
const LONGEST_LINE_BYTES: u64 = 1 << 20;

fn is_line_based(format: Format) -> bool {
    matches!(format, Format::SampleCsv | Format::SampleJsonLines | Format::MappedCsv | Format::UfmCsv)
}

fn has_header(format: Format) -> bool {
    is_line_based(format) && format != Format::SampleJsonLines
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Whether every row of the format carries its own time.
pub(super) fn is_series(format: Format) -> bool {
    matches!(
        format,
        Format::SampleCsv
            | Format::SampleJsonLines
            | Format::SampleParquet
            | Format::MappedCsv
            | Format::UfmCsv
            | Format::RemoteWrite
    )
}
