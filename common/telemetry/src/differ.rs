//! From absolute counters to what happened: one small state machine a stream.
//!
//! A counter's change is believed only where both readings hold it, neither stands at its maximum, and it can be told
//! whether it rose, started again or was written to zero; whatever cannot be told is absent, never zero and never a
//! guess. The state is the last reading and a few habits of the stream (its usual interval, whether it was ever up),
//! so it can be written down after any reading and taken up again with the same results.

mod change;
mod derive;
mod doubt;
mod state;
mod wait;

use linkcast_domain::{NodeGuid, PortFacts, PortId, PortState, Sample, Timestamp};

use crate::{Counters, Reading};

use change::{Ceiling, Changes};
pub use doubt::Doubt;
pub use state::DamagedDifferError;
pub use wait::wait_bytes_per_tick;

/// Readings closer together than this may be one hardware snapshot read twice (sysfs `lifespan`, 10 ms by default).
const LIFESPAN_MILLIS: i64 = 10;

/// One stream's state machine: readings in, samples out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differ {
    last: Option<Last>,
    usual_interval_millis: u32,
    seen_up: bool,
    dropped: u32,
    peer: Option<PortId>,
    port_guid: Option<NodeGuid>,
    /// Counters without a stated range that were once beyond their classic limit, so that it does not bind them.
    beyond_classic: u64,
    odd_packet_sizes: u8,
}

/// The reading the next one is compared with. Unknown counters are told apart by a hash of their name, which keeps
/// a host's forty of them within the state's few hundred bytes.
#[derive(Clone, Debug, PartialEq)]
struct Last {
    time: Timestamp,
    counters: Counters,
    other: Vec<(u32, u64)>,
}

/// What one reading told.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The sample, or why there is none.
    pub outcome: Result<Sample, NoSample>,
    /// Whether the port was ever seen up; one that never was has no cable, and is no trouble.
    pub seen_up: bool,
    /// Counters held back, and what looks wrong with the source.
    pub doubts: Vec<Doubt>,
}

/// Why a reading gave no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoSample {
    /// The stream's first reading has nothing to be compared with.
    #[error("the stream's first reading has nothing to be compared with")]
    First,
    /// The source gave no time and the shell supplied none.
    #[error("the reading has no time")]
    NoTime,
    /// Not newer than the last one: dropped and counted.
    #[error("the reading is not newer than the stream's last")]
    NotNewer,
    /// Within the hardware's snapshot lifespan of the last one: dropped and counted.
    #[error("the reading is within 10 ms of the stream's last")]
    WithinLifespan,
    /// The port has another peer: a new series starts.
    #[error("the port has another peer, so a new series starts")]
    PeerChanged,
    /// The port's own GUID is another: the adapter was replaced and a new series starts.
    #[error("the port has another guid, so a new series starts")]
    PortReplaced,
}

impl Differ {
    /// A stream never heard of.
    pub fn new() -> Self {
        Differ::default()
    }

    /// Compares a reading with the stream's last one. `facts` is what is known of the port now, what the reading
    /// itself says already taken over.
    pub fn difference(&mut self, reading: &Reading, facts: &PortFacts) -> Difference {
        let mut doubts = Vec::new();
        let outcome = self.advance(reading, facts, &mut doubts);
        Difference { outcome, seen_up: self.seen_up, doubts }
    }

    /// Whether the port was ever seen up.
    pub fn seen_up(&self) -> bool {
        self.seen_up
    }

    /// How many readings were dropped as not newer, or as the same snapshot again.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The time of the last reading taken.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.last.as_ref().map(|last| last.time)
    }

    fn advance(
        &mut self,
        reading: &Reading,
        facts: &PortFacts,
        doubts: &mut Vec<Doubt>,
    ) -> Result<Sample, NoSample> {
        let time = reading.time.ok_or(NoSample::NoTime)?;
        self.check_time(time)?;
        self.seen_up |= facts.state == Some(PortState::Active);
        self.start_again_if_another(facts).inspect_err(|_| self.remember(time, reading))?;
        let Some(last) = self.last.take() else {
            self.remember(time, reading);
            return Err(NoSample::First);
        };
        let interval = Interval { millis: time.millis().saturating_sub(last.time.millis()) };
        self.note_width(reading);
        let ceiling = Ceiling::of(facts, interval);
        let changes = Changes::between(&last, reading, self.beyond_classic, ceiling, doubts);
        self.note_traffic(&changes, facts);
        self.check_packet_size(&changes, reading, doubts);
        let gap = self.learn(interval);
        let sample = derive::sample(time, reading, facts, &changes, interval, gap);
        self.retain(last, time, reading, &changes);
        Ok(sample)
    }

    fn check_time(&mut self, time: Timestamp) -> Result<(), NoSample> {
        let Some(last) = &self.last else { return Ok(()) };
        let millis = time.millis().saturating_sub(last.time.millis());
        if millis > LIFESPAN_MILLIS {
            return Ok(());
        }
        self.dropped = self.dropped.saturating_add(1);
        Err(if millis > 0 { NoSample::WithinLifespan } else { NoSample::NotNewer })
    }

    /// Another peer or another port GUID is another series, however alike its name.
    fn start_again_if_another(&mut self, facts: &PortFacts) -> Result<(), NoSample> {
        fn differs<T: PartialEq + Copy>(known: &mut Option<T>, told: Option<T>) -> bool {
            let before = *known;
            *known = told.or(before);
            before.is_some() && *known != before
        }
        let replaced = differs(&mut self.port_guid, facts.port_guid);
        let rewired = differs(&mut self.peer, facts.peer);
        if self.last.is_none() || !(replaced || rewired) {
            return Ok(());
        }
        self.last = None;
        self.beyond_classic = 0;
        self.odd_packet_sizes = 0;
        Err(if replaced { NoSample::PortReplaced } else { NoSample::PeerChanged })
    }

    /// A port that says it is down may still count noise; only packets prove a link then.
    fn note_traffic(&mut self, changes: &Changes, facts: &PortFacts) {
        let proof = if facts.state == Some(PortState::Down) { change::TRAFFIC } else { u64::MAX };
        self.seen_up |= changes.moved & proof != 0;
    }

    fn note_width(&mut self, reading: &Reading) {
        reading.counters.visit(!self.beyond_classic, |counter, value, range| {
            if range == crate::Range::Unstated && change::is_beyond_classic(counter, value) {
                self.beyond_classic |= 1 << counter as u8;
            }
        });
    }

    /// Bytes a packet outside what any packet has, three intervals running, say that the source's unit is not what
    /// its format promises. It is told once and never repaired here.
    fn check_packet_size(&mut self, changes: &Changes, reading: &Reading, doubts: &mut Vec<Doubt>) {
        let Some(doubt) = doubt::packet_size(changes, reading.stream.port().is_some()) else {
            self.odd_packet_sizes = 0;
            return;
        };
        self.odd_packet_sizes = self.odd_packet_sizes.saturating_add(1);
        if self.odd_packet_sizes == 3 {
            doubts.push(doubt);
        }
    }

    /// Whether readings are missing before this one, by the stream's own habit; the habit follows, a gap counting
    /// as two and a half usual intervals at most, so that a true change of schedule is learned within minutes.
    fn learn(&mut self, interval: Interval) -> Gap {
        let millis = u32::try_from(interval.millis).unwrap_or(u32::MAX);
        let usual = self.usual_interval_millis;
        if usual == 0 {
            self.usual_interval_millis = millis.max(1);
            return Gap::None;
        }
        let longest = usual.saturating_mul(5) / 2;
        let held = millis.min(longest);
        let learned = i64::from(usual) + (i64::from(held) - i64::from(usual)) / 4;
        self.usual_interval_millis = u32::try_from(learned.max(1)).unwrap_or(u32::MAX);
        if millis > longest { Gap::Missing } else { Gap::None }
    }

    fn remember(&mut self, time: Timestamp, reading: &Reading) {
        self.note_width(reading);
        let other = reading.other.iter().take(state::OTHER_LIMIT);
        self.last = Some(Last {
            time,
            counters: reading.counters.clone(),
            other: other.map(|(name, value)| (state::name_hash(name), *value)).collect(),
        });
    }

    /// As `remember`, in the last reading's own memory and with the hashes already taken.
    fn retain(&mut self, mut last: Last, time: Timestamp, reading: &Reading, changes: &Changes) {
        last.time = time;
        last.counters.clone_from(&reading.counters);
        last.other.clear();
        let values = reading.other.iter().map(|(_, value)| *value);
        last.other.extend(changes.other_hashes.iter().copied().zip(values));
        self.last = Some(last);
    }
}

/// The time between two readings of a stream; above the lifespan.
#[derive(Clone, Copy, Debug)]
struct Interval {
    millis: i64,
}

impl Interval {
    fn seconds(self) -> f64 {
        self.millis as f64 / 1000.0
    }
}

/// Whether expected readings are missing before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    Missing,
}

#[cfg(test)]
mod tests;
