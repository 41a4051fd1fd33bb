//! Where everything lies in the one table.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `stream#<id>` | `sample#<time>` | a sample; with `a`, one that collect hands on to prepare |
//! | | `state` | prepare's memory: the folds |
//! | | `question#<time>` | what prepare asks insight |
//! | | `judging` | insight's memory |
//! | | `insight#<time>#<id>`, `condition#<cause>`, `facts` | what people look up |
//! | | `feedback#<insight>` | what was said of an insight |
//! | | `saved` | the embedded pipeline's state, where that runs on a table |
//! | | `counters` | collect's memory of a stream that is no port's |
//! | `node#<guid>` | `counters`, `kind` | collect's memory of a node's ports, and what the node is |
//! | `insight#<id>` | `insight` | where the insight lies |
//! | `streams#<shard>` | `<id>` | which streams there are, written once each |
//! | `alert#<id>` | `alert` | an alert |
//! | `alerts` | `book` | how often the alerts moved |
//! | `outbox` | `<sequence>` | what is to be told: one item an alert's change, so one key suffices |
//! | `channels`, `sources`, `windows` | `<name>` | a handful each |
//! | `task#<fabric>#<task>` | `model#<version>`, `aliases` | what the registry knows of a version, and which versions play a part |
//! | | `routing`, `breaker#<variant>`, `evidence#<hour>#<process>` | the task's own items: who answers, and what was seen of them |
//! | | `training`, `run#<time>`, `frozen` | its training: lock and sums, its runs, the set that judges |
//! | | `feedback#<time>#<insight>` | which insights were spoken of when |
//! | | `monitor`, `monitor#<hour>` | what the monitor knows, and what it saw in an hour |
//! | `review#<id>` | `review` | a sample that asks for a verdict, and its verdicts |
//! | `journal` | `whole`, `part#<number>` | a large commit on its way |
//!
//! The index `latest` (`lpk`, `lsk`) lists insights by time, conditions by whether they are over, alerts by state and time, and
//! reviews by how far they have come and what a verdict is worth, each kind spread over [`SHARDS`] keys by a hash of its id. Times are written so that text sorts as they do.

use linkcast_domain::ports::MemoryKey;
use linkcast_domain::{InsightId, ModelVersion, NodeGuid, ReviewId, Standing, StreamId, Timestamp};

/// Keys over which a kind is spread: each takes 1,000 writes a second.
pub(crate) const SHARDS: u32 = 16;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Key { pk: pk.into(), sk: sk.into() }
    }
}

pub(crate) const STATE: &str = "state";
pub(crate) const SAVED: &str = "saved";
pub(crate) const JUDGING: &str = "judging";
pub(crate) const COUNTERS: &str = "counters";
pub(crate) const KIND: &str = "kind";
pub(crate) const FACTS: &str = "facts";
pub(crate) const OUTBOX: &str = "outbox";
pub(crate) const CHANNELS: &str = "channels";
pub(crate) const SOURCES: &str = "sources";
pub(crate) const WINDOWS: &str = "windows";
pub(crate) const SAMPLE: &str = "sample#";
pub(crate) const INSIGHT: &str = "insight#";
pub(crate) const CONDITION: &str = "condition#";
pub(crate) const QUESTION: &str = "question#";
pub(crate) const MODEL: &str = "model#";

/// The kinds the index lists.
pub(crate) const LISTED_INSIGHT: &str = "insight";
pub(crate) const LISTED_OPEN: &str = "condition-open";
pub(crate) const LISTED_OVER: &str = "condition-over";
pub(crate) const LISTED_FIRING: &str = "alert-firing";
pub(crate) const LISTED_RESOLVED: &str = "alert-resolved";

pub(crate) fn stream(id: &StreamId) -> String {
    format!("stream#{id}")
}

pub(crate) fn node(guid: NodeGuid) -> String {
    format!("node#{guid}")
}

/// A task of a fabric.
pub(crate) fn task(fabric: &str, task: &str) -> String {
    format!("task#{fabric}#{task}")
}

/// Where a version of a task's model lies.
pub(crate) fn model(fabric: &str, name: &str, version: &ModelVersion) -> Key {
    Key::new(task(fabric, name), format!("{MODEL}{version}"))
}

/// Where a task's aliases lie.
pub(crate) fn aliases(fabric: &str, name: &str) -> Key {
    Key::new(task(fabric, name), "aliases")
}

/// Where a review lies.
pub(crate) fn review(id: &ReviewId) -> Key {
    Key::new(format!("review#{id}"), "review")
}

/// Where an insight's feedback lies.
pub(crate) fn feedback(of: &StreamId, insight: &InsightId) -> Key {
    Key::new(stream(of), format!("feedback#{insight}"))
}

/// A kind the index lists: reviews of one standing.
pub(crate) fn listed_review(standing: Standing) -> String {
    format!("review-{}", standing.name())
}

/// A priority as text that sorts the highest first. The bits of numbers that are not below zero sort as they do.
pub(crate) fn falling(priority: f64) -> String {
    format!("{:016x}", !priority.max(0.0).to_bits())
}

/// Where a memory lies.
pub(crate) fn memory(key: &MemoryKey) -> Key {
    match key {
        MemoryKey::Node(guid) => Key::new(node(*guid), COUNTERS),
        MemoryKey::Lone(id) => Key::new(stream(id), COUNTERS),
        MemoryKey::Folding(id) => Key::new(stream(id), STATE),
        MemoryKey::Judging(id) => Key::new(stream(id), JUDGING),
        MemoryKey::Book => Key::new("alerts", "book"),
    }
}

/// A time as text that sorts as times do, those before 1970 too.
pub(crate) fn time(time: Timestamp) -> String {
    format!("{:016x}", (time.millis() as u64) ^ (1 << 63))
}

/// The time of such a text.
pub(crate) fn time_of(text: &str) -> Option<Timestamp> {
    let shifted = u64::from_str_radix(text, 16).ok()?;
    Some(Timestamp::from_millis((shifted ^ (1 << 63)) as i64))
}

pub(crate) fn sequence(sequence: u64) -> String {
    format!("{sequence:020}")
}

/// One of a kind's keys.
pub(crate) fn shard(kind: &str, id: &str) -> String {
    shard_key(kind, hash(id) % SHARDS)
}

pub(crate) fn shard_key(kind: &str, number: u32) -> String {
    format!("{kind}#{number:02}")
}

/// FNV-1a, whose high bits are mixed into the low ones that choose.
fn hash(text: &str) -> u32 {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_text() {
        let times = [i64::MIN, -1, 0, 1, 1_700_000_000_000, i64::MAX].map(Timestamp::from_millis);
        let texts: Vec<String> = times.iter().map(|one| time(*one)).collect();
        assert!(texts.is_sorted());
        assert_eq!(texts.iter().filter_map(|text| time_of(text)).collect::<Vec<_>>(), times);
    }

    #[test]
    fn the_highest_priority_sorts_first_as_text() {
        let texts = [f64::MAX, 99.5, 1.0, 0.1 + 0.2, 0.3, 1e-300, 0.0].map(falling);
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn a_fabrics_ports_are_spread_evenly() {
        let mut counts = std::collections::BTreeMap::new();
        for node in 0..1_000_u64 {
            for port in 1..=16 {
                let key = shard("streams", &format!("{:016x}/{port}", 0xb859_9f03_0012_0000 + node * 4));
                *counts.entry(key).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), 16);
        assert!(counts.values().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
