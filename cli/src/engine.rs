//! The pipeline in this process: opened once, fed with sweeps, its results printed as they come.
//!
//! Run, replay and demo share it, so that what is recorded, live or simulated goes exactly the same way.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use linkcast_domain::ports::{
    Lookup, Maintenance, MaintenanceWindow, Outbox, PipelineStore, StoreError, TaskItems,
};
use linkcast_domain::{Alert, Retry, SystemClock, Timestamp};
use linkcast_features::Calendar;
use linkcast_pipeline::{Pipeline, PipelineError, Settings, Sweep, SweepReport, Tally};
use linkcast_scoring::Model;
use linkcast_telemetry::Topology;

use crate::commands::Session;
use crate::database::{self, ready};
use crate::exit::{ExitKind, Failure};
use crate::printed;
use crate::sink::Channel;

/// All that a store must do for a pipeline in one process.
pub(crate) trait EngineStore: PipelineStore + Outbox + Lookup + Maintenance + TaskItems {}

impl<S: PipelineStore + Outbox + Lookup + Maintenance + TaskItems> EngineStore for S {}

/// What a pipeline is made of beside its store.
pub(crate) struct Parts {
    /// Every number it decides by.
    pub(crate) settings: Settings,
    /// The fabric's time zone.
    pub(crate) calendar: Calendar,
    /// Who judges.
    pub(crate) model: Model,
    /// Who is told.
    pub(crate) channels: Vec<Channel>,
    /// Announced work.
    pub(crate) windows: Vec<MaintenanceWindow>,
}

/// Whether what was handed in is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It survives a crash.
    Durable,
    /// It is held, and will be written when the store can be written again.
    Held,
}

/// A running pipeline.
pub(crate) struct Engine<S: EngineStore> {
    pipeline: Pipeline<S, Model, Channel>,
    tally: Tally,
    alerts_told: u64,
    failing_channels: u64,
    latest: Timestamp,
    sketches: Sketches,
}

/// Whether what is counted for the drift watch can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sketches {
    Kept,
    /// They could not be written, which was said.
    Held,
}

impl<S: EngineStore> Engine<S> {
    /// Takes up where the store was left.
    pub(crate) fn open(store: S, parts: Parts) -> Result<Self, Failure> {
        for window in &parts.windows {
            database::wait(store.put_window(window))?;
        }
        let Parts { settings, calendar, model, channels, .. } = parts;
        let opening = Pipeline::open(settings, calendar, store, model, channels);
        let pipeline = ready(opening).map_err(failure)?;
        Ok(Engine {
            pipeline,
            tally: Tally::default(),
            alerts_told: 0,
            failing_channels: 0,
            latest: Timestamp::EPOCH,
            sketches: Sketches::Kept,
        })
    }

    /// The same, counting what is seen and said, so that drift can be told.
    #[must_use]
    pub(crate) fn counting(mut self) -> Self {
        let process = format!("run-{:016x}", RandomState::new().hash_one(std::process::id()));
        self.pipeline = self.pipeline.counting(&process);
        self
    }

    /// The last position of `source` that survives a crash, 0 if there is none.
    pub(crate) fn position(&self, source: &str) -> u64 {
        self.pipeline.position(source).unwrap_or(0)
    }

    /// What is known of a fabric, as a sweep of facts and nothing else.
    pub(crate) fn learn(&mut self, topology: &Topology, time: Timestamp) -> Result<(), Failure> {
        let facts: Vec<_> = topology.ports().map(|(port, facts)| (port.clone(), facts.clone())).collect();
        if facts.is_empty() {
            return Ok(());
        }
        let position = self.position(TOPOLOGY) + 1;
        let sweep = Sweep { source: TOPOLOGY.into(), position, time, facts, ..Sweep::default() };
        self.take(sweep).map(drop)
    }

    /// Takes a sweep in and prints what came of it.
    pub(crate) fn ingest(&mut self, sweep: Sweep, session: &mut Session<'_>) -> Result<Kept, Failure> {
        let (report, kept) = self.take(sweep)?;
        printed::report(&report, session)?;
        Ok(kept)
    }

    /// Takes a sweep in and gives what came of it.
    pub(crate) fn take(&mut self, sweep: Sweep) -> Result<(SweepReport, Kept), Failure> {
        self.latest = self.latest.max(sweep.time);
        match ready(self.pipeline.ingest(sweep, &SystemClock)) {
            Ok(report) => {
                self.tally.add(&report.tally);
                self.alerts_told += report.alerts.len() as u64;
                self.judge_channels(report.tally.failed_notices);
                let written = ready(self.pipeline.write_sketches());
                self.judge_sketches(written);
                Ok((report, Kept::Durable))
            }
            Err(PipelineError::Store(error)) if error.class() != Retry::Never => {
                crate::output::tell(&format!(
                    "warning: {}; results are held until it can be written",
                    told(&error)
                ));
                Ok((SweepReport::default(), Kept::Held))
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Ends the input: tells what still waits, and makes everything durable.
    pub(crate) fn finish(&mut self) -> Result<SweepReport, Failure> {
        let report = ready(self.pipeline.finish(self.latest)).map_err(failure)?;
        self.tally.add(&report.tally);
        self.alerts_told += report.alerts.len() as u64;
        self.judge_channels(report.tally.failed_notices);
        let written = ready(self.pipeline.write_last_sketches());
        self.judge_sketches(written);
        Ok(report)
    }

    /// Says when sketches cannot be written, once: nothing but the drift watch waits for them.
    fn judge_sketches(&mut self, written: Result<(), StoreError>) {
        match written {
            Ok(()) => self.sketches = Sketches::Kept,
            Err(error) if self.sketches == Sketches::Kept => {
                self.sketches = Sketches::Held;
                crate::output::tell(&format!(
                    "warning: {}; what is counted for the drift watch is written later",
                    told(&error)
                ));
            }
            Err(_) => {}
        }
    }

    /// Says when channels cannot be told, once and not with every sweep.
    fn judge_channels(&mut self, failing: u64) {
        if failing > self.failing_channels {
            crate::output::tell(&format!(
                "warning: {failing} of the channels could not be told of alerts; they are kept and told later"
            ));
        }
        self.failing_channels = failing;
    }

    /// How much was done since this program started.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many streams are known.
    pub(crate) fn stream_count(&self) -> usize {
        self.pipeline.stream_count()
    }

    /// Every alert that is firing.
    pub(crate) fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.pipeline.firing()
    }

    /// How many alerts were opened, changed or resolved.
    pub(crate) fn alerts_told(&self) -> u64 {
        self.alerts_told
    }

    /// The store, to look things up.
    pub(crate) fn store(&self) -> &S {
        self.pipeline.store()
    }
}

/// The source under which a topology file is known.
const TOPOLOGY: &str = "topology";

fn told(error: &StoreError) -> String {
    crate::exit::chain(error)
}

fn failure(error: PipelineError) -> Failure {
    match error {
        PipelineError::Store(error) => database::failure(error),
        PipelineError::State(error) => Failure::new(ExitKind::Database, error)
            .with_next_step("the database was written by another version: begin anew with another --db"),
    }
}
