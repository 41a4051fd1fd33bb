//! Every stream, in shards that threads work on side by side.
//!
//! A stream's shard is a hash of its id and their number is fixed, so that results come in the same order however
//! many threads there are. Within a shard a sweep's readings keep their order.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use linkcast_domain::ports::SavedState;
use linkcast_domain::{PortFacts, Sample, StreamId};
use linkcast_telemetry::Reading;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::alerts::KnownPorts;
use crate::codec;
use crate::judge::Judge;
use crate::stream::{Results, Saved, Stream, Surroundings};
use crate::sweep::Sweep;

/// More shards than any machine here has threads, few enough that each has work in a small sweep.
const SHARDS: usize = 32;

/// A sweep of fewer items than this is not worth a second thread.
const WORTH_THREADS: usize = 2_048;

/// A fast hash is safe here: stream ids come from the fabric's own exporters.
/// One shot a text: the streaming form sets up half a kilobyte of state for twenty bytes.
#[derive(Default)]
pub(crate) struct StreamHasher(u64);

impl Hasher for StreamHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The end mark of a text; every key has it.
    fn write_u8(&mut self, byte: u8) {
        self.0 ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
pub(crate) struct Shard {
    index: HashMap<StreamId, u32, BuildHasherDefault<StreamHasher>>,
    streams: Vec<Stream>,
}

/// Every stream.
pub(crate) struct Shards(Vec<Shard>);

/// One thing to take in: its place in the sweep, and what it is.
enum Item {
    Facts(u32),
    Reading(u32),
    Sample(u32, Box<Sample>),
}

impl Shards {
    pub(crate) fn new() -> Self {
        Shards((0..SHARDS).map(|_| Shard::default()).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter().flat_map(|shard| &shard.streams)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.0.iter_mut().flat_map(|shard| &mut shard.streams)
    }

    pub(crate) fn get(&self, id: &StreamId) -> Option<&Stream> {
        let shard = self.0.get(shard_of(id))?;
        shard.streams.get(*shard.index.get(id)? as usize)
    }

    pub(crate) fn get_mut(&mut self, id: &StreamId) -> Option<&mut Stream> {
        let shard = self.0.get_mut(shard_of(id))?;
        shard.streams.get_mut(*shard.index.get(id)? as usize)
    }

    /// Puts a stream in, as a store had it.
    pub(crate) fn insert(&mut self, stream: Stream) {
        if let Some(shard) = self.0.get_mut(shard_of(&stream.id)) {
            shard.insert(stream);
        }
    }

    /// Takes a sweep through every stream's steps.
    pub(crate) fn step<J: Judge>(&mut self, around: &Surroundings<'_, J>, mut sweep: Sweep) -> Results {
        let samples = std::mem::take(&mut sweep.samples);
        let mut items: Vec<Vec<Item>> = (0..SHARDS).map(|_| Vec::new()).collect();
        let mut put = |id: &StreamId, item| {
            if let Some(list) = items.get_mut(shard_of(id)) {
                list.push(item);
            }
        };
        for (order, (stream, _)) in (0_u32..).zip(&sweep.facts) {
            put(stream, Item::Facts(order));
        }
        for (order, reading) in (0_u32..).zip(&sweep.readings) {
            put(&reading.stream, Item::Reading(order));
        }
        for (order, sample) in (sweep.readings.len() as u32..).zip(samples) {
            put(&sample.stream.clone(), Item::Sample(order, Box::new(sample)));
        }
        let work: Vec<(&mut Shard, Vec<Item>)> = self.0.iter_mut().zip(items).collect();
        let count = work.iter().map(|(_, items)| items.len()).sum::<usize>();
        let threads = if count < WORTH_THREADS { 1 } else { around.settings.workers };
        let parts = on_threads(threads, work, |(shard, items)| shard.step(around, &sweep, items));
        gather(parts)
    }

    /// The states the store does not have yet.
    pub(crate) fn unsaved(&mut self, threads: usize) -> Vec<SavedState> {
        let count: usize = self.0.iter().map(|shard| shard.streams.len()).sum();
        let threads = if count < WORTH_THREADS { 1 } else { threads };
        let parts = on_threads(threads, self.0.iter_mut().collect(), |shard| {
            shard
                .streams
                .iter_mut()
                .filter(|stream| stream.saved == Saved::No)
                .filter_map(|stream| codec::saved(stream))
                .collect::<Vec<_>>()
        });
        parts.into_iter().flatten().collect()
    }

    /// Notes that the store has every state as it is.
    pub(crate) fn mark_saved(&mut self) {
        for stream in self.iter_mut() {
            stream.saved = Saved::Yes;
        }
    }
}

impl KnownPorts for Shards {
    fn facts(&self, stream: &StreamId) -> Option<&PortFacts> {
        self.get(stream).map(|stream| &stream.facts)
    }
}

impl Shard {
    fn insert(&mut self, stream: Stream) -> usize {
        let place = self.streams.len();
        self.index.insert(stream.id.clone(), place as u32);
        self.streams.push(stream);
        place
    }

    fn stream(&mut self, id: &StreamId) -> Option<&mut Stream> {
        let place = match self.index.get(id) {
            Some(place) => *place as usize,
            None => self.insert(Stream::new(id.clone())),
        };
        self.streams.get_mut(place)
    }

    fn step<J: Judge>(&mut self, around: &Surroundings<'_, J>, sweep: &Sweep, items: Vec<Item>) -> Results {
        let mut results = Results::default();
        results.samples.reserve(items.len());
        for item in items {
            match item {
                Item::Facts(order) => self.learn(sweep.facts.get(order as usize), order, &mut results),
                Item::Reading(order) => {
                    self.collect(around, sweep.readings.get(order as usize), order, &mut results);
                }
                Item::Sample(order, sample) => {
                    if let Some(stream) = self.stream(&sample.stream) {
                        stream.prepare(around, *sample, order, &mut results);
                    }
                }
            }
        }
        results
    }

    fn learn(&mut self, facts: Option<&(StreamId, PortFacts)>, order: u32, results: &mut Results) {
        let Some((id, facts)) = facts else { return };
        if let Some(stream) = self.stream(id) {
            stream.learn(facts, order, results);
        }
    }

    fn collect<J: Judge>(
        &mut self,
        around: &Surroundings<'_, J>,
        reading: Option<&Reading>,
        order: u32,
        results: &mut Results,
    ) {
        let Some(reading) = reading else { return };
        let Some(stream) = self.stream(&reading.stream) else { return };
        stream.watch.source = around.source;
        if let Some(sample) = stream.collect(reading, order, results) {
            stream.prepare(around, sample, order, results);
        }
    }
}

fn shard_of(id: &StreamId) -> usize {
    (xxh3_64(id.as_bytes()) >> 32) as usize % SHARDS
}

/// One result of all shards' results; findings in the order of the sweep.
fn gather(parts: Vec<Results>) -> Results {
    let mut whole = Results::default();
    whole.samples.reserve(parts.iter().map(|part| part.samples.len()).sum());
    for part in parts {
        whole.tally.add(&part.tally);
        whole.samples.extend(part.samples);
        whole.findings.extend(part.findings);
    }
    whole.findings.sort_by_key(|(order, _)| *order);
    whole
}

/// Runs `work` on every item, over `threads` threads; results in the items' order.
fn on_threads<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let each = items.len().div_ceil(threads);
    let mut rest = items.into_iter();
    let work = &work;
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        loop {
            let part: Vec<T> = rest.by_ref().take(each).collect();
            if part.is_empty() {
                break;
            }
            running.push(scope.spawn(move || part.into_iter().map(work).collect::<Vec<R>>()));
        }
        let finished = running.into_iter().flat_map(|thread| match thread.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        finished.collect()
    })
}
