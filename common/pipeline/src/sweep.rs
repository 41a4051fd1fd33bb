//! What goes into the pipeline in one go, and what came of it.

use linkcast_domain::ports::Coverage;
use linkcast_domain::{Alert, Insight, PortFacts, Sample, StreamId, Timestamp};
use linkcast_telemetry::Reading;

/// What one source said at one time.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// The source's name, stable over restarts: its progress is kept under it.
    pub source: String,
    /// The caller's number for this sweep, rising within its source. After a restart, sweeps up to
    /// the source's `position` are durable and must not be given again.
    pub position: u64,
    /// The newest instant the sweep speaks of. A reading without a time of its own is taken at this time.
    pub time: Timestamp,
    /// Whether a port that is not listed is missing.
    pub coverage: Coverage,
    /// Absolute counters, to be compared with each stream's last.
    pub readings: Vec<Reading>,
    /// Finished samples, from sources that count for themselves.
    pub samples: Vec<Sample>,
    /// What is newly known of ports.
    pub facts: Vec<(StreamId, PortFacts)>,
}

/// What came of a sweep.
#[derive(Clone, Debug, Default)]
pub struct SweepReport {
    /// How many there were of everything.
    pub tally: Tally,
    /// The samples, if the settings ask for an echo of them; in the order of the sweep.
    pub samples: Vec<Sample>,
    /// New insights, in the order of the sweep.
    pub insights: Vec<Insight>,
    /// Alerts that opened, changed or resolved.
    pub alerts: Vec<Alert>,
}

/// How many there were of everything; sums over sweeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Readings taken in.
    pub readings: u64,
    /// Samples made or taken in.
    pub samples: u64,
    /// First readings of a stream, which have nothing to be compared with.
    pub firsts: u64,
    /// Readings and samples dropped: not newer than their stream's last, or without a time.
    pub stale: u64,
    /// Readings that began a new series: another peer or adapter.
    pub replaced: u64,
    /// Counters held back as unbelievable, and other doubts about a source.
    pub doubts: u64,
    /// Samples the model was asked about.
    pub scored: u64,
    /// Insights made.
    pub insights: u64,
    /// Conditions that opened.
    pub opened: u64,
    /// Conditions that resolved.
    pub resolved: u64,
    /// Conditions kept quiet by a maintenance window.
    pub suppressed: u64,
    /// Links found down only because their host restarted.
    pub reboots: u64,
    /// Messages put into the outbox.
    pub messages: u64,
    /// Attempts to tell a channel that failed; the messages stay in the outbox.
    pub failed_notices: u64,
}

impl Tally {
    /// Adds another sweep's counts.
    pub fn add(&mut self, other: &Tally) {
        self.readings += other.readings;
        self.samples += other.samples;
        self.firsts += other.firsts;
        self.stale += other.stale;
        self.replaced += other.replaced;
        self.doubts += other.doubts;
        self.scored += other.scored;
        self.insights += other.insights;
        self.opened += other.opened;
        self.resolved += other.resolved;
        self.suppressed += other.suppressed;
        self.reboots += other.reboots;
        self.messages += other.messages;
        self.failed_notices += other.failed_notices;
    }
}
