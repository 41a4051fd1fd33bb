//! Every stream, in shards that threads work on side by side.
//!
//! A stream's shard is a hash of its id and their number is fixed, so that results come in the same order however
//! many threads there are. Within a shard a sweep's readings keep their order, and what is told of a port is taken
//! over right before its reading, while its state is at hand.

use std::collections::HashMap;
use std::num::NonZeroU32;

use linkcast_domain::ports::SavedState;
use linkcast_domain::{PortFacts, Sample, StreamId, TextHash};
use xxhash_rust::xxh3::xxh3_64;

use crate::alerts::KnownPorts;
use crate::codec;
use crate::judge::Judge;
use crate::routes::{Place, Route, Routes};
use crate::sketching::Hours;
use crate::stream::{Finding, Results, Saved, Stream, Surroundings};
use crate::sweep::{Sweep, Tally};

/// More shards than any machine here has threads, few enough that each has work in a small sweep.
const SHARDS: usize = 32;

/// A sweep of fewer items than this is not worth a second thread.
const WORTH_THREADS: usize = 2_048;

#[derive(Default)]
pub(crate) struct Shard {
    index: HashMap<StreamId, u32, TextHash>,
    streams: Vec<Stream>,
    /// Streams that have a place and are not made yet: their shard's thread makes them, side by side in memory.
    arrivals: Vec<StreamId>,
    /// What was seen and not handed over yet.
    counted: Hours,
}

/// Every stream.
pub(crate) struct Shards {
    shards: Vec<Shard>,
    routes: Routes,
    /// Each shard's work, emptied and kept for the next sweep.
    work: Vec<Work>,
}

/// What came of a sweep, its samples by shard.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) tally: Tally,
    pub(crate) samples: Vec<Vec<Sample>>,
    /// The samples' places in the sweep.
    pub(crate) orders: Vec<Vec<u32>>,
    pub(crate) findings: Vec<(u32, Finding)>,
}

/// What one shard has to take in of a sweep: places of streams, and what of the sweep is theirs.
#[derive(Default)]
struct Work {
    facts: Vec<(u32, u32)>,
    readings: Vec<(u32, u32)>,
    samples: Vec<(u32, u32, Sample)>,
    /// For each stream, the facts that wait for its reading.
    waiting: Vec<Option<NonZeroU32>>,
}

impl Shards {
    pub(crate) fn new() -> Self {
        Shards {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            routes: Routes::default(),
            work: (0..SHARDS).map(|_| Work::default()).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.shards.iter().flat_map(|shard| &shard.streams)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.shards.iter_mut().flat_map(|shard| &mut shard.streams)
    }

    pub(crate) fn get(&self, id: &StreamId) -> Option<&Stream> {
        let shard = self.shards.get(shard_of(id))?;
        shard.streams.get(*shard.index.get(id)? as usize)
    }

    pub(crate) fn get_mut(&mut self, id: &StreamId) -> Option<&mut Stream> {
        let shard = self.shards.get_mut(shard_of(id))?;
        shard.streams.get_mut(*shard.index.get(id)? as usize)
    }

    /// Puts a stream in, as a store had it.
    pub(crate) fn insert(&mut self, stream: Stream) {
        if let Some(shard) = self.shards.get_mut(shard_of(&stream.id)) {
            shard.insert(stream);
        }
    }

    /// Takes a sweep through every stream's steps.
    pub(crate) fn step<J: Judge>(&mut self, around: &Surroundings<'_, J>, mut sweep: Sweep) -> Gathered {
        let samples = std::mem::take(&mut sweep.samples);
        let count = sweep.facts.len() + sweep.readings.len() + samples.len();
        self.share_out(around.source, &sweep, samples);
        let work: Vec<(&mut Shard, &mut Work)> = self.shards.iter_mut().zip(&mut self.work).collect();
        let threads = if count < WORTH_THREADS { 1 } else { around.settings.workers };
        gather(on_threads(threads, work, |(shard, work)| shard.step(around, &sweep, work)))
    }

    /// Gives each shard what is its own.
    fn share_out(&mut self, source: u32, sweep: &Sweep, samples: Vec<Sample>) {
        let Shards { shards, routes, work } = self;
        let routes = routes.of(source);
        let mut route = |route: &mut Route, id: &StreamId| route.find(id, || place(shards, id));
        for (order, (stream, _)) in (0_u32..).zip(&sweep.facts) {
            let to = route(&mut routes.facts, stream);
            if let Some(work) = work.get_mut(to.shard as usize) {
                work.facts.push((to.place, order));
            }
        }
        for (order, reading) in (0_u32..).zip(&sweep.readings) {
            let to = route(&mut routes.readings, &reading.stream);
            if let Some(work) = work.get_mut(to.shard as usize) {
                work.readings.push((to.place, order));
            }
        }
        for (order, sample) in (sweep.readings.len() as u32..).zip(samples) {
            let to = route(&mut routes.samples, &sample.stream);
            if let Some(work) = work.get_mut(to.shard as usize) {
                work.samples.push((to.place, order, sample));
            }
        }
    }

    /// The states the store does not have yet.
    pub(crate) fn unsaved(&mut self, threads: usize) -> Vec<SavedState> {
        let count: usize = self.shards.iter().map(|shard| shard.streams.len()).sum();
        let threads = if count < WORTH_THREADS { 1 } else { threads };
        let parts = on_threads(threads, self.shards.iter_mut().collect(), |shard| {
            shard
                .streams
                .iter_mut()
                .filter(|stream| stream.saved == Saved::No)
                .filter_map(|stream| codec::saved(stream))
                .collect::<Vec<_>>()
        });
        parts.into_iter().flatten().collect()
    }

    /// What was seen since the last time, shard by shard.
    pub(crate) fn take_counted(&mut self) -> impl Iterator<Item = Hours> {
        self.shards.iter_mut().map(|shard| std::mem::take(&mut shard.counted))
    }

    /// The most hours that a shard holds counts of.
    pub(crate) fn counted_hours(&self) -> usize {
        self.shards.iter().map(|shard| shard.counted.len()).max().unwrap_or(0)
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
    fn insert(&mut self, stream: Stream) {
        self.index.insert(stream.id.clone(), self.streams.len() as u32);
        self.streams.push(stream);
    }

    /// Where a stream is kept, or will be once `step` has made it.
    fn place(&mut self, id: &StreamId) -> u32 {
        if let Some(place) = self.index.get(id) {
            return *place;
        }
        let place = (self.streams.len() + self.arrivals.len()) as u32;
        self.index.insert(id.clone(), place);
        self.arrivals.push(id.clone());
        place
    }

    fn step<J: Judge>(&mut self, around: &Surroundings<'_, J>, sweep: &Sweep, work: &mut Work) -> Results {
        self.streams.extend(self.arrivals.drain(..).map(Stream::new));
        let mut results = Results::default();
        results.orders.reserve(work.readings.len() + work.samples.len());
        results.samples.reserve(work.readings.len() + work.samples.len());
        self.hold_facts(sweep, work, &mut results);
        for (place, order) in work.readings.drain(..) {
            let Some(stream) = self.streams.get_mut(place as usize) else { continue };
            if let Some(facts) = work.waiting.get_mut(place as usize).and_then(Option::take) {
                learn(stream, sweep, facts.get() - 1, &mut results);
            }
            let Some(reading) = sweep.readings.get(order as usize) else { continue };
            stream.watch.source = around.source;
            if let Some(sample) = stream.collect(reading, order, &mut results) {
                stream.prepare(around, sample, order, &mut results);
                self.counted.add_all(&mut results.vectors);
            }
        }
        for (place, _) in work.facts.drain(..) {
            let waiting = work.waiting.get_mut(place as usize).and_then(Option::take);
            if let (Some(facts), Some(stream)) = (waiting, self.streams.get_mut(place as usize)) {
                learn(stream, sweep, facts.get() - 1, &mut results);
            }
        }
        for (place, order, sample) in work.samples.drain(..) {
            if let Some(stream) = self.streams.get_mut(place as usize) {
                stream.prepare(around, sample, order, &mut results);
                self.counted.add_all(&mut results.vectors);
            }
        }
        results
    }

    /// Lays the facts by for their streams' readings; of several for one stream all but the last are learned now.
    fn hold_facts(&mut self, sweep: &Sweep, work: &mut Work, results: &mut Results) {
        work.waiting.resize(self.streams.len(), None);
        for (place, order) in &work.facts {
            let Some(waiting) = work.waiting.get_mut(*place as usize) else { continue };
            let before = std::mem::replace(waiting, NonZeroU32::new(order + 1));
            if let (Some(facts), Some(stream)) = (before, self.streams.get_mut(*place as usize)) {
                learn(stream, sweep, facts.get() - 1, results);
            }
        }
    }
}

fn learn(stream: &mut Stream, sweep: &Sweep, order: u32, results: &mut Results) {
    if let Some((_, facts)) = sweep.facts.get(order as usize) {
        stream.learn(facts, order, results);
    }
}

/// Where a stream is kept; a new one gets a place.
fn place(shards: &mut [Shard], id: &StreamId) -> Place {
    let shard = shard_of(id);
    let place = shards.get_mut(shard).map_or(0, |kept| kept.place(id));
    Place { shard: shard as u32, place }
}

fn shard_of(id: &StreamId) -> usize {
    (xxh3_64(id.as_bytes()) >> 32) as usize % SHARDS
}

/// All shards' results, findings in the order of the sweep. Samples stay as they lie: they are the bulk.
fn gather(parts: Vec<Results>) -> Gathered {
    let mut whole = Gathered::default();
    for part in parts {
        whole.tally.add(&part.tally);
        whole.samples.push(part.samples);
        whole.orders.push(part.orders);
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
