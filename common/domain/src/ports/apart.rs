//! What the use cases ask of a store when each runs in a function of its own.
//!
//! Between the functions lie items that are written once and never change (arrivals, questions), so that a delivery
//! that is repeated, late or lost can be told from the table itself. What a function remembers is one small item that is
//! replaced only by whoever read it last. A memory's bytes are the pipeline's own form: a store reads nothing into them.

use std::future::Future;

use super::{NotifyError, SourceRecord, StoreError};
use crate::{Condition, Insight, NodeGuid, NodeKind, PortFacts, Sample, StreamId, Timestamp};

/// What a function remembers, and of whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryKey {
    /// Collect's: the last counters of all ports of a node.
    Node(NodeGuid),
    /// Collect's, of a stream that is no port's.
    Lone(StreamId),
    /// Prepare's: a stream's folds.
    Folding(StreamId),
    /// Insight's: a stream's conditions and its last insight.
    Judging(StreamId),
    /// Alert's: nothing but how often the alerts moved.
    Book,
}

/// A memory as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Rises by one with each write.
    pub version: u64,
    /// The memory, in the pipeline's own form.
    pub bytes: Vec<u8>,
}

/// A memory to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Which.
    pub key: MemoryKey,
    /// The version that was read; 0 if there was none.
    pub read: u64,
    /// What replaces it.
    pub bytes: Vec<u8>,
}

/// Whether a conditional write took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It did.
    Yes,
    /// It did not: somebody else wrote since it was read.
    Moved,
}

/// Remembering.
pub trait Memories: Send + Sync {
    /// Each memory, in the order asked; none where nothing was kept yet. Every write that was acknowledged is seen.
    fn load(&self, keys: &[MemoryKey]) -> impl Future<Output = Result<Vec<Option<Kept>>, StoreError>> + Send;

    /// Replaces each memory, if nobody wrote it since it was read; what came of each, in the order given.
    fn keep(&self, changes: &[Keep]) -> impl Future<Output = Vec<Result<Written, StoreError>>> + Send;
}

/// What collect hands on to prepare: a sample, or a sign of life without one.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivalRecord {
    /// Whose.
    pub stream: StreamId,
    /// When.
    pub time: Timestamp,
    /// The stream's arrival before this one, so that a lost one is missed.
    pub before: Option<Timestamp>,
    /// The number of the source that reported it.
    pub source: u32,
    /// Whether a source ever said that the link is up.
    pub told_active: bool,
    /// The sample, if the reading gave one.
    pub sample: Option<Box<Sample>>,
}

/// Arrivals, by stream and time. To write one again changes nothing.
pub trait Arrivals: Send + Sync {
    /// Writes them, in any order but one: if it breaks off, none of a stream is there without those ahead of it.
    fn put_arrivals(&self, arrivals: &[ArrivalRecord])
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The stream's arrivals between two instants, neither included, oldest first.
    fn arrivals(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> impl Future<Output = Result<Vec<ArrivalRecord>, StoreError>> + Send;

    /// Which of these were written, in the order asked.
    fn have_arrived(
        &self,
        arrivals: &[(StreamId, Timestamp)],
    ) -> impl Future<Output = Result<Vec<bool>, StoreError>> + Send;
}

/// What prepare asks insight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRecord {
    /// Of whom.
    pub stream: StreamId,
    /// The sample's time.
    pub time: Timestamp,
    /// The stream's question before this one, so that a lost one is missed.
    pub before: Option<Timestamp>,
    /// The question, in the pipeline's own form.
    pub bytes: Vec<u8>,
}

/// Questions, by stream and time. To write one again changes nothing.
pub trait Questions: Send + Sync {
    /// Writes them, as arrivals are written.
    fn put_questions(
        &self,
        questions: &[QuestionRecord],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The stream's questions between two instants, neither included, oldest first.
    fn questions(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> impl Future<Output = Result<Vec<QuestionRecord>, StoreError>> + Send;
}

/// What insight makes durable of one stream: all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Whose.
    pub stream: StreamId,
    /// The version of the memory that was read; 0 if there was none.
    pub read: u64,
    /// The memory that replaces it.
    pub bytes: Vec<u8>,
    /// Insights, by id.
    pub insights: Vec<Insight>,
    /// Conditions that moved, by cause.
    pub conditions: Vec<Condition>,
}

/// Judging.
pub trait Judgements: Send + Sync {
    /// Writes each judgement, if nobody wrote its stream's memory since it was read; what came of each, in the order given.
    fn judge(
        &self,
        judgements: &[Judgement],
    ) -> impl Future<Output = Vec<Result<Written, StoreError>>> + Send;
}

/// What is known of ports.
pub trait Known: Send + Sync {
    /// What is known of each stream's port, in the order asked.
    fn facts(&self, streams: &[StreamId]) -> impl Future<Output = Result<Vec<PortFacts>, StoreError>> + Send;

    /// How far a source was read.
    fn source(&self, name: &str) -> impl Future<Output = Result<Option<SourceRecord>, StoreError>> + Send;

    /// What each node is, in the order asked, where known.
    fn kinds(
        &self,
        nodes: &[NodeGuid],
    ) -> impl Future<Output = Result<Vec<Option<NodeKind>>, StoreError>> + Send;
}

/// Something others may want to act on.
#[derive(Clone, Debug, PartialEq)]
pub struct BusEvent {
    /// What kind of news, as rules name it.
    pub kind: &'static str,
    /// The news, as JSON.
    pub detail: String,
    /// Whose.
    pub stream: Option<StreamId>,
}

/// Where functions tell one another of what is durable.
pub trait Bus: Send + Sync {
    /// Tells every event; what came of each, in the order given. The same event may be told again.
    fn tell(&self, events: &[BusEvent]) -> impl Future<Output = Vec<Result<(), NotifyError>>> + Send;
}
