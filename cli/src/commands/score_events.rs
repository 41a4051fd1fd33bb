//! `linkcast score-events`: how soon an injected fault is seen without a model, and how often something is seen before it.
//!
//! For captures of real devices into which faults were put: beside the telemetry lies `events.csv`, and of its events those named
//! are faults. What is seen before the first of them, after the streams' settling time, is a false alarm; what is seen after is a finding.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use linkcast_domain::{StreamId, Timestamp};
use linkcast_features::Calendar;
use serde::Serialize;

use super::Session;
use crate::arguments::ReadingArguments;
use crate::capture::for_each_featured;
use crate::exit::{ExitKind, Failure};
use crate::judging::{Sense, Watcher};
use crate::output::{Form, Table};
use crate::progress::Progress;

/// Score how soon an injected fault is seen without a model.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  linkcast score-events run/ --fault shutdown_interface --map maps/cisco-ios-xr-data-rate.toml --files latest_data-rate"
)]
pub(crate) struct ScoreEventsArguments {
    /// A run's folder: telemetry, and events.csv with columns timestamp (epoch seconds) and event.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The event that is the fault.
    #[arg(long, value_name = "EVENT")]
    fault: String,
    /// Only files whose names hold this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    files: String,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// At a sample in 10 s, six of them.
const CLEAR_AFTER: Duration = Duration::from_secs(60);

const EVENTS: &str = "events.csv";

#[derive(Serialize)]
struct Findings {
    fault: String,
    at: Timestamp,
    streams: usize,
    samples: u64,
    hours_before: f64,
    seen_by: Vec<SenseFindings>,
}

#[derive(Default, Serialize)]
struct SenseFindings {
    sense: &'static str,
    /// Alarms before the fault, over all streams.
    before: usize,
    /// For each stream's hour before the fault.
    before_per_stream_hour: f64,
    /// Streams with an alarm after the fault.
    streams_after: usize,
    /// From the fault to the first alarm after it.
    delay_seconds: Option<f64>,
    /// The stream it was seen on.
    first_seen_on: Option<StreamId>,
}

/// Scores.
pub(crate) fn execute(arguments: &ScoreEventsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let at = fault_time(&arguments.folder, &arguments.fault)?;
    let paths = telemetry(&arguments.folder, &arguments.files)?;
    let mut watcher = Watcher::new(CLEAR_AFTER);
    let mut alarms: BTreeMap<Sense, Vec<(Timestamp, StreamId)>> = BTreeMap::new();
    let mut first_seen: BTreeMap<StreamId, Timestamp> = BTreeMap::new();
    let mut progress = Progress::new(session.notes, "scoring", None);
    let reader = arguments.reading.reader()?;
    let read = for_each_featured(&paths, reader, &Calendar::utc(), &mut progress, |sample, features| {
        first_seen.entry(sample.stream.clone()).or_insert(sample.time);
        for sense in watcher.look(sample, features) {
            alarms.entry(sense).or_default().push((sample.time, sample.stream.clone()));
        }
        Ok(())
    })?;
    drop(progress);
    let hours_before = first_seen.values().map(|first| at.seconds_since(*first).max(0.0) / 3600.0).sum();
    let findings = Findings {
        fault: arguments.fault.clone(),
        at,
        streams: first_seen.len(),
        samples: read.samples,
        hours_before,
        seen_by: Sense::ALL.into_iter().map(|sense| of_sense(sense, &alarms, at, hours_before)).collect(),
    };
    match session.form {
        Form::JsonLines => session.output.json(&findings)?,
        Form::Text => print(&findings, session)?,
    }
    read.tally.judge(read.samples, session.notes)
}

fn of_sense(
    sense: Sense,
    alarms: &BTreeMap<Sense, Vec<(Timestamp, StreamId)>>,
    at: Timestamp,
    hours_before: f64,
) -> SenseFindings {
    let alarms = alarms.get(&sense).map_or_else(Vec::new, Clone::clone);
    let before = alarms.iter().filter(|(time, _)| *time < at).count();
    let mut after: Vec<&(Timestamp, StreamId)> = alarms.iter().filter(|(time, _)| *time >= at).collect();
    after.sort();
    let mut streams: Vec<&StreamId> = after.iter().map(|(_, stream)| stream).collect();
    streams.sort();
    streams.dedup();
    SenseFindings {
        sense: sense.name(),
        before,
        before_per_stream_hour: if hours_before > 0.0 { before as f64 / hours_before } else { 0.0 },
        streams_after: streams.len(),
        delay_seconds: after.first().map(|(time, _)| time.seconds_since(at)),
        first_seen_on: after.first().map(|(_, stream)| stream.clone()),
    }
}

/// When the fault was put in.
pub(super) fn fault_time(folder: &Path, fault: &str) -> Result<Timestamp, Failure> {
    let path = folder.join(EVENTS);
    let unusable = |message: String| Failure::new(ExitKind::UnusableInput, message);
    let text = fs::read_to_string(&path)
        .map_err(|error| unusable(format!("reading {}: {error}", path.display())))?;
    let row = text.lines().find(|row| row.split(',').nth(1) == Some(fault));
    let seconds = row.and_then(|row| row.split(',').next()?.parse::<f64>().ok());
    seconds.map(|seconds| Timestamp::from_millis((seconds * 1000.0) as i64)).ok_or_else(|| {
        unusable(format!("{}: expected a row with an epoch second and the event {fault:?}", path.display()))
    })
}

/// The run's files but the events, those whose names hold `part`.
pub(super) fn telemetry(folder: &Path, part: &str) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(ExitKind::UnusableInput, format!("listing {}: {error}", folder.display()))
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains(".csv") && name != EVENTS && name.contains(part) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn print(findings: &Findings, session: &mut Session<'_>) -> Result<(), Failure> {
    session.output.line(&format!(
        "{} at {}: {} samples of {} streams, {:.1} stream-hours before it",
        findings.fault, findings.at, findings.samples, findings.streams, findings.hours_before
    ))?;
    let mut table =
        Table::new(&["seen by", "first after", "on", "streams after", "before", "a stream's hour"]);
    for one in &findings.seen_by {
        table.row(vec![
            one.sense.to_owned(),
            one.delay_seconds.map_or_else(|| "not seen".into(), |seconds| format!("{seconds:.0} s")),
            one.first_seen_on.as_ref().map_or_else(|| "–".into(), StreamId::to_string),
            one.streams_after.to_string(),
            one.before.to_string(),
            format!("{:.2}", one.before_per_stream_hour),
        ]);
    }
    table.lines().iter().try_for_each(|line| session.output.line(line))?;
    Ok(())
}
