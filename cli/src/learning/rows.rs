//! Samples in, labelled rows out, thinned where thousands say the same.
//!
//! Nearly every sample of a fabric is a healthy port's. Of those a share is kept, the more the nearer they lie to
//! something that looks like a fault, and each kept row carries the weight of the rows it stands for, so that the
//! trainer still sees how rare trouble is. Which rows stay is a hash of stream and time: the same on every run.

use std::collections::{BTreeMap, HashMap};

use linkcast_domain::{
    Channel, Episode, EpisodeKind, Sample, SampleField, SampleValues, StreamId, Timestamp,
};
use linkcast_features::{Calendar, StreamState};
use linkcast_training::dataset::lot;
use linkcast_training::{
    EpisodeIndex, Failure, Happening, LabelRules, LabelledRow, Outcomes, Phase, TrainingError, TrainingSet,
    label,
};

/// One row in so many is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinning {
    /// Of a fault's rows.
    pub(crate) faulty: u64,
    /// Of rows during something benign.
    pub(crate) benign: u64,
    /// Of all others.
    pub(crate) quiet: u64,
}

/// Whether rows are collected that failures are forecast from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureRows {
    /// They are.
    Collected,
    /// They are not: they cost as much memory again.
    None,
}

/// What was collected.
pub(crate) struct CollectedRows {
    /// The rows the model is trained on.
    pub(crate) set: TrainingSet,
    /// The rows that failures are forecast from, answered with what followed.
    pub(crate) failures: Option<TrainingSet>,
}

/// Rows of links that have not failed yet, those too young or too old to train a classifier among them, and when links
/// did fail: at a fault's impact.
struct BeforeFailure {
    set: TrainingSet,
    happened: Vec<(StreamId, Timestamp, Happening)>,
    end: Timestamp,
}

impl Thinning {
    /// What the shipped model is trained with.
    pub(crate) const SHIPPED: Thinning = Thinning { faulty: 4, benign: 6, quiet: 60 };
}

/// Collects rows.
pub(crate) struct RowCollector {
    index: EpisodeIndex,
    benign: BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>>,
    states: HashMap<StreamId, StreamState>,
    calendar: Calendar,
    thinning: Thinning,
    set: TrainingSet,
    before_failure: Option<BeforeFailure>,
    samples: u64,
}

impl RowCollector {
    /// A collector that labels by `episodes`; streams that one episode shows are kept on one side of every split.
    pub(crate) fn new(
        episodes: &[Episode],
        calendar: Calendar,
        thinning: Thinning,
        failures: FailureRows,
    ) -> Self {
        let mut benign: BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
        let mut set = TrainingSet::default();
        for episode in episodes {
            if let [first, others @ ..] = episode.streams.as_slice()
                && episode.fault().is_some()
            {
                others.iter().for_each(|other| set.keep_together(first, other));
            }
            if matches!(episode.kind, EpisodeKind::Benign(_)) {
                for stream in &episode.streams {
                    benign.entry(stream.clone()).or_default().push((episode.onset, episode.end));
                }
            }
        }
        RowCollector {
            index: EpisodeIndex::seen(episodes, LabelRules::default(), |stream, channel| {
                Profile::of(stream).sees(channel)
            }),
            benign,
            states: HashMap::new(),
            calendar,
            thinning,
            before_failure: (failures == FailureRows::Collected)
                .then(|| BeforeFailure::of(episodes, set.clone())),
            set,
            samples: 0,
        }
    }

    /// Takes a sample; `stands_for` is how many ports its stream stands for.
    pub(crate) fn take(&mut self, sample: &Sample, stands_for: f64) -> Result<(), TrainingError> {
        self.samples += 1;
        if !self.states.contains_key(&sample.stream) {
            self.states.insert(sample.stream.clone(), StreamState::new());
        }
        let Some(state) = self.states.get_mut(&sample.stream) else { return Ok(()) };
        let values = Profile::of(&sample.stream).seen(&sample.values);
        let Ok(features) = state.advance(sample.time, &values, &self.calendar) else { return Ok(()) };
        let truth = label(&sample.stream, sample.time, &self.index);
        let one_in = match truth.phase {
            Phase::Well if self.is_benign(sample) => self.thinning.benign,
            Phase::Well => self.thinning.quiet,
            _ => self.thinning.faulty,
        };
        if !lot(&sample.stream, sample.time).is_multiple_of(one_in.max(1)) {
            return Ok(());
        }
        let row = LabelledRow {
            stream: sample.stream.clone(),
            time: sample.time,
            features,
            class: truth.class,
            risk: truth.risk,
            weight: (stands_for * one_in as f64) as f32,
        };
        if let Some(before) = self.before_failure.as_mut().filter(|_| !truth.phase.is_past_impact()) {
            before.set.push(&row)?;
            before.end = before.end.max(row.time);
        }
        if truth.is_trained_on() { self.set.push(&row) } else { Ok(()) }
    }

    /// How many samples were seen.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// The rows.
    pub(crate) fn finish(self) -> CollectedRows {
        CollectedRows { set: self.set, failures: self.before_failure.map(BeforeFailure::answered) }
    }

    fn is_benign(&self, sample: &Sample) -> bool {
        let spans = self.benign.get(&sample.stream);
        spans.is_some_and(|spans| spans.iter().any(|(from, to)| *from <= sample.time && sample.time <= *to))
    }
}

impl BeforeFailure {
    /// No rows yet; `ties` says which streams belong together.
    fn of(episodes: &[Episode], ties: TrainingSet) -> Self {
        let faults = episodes.iter().filter(|episode| episode.fault().is_some());
        let failed = Happening::Failed { how: Failure::Confirmed };
        let happened = faults.flat_map(|episode| {
            episode.streams.iter().map(|stream| (stream.clone(), episode.impact, failed.clone()))
        });
        BeforeFailure { happened: happened.collect(), set: ties, end: Timestamp::EPOCH }
    }

    fn answered(mut self) -> TrainingSet {
        self.set.answer_failures(&Outcomes::new(self.end, self.happened));
        self.set
    }
}

/// What a source lets be seen of a port. Real sources leave much out, so a model that was only ever shown complete
/// samples would take an absent value for a sign of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    /// All that the simulation gives.
    Whole,
    /// No link facts: a plain `perfquery` says nothing of the rate.
    NoRate,
    /// No host counters and no probe: a switch-side exporter.
    NoHost,
    /// Traffic only: extended counters of a device without the error counters.
    TrafficOnly,
}

impl Profile {
    /// Seven of ten streams are whole, the others lose something; the same for a stream on every run.
    fn of(stream: &StreamId) -> Self {
        match lot(stream, Timestamp::EPOCH) % 20 {
            0..=1 => Profile::NoRate,
            2..=4 => Profile::NoHost,
            5 => Profile::TrafficOnly,
            _ => Profile::Whole,
        }
    }

    fn seen(self, values: &SampleValues) -> SampleValues {
        let mut seen = *values;
        for field in self.hidden() {
            seen.set(*field, f64::NAN);
        }
        seen
    }

    /// Whether traces can be seen through a channel.
    fn sees(self, channel: Channel) -> bool {
        match self {
            Profile::Whole => true,
            Profile::NoRate => !matches!(channel, Channel::Waiting | Channel::LinkRate),
            Profile::NoHost => !matches!(channel, Channel::HostErrors | Channel::Latency),
            Profile::TrafficOnly => matches!(channel, Channel::HostErrors | Channel::Traffic),
        }
    }

    fn hidden(self) -> &'static [SampleField] {
        use SampleField as F;
        match self {
            Profile::Whole => &[],
            Profile::NoRate => &[F::Utilization, F::XmitWaitRatio, F::LinkRateGbps, F::LinkCapableGbps],
            Profile::NoHost => &HOST_FIELDS,
            Profile::TrafficOnly => &TRAFFIC_ONLY_HIDES,
        }
    }
}

const HOST_FIELDS: [SampleField; 7] = [
    SampleField::LatencyP99,
    SampleField::QpErrors,
    SampleField::AckTimeouts,
    SampleField::RnrNaks,
    SampleField::OutOfBuffer,
    SampleField::CongestionNotifications,
    SampleField::MemoryRegistrationFailures,
];

const TRAFFIC_ONLY_HIDES: [SampleField; 12] = [
    SampleField::LatencyP99,
    SampleField::ErrorRate,
    SampleField::SymbolErrors,
    SampleField::LinkErrorRecoveries,
    SampleField::LinkDowned,
    SampleField::RcvErrors,
    SampleField::RcvRemotePhysicalErrors,
    SampleField::XmitDiscards,
    SampleField::XmitWaitRatio,
    SampleField::LocalLinkIntegrityErrors,
    SampleField::BufferOverruns,
    SampleField::LinkCapableGbps,
];
