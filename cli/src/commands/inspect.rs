//! `linkcast inspect`: what a capture holds, what of it cannot be used, and why.
//!
//! Every line of every file is accounted for as used, ignored or rejected, so that nobody has to wonder what became of
//! a counter. A file that no format claims is said to be so and does not stop the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use linkcast_domain::{StreamId, Timestamp};
use linkcast_telemetry::{Format, Parsed};
use serde::Serialize;

use super::Session;
use crate::arguments::ReadingArguments;
use crate::capture::{CaptureFile, Piece, Reader, find_files, for_each_piece};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;

/// Say what a capture holds, and what of it cannot be used and why.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast inspect switch.prom\n  linkcast inspect --json captures/ | jq 'select(.rejected > 0)'\n  linkcast inspect --map leaf.toml leaf7.csv.gz"
)]
pub(crate) struct InspectArguments {
    /// Files or folders; gzip is unpacked.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How many refused lines of each file are shown.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rejects: usize,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// What one file holds.
#[derive(Debug, Default, Serialize)]
struct Holding {
    file: String,
    format: Option<&'static str>,
    lines: u64,
    used: u64,
    ignored: u64,
    rejected: u64,
    readings: u64,
    samples: u64,
    ports: u64,
    streams: usize,
    counters: BTreeMap<String, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    notices: Vec<String>,
    rejects: Vec<String>,
    unusable: Option<String>,
    #[serde(skip)]
    stream_ids: BTreeSet<StreamId>,
}

/// Inspects every path.
pub(crate) fn execute(arguments: &InspectArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let files = find_files(&arguments.paths)?;
    let mut reader = arguments.reading.reader()?;
    let mut total = Total::default();
    for file in &files {
        let holding = inspect(file, &mut reader, arguments.rejects);
        total.add(&holding);
        match session.form {
            Form::JsonLines => session.output.json(&holding)?,
            Form::Text => holding.told().iter().try_for_each(|line| session.output.line(line))?,
        }
    }
    if session.form == Form::Text && files.len() > 1 {
        session.output.line(&total.told(files.len()))?;
    }
    session.output.flush()?;
    total.judge(session)
}

fn inspect(file: &CaptureFile, reader: &mut Reader, shown: usize) -> Holding {
    let mut holding = Holding { file: file.path().display().to_string(), ..Holding::default() };
    let mut topology = None;
    let read = for_each_piece(file, reader, |Piece { format, parsed }| {
        holding.format = Some(format.name());
        if format == Format::NotTelemetry {
            holding.unusable = Some("known, and no telemetry".into());
        }
        if format.is_topology() {
            topology = Some(parsed.clone());
        }
        holding.take(parsed, shown);
    });
    if let Err(error) = read {
        holding.unusable = Some(crate::exit::chain(&error));
    }
    if let Some(parsed) = topology {
        reader.absorb(&parsed);
    }
    holding.streams = holding.stream_ids.len();
    holding
}

impl Holding {
    fn take(&mut self, parsed: Parsed, shown: usize) {
        self.lines += parsed.account.lines;
        self.used += parsed.account.used;
        self.ignored += parsed.account.ignored;
        self.rejected += parsed.account.rejected;
        self.readings += parsed.readings.len() as u64;
        self.samples += parsed.samples.len() as u64;
        self.ports += parsed.ports.len() as u64;
        self.notices.extend(parsed.notices.iter().map(ToString::to_string));
        let room = shown.saturating_sub(self.rejects.len());
        self.rejects.extend(parsed.rejects.kept().iter().take(room).map(ToString::to_string));
        for reading in &parsed.readings {
            self.stream_ids.insert(reading.stream.clone());
            let known = reading.counters.iter().map(|(counter, _)| counter.name());
            let others = reading.other.iter().map(|(name, _)| &**name);
            let gauges = reading.gauges.iter().map(|(name, _)| &**name);
            known.chain(others).chain(gauges).for_each(|name| self.count(name));
            reading.time.into_iter().for_each(|time| self.span(time));
        }
        for sample in &parsed.samples {
            self.stream_ids.insert(sample.stream.clone());
            let known = sample.values.present().map(|(field, _)| field.name());
            known.chain(sample.other.iter().map(|(name, _)| &**name)).for_each(|name| self.count(name));
            self.span(sample.time);
        }
        self.stream_ids.extend(parsed.ports.into_iter().map(|(stream, _)| stream));
    }

    fn count(&mut self, name: &str) {
        match self.counters.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.counters.insert(name.to_owned(), 1)),
        }
    }

    fn span(&mut self, time: Timestamp) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    fn told(&self) -> Vec<String> {
        let mut lines = vec![match (&self.unusable, self.format) {
            (Some(why), _) => format!("{}: not usable: {why}", self.file),
            (None, Some(format)) => format!("{}: {format}", self.file),
            (None, None) => self.file.clone(),
        }];
        lines.push(format!(
            "  {} lines: {} used, {} ignored, {} rejected",
            self.lines, self.used, self.ignored, self.rejected
        ));
        if self.readings + self.samples + self.ports > 0 {
            lines.push(format!(
                "  {} readings, {} samples, {} port descriptions of {} streams",
                self.readings, self.samples, self.ports, self.streams
            ));
        }
        if let (Some(first), Some(last)) = (self.first, self.last) {
            lines.push(format!("  from {first} to {last}"));
        }
        if !self.counters.is_empty() {
            let names: Vec<&str> = self.counters.keys().map(String::as_str).collect();
            lines.push(format!("  counters: {}", names.join(", ")));
        }
        lines.extend(self.notices.iter().map(|notice| format!("  note: {notice}")));
        lines.extend(self.rejects.iter().map(|reject| format!("  rejected: {reject}")));
        lines
    }
}

/// What all files hold together.
#[derive(Debug, Default)]
struct Total {
    usable: u64,
    unusable: Vec<String>,
    lines: u64,
    rejected: u64,
    used: u64,
}

impl Total {
    fn add(&mut self, holding: &Holding) {
        self.lines += holding.lines;
        self.rejected += holding.rejected;
        self.used += holding.used;
        match &holding.unusable {
            Some(why) => self.unusable.push(format!("{}: {why}", holding.file)),
            None => self.usable += 1,
        }
    }

    fn told(&self, files: usize) -> String {
        format!(
            "{files} files: {} usable, {} not; {} lines: {} used, {} rejected",
            self.usable,
            self.unusable.len(),
            self.lines,
            self.used,
            self.rejected
        )
    }

    fn judge(&self, session: &Session<'_>) -> Result<(), Failure> {
        if self.usable == 0 {
            let why = self.unusable.first().cloned().unwrap_or_else(|| "no file there".into());
            return Err(Failure::new(ExitKind::UnusableInput, format!("nothing usable: {why}"))
                .with_next_step("name the format with --format, or describe a CSV with --map FILE"));
        }
        if !self.unusable.is_empty() || self.rejected > 0 {
            session.notes.warn(format!(
                "{} files hold no usable telemetry and {} lines were rejected",
                self.unusable.len(),
                self.rejected
            ));
        }
        Ok(())
    }
}
