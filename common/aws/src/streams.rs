//! What a restarted pipeline reads: its streams in pages, and what is not over.

use linkcast_domain::StreamId;
use linkcast_domain::ports::{AlertRecord, Resume, SavedState, SourceRecord, StoreError, StreamRecord};
use linkcast_domain::{Condition, PortFacts, Timestamp};
use serde::de::DeserializeOwned;

use crate::calls::Table;
use crate::item::{Attributes, BYTES, Found, TIME, TOLD};
use crate::keys::{self, Key, SHARDS};
use crate::query::{LAST, Order, Range};
use crate::store::DynamoStore;

/// Every item's JSON.
pub(crate) fn read_all<T: DeserializeOwned>(
    table: &Table<'_>,
    items: &[Attributes],
) -> Result<Vec<T>, StoreError> {
    items.iter().map(|item| Found(item).json().map_err(|error| table.attempt().damaged(error))).collect()
}

impl DynamoStore {
    /// Streams by id: each shard's next ones, merged.
    pub(crate) async fn read_streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, StoreError> {
        let table = self.table("read the streams");
        let mut ids: Vec<String> = Vec::new();
        for shard in 0..SHARDS {
            let first = after.map_or_else(String::new, |after| format!("{after}\u{0}"));
            let all = Range::prefix(keys::shard_key("streams", shard), "");
            let sk = if first.is_empty() { all.sk.clone() } else { (first, all.sk.1.clone()) };
            for item in table.query(Range { sk, limit, ..all }).await? {
                let id =
                    Found(&item).text(crate::item::SK).map_err(|error| table.attempt().damaged(error))?;
                ids.push(id.to_owned());
            }
        }
        ids.sort();
        ids.truncate(limit);
        let streams: Vec<StreamId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let keys = streams.iter().flat_map(|stream| {
            let pk = keys::stream(stream);
            [Key::new(pk.clone(), keys::FACTS), Key::new(pk, keys::SAVED)]
        });
        let found = table.get(keys, None).await?;
        streams.into_iter().map(|stream| record(&table, &found, stream)).collect()
    }

    pub(crate) async fn read_resume(&self) -> Result<Resume, StoreError> {
        let table = self.table("read what is not over");
        let sources = table.query(Range::prefix(keys::SOURCES, "")).await?;
        let windows = table.query(Range::prefix(keys::WINDOWS, "")).await?;
        let mut conditions: Vec<Condition> = self.listed(&table, keys::LISTED_OPEN).await?;
        conditions.sort_by(|left, right| {
            (&left.stream, left.cause.name()).cmp(&(&right.stream, right.cause.name()))
        });
        let mut alerts: Vec<AlertRecord> = self.listed(&table, keys::LISTED_FIRING).await?;
        alerts.sort_by(|left, right| left.alert.alert_id.cmp(&right.alert.alert_id));
        Ok(Resume {
            sources: read_all::<SourceRecord>(&table, &sources)?,
            conditions,
            alerts,
            last_sequence: self.last_sequence(&table).await?,
            windows: read_all(&table, &windows)?,
        })
    }

    /// Every item the index lists of a kind.
    pub(crate) async fn listed<T: DeserializeOwned>(
        &self,
        table: &Table<'_>,
        kind: &str,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            let range = Range::listed(keys::shard_key(kind, shard), "", LAST.to_owned());
            all.extend(read_all::<T>(table, &table.query(range).await?)?);
        }
        Ok(all)
    }

    /// The highest sequence ever given: the outbox may have been emptied, but then every channel had it.
    async fn last_sequence(&self, table: &Table<'_>) -> Result<u64, StoreError> {
        let told = table.query(Range::prefix(keys::CHANNELS, "")).await?;
        let mut last = self.newest_message(table).await?;
        for channel in &told {
            let told: u64 = Found(channel).number(TOLD).map_err(|error| table.attempt().damaged(error))?;
            last = last.max(told);
        }
        Ok(last)
    }

    /// The sequence of the newest message in the outbox.
    pub(crate) async fn newest_message(&self, table: &Table<'_>) -> Result<u64, StoreError> {
        let newest = Range { order: Order::Falling, limit: 1, ..Range::prefix(keys::OUTBOX, "") };
        let found = table.query(newest).await?;
        let sequence = found.first().and_then(|item| Found(item).text(crate::item::SK).ok()?.parse().ok());
        Ok(sequence.unwrap_or(0))
    }
}

fn record(
    table: &Table<'_>,
    found: &std::collections::HashMap<Key, Attributes>,
    stream: StreamId,
) -> Result<StreamRecord, StoreError> {
    let damaged = |error| table.attempt().damaged(error);
    let pk = keys::stream(&stream);
    let facts: PortFacts = match found.get(&Key::new(pk.clone(), keys::FACTS)) {
        Some(item) => Found(item).json().map_err(damaged)?,
        None => PortFacts::default(),
    };
    let state = match found.get(&Key::new(pk, keys::SAVED)) {
        Some(item) => Some(SavedState {
            stream: stream.clone(),
            last_time: Timestamp::from_millis(Found(item).number(TIME).map_err(damaged)?),
            bytes: Found(item).bytes(BYTES).map_err(damaged)?.to_vec(),
        }),
        None => None,
    };
    Ok(StreamRecord { stream, facts, state })
}
