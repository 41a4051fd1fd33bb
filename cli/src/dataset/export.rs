//! From a store to files: one part at a time, each the samples of one group of streams over one day.
//!
//! Memory holds one part, however long the history; a part that is there is not made again.

use std::fs;
use std::io::Write;
use std::path::Path;

use linkcast_domain::ports::{History, Lookup, PipelineStore};
use linkcast_domain::{Alert, AlertState, Cause, Sample, SampleField, StreamId};
use linkcast_telemetry::write_samples_parquet;
use linkcast_training::Happening;
use serde::Serialize;

use super::DatasetError;
use super::outcomes::{OutcomeLine, PortLine, failed};
use super::plan::{OUTCOMES_FOLDER, PORTS_FILE, Plan, SAMPLES_FOLDER, part_path, staged, write_whole};
use crate::database;
use crate::exit::Failure;
use crate::progress::Progress;

/// What was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Exported {
    /// Samples written now.
    pub(crate) samples: u64,
    /// Parts written now.
    pub(crate) parts: u64,
    /// Parts that were there before.
    pub(crate) parts_before: u64,
    /// Things that happened to streams.
    pub(crate) outcomes: u64,
}

/// Takes what the plan names and is not in the folder yet.
pub(crate) fn export<S: History + Lookup + PipelineStore>(
    store: &S,
    plan: &Plan,
    folder: &Path,
    progress: &mut Progress,
) -> Result<Exported, Failure> {
    let mut exported = Exported::default();
    for (date, range) in plan.days() {
        let day = folder.join(SAMPLES_FOLDER).join(format!("day={date}"));
        fs::create_dir_all(&day).map_err(|source| failed("create", &day, source))?;
        for (number, group) in plan.groups.iter().enumerate() {
            let path = part_path(folder, &date, number);
            if path.exists() {
                exported.parts_before += 1;
            } else {
                let samples = database::wait(store.recorded(group, range))?;
                write_downs(folder, &date, number, &samples)?;
                write_part(&path, &samples)?;
                exported.samples += samples.len() as u64;
                exported.parts += 1;
            }
            progress.advance(1);
        }
    }
    exported.outcomes = write_outcomes(store, plan, folder)?;
    write_ports(store, folder)?;
    Ok(exported)
}

/// What the counters themselves tell of links that went down, before the part is named: a part that is there has all of it.
fn write_downs(folder: &Path, date: &str, number: usize, samples: &[Sample]) -> Result<(), DatasetError> {
    let downs = samples.iter().filter_map(|sample| {
        let count = sample.values.get(SampleField::LinkDowned).filter(|count| *count > 0.0)?;
        let happening = Happening::WentDown { count };
        Some(OutcomeLine { stream_id: sample.stream.clone(), timestamp: sample.time, happening })
    });
    let day = folder.join(OUTCOMES_FOLDER).join(format!("day={date}"));
    let path = day.join(format!("group={number:05}.jsonl"));
    let text = lines(downs, &path)?;
    if text.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(&day).map_err(|source| failed("create", &day, source))?;
    write_whole(&path, |file| file.write_all(text.as_bytes()))
}

fn lines(outcomes: impl Iterator<Item = OutcomeLine>, path: &Path) -> Result<String, DatasetError> {
    let mut text = String::new();
    for line in outcomes {
        let path = path.to_owned();
        let json = serde_json::to_string(&line).map_err(|source| DatasetError::Json { path, source })?;
        text.push_str(&json);
        text.push('\n');
    }
    Ok(text)
}

/// A day without samples is a part too: without it, whoever goes on would ask for it again.
fn write_part(path: &Path, samples: &[Sample]) -> Result<(), DatasetError> {
    let staged = staged(path);
    let file = fs::File::create(&staged).map_err(|source| failed("create", &staged, source))?;
    write_samples_parquet(samples, &file)
        .map_err(|source| DatasetError::Part { path: path.to_owned(), source })?;
    file.sync_all().map_err(|source| failed("write", &staged, source))?;
    fs::rename(&staged, path).map_err(|source| failed("rename", path, source))
}

/// Every alert the store still has, for each stream it concerns. Written anew each time: alerts go on after samples are taken.
fn write_outcomes<S: Lookup>(store: &S, plan: &Plan, folder: &Path) -> Result<u64, Failure> {
    let alerts = database::wait(store.alerts(None, usize::MAX))?;
    let mut found: Vec<OutcomeLine> = alerts.iter().flat_map(lines_of).collect();
    found.retain(|line| plan.from <= line.timestamp && line.timestamp <= plan.until);
    found.sort_by(|one, other| (one.timestamp, &one.stream_id).cmp(&(other.timestamp, &other.stream_id)));
    let count = found.len() as u64;
    let into = folder.join(OUTCOMES_FOLDER);
    fs::create_dir_all(&into).map_err(|source| failed("create", &into, source))?;
    let path = into.join("alerts.jsonl");
    let text = lines(found.into_iter(), &path)?;
    write_whole(&path, |file| file.write_all(text.as_bytes()))?;
    Ok(count)
}

/// Whose link ends where: a split must not part the two ends of a link.
fn write_ports<S: PipelineStore>(store: &S, folder: &Path) -> Result<(), Failure> {
    const PAGE: usize = 1_000;
    let path = folder.join(PORTS_FILE);
    let mut text = Vec::new();
    let mut after = None;
    loop {
        let page = database::wait(store.streams(after.as_ref(), PAGE))?;
        for record in &page {
            let line =
                PortLine { stream_id: record.stream.clone(), peer: record.facts.peer.map(StreamId::from) };
            serde_json::to_writer(&mut text, &line)
                .map_err(|source| DatasetError::Json { path: path.clone(), source })?;
            text.push(b'\n');
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last.stream),
            None => break,
        }
    }
    Ok(write_whole(&path, |file| file.write_all(&text))?)
}

fn lines_of(alert: &Alert) -> Vec<OutcomeLine> {
    let Cause::Predicted(cause) = alert.cause else { return Vec::new() };
    let until = (alert.state == AlertState::Resolved).then_some(alert.updated);
    let happening = Happening::AlertOpened { cause, peak_risk: alert.risk_score, until };
    let line = |stream: &StreamId| OutcomeLine {
        stream_id: stream.clone(),
        timestamp: alert.opened,
        happening: happening.clone(),
    };
    alert.streams.iter().map(line).collect()
}
