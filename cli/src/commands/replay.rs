//! `linkcast replay`: recorded captures through the same pipeline as live sources, in time order.
//!
//! With `--db` a replay that was killed goes on where its last checkpoint was and ends in the same state: instants are
//! numbered in the capture's order, and the store knows the number of the last one whose results are durable.

use std::path::PathBuf;

use clap::Args;
use linkcast_domain::ports::Coverage;
use linkcast_pipeline::{CheckpointPolicy, Echo, READ_AHEAD_READINGS, Sweep, read_ahead};
use linkcast_store::MemoryStore;

use super::Session;
use crate::arguments::{DatabaseArguments, PipelineArguments, ReadingArguments, TellingArguments};
use crate::capture::{Instant, Timeline, find_files};
use crate::database;
use crate::engine::{Engine, EngineStore};
use crate::exit::{ExitKind, Failure};
use crate::maintenance;
use crate::output::Form;
use crate::printed;
use crate::progress::Progress;

/// Run recorded captures through the same pipeline, in time order.
#[derive(Args, Debug)]
#[command(
    after_help = "Times come from the content; else from the file's name: t0030… is 30 s after 2026-01-01T00:00:00Z, RFC 3339 as\n2026-01-31T08-00-00Z, epoch seconds or milliseconds; else from when the file was written. Files of one instant are joined.\n\nExamples:\n  linkcast replay captures/ --json\n  linkcast replay --db linkcast.db day1.csv.gz day2.csv.gz\n  linkcast replay --map leaf.toml leaf7.csv.gz --output alerts.jsonl"
)]
pub(crate) struct ReplayArguments {
    /// Captures or sample files, or folders of them; gzip is unpacked.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Announced work, as JSON lines (see `linkcast run --help`).
    #[arg(long, value_name = "FILE")]
    maintenance: Option<PathBuf>,
    /// Score every sample, and not only those with signs of trouble.
    #[arg(long)]
    score_all: bool,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    telling: TellingArguments,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// The name under which a replay's progress is kept.
const SOURCE: &str = "replay";

/// Replays.
pub(crate) fn execute(arguments: &ReplayArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match arguments.database.place(session.configuration) {
        Some(place) => replay(arguments, database::open(&place, session.configuration)?, session),
        None => replay(arguments, MemoryStore::new(), session),
    }
}

fn replay<S: EngineStore>(
    arguments: &ReplayArguments,
    store: S,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let mut timeline = Timeline::new(&find_files(&arguments.paths)?, arguments.reading.reader()?);
    let mut parts =
        arguments.pipeline.parts(arguments.database.place(session.configuration).as_ref(), session)?;
    parts.settings.checkpoint = CheckpointPolicy::replay();
    parts.settings.echo = if session.form == Form::JsonLines { Echo::Samples } else { Echo::Results };
    if arguments.score_all {
        parts.settings.gate.quiet = linkcast_pipeline::Quiet::Every;
    }
    parts.channels = arguments.telling.channels(&store)?;
    if let Some(path) = &arguments.maintenance {
        parts.windows = maintenance::read(path)?;
    }
    let mut engine = Engine::open(store, parts)?.counting();
    let done = engine.position(SOURCE);
    let mut progress = Progress::new(session.notes, "replaying", None);
    let mut first = timeline.next_instant();
    if let (Some(instant), 0) = (&first, done) {
        engine.learn(timeline.reader().topology(), instant.time)?;
    }
    let next = || first.take().or_else(|| timeline.next_instant());
    let mut number = 0;
    read_ahead(next, Instant::size, READ_AHEAD_READINGS, |instant| -> Result<(), Failure> {
        number += 1;
        if number > done {
            engine.ingest(sweep(instant, number), session)?;
        }
        progress.advance(1);
        Ok(())
    })?;
    drop(progress);
    let last = engine.finish()?;
    printed::report(&last, session)?;
    let tally = *engine.tally();
    let got = tally.readings + tally.samples + number.min(done);
    timeline.tally().judge(got, session.notes)?;
    if got == 0 {
        return Err(Failure::new(
            ExitKind::UnusableInput,
            "the capture holds no counters: expected ports with counters",
        )
        .with_next_step("`linkcast inspect` says what each file holds"));
    }
    summarise(&engine, number, done, session)
}

fn sweep(instant: Instant, position: u64) -> Sweep {
    Sweep {
        source: SOURCE.into(),
        position,
        time: instant.time,
        coverage: if instant.is_selective { Coverage::Selective } else { Coverage::Whole },
        readings: instant.readings,
        samples: instant.samples,
        facts: instant.ports,
    }
}

fn summarise<S: EngineStore>(
    engine: &Engine<S>,
    instants: u64,
    done: u64,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let tally = engine.tally();
    if done > 0 {
        session.notes.inform(format!("{} of {instants} instants were done before", done.min(instants)));
    }
    if tally.stale > 0 {
        session
            .notes
            .warn(format!("{} readings or samples were not newer than their stream's last", tally.stale));
    }
    if session.form == Form::Text {
        session.output.line(&format!(
            "{instants} instants of {} streams: {} samples, {} insights, {} conditions opened, {} alert messages",
            engine.stream_count(),
            tally.samples,
            tally.insights,
            tally.opened,
            engine.alerts_told()
        ))?;
    }
    Ok(())
}
