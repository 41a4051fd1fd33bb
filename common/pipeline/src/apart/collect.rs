//! Collect apart: readings become arrivals, and each reading is used exactly once.
//!
//! Order of writes: what is known of ports (to write it again changes nothing), then the node's memory with the new
//! counters and the arrivals in it, on condition that nobody wrote it since, then the arrivals as items. Killed before the
//! memory, nothing happened; killed after it, whoever reads the memory next finds its arrivals missing and writes them
//! first. A process remembers which memories it saw through, so that the check costs a warm function nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Changes, Keep, Known, Memories, MemoryKey, PipelineStore, SourceRecord, Written,
};
use linkcast_domain::{PortFacts, Sample, StreamId, Timestamp};
use linkcast_telemetry::Reading;
use xxhash_rust::xxh3::xxh3_64;

use super::node::{NodeMemory, PortMemory};
use super::{ATTEMPTS, ApartError};
use crate::silence;
use crate::steps::{Counting, Outcome, Steps};
use crate::sweep::{Sweep, Tally};
use crate::watch::SeenUp;

/// Nodes worked on together: a bound on memory, and many batches of a table's calls.
const NODES_A_PORTION: usize = 400;

/// What collect needs of a store.
pub trait CollectStore: Memories + Arrivals + Known + PipelineStore {}

impl<S: Memories + Arrivals + Known + PipelineStore> CollectStore for S {}

/// What came of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many there were of everything.
    pub tally: Tally,
    /// Arrivals written, those of an interrupted predecessor among them.
    pub arrivals: u64,
    /// Memories written.
    pub memories: u64,
}

impl Collected {
    /// Adds another sweep's counts.
    pub fn add(&mut self, other: &Collected) {
        self.tally.add(&other.tally);
        self.arrivals += other.arrivals;
        self.memories += other.memories;
    }
}

/// The use case, with what a warm process remembers.
#[derive(Debug, Default)]
pub struct Collect(Mutex<Warm>);

#[derive(Debug, Default)]
struct Warm {
    facts: HashMap<StreamId, PortFacts>,
    /// The version of each memory whose arrivals were seen through.
    seen_through: HashMap<MemoryKey, u64>,
}

/// What a sweep says of one node.
#[derive(Debug, Default)]
struct Part {
    facts: Vec<(StreamId, PortFacts)>,
    readings: Vec<Reading>,
    samples: Vec<Sample>,
}

/// One node's part taken in, not yet written.
struct Draft {
    place: usize,
    read: u64,
    memory: NodeMemory,
    learnt: BTreeMap<StreamId, PortFacts>,
    tally: Tally,
}

/// Where the steps of one sweep run.
struct Run<'a, S> {
    store: &'a S,
    steps: &'a Steps<'a>,
    source: &'a str,
}

impl Collect {
    /// Takes a sweep in. Written: facts by stream, memories by node, arrivals by stream and time, the source by name.
    /// Everything is durable when this returns; after an error the same sweep may be given again.
    ///
    /// # Errors
    /// The store's, or a memory that cannot be taken up.
    pub async fn sweep<S: CollectStore>(
        &self,
        store: &S,
        steps: &Steps<'_>,
        sweep: Sweep,
    ) -> Result<Collected, ApartError> {
        let mut collected = Collected::default();
        let run = Run { store, steps, source: &sweep.source };
        let known = store.source(&sweep.source).await?;
        let source = source_after(known, &sweep);
        let parts = parts_of(sweep.time, sweep.facts, sweep.readings, sweep.samples);
        for portion in parts.chunks(NODES_A_PORTION) {
            self.portion(&run, portion, &mut collected).await?;
        }
        store.commit(&Changes { sources: vec![source], ..Changes::default() }).await?;
        Ok(collected)
    }

    async fn portion<S: CollectStore>(
        &self,
        run: &Run<'_, S>,
        portion: &[(MemoryKey, Part)],
        collected: &mut Collected,
    ) -> Result<(), ApartError> {
        let mut open: Vec<&(MemoryKey, Part)> = portion.iter().collect();
        for _ in 0..ATTEMPTS {
            open = self.attempt(run, open, collected).await?;
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(ApartError::Contended { what: format!("the counters of {} nodes", open.len()) })
    }

    /// Takes parts in; gives those whose memory was written by others meanwhile.
    async fn attempt<'p, S: CollectStore>(
        &self,
        run: &Run<'_, S>,
        parts: Vec<&'p (MemoryKey, Part)>,
        collected: &mut Collected,
    ) -> Result<Vec<&'p (MemoryKey, Part)>, ApartError> {
        let keys: Vec<MemoryKey> = parts.iter().map(|(key, _)| key.clone()).collect();
        let mut memories = Vec::with_capacity(parts.len());
        for (key, kept) in keys.iter().zip(run.store.load(&keys).await?) {
            memories.push(match kept {
                Some(kept) => (kept.version, NodeMemory::from_bytes(&format!("{key:?}"), &kept.bytes)?),
                None => (0, NodeMemory::default()),
            });
        }
        collected.arrivals += self.see_through(run.store, &keys, &memories).await?;
        let facts = self.facts_of(run.store, &parts, &memories).await?;
        let mut drafts = Vec::new();
        for (place, ((_, part), (read, memory))) in parts.iter().zip(memories).enumerate() {
            drafts.extend(run.draft(place, part, read, memory, &facts)?);
        }
        let moved = self.write(run.store, &keys, drafts, collected).await?;
        Ok(moved.into_iter().filter_map(|place| parts.get(place).copied()).collect())
    }

    /// Writes the arrivals of memories whose writer may not have come to it; gives how many were missing.
    async fn see_through<S: CollectStore>(
        &self,
        store: &S,
        keys: &[MemoryKey],
        memories: &[(u64, NodeMemory)],
    ) -> Result<u64, ApartError> {
        let doubtful: Vec<&ArrivalRecord> = {
            let warm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let pairs = keys.iter().zip(memories);
            let doubtful = pairs.filter(|(key, (version, _))| warm.seen_through.get(*key) != Some(version));
            doubtful.flat_map(|(_, (_, memory))| &memory.arrivals).collect()
        };
        if doubtful.is_empty() {
            return Ok(0);
        }
        let asked: Vec<(StreamId, Timestamp)> =
            doubtful.iter().map(|arrival| (arrival.stream.clone(), arrival.time)).collect();
        let there = store.have_arrived(&asked).await?;
        let missing: Vec<ArrivalRecord> = doubtful
            .into_iter()
            .zip(there)
            .filter(|(_, there)| !there)
            .map(|(arrival, _)| arrival.clone())
            .collect();
        store.put_arrivals(&missing).await?;
        Ok(missing.len() as u64)
    }

    /// What is known of every port the parts speak of; read only where no true copy is at hand.
    async fn facts_of<S: CollectStore>(
        &self,
        store: &S,
        parts: &[&(MemoryKey, Part)],
        memories: &[(u64, NodeMemory)],
    ) -> Result<HashMap<StreamId, PortFacts>, ApartError> {
        let mut found: HashMap<StreamId, PortFacts> = HashMap::new();
        let mut asked: Vec<StreamId> = Vec::new();
        let nothing = facts_hash(&PortFacts::default());
        {
            let warm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for ((_, part), (_, memory)) in parts.iter().zip(memories) {
                for stream in part.streams() {
                    if found.contains_key(stream) {
                        continue;
                    }
                    let hash = memory.ports.get(stream).map(|port| port.facts);
                    let copy = warm.facts.get(stream).filter(|facts| hash == Some(facts_hash(facts)));
                    match copy {
                        Some(facts) => drop(found.insert(stream.clone(), facts.clone())),
                        None => {
                            if hash != Some(nothing) {
                                asked.push(stream.clone());
                            }
                            found.insert(stream.clone(), PortFacts::default());
                        }
                    }
                }
            }
        }
        let read = store.facts(&asked).await?;
        found.extend(asked.into_iter().zip(read));
        Ok(found)
    }

    /// Writes drafts; gives the places of those whose memory was written by others.
    async fn write<S: CollectStore>(
        &self,
        store: &S,
        keys: &[MemoryKey],
        drafts: Vec<Draft>,
        collected: &mut Collected,
    ) -> Result<Vec<usize>, ApartError> {
        let learnt = drafts.iter().flat_map(|draft| &draft.learnt);
        let facts: Vec<_> = learnt.map(|(stream, facts)| (stream.clone(), facts.clone())).collect();
        store.commit(&Changes { facts, ..Changes::default() }).await?;
        let changes: Vec<Keep> = drafts
            .iter()
            .filter_map(|draft| {
                let key = keys.get(draft.place)?.clone();
                Some(Keep { key, read: draft.read, bytes: draft.memory.to_bytes() })
            })
            .collect();
        let outcomes = store.keep(&changes).await;
        let (mut moved, mut failure) = (Vec::new(), None);
        let (mut arrivals, mut written) = (Vec::new(), Vec::new());
        for ((draft, change), outcome) in drafts.into_iter().zip(changes).zip(outcomes) {
            match outcome {
                Ok(Written::Yes) => {
                    collected.tally.add(&draft.tally);
                    arrivals.extend(draft.memory.arrivals);
                    written.push((change.key, draft.read + 1, draft.learnt));
                }
                Ok(Written::Moved) => moved.push(draft.place),
                Err(error) => failure = Some(error),
            }
        }
        store.put_arrivals(&arrivals).await?;
        collected.arrivals += arrivals.len() as u64;
        collected.memories += written.len() as u64;
        let mut warm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, version, learnt) in written {
            warm.seen_through.insert(key, version);
            warm.facts.extend(learnt);
        }
        failure.map_or(Ok(moved), |error| Err(error.into()))
    }
}

impl Part {
    fn streams(&self) -> impl Iterator<Item = &StreamId> {
        let told = self.facts.iter().map(|(stream, _)| stream);
        let read = self.readings.iter().map(|reading| &reading.stream);
        told.chain(read).chain(self.samples.iter().map(|sample| &sample.stream))
    }
}

impl<S> Run<'_, S> {
    /// Takes a part in; nothing if it says nothing new.
    fn draft(
        &self,
        place: usize,
        part: &Part,
        read: u64,
        before: NodeMemory,
        facts: &HashMap<StreamId, PortFacts>,
    ) -> Result<Option<Draft>, ApartError> {
        let mut ports: BTreeMap<StreamId, (Counting, Option<Timestamp>)> = BTreeMap::new();
        let mut memory = NodeMemory { arrivals: Vec::new(), ports: before.ports };
        for stream in part.streams() {
            if ports.contains_key(stream) {
                continue;
            }
            let known = facts.get(stream).cloned().unwrap_or_default();
            let (counting, last) = match memory.ports.get(stream) {
                Some(port) => (Counting::from_bytes(stream, &port.counting, known)?, port.last),
                None => (Counting { facts: known, ..Counting::default() }, None),
            };
            ports.insert(stream.clone(), (counting, last));
        }
        let told_before: usize = ports.values().filter(|(counting, _)| counting.told_active).count();
        let (learnt, tally) = self.take_in(part, &mut ports, &mut memory);
        let told: usize = ports.values().filter(|(counting, _)| counting.told_active).count();
        if memory.arrivals.is_empty() && learnt.is_empty() && told == told_before {
            return Ok(None);
        }
        for (stream, (counting, last)) in ports {
            let port = PortMemory { counting: counting.to_bytes(), last, facts: facts_hash(&counting.facts) };
            memory.ports.insert(stream, port);
        }
        Ok(Some(Draft { place, read, memory, learnt, tally }))
    }

    fn take_in(
        &self,
        part: &Part,
        ports: &mut BTreeMap<StreamId, (Counting, Option<Timestamp>)>,
        memory: &mut NodeMemory,
    ) -> (BTreeMap<StreamId, PortFacts>, Tally) {
        let (mut learnt, mut tally) = (BTreeMap::new(), Tally::default());
        // A stream that was never heard of is listed even if nothing is known of it.
        let new = ports.iter().filter(|(stream, _)| !memory.ports.contains_key(*stream));
        learnt.extend(new.map(|(stream, (counting, _))| (stream.clone(), counting.facts.clone())));
        for (stream, newer) in &part.facts {
            let Some((counting, _)) = ports.get_mut(stream) else { continue };
            learnt.extend(self.steps.learn(counting, newer).map(|facts| (stream.clone(), facts)));
        }
        for reading in &part.readings {
            let Some((counting, last)) = ports.get_mut(&reading.stream) else { continue };
            let collected = self.steps.collect(counting, self.source, reading);
            tally.add(&collected.tally);
            learnt.extend(collected.facts.map(|facts| (reading.stream.clone(), facts)));
            let (time, sample) = match collected.arrival.outcome {
                Outcome::Sample(sample) => (sample.time, Some(sample)),
                Outcome::Heard(time) => (time, None),
                Outcome::Stale => continue,
            };
            memory.arrivals.push(ArrivalRecord {
                stream: reading.stream.clone(),
                time,
                before: last.replace(time),
                source: collected.arrival.source,
                told_active: collected.arrival.seen_up == SeenUp::Once,
                sample,
            });
        }
        for sample in &part.samples {
            let Some((counting, last)) = ports.get_mut(&sample.stream) else { continue };
            if last.is_some_and(|last| sample.time <= last) {
                tally.stale += 1;
                continue;
            }
            memory.arrivals.push(ArrivalRecord {
                stream: sample.stream.clone(),
                time: sample.time,
                before: last.replace(sample.time),
                source: silence::source_number(self.source),
                told_active: counting.told_active,
                sample: Some(Box::new(sample.clone())),
            });
        }
        (learnt, tally)
    }
}

/// A sweep by node; a reading without a time is taken at the sweep's.
fn parts_of(
    time: Timestamp,
    facts: Vec<(StreamId, PortFacts)>,
    readings: Vec<Reading>,
    samples: Vec<Sample>,
) -> Vec<(MemoryKey, Part)> {
    let mut parts: BTreeMap<MemoryKey, Part> = BTreeMap::new();
    let owner = |stream: &StreamId| match stream.port() {
        Some(port) => MemoryKey::Node(port.node),
        None => MemoryKey::Lone(stream.clone()),
    };
    for (stream, facts) in facts {
        parts.entry(owner(&stream)).or_default().facts.push((stream, facts));
    }
    for mut reading in readings {
        reading.time.get_or_insert(time);
        parts.entry(owner(&reading.stream)).or_default().readings.push(reading);
    }
    for sample in samples {
        parts.entry(owner(&sample.stream)).or_default().samples.push(sample);
    }
    parts.into_iter().collect()
}

fn source_after(known: Option<SourceRecord>, sweep: &Sweep) -> SourceRecord {
    let mut record = known.unwrap_or_else(|| SourceRecord {
        name: sweep.source.clone(),
        position: 0,
        last_heard: None,
        interval_s: 0.0,
        coverage: sweep.coverage,
    });
    record.position = record.position.saturating_add(1);
    record.coverage = sweep.coverage;
    if !(sweep.readings.is_empty() && sweep.samples.is_empty()) {
        silence::note_interval(&mut record, sweep.time);
    }
    record
}

/// A hash of what is known of a port. JSON of such plain parts cannot fail; if it did, no copy would be believed.
fn facts_hash(facts: &PortFacts) -> u32 {
    serde_json::to_vec(facts).map_or(0, |json| xxh3_64(&json) as u32)
}
