//! Captures as one sequence of instants, in time order.
//!
//! Two kinds of files come together here. A *snapshot* is one instant (a command's output, one scrape): it is keyed by
//! its time and read only when its turn comes. A *series* carries a time in each row: it is read in pieces, and rows of
//! all series are merged by time. So a capture larger than memory streams, and files of one instant become one.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use linkcast_domain::{PortFacts, Sample, StreamId, Timestamp};
use linkcast_telemetry::{
    Account, Format, Notice, Parsed, Reading, Rejects, SourceMemory, merge_readings, parse_sysfs,
};

use super::bytes::{ReadError, read_bytes, read_head};
use super::reader::{Reader, instant_of};
use super::series::{Series, is_series};
use super::sysfs_tree::read_tree;
use super::walk::CaptureFile;
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;

/// All that was seen at one instant.
#[derive(Debug, Default)]
pub(crate) struct Instant {
    /// When.
    pub(crate) time: Timestamp,
    /// Absolute counters, one reading a stream.
    pub(crate) readings: Vec<Reading>,
    /// Changes, from sample files.
    pub(crate) samples: Vec<Sample>,
    /// What was said of ports.
    pub(crate) ports: Vec<(StreamId, PortFacts)>,
    /// Whether a file of this instant is known to list only some ports.
    pub(crate) is_selective: bool,
}

impl Instant {
    /// How much it holds, in readings.
    pub(crate) fn size(&self) -> usize {
        self.readings.len() + self.samples.len()
    }
}

/// What became of the capture so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Lines used, ignored and rejected.
    pub(crate) account: Account,
    /// What was refused.
    pub(crate) rejects: Rejects,
    /// What a reader should know.
    pub(crate) notices: Vec<(PathBuf, Notice)>,
    /// Files that could not be used at all, and why.
    pub(crate) unusable: Vec<(PathBuf, String)>,
    /// Files that were read.
    pub(crate) files: u64,
}

/// Notices beyond this number repeat themselves.
const MOST_NOTICES: usize = 100;

/// A capture's instants, in order.
pub(crate) struct Timeline {
    reader: Reader,
    snapshots: BTreeMap<Timestamp, VecDeque<(PathBuf, Format)>>,
    series: Vec<Series>,
    /// What was read and not yet handed on: rows may lie between the snapshots.
    pending: BTreeMap<Timestamp, Instant>,
    /// What the snapshots taught so far.
    memory: SourceMemory,
    tally: Tally,
}

/// How much of a file is looked at to recognise its format.
const HEAD_BYTES: u64 = 256 * 1024;

impl Timeline {
    /// Looks at every file: topology is read at once, for it names what the others hold.
    pub(crate) fn new(files: &[CaptureFile], reader: Reader) -> Self {
        let mut timeline = Timeline {
            reader,
            snapshots: BTreeMap::new(),
            series: Vec::new(),
            pending: BTreeMap::new(),
            memory: SourceMemory::new(),
            tally: Tally::default(),
        };
        let formats: Vec<(PathBuf, Format)> = files
            .iter()
            .filter_map(|file| match file {
                CaptureFile::File(path) => timeline.recognise(path),
                CaptureFile::SysfsTree(devices) => Some((devices.clone(), Format::SysfsAttribute)),
            })
            .collect();
        for (path, format) in formats.iter().filter(|(_, format)| format.is_topology()) {
            timeline.take_topology(path, *format);
        }
        let series = formats.iter().filter(|(_, format)| is_series(*format)).count();
        for (path, format) in formats {
            if is_series(format) {
                timeline.series.push(Series::new(path, format, series));
            } else if !format.is_topology() {
                let time = instant_of(&path).unwrap_or(Timestamp::EPOCH);
                timeline.snapshots.entry(time).or_default().push_back((path, format));
            }
        }
        timeline
    }

    /// What became of the capture so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What became of the whole capture.
    pub(crate) fn into_tally(self) -> Tally {
        self.tally
    }

    /// What is known of the fabric.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The next instant, or `None` at the end.
    pub(crate) fn next_instant(&mut self) -> Option<Instant> {
        self.fill();
        let (_, mut instant) = self.pending.pop_first()?;
        instant.readings = merge_readings(std::mem::take(&mut instant.readings));
        Some(instant)
    }

    /// Reads until nothing unread can be earlier than the first instant pending.
    fn fill(&mut self) {
        loop {
            let known = self.pending.first_key_value().map(|(time, _)| *time);
            let snapshot = self.snapshots.first_key_value().map(|(time, _)| *time);
            if snapshot.is_some_and(|time| known.is_none_or(|known| time <= known)) {
                self.read_snapshots();
            } else if let Some(position) = self.lagging_series(known) {
                self.read_piece(position);
            } else {
                return;
            }
        }
    }

    /// The series that may hold something at or before `known`: those not read beyond it.
    fn lagging_series(&self, known: Option<Timestamp>) -> Option<usize> {
        self.series.iter().position(|series| {
            !series.is_done() && known.is_none_or(|known| series.read_until() <= Some(known))
        })
    }

    fn read_snapshots(&mut self) {
        let Some((time, files)) = self.snapshots.pop_first() else { return };
        for (path, format) in files {
            let parsed = if path.is_dir() {
                read_tree(&path).map(|tree| parse_sysfs(&tree, &self.reader.origin(&path, Some(time))))
            } else {
                let (reader, memory) = (&self.reader, &mut self.memory);
                read_bytes(&path).map(|bytes| reader.parse_remembering(format, (&path, time), &bytes, memory))
            };
            match parsed {
                Ok(parsed) => self.take(&path, parsed, time, format),
                Err(error) => self.refuse(&path, &error),
            }
        }
    }

    fn read_piece(&mut self, position: usize) {
        let Some(series) = self.series.get_mut(position) else { return };
        let (path, format) = (series.path().to_owned(), series.format());
        match series.next_piece(&self.reader) {
            Ok(Some(parsed)) => self.take(&path, parsed, Timestamp::EPOCH, format),
            Ok(None) => self.tally.files += 1,
            Err(error) => self.refuse(&path, &error),
        }
    }

    fn recognise(&mut self, path: &Path) -> Option<(PathBuf, Format)> {
        let head = match read_head(path, HEAD_BYTES) {
            Ok(head) => head,
            Err(error) => {
                self.refuse(path, &error);
                return None;
            }
        };
        let name = path.display().to_string();
        let found = self.reader.format_of(name.strip_suffix(".gz").unwrap_or(&name), &head);
        match found {
            Some(Format::NotTelemetry) | None => {
                self.unusable(path, "no telemetry format known here".into());
                None
            }
            Some(format) => Some((path.to_owned(), format)),
        }
    }

    fn take_topology(&mut self, path: &Path, format: Format) {
        match read_bytes(path) {
            Ok(bytes) => {
                let parsed = self.reader.parse(format, path, None, &bytes);
                self.reader.absorb(&parsed);
                self.take(path, parsed, instant_of(path).unwrap_or(Timestamp::EPOCH), format);
            }
            Err(error) => self.refuse(path, &error),
        }
    }

    fn take(&mut self, path: &Path, parsed: Parsed, time: Timestamp, format: Format) {
        let told = if is_series(format) { earliest(&parsed).unwrap_or(time) } else { time };
        if !is_series(format) {
            self.tally.files += 1;
        }
        self.tally.account.append(parsed.account);
        self.tally.rejects.append(parsed.rejects);
        let room = MOST_NOTICES.saturating_sub(self.tally.notices.len());
        self.tally
            .notices
            .extend(parsed.notices.into_iter().take(room).map(|notice| (path.to_owned(), notice)));
        let is_selective = format == Format::Ibqueryerrors;
        for mut reading in parsed.readings {
            let at = *reading.time.get_or_insert(time);
            let instant = self.at(at);
            instant.is_selective |= is_selective;
            instant.readings.push(reading);
        }
        for sample in parsed.samples {
            self.at(sample.time).samples.push(sample);
        }
        if !parsed.ports.is_empty() && !format.is_topology() {
            self.at(told).ports.extend(parsed.ports);
        }
    }

    fn at(&mut self, time: Timestamp) -> &mut Instant {
        let instant = self.pending.entry(time).or_default();
        instant.time = time;
        instant
    }

    fn refuse(&mut self, path: &Path, error: &ReadError) {
        self.unusable(path, crate::exit::chain(error));
    }

    fn unusable(&mut self, path: &Path, why: String) {
        self.tally.unusable.push((path.to_owned(), why));
    }
}

/// When the first thing in a piece was read. What it tells of ports holds from then on, and not from the capture's
/// beginning: a link that trained down an hour in was as fast as ever before.
fn earliest(parsed: &Parsed) -> Option<Timestamp> {
    let read = parsed.readings.iter().filter_map(|reading| reading.time);
    read.chain(parsed.samples.iter().map(|sample| sample.time)).min()
}

impl Tally {
    /// Warns of what could not be used, or fails where nothing could: `got` is how much came of the capture.
    pub(crate) fn judge(&self, got: u64, notes: Notes) -> Result<(), Failure> {
        let first = self.unusable.first().map(|(path, why)| format!("{}: {why}", path.display()));
        let refused = self.rejects.kept().first().map(ToString::to_string);
        if got == 0 && self.account.used == 0 {
            let why = refused.or(first).unwrap_or_else(|| "no file there".into());
            return Err(Failure::new(ExitKind::UnusableInput, format!("nothing usable: {why}"))
                .with_next_step("`linkcast inspect` says what each file holds"));
        }
        if let Some(first) = first {
            notes.warn(format!("{} files hold no usable telemetry, the first {first}", self.unusable.len()));
        }
        if let Some(refused) = refused {
            notes.warn(format!("{} values were refused, the first {refused}", self.rejects.total()));
        }
        for (path, notice) in &self.notices {
            notes.detail(format!("note: {}: {notice}", path.display()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use linkcast_simulator::{CaptureFormat, Fabric, FabricPlan, write_capture};

    use super::*;
    use crate::capture::FormatChoice;

    #[test]
    fn what_a_request_tells_of_ports_holds_from_its_own_time_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut fabric = Fabric::new(FabricPlan { ports: 64, hours: 1.0, ..FabricPlan::default() }).unwrap();
        let (mut files, mut readings) = (Vec::new(), Vec::new());
        for number in 0..3 {
            fabric.next_sweep(&mut readings).unwrap();
            let path = folder.path().join(format!("{number}.snappy"));
            let mut file = File::create(&path).unwrap();
            write_capture(CaptureFormat::RemoteWrite, &fabric, &readings, &mut file).unwrap();
            files.push(CaptureFile::File(path));
        }
        let mut timeline = Timeline::new(&files, Reader::new(FormatChoice(None), None));
        let mut instants = 0;
        while let Some(instant) = timeline.next_instant() {
            assert!(!instant.readings.is_empty() && !instant.ports.is_empty(), "{:?}", instant.time);
            instants += 1;
        }
        assert_eq!(instants, 3);
    }
}
