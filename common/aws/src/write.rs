//! Commits: everything of one or nothing.
//!
//! A table takes a hundred items in one transaction, at twice the price of a plain write. What may stand alone (samples and facts,
//! for to write them again changes nothing) is written plainly and first; the rest is one transaction where it fits, and
//! otherwise a journal that is written whole before any of it takes effect.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use linkcast_domain::ports::{
    AlertRecord, Changes, Forgotten, OutboxMessage, PipelineStore, Resume, SavedState, SourceRecord,
    StoreError, StreamRecord,
};
use linkcast_domain::{AlertState, Condition, Insight, PortFacts, Sample, StreamId, Timestamp};

use crate::calls::{Change, Table, WRITES_A_TRANSACTION};
use crate::item::{BYTES, Item, TIME, TTL};
use crate::keys::{self, Key};
use crate::store::{DynamoStore, RETENTION};

impl PipelineStore for DynamoStore {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let table = self.table("write the results");
        self.write_plainly(&table, changes).await?;
        let mut items = BTreeMap::new();
        for item in bound(&table, changes)? {
            items.insert(item.key.clone(), item);
        }
        let items: Vec<Item> = items.into_values().collect();
        match items.len() {
            0 => Ok(()),
            1 => put_one(&table, items).await,
            2..=WRITES_A_TRANSACTION => {
                let _ = table.put_all(items.into_iter().map(|item| (item, None)).collect()).await?;
                Ok(())
            }
            _ => self.write_by_journal(items).await,
        }
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        self.finish_journal().await?;
        self.read_resume().await
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        self.read_streams(after, limit).await
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        self.forget_old(before, most).await
    }
}

async fn put_one(table: &Table<'_>, items: Vec<Item>) -> Result<(), StoreError> {
    for item in items {
        table.put(item).await?;
    }
    Ok(())
}

impl DynamoStore {
    /// Samples, facts and the list of streams.
    async fn write_plainly(&self, table: &Table<'_>, changes: &Changes) -> Result<(), StoreError> {
        let mut items: Vec<Item> = changes.samples.iter().map(sample_item).collect();
        for (stream, facts) in &changes.facts {
            items.push(broken(table, facts_item(stream, facts))?);
            items.extend(kind_item(stream, facts));
        }
        let told = changes.facts.iter().map(|(stream, _)| stream);
        let saved = changes.states.iter().map(|state| &state.stream);
        let sampled = changes.samples.iter().map(|sample| &sample.stream);
        let new = self.unlisted(told.chain(saved).chain(sampled));
        items.extend(
            new.iter()
                .map(|stream| Item::new(Key::new(keys::shard("streams", stream.as_str()), stream.as_str()))),
        );
        table.change(puts(items)).await?;
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
        Ok(())
    }

    fn unlisted<'a>(&self, streams: impl Iterator<Item = &'a StreamId>) -> Vec<StreamId> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: Vec<StreamId> = streams.filter(|stream| !listed.contains(*stream)).cloned().collect();
        new.sort();
        new.dedup();
        new
    }
}

/// What must take effect together.
fn bound(table: &Table<'_>, changes: &Changes) -> Result<Vec<Item>, StoreError> {
    let mut items: Vec<Item> = changes.states.iter().map(state_item).collect();
    for insight in &changes.insights {
        items.extend(broken(table, insight_items(insight))?);
    }
    for condition in &changes.conditions {
        items.push(broken(table, condition_item(condition))?);
    }
    for record in &changes.alerts {
        items.push(broken(table, alert_item(record))?);
    }
    for message in &changes.messages {
        items.push(broken(table, message_item(message))?);
    }
    for source in &changes.sources {
        items.push(broken(table, source_item(source))?);
    }
    Ok(items)
}

/// JSON that cannot be written is a fault of ours.
pub(crate) fn broken<T>(table: &Table<'_>, made: Result<T, serde_json::Error>) -> Result<T, StoreError> {
    made.map_err(|error| table.attempt().broken(error))
}

pub(crate) fn puts(items: Vec<Item>) -> Vec<(Key, Change)> {
    items.into_iter().map(|item| (item.key, Change::Put(item.attributes))).collect()
}

fn sample_item(sample: &Sample) -> Item {
    let key = Key::new(keys::stream(&sample.stream), format!("{}{}", keys::SAMPLE, keys::time(sample.time)));
    Item::new(key).bytes(BYTES, sample.to_packed()).number(TTL, sample.time.plus(RETENTION).seconds())
}

fn facts_item(stream: &StreamId, facts: &PortFacts) -> Result<Item, serde_json::Error> {
    Item::new(Key::new(keys::stream(stream), keys::FACTS)).json(facts)
}

/// What a node is, where one of its ports tells.
fn kind_item(stream: &StreamId, facts: &PortFacts) -> Option<Item> {
    let (node, kind) = (stream.port()?.node, facts.node_kind?);
    Item::new(Key::new(keys::node(node), keys::KIND)).json(&kind).ok()
}

fn state_item(state: &SavedState) -> Item {
    Item::new(Key::new(keys::stream(&state.stream), keys::SAVED))
        .bytes(BYTES, state.bytes.clone())
        .number(TIME, state.last_time.millis())
}

/// The insight, and where it lies.
pub(crate) fn insight_items(insight: &Insight) -> Result<[Item; 2], serde_json::Error> {
    let (time, id) = (keys::time(insight.timestamp), insight.entity_id.as_str());
    let key = Key::new(keys::stream(&insight.related_entity), format!("{}{time}#{id}", keys::INSIGHT));
    let pointer = Item::new(Key::new(format!("{}{id}", keys::INSIGHT), "insight"))
        .text(keys::LISTED_INSIGHT, insight.related_entity.as_str())
        .number(TIME, insight.timestamp.millis())
        .number(TTL, insight.ttl);
    let item = Item::new(key)
        .json(insight)?
        .number(TTL, insight.ttl)
        .listed(keys::shard(keys::LISTED_INSIGHT, id), format!("{time}#{id}"));
    Ok([item, pointer])
}

pub(crate) fn condition_item(condition: &Condition) -> Result<Item, serde_json::Error> {
    let (stream, cause) = (&condition.stream, condition.cause.name());
    let kind = if condition.resolved.is_none() { keys::LISTED_OPEN } else { keys::LISTED_OVER };
    let key = Key::new(keys::stream(stream), format!("{}{cause}", keys::CONDITION));
    let place = keys::shard(kind, stream.as_str());
    Ok(Item::new(key).json(condition)?.listed(place, format!("{stream}#{cause}")))
}

fn alert_item(record: &AlertRecord) -> Result<Item, serde_json::Error> {
    let id = &record.alert.alert_id;
    let kind = match record.alert.state {
        AlertState::Firing => keys::LISTED_FIRING,
        AlertState::Resolved => keys::LISTED_RESOLVED,
    };
    let place = format!("{}#{id}", keys::time(record.alert.updated));
    Ok(Item::new(Key::new(format!("alert#{id}"), "alert")).json(record)?.listed(keys::shard(kind, id), place))
}

fn message_item(message: &OutboxMessage) -> Result<Item, serde_json::Error> {
    Item::new(Key::new(keys::OUTBOX, keys::sequence(message.sequence))).json(message)
}

fn source_item(source: &SourceRecord) -> Result<Item, serde_json::Error> {
    Item::new(Key::new(keys::SOURCES, source.name.as_str())).json(source)
}
