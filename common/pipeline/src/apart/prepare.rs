//! Prepare apart: arrivals are folded into their streams' memories, and what is worth it is asked.
//!
//! Whether a stream is followed is for insight to say, and insight runs behind. While a question is on its way, prepare asks
//! for every sample, marked as asked only for a condition's sake, and insight drops what no condition needs: the answers are
//! those of the embedded pipeline, whichever of the two is faster. Order of writes: questions, then the memory that makes their
//! arrivals stale.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use linkcast_domain::packing::{put, take, take_byte, unzigzag, zigzag};
use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Keep, Kept, Known, Memories, MemoryKey, QuestionRecord, Questions, Written,
};
use linkcast_domain::{NodeGuid, NodeKind, PortFacts, StreamId, Timestamp};

use super::{ATTEMPTS, ApartError, Outcome, grouped};
use crate::sketching::{Seen, Sketching};
use crate::steps::{self, Arrival, Folding, Following, Judging, Neighbourhood, StepStateError, Steps};
use crate::watch::SeenUp;

/// What prepare needs of a store.
pub trait PrepareStore: Memories + Arrivals + Questions + Known {}

impl<S: Memories + Arrivals + Questions + Known> PrepareStore for S {}

/// One stream's share of a batch.
struct Work {
    /// Its place among the groups.
    group: usize,
    stream: StreamId,
    read: u64,
    memory: Memory,
    arrivals: Vec<ArrivalRecord>,
    /// What a model would see of them.
    counted: Seen,
}

/// What prepare remembers: the folds, and its last question.
#[derive(Debug, Default)]
struct Memory {
    folding: Folding,
    asked: Option<Timestamp>,
    /// Whether the stream is known not to be followed since the last question.
    settled: Settled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Settled {
    #[default]
    Yes,
    NotYet,
}

/// Prepares arrivals in any order; answers for each, in the order given. Written: questions by stream and time, memories by
/// stream. Arrivals that were prepared before change nothing.
pub async fn prepare<S: PrepareStore>(
    store: &S,
    steps: &Steps<'_>,
    arrivals: &[ArrivalRecord],
) -> Vec<Outcome> {
    prepare_counted(store, steps, arrivals, None).await
}

/// As [`prepare`]; each sample is counted once the memory that makes it stale is written.
pub async fn prepare_counted<S: PrepareStore>(
    store: &S,
    steps: &Steps<'_>,
    arrivals: &[ArrivalRecord],
    sketching: Option<&Sketching>,
) -> Vec<Outcome> {
    let groups = grouped(arrivals.iter().map(|arrival| arrival.stream.clone()));
    let mut results: Vec<Option<Outcome>> = groups.iter().map(|_| None).collect();
    for _ in 0..ATTEMPTS {
        let open: Vec<usize> =
            (0..groups.len()).filter(|group| results.get(*group).is_some_and(Option::is_none)).collect();
        if open.is_empty() {
            break;
        }
        let tried = attempt((store, sketching), steps, arrivals, &groups, &open, &mut results).await;
        if let Err(error) = tried {
            let error = Arc::new(error);
            let unanswered = results.iter_mut().filter(|result| result.is_none());
            unanswered.for_each(|result| *result = Some(Err(Arc::clone(&error))));
        }
    }
    let mut outcomes: Vec<Outcome> = arrivals.iter().map(|_| Ok(())).collect();
    for ((stream, members), result) in groups.iter().zip(results) {
        let contended = || ApartError::Contended { what: format!("the folds of {stream}") };
        let outcome = result.unwrap_or_else(|| Err(Arc::new(contended())));
        for member in members {
            outcomes.get_mut(*member).into_iter().for_each(|place| place.clone_from(&outcome));
        }
    }
    outcomes
}

async fn attempt<S: PrepareStore>(
    (store, sketching): (&S, Option<&Sketching>),
    steps: &Steps<'_>,
    arrivals: &[ArrivalRecord],
    groups: &[(StreamId, Vec<usize>)],
    open: &[usize],
    results: &mut [Option<Outcome>],
) -> Result<(), ApartError> {
    let mut works = load(store, arrivals, groups, open, results).await?;
    for work in &mut works {
        fill_gap(store, work).await?;
    }
    let judgings = judgings(store, &works).await?;
    let ends = ends(store, &works).await?;
    let (mut questions, mut changes) = (Vec::new(), Vec::new());
    for work in &mut works {
        let judging = judgings.get(&work.stream);
        fold(steps, work, judging, &ends, &mut questions);
        let (key, bytes) = (MemoryKey::Folding(work.stream.clone()), work.memory.to_bytes());
        changes.push(Keep { key, read: work.read, bytes });
    }
    store.put_questions(&questions).await?;
    for (work, outcome) in works.iter_mut().zip(store.keep(&changes).await) {
        let result = match outcome {
            Ok(Written::Yes) => {
                let counted = std::mem::take(&mut work.counted);
                sketching.into_iter().for_each(|sketching| sketching.take_in(&counted));
                Some(Ok(()))
            }
            Ok(Written::Moved) => None,
            Err(error) => Some(Err(Arc::new(error.into()))),
        };
        results.get_mut(work.group).into_iter().for_each(|place| *place = result.clone());
    }
    Ok(())
}

/// Reads the memories of open groups; those without news are done, those whose memory is damaged have failed.
async fn load<S: PrepareStore>(
    store: &S,
    arrivals: &[ArrivalRecord],
    groups: &[(StreamId, Vec<usize>)],
    open: &[usize],
    results: &mut [Option<Outcome>],
) -> Result<Vec<Work>, ApartError> {
    let open: Vec<(usize, &(StreamId, Vec<usize>))> =
        open.iter().filter_map(|group| Some((*group, groups.get(*group)?))).collect();
    let keys: Vec<MemoryKey> =
        open.iter().map(|(_, (stream, _))| MemoryKey::Folding(stream.clone())).collect();
    let mut works = Vec::with_capacity(open.len());
    for ((group, (stream, members)), kept) in open.into_iter().zip(store.load(&keys).await?) {
        let delivered = members.iter().filter_map(|member| arrivals.get(*member));
        match Work::begin(group, stream, kept, delivered) {
            Ok(Some(work)) => works.push(work),
            Ok(None) => results.get_mut(group).into_iter().for_each(|place| *place = Some(Ok(()))),
            Err(error) => {
                let error = Arc::new(ApartError::from(error));
                results.get_mut(group).into_iter().for_each(|place| *place = Some(Err(Arc::clone(&error))));
            }
        }
    }
    Ok(works)
}

impl Work {
    fn begin<'a>(
        group: usize,
        stream: &StreamId,
        kept: Option<Kept>,
        delivered: impl Iterator<Item = &'a ArrivalRecord>,
    ) -> Result<Option<Work>, StepStateError> {
        let (read, memory) = match kept {
            Some(kept) => (kept.version, Memory::from_bytes(stream, &kept.bytes)?),
            None => (0, Memory::default()),
        };
        let last = memory.folding.last_time();
        let mut arrivals: Vec<ArrivalRecord> =
            delivered.filter(|arrival| last.is_none_or(|last| last < arrival.time)).cloned().collect();
        arrivals.sort_by_key(|arrival| arrival.time);
        arrivals.dedup_by_key(|arrival| arrival.time);
        let counted = Seen::default();
        let work = Work { group, stream: stream.clone(), read, memory, arrivals, counted };
        Ok((!work.arrivals.is_empty()).then_some(work))
    }
}

/// Fetches arrivals that were to come before those delivered and did not.
async fn fill_gap<S: PrepareStore>(store: &S, work: &mut Work) -> Result<(), ApartError> {
    let last = work.memory.folding.last_time();
    let mut expected = last;
    let has_gap = work.arrivals.iter().any(|arrival| {
        let missed = arrival.before.is_some() && arrival.before > expected;
        expected = Some(arrival.time);
        missed
    });
    let Some(newest) = work.arrivals.last().map(|arrival| arrival.time).filter(|_| has_gap) else {
        return Ok(());
    };
    let after = last.unwrap_or(Timestamp::EARLIEST);
    work.arrivals.extend(store.arrivals(&work.stream, after, newest).await?);
    work.arrivals.sort_by_key(|arrival| arrival.time);
    work.arrivals.dedup_by_key(|arrival| arrival.time);
    Ok(())
}

/// What insight remembers of the streams whose last question may still matter.
async fn judgings<S: PrepareStore>(
    store: &S,
    works: &[Work],
) -> Result<HashMap<StreamId, Judging>, ApartError> {
    let open = works.iter().filter(|work| work.memory.settled == Settled::NotYet);
    let streams: Vec<StreamId> = open.map(|work| work.stream.clone()).collect();
    let keys: Vec<MemoryKey> = streams.iter().cloned().map(MemoryKey::Judging).collect();
    let mut judgings = HashMap::new();
    for (stream, kept) in streams.into_iter().zip(store.load(&keys).await?) {
        if let Some(kept) = kept {
            let judging = Judging::from_bytes(&stream, &kept.bytes)?;
            judgings.insert(stream, judging);
        }
    }
    Ok(judgings)
}

/// What is known of links' ends, for streams where it matters.
#[derive(Default)]
struct Ends {
    facts: HashMap<StreamId, PortFacts>,
    switches: HashSet<NodeGuid>,
}

async fn ends<S: PrepareStore>(store: &S, works: &[Work]) -> Result<Ends, ApartError> {
    let weighs = |work: &&Work| {
        let mut samples = work.arrivals.iter().filter_map(|arrival| arrival.sample.as_deref());
        samples.any(|sample| work.memory.folding.weighs_ends(sample))
    };
    let streams: Vec<StreamId> = works.iter().filter(weighs).map(|work| work.stream.clone()).collect();
    if streams.is_empty() {
        return Ok(Ends::default());
    }
    let facts = store.facts(&streams).await?;
    let own = streams.iter().filter_map(StreamId::port).map(|port| port.node);
    let far = facts.iter().filter_map(|facts| facts.peer).map(|peer| peer.node);
    let mut nodes: Vec<NodeGuid> = own.chain(far).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let kinds = store.kinds(&nodes).await?;
    let switches = nodes.into_iter().zip(kinds).filter(|(_, kind)| *kind == Some(NodeKind::Switch));
    let switches = switches.map(|(node, _)| node).collect();
    Ok(Ends { facts: streams.into_iter().zip(facts).collect(), switches })
}

fn fold(
    steps: &Steps<'_>,
    work: &mut Work,
    judging: Option<&Judging>,
    ends: &Ends,
    questions: &mut Vec<QuestionRecord>,
) {
    let memory = &mut work.memory;
    let answered = judging.and_then(|judging| judging.last_time) >= memory.asked;
    if answered && !judging.is_some_and(Judging::follows) {
        memory.settled = Settled::Yes;
    }
    let unknown = PortFacts::default();
    let facts = ends.facts.get(&work.stream).unwrap_or(&unknown);
    for record in &work.arrivals {
        let following = if memory.settled == Settled::Yes { Following::No } else { Following::Yes };
        let around = Neighbourhood { facts, switches: &ends.switches, following };
        let prepared = steps.prepare(&mut memory.folding, around, &arrival_of(record));
        work.counted.vectors.extend(prepared.vector.map(|vector| (record.time, vector)));
        let Some(question) = prepared.question else { continue };
        let before = memory.asked.replace(question.time);
        memory.settled = Settled::NotYet;
        let (stream, time, bytes) = (question.stream.clone(), question.time, question.to_bytes());
        questions.push(QuestionRecord { stream, time, before, bytes });
    }
}

fn arrival_of(record: &ArrivalRecord) -> Arrival {
    let seen_up = if record.told_active { SeenUp::Once } else { SeenUp::Unknown };
    let outcome = match &record.sample {
        Some(sample) => steps::Outcome::Sample(sample.clone()),
        None => steps::Outcome::Heard(record.time),
    };
    Arrival { stream: record.stream.clone(), source: record.source, seen_up, outcome }
}

impl Memory {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.settled == Settled::NotYet)];
        put(&mut bytes, self.asked.map_or(0, |time| zigzag(time.millis()).saturating_add(1)));
        bytes.extend_from_slice(&self.folding.to_bytes());
        bytes
    }

    fn from_bytes(stream: &StreamId, bytes: &[u8]) -> Result<Self, StepStateError> {
        let form = || StepStateError::Form { stream: stream.clone() };
        let mut rest = bytes;
        let settled =
            if take_byte(&mut rest).ok_or_else(form)? == 0 { Settled::Yes } else { Settled::NotYet };
        let asked = take(&mut rest).ok_or_else(form)?.checked_sub(1);
        let asked = asked.map(unzigzag).map(Timestamp::from_millis);
        Ok(Memory { folding: Folding::from_bytes(stream, rest)?, asked, settled })
    }
}
