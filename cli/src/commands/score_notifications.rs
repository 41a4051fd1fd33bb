//! `linkcast score-notifications`: how often people would be told of labelled incidents, and how often of nothing.
//!
//! The data goes through the pipeline as it ships, grouping and outbox included, and the messages in the outbox are counted: what any
//! one channel would be told. An incident of which nothing is told was missed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_domain::ports::Coverage;
use linkcast_pipeline::{CheckpointPolicy, Sweep};
use serde::Serialize;

use super::Session;
use super::score_events::{fault_time, telemetry};
use crate::arguments::{PipelineArguments, ReadingArguments};
use crate::capture::{Timeline, find_files};
use crate::engine::Parts;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::judging::{Held, Incident, Messages, Replayed, against, counted_engine, servers};
use crate::output::{Form, Table};
use crate::progress::Progress;

/// Score how often people would be told of labelled incidents.
#[derive(Args, Debug)]
#[command(
    after_help = "A folder is a run with telemetry and events.csv, of whose events those named with --fault are incidents; a file is a trace of\nservers' faults (fault_trace.json of InfiniteHBD-Trace).\n\nExamples:\n  linkcast score-notifications runs/* --fault shutdown_interface --fault break_bfd --map maps/cisco-ios-xr-generic-counters.toml --files latest_generic-counters\n  linkcast score-notifications gpu_faults/fault_trace.json"
)]
pub(crate) struct ScoreNotificationsArguments {
    /// Runs' folders, or traces of faults.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// An event of a run that is a fault; may be given several times.
    #[arg(long = "fault", value_name = "EVENT")]
    faults: Vec<String>,
    /// Of a run's folder, only files whose names hold this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    files: String,
    /// Hold each run still at its end for so long: what is told of the state it ends in.
    #[arg(long, value_name = "TIME")]
    hold: Option<Interval>,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// All of one kind of incident.
#[derive(Debug, Default, Serialize)]
struct Kind {
    incidents: u64,
    told: u64,
    #[serde(flatten)]
    messages: Messages,
    /// The most messages of one incident.
    most: u64,
    /// From the beginning to the first message, of those told, in order.
    after_seconds: Vec<f64>,
    /// What it was told as.
    told_as: BTreeMap<String, u64>,
}

/// What was told.
#[derive(Debug, Default, Serialize)]
struct Findings {
    by_kind: BTreeMap<String, Kind>,
    /// Faults that the data shows nothing of.
    not_in_the_data: BTreeMap<String, u64>,
    total: Kind,
    messages_per_incident: f64,
    noise: Messages,
    noise_about: BTreeMap<String, u64>,
}

/// The source a run comes from.
const RUN: &str = "run";

/// Incidents shorter than a restart are noise to people: a host's ports get so long.
const RESTART_SECONDS: f64 = 20.0 * 60.0;

/// Scores.
pub(crate) fn execute(
    arguments: &ScoreNotificationsArguments,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let mut findings = Findings::default();
    for path in &arguments.paths {
        if path.is_dir() {
            findings.take(run(arguments, path, session)?);
        } else {
            trace(arguments, path, &mut findings, session)?;
        }
    }
    findings.messages_per_incident =
        findings.total.messages.total() as f64 / findings.total.incidents.max(1) as f64;
    match session.form {
        Form::JsonLines => session.output.json(&findings)?,
        Form::Text => print(&findings, session)?,
    }
    Ok(())
}

fn parts(arguments: &ScoreNotificationsArguments, session: &Session<'_>) -> Result<Parts, Failure> {
    let mut parts = arguments.pipeline.parts(None, session)?;
    parts.settings.checkpoint = CheckpointPolicy::replay();
    Ok(parts)
}

/// A run of real devices into which a fault was put.
fn run(
    arguments: &ScoreNotificationsArguments,
    folder: &Path,
    session: &Session<'_>,
) -> Result<Replayed, Failure> {
    let incidents = incidents_of(arguments, folder)?;
    let files = find_files(&telemetry(folder, &arguments.files)?)?;
    let mut timeline = Timeline::new(&files, arguments.reading.reader()?);
    let mut engine = counted_engine(parts(arguments, session)?)?;
    let mut progress = Progress::new(session.notes, "replaying", None);
    let (mut position, mut got) = (0, 0);
    let mut held = Held::default();
    while let Some(instant) = timeline.next_instant() {
        position += 1;
        got += instant.size() as u64;
        if arguments.hold.is_some() {
            held.note(&instant.readings, instant.time);
        }
        let coverage = if instant.is_selective { Coverage::Selective } else { Coverage::Whole };
        engine.take(Sweep {
            source: RUN.into(),
            position,
            time: instant.time,
            coverage,
            readings: instant.readings,
            samples: instant.samples,
            facts: instant.ports,
        })?;
        progress.advance(1);
    }
    drop(progress);
    let length = arguments.hold.map(Interval::duration).unwrap_or_default();
    for (time, readings) in held.instants(length) {
        position += 1;
        engine.take(Sweep { source: RUN.into(), position, time, readings, ..Sweep::default() })?;
    }
    engine.finish()?;
    timeline.into_tally().judge(got, session.notes)?;
    against(&engine, incidents)
}

/// The faults named, where the run had them.
fn incidents_of(arguments: &ScoreNotificationsArguments, folder: &Path) -> Result<Vec<Incident>, Failure> {
    let known = arguments.faults.iter().filter_map(|fault| Some((fault, fault_time(folder, fault).ok()?)));
    let place = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let incidents: Vec<Incident> = known
        .map(|(what, from)| Incident { what: what.clone(), place: place.clone(), from, until: None })
        .collect();
    if incidents.is_empty() {
        let missing = format!("{}: events.csv holds none of the faults named", folder.display());
        return Err(Failure::new(ExitKind::UnusableInput, missing)
            .with_next_step("name the event that is the fault with --fault EVENT"));
    }
    Ok(incidents)
}

/// A trace of servers' faults, each server a fabric of its own: nothing in the trace says who stands beside whom.
fn trace(
    arguments: &ScoreNotificationsArguments,
    path: &Path,
    findings: &mut Findings,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let servers = servers(path)?;
    let mut progress = Progress::new(session.notes, "replaying", Some(servers.len() as u64));
    for server in servers.values() {
        progress.advance(1);
        for unseen in &server.unseen {
            *findings.not_in_the_data.entry(unseen.what.clone()).or_default() += 1;
        }
        if server.outages.is_empty() {
            continue;
        }
        let mut engine = counted_engine(parts(arguments, session)?)?;
        for sweep in server.sweeps() {
            engine.take(sweep)?;
        }
        engine.finish()?;
        findings.take(against(&engine, server.outages.clone())?);
    }
    Ok(())
}

impl Findings {
    fn take(&mut self, replayed: Replayed) {
        for heard in replayed.incidents {
            let Incident { what, from, until, .. } = heard.incident;
            let is_restart = until.is_some_and(|until| until.seconds_since(from) < RESTART_SECONDS);
            let kind = if is_restart { format!("{what}, over within 20 min") } else { what };
            for kind in [self.by_kind.entry(kind).or_default(), &mut self.total] {
                kind.incidents += 1;
                kind.told += u64::from(heard.messages.total() > 0);
                kind.messages = kind.messages.plus(heard.messages);
                kind.most = kind.most.max(heard.messages.total());
                kind.after_seconds.extend(heard.after_seconds);
                kind.after_seconds.sort_by(f64::total_cmp);
                for cause in &heard.causes {
                    *kind.told_as.entry(cause.clone()).or_default() += 1;
                }
            }
        }
        self.noise = self.noise.plus(replayed.noise);
        for about in replayed.noise_summaries {
            *self.noise_about.entry(about).or_default() += 1;
        }
    }
}

fn print(findings: &Findings, session: &mut Session<'_>) -> Result<(), Failure> {
    let headings = [
        "incident",
        "times",
        "told",
        "missed",
        "opened",
        "again",
        "resolved",
        "most for one",
        "median first",
        "told as",
    ];
    let mut table = Table::new(&headings);
    let named = findings.by_kind.iter().map(|(what, kind)| (what.as_str(), kind));
    for (what, kind) in named.chain([("all", &findings.total)]) {
        let median = kind.after_seconds.get(kind.after_seconds.len() / 2);
        table.row(vec![
            what.to_owned(),
            kind.incidents.to_string(),
            kind.told.to_string(),
            (kind.incidents - kind.told).to_string(),
            kind.messages.opened.to_string(),
            kind.messages.updated.to_string(),
            kind.messages.resolved.to_string(),
            kind.most.to_string(),
            median.map_or_else(|| "–".to_owned(), |seconds| format!("{:.1} min", seconds / 60.0)),
            kind.told_as
                .iter()
                .map(|(cause, times)| format!("{times} {cause}"))
                .collect::<Vec<_>>()
                .join(", "),
        ]);
    }
    table.lines().iter().try_for_each(|line| session.output.line(line))?;
    let Findings { messages_per_incident, noise, .. } = findings;
    session.output.line(&format!(
        "{messages_per_incident:.2} messages an incident; {} of alerts that belong to none",
        noise.total()
    ))?;
    for (about, times) in &findings.noise_about {
        session.output.line(&format!("  noise, {times} times: {about}"))?;
    }
    let unseen: u64 = findings.not_in_the_data.values().sum();
    if unseen > 0 {
        session.output.line(&format!("{unseen} faults of which the data shows nothing:"))?;
    }
    for (what, times) in &findings.not_in_the_data {
        session.output.line(&format!("  {times}  {what}"))?;
    }
    Ok(())
}
