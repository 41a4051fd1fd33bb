//! What people look up.
//!
//! A query with an id or a stream reads that stream's own key. One over the fabric reads every shard of the index, newest
//! first and a page at a time, and stops when the newest wanted are found.

use std::cmp::Reverse;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use linkcast_domain::ports::{
    AlertRecord, History, InsightQuery, Lookup, Maintenance, MaintenanceWindow, PipelineStore, StoreError,
    TimeRange,
};
use linkcast_domain::{Alert, AlertState, Condition, Insight, Sample, StreamId, Timestamp};

use crate::calls::Table;
use crate::item::{BYTES, Found, Item, SK, TIME};
use crate::keys::{self, Key, SHARDS};
use crate::query::{LAST, Order, Range};
use crate::store::DynamoStore;
use crate::streams::read_all;
use crate::write::broken;

/// Streams read at a time, and asked for as one group.
const TOGETHER: usize = 64;

/// Queries on their way at once.
const AT_ONCE: usize = 8;

impl History for DynamoStore {
    async fn groups(&self) -> Result<Vec<Vec<StreamId>>, StoreError> {
        let mut groups: Vec<Vec<StreamId>> = Vec::new();
        loop {
            let after = groups.last().and_then(|group| group.last());
            let page = self.streams(after, TOGETHER).await?;
            if page.is_empty() {
                return Ok(groups);
            }
            groups.push(page.into_iter().map(|record| record.stream).collect());
        }
    }

    async fn recorded(&self, group: &[StreamId], range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        let each: Vec<_> = group.iter().map(|stream| self.samples(stream, range)).collect();
        let found: Vec<Vec<Sample>> = stream::iter(each).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Lookup for DynamoStore {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        let table = self.table("read samples");
        let sort = |time| format!("{}{}", keys::SAMPLE, keys::time(time));
        let all = Range::prefix(keys::stream(stream), keys::SAMPLE);
        let sk = (sort(range.from), sort(range.until));
        let mut samples = Vec::new();
        for item in table.query(Range { sk, ..all }).await? {
            let found = Found(&item);
            if !found.has(BYTES) {
                continue;
            }
            let damaged = |error| table.attempt().damaged(error);
            let text = found.text(SK).map_err(damaged)?;
            let time = keys::time_of(text.trim_start_matches(keys::SAMPLE));
            let bytes = found.bytes(BYTES).map_err(damaged)?;
            let sample = time.and_then(|time| Sample::from_packed(stream, time, bytes));
            samples.push(sample.ok_or_else(|| table.attempt().damaged(format!("sample {stream} {text}")))?);
        }
        Ok(samples)
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        let table = self.table("read insights");
        let mut found = match (&query.id, &query.stream) {
            (Some(id), _) => self.insight_by_id(&table, id.as_str()).await?,
            (None, Some(stream)) => self.insights_of(&table, stream, query.range).await?,
            (None, None) => self.latest_insights(&table, query).await?,
        };
        found.retain(|insight| is_wanted(query, insight));
        found.sort_by_key(|insight| Reverse(insight.timestamp));
        found.truncate(query.limit);
        Ok(found)
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        let table = self.table("read conditions");
        let mut found: Vec<Condition> = match stream {
            Some(stream) => {
                let items = table.query(Range::prefix(keys::stream(stream), keys::CONDITION)).await?;
                read_all(&table, &items)?
            }
            None => {
                let mut all = self.listed(&table, keys::LISTED_OPEN).await?;
                all.extend(self.listed::<Condition>(&table, keys::LISTED_OVER).await?);
                all
            }
        };
        found.sort_by(|left, right| {
            (&left.stream, left.cause.name()).cmp(&(&right.stream, right.cause.name()))
        });
        Ok(found)
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        let table = self.table("read alerts");
        let kinds = match state {
            Some(AlertState::Firing) => vec![keys::LISTED_FIRING],
            Some(AlertState::Resolved) => vec![keys::LISTED_RESOLVED],
            None => vec![keys::LISTED_FIRING, keys::LISTED_RESOLVED],
        };
        let mut records: Vec<AlertRecord> = Vec::new();
        for kind in kinds {
            for shard in 0..SHARDS {
                let range = Range::listed(keys::shard_key(kind, shard), "", LAST.to_owned());
                let items = table.query(Range { order: Order::Falling, limit, ..range }).await?;
                records.extend(read_all::<AlertRecord>(&table, &items)?);
            }
        }
        let mut found: Vec<Alert> = records.into_iter().map(|record| record.alert).collect();
        found.sort_by_key(|alert| Reverse(alert.updated));
        found.truncate(limit);
        Ok(found)
    }
}

fn is_wanted(query: &InsightQuery, insight: &Insight) -> bool {
    query.stream.as_ref().is_none_or(|stream| *stream == insight.related_entity)
        && query.class.is_none_or(|class| class == insight.prediction_type)
        && insight.risk_score >= query.minimum_risk
        && query.range.contains(insight.timestamp)
}

impl DynamoStore {
    async fn insight_by_id(&self, table: &Table<'_>, id: &str) -> Result<Vec<Insight>, StoreError> {
        let pointer = Key::new(format!("{}{id}", keys::INSIGHT), "insight");
        let Some(found) = table.get([pointer.clone()], None).await?.remove(&pointer) else {
            return Ok(Vec::new());
        };
        let damaged = |error| table.attempt().damaged(error);
        let stream = Found(&found).text(keys::LISTED_INSIGHT).map_err(damaged)?;
        let time = keys::time(Timestamp::from_millis(Found(&found).number(TIME).map_err(damaged)?));
        let key = Key::new(format!("stream#{stream}"), format!("{}{time}#{id}", keys::INSIGHT));
        let items: Vec<_> = table.get([key], None).await?.into_values().collect();
        read_all(table, &items)
    }

    async fn insights_of(
        &self,
        table: &Table<'_>,
        stream: &StreamId,
        range: TimeRange,
    ) -> Result<Vec<Insight>, StoreError> {
        let sort = |time, end| format!("{}{}{end}", keys::INSIGHT, keys::time(time));
        let all = Range::prefix(keys::stream(stream), keys::INSIGHT);
        let sk = (sort(range.from, ""), sort(range.until, LAST));
        read_all(table, &table.query(Range { sk, ..all }).await?)
    }

    /// A limit holds for each shard only while nothing else is asked for: what is found may be sorted out again.
    async fn latest_insights(
        &self,
        table: &Table<'_>,
        query: &InsightQuery,
    ) -> Result<Vec<Insight>, StoreError> {
        let sifts = query.class.is_some() || query.minimum_risk > 0.0;
        let limit = if sifts { usize::MAX } else { query.limit };
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let pk = keys::shard_key(keys::LISTED_INSIGHT, shard);
            let last = format!("{}{LAST}", keys::time(query.range.until));
            let range = Range::listed(pk, &keys::time(query.range.from), last);
            let items = table.query(Range { order: Order::Falling, limit, ..range }).await?;
            found.extend(read_all::<Insight>(table, &items)?);
        }
        Ok(found)
    }
}

impl Maintenance for DynamoStore {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        let table = self.table("record a maintenance window");
        let item = Item::new(Key::new(keys::WINDOWS, window.id.as_str())).json(window);
        table.put(broken(&table, item)?).await
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        let table = self.table("read maintenance windows");
        let items = table.query(Range::prefix(keys::WINDOWS, "")).await?;
        let mut windows: Vec<MaintenanceWindow> = read_all(&table, &items)?;
        windows.retain(|window| window.until > now);
        Ok(windows)
    }
}
