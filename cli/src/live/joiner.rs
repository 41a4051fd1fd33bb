//! Answers of several commands become one sweep.
//!
//! `perfquery -x` has the wide data counters, plain `perfquery` the errors, `ibqueryerrors` the link states: each alone
//! is half a reading, and two halves compared with one another make nonsense. So all commands asked in one round are
//! joined, waiting a bounded time for the slow ones. Addresses and trees hold whole readings and go their own way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use linkcast_domain::ports::Coverage;
use linkcast_domain::{PortFacts, Sample, StreamId, Timestamp};
use linkcast_pipeline::Sweep;
use linkcast_telemetry::{Format, Parsed, Reading, merge_readings};

use crate::source::{Answer, SourceSpec};

/// The name of all commands together.
const COMMANDS: &str = "commands";

/// What is handed to the pipeline in one go.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    source: String,
    time: Timestamp,
    is_selective: bool,
    readings: Vec<Reading>,
    samples: Vec<Sample>,
    ports: Vec<(StreamId, PortFacts)>,
}

struct Round {
    joined: Joined,
    missing: BTreeSet<usize>,
    deadline: Instant,
}

/// Joins answers.
pub(crate) struct Joiner {
    names: Vec<String>,
    commands: BTreeSet<usize>,
    silent: BTreeSet<usize>,
    patience: Duration,
    rounds: BTreeMap<Timestamp, Round>,
    ready: Vec<Joined>,
}

impl Joiner {
    /// A joiner for `sources` that waits `patience` for a round's slower commands.
    pub(crate) fn new(sources: &[SourceSpec], patience: Duration) -> Self {
        let commands =
            sources.iter().enumerate().filter(|(_, source)| matches!(source, SourceSpec::Command(_)));
        Joiner {
            names: sources.iter().map(ToString::to_string).collect(),
            commands: commands.map(|(number, _)| number).collect(),
            silent: BTreeSet::new(),
            patience,
            rounds: BTreeMap::new(),
            ready: Vec::new(),
        }
    }

    /// Takes a source's answer.
    pub(crate) fn add(&mut self, answer: Answer, now: Instant) {
        let Answer { source, round, asked, result, .. } = answer;
        if self.commands.len() < 2 || !self.commands.contains(&source) {
            if let Ok((format, parsed)) = result {
                let mut joined = self.begin(source, asked);
                joined.take(format, parsed);
                self.ready.push(joined);
            }
            return;
        }
        if result.is_ok() {
            self.silent.remove(&source)
        } else {
            self.silent.insert(source)
        };
        let expected: BTreeSet<usize> = self.commands.difference(&self.silent).copied().collect();
        let place = self.rounds.entry(round).or_insert_with(|| Round {
            joined: Joined { source: COMMANDS.into(), time: asked, ..Joined::default() },
            missing: expected,
            deadline: now + self.patience,
        });
        place.missing.remove(&source);
        if let Ok((format, parsed)) = result {
            place.joined.take(format, parsed);
        }
    }

    /// A listener's delivery, which waits for nobody.
    pub(crate) fn delivered(&self, source: usize, now: Timestamp, parsed: Parsed) -> Joined {
        let mut joined = self.begin(source, now);
        joined.take(Format::RemoteWrite, parsed);
        joined
    }

    /// The name under which a source's sweeps go.
    pub(crate) fn name_of(&self, source: usize) -> String {
        if self.commands.len() > 1 && self.commands.contains(&source) {
            return COMMANDS.into();
        }
        self.names.get(source).cloned().unwrap_or_default()
    }

    /// What is whole, or has waited long enough.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Joined> {
        let mut due = std::mem::take(&mut self.ready);
        let is_due = |round: &Round| round.missing.is_empty() || round.deadline <= now;
        while let Some(entry) = self.rounds.first_entry().filter(|entry| is_due(entry.get())) {
            due.push(entry.remove().joined);
        }
        due.retain(|joined| !joined.is_empty());
        due
    }

    /// Everything, whole or not.
    pub(crate) fn rest(&mut self) -> Vec<Joined> {
        let mut rest = std::mem::take(&mut self.ready);
        rest.extend(std::mem::take(&mut self.rounds).into_values().map(|round| round.joined));
        rest.retain(|joined| !joined.is_empty());
        rest
    }

    /// How long nothing will be due.
    pub(crate) fn patience(&self, now: Instant) -> Duration {
        const LONG: Duration = Duration::from_secs(3600);
        let deadlines = self.rounds.values().map(|round| round.deadline.saturating_duration_since(now));
        deadlines.min().unwrap_or(LONG)
    }

    fn begin(&self, source: usize, time: Timestamp) -> Joined {
        Joined { source: self.names.get(source).cloned().unwrap_or_default(), time, ..Joined::default() }
    }
}

impl Joined {
    /// What a source that failed says: nothing.
    pub(crate) fn silence(source: String, time: Timestamp) -> Self {
        Joined { source, time, ..Joined::default() }
    }

    fn take(&mut self, format: Format, parsed: Parsed) {
        self.is_selective |=
            matches!(format, Format::Ibqueryerrors | Format::RemoteWrite) || parsed.is_failed_scrape();
        self.readings.extend(parsed.readings);
        self.samples.extend(parsed.samples);
        self.ports.extend(parsed.ports);
    }

    fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.samples.is_empty() && self.ports.is_empty()
    }

    /// One sweep, each port's readings merged. What several commands read in one round is taken as read at one instant:
    /// when the first of them was asked.
    pub(crate) fn into_sweep(self) -> Sweep {
        let mut readings = self.readings;
        if self.source == COMMANDS {
            readings.iter_mut().for_each(|reading| reading.time = Some(self.time));
        }
        let newest = readings.iter().filter_map(|reading| reading.time).max();
        let newest = newest.into_iter().chain(self.samples.iter().map(|sample| sample.time)).max();
        Sweep {
            source: self.source,
            position: 0,
            time: newest.unwrap_or(self.time),
            coverage: if self.is_selective { Coverage::Selective } else { Coverage::Whole },
            readings: merge_readings(readings),
            samples: self.samples,
            facts: self.ports,
        }
    }
}
