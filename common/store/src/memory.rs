//! The same promises kept in memory: for tests, and for runs whose results nobody keeps.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use linkcast_domain::ports::{
    AlertRecord, ArrivalRecord, Changes, ConditionKey, Forgotten, History, InsightQuery, Kept, Lookup,
    Maintenance, MaintenanceWindow, MemoryKey, Outbox, OutboxMessage, PipelineStore, QuestionRecord, Resume,
    Revised, SavedState, SourceRecord, StoreError, StreamRecord, TimeRange,
};
use linkcast_domain::{
    Alert, AlertState, Aliases, Condition, Feedback, Insight, InsightId, ModelVersion, PortFacts,
    RegisteredModel, ReviewId, Reviewed, Sample, StreamId, Timestamp,
};

/// A store that ends with its process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) streams: BTreeMap<StreamId, (Option<PortFacts>, Option<SavedState>)>,
    pub(crate) samples: BTreeMap<(StreamId, Timestamp), Sample>,
    pub(crate) insights: BTreeMap<InsightId, Insight>,
    pub(crate) conditions: BTreeMap<ConditionKey, Condition>,
    alerts: BTreeMap<String, AlertRecord>,
    outbox: BTreeMap<u64, OutboxMessage>,
    channels: BTreeMap<String, u64>,
    pub(crate) sources: BTreeMap<String, SourceRecord>,
    windows: BTreeMap<String, MaintenanceWindow>,
    pub(crate) memories: BTreeMap<MemoryKey, Kept>,
    pub(crate) arrivals: BTreeMap<(StreamId, Timestamp), ArrivalRecord>,
    pub(crate) questions: BTreeMap<(StreamId, Timestamp), QuestionRecord>,
    pub(crate) models: BTreeMap<(String, ModelVersion), Revised<RegisteredModel>>,
    pub(crate) aliases: BTreeMap<String, Revised<Aliases>>,
    pub(crate) folders: BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>,
    pub(crate) reviews: BTreeMap<ReviewId, Revised<Reviewed>>,
    pub(crate) feedback: BTreeMap<(StreamId, InsightId), Revised<Feedback>>,
    pub(crate) task_items: BTreeMap<(String, String), Revised<String>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PipelineStore for MemoryStore {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut content = self.content();
        for sample in &changes.samples {
            content.streams.entry(sample.stream.clone()).or_default();
            content.samples.insert((sample.stream.clone(), sample.time), sample.clone());
        }
        for (stream, facts) in &changes.facts {
            content.streams.entry(stream.clone()).or_default().0 = Some(facts.clone());
        }
        for state in &changes.states {
            content.streams.entry(state.stream.clone()).or_default().1 = Some(state.clone());
        }
        content.insights.extend(changes.insights.iter().map(|one| (one.entity_id.clone(), one.clone())));
        content.conditions.extend(changes.conditions.iter().map(|one| (one.into(), one.clone())));
        content.alerts.extend(changes.alerts.iter().map(|one| (one.alert.alert_id.clone(), one.clone())));
        content.outbox.extend(changes.messages.iter().map(|one| (one.sequence, one.clone())));
        content.sources.extend(changes.sources.iter().map(|one| (one.name.clone(), one.clone())));
        Ok(())
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        let content = self.content();
        let last_message = content.outbox.keys().next_back().copied().unwrap_or(0);
        let open = |condition: &&Condition| condition.resolved.is_none();
        let firing = |record: &&AlertRecord| record.alert.state == AlertState::Firing;
        Ok(Resume {
            sources: content.sources.values().cloned().collect(),
            conditions: content.conditions.values().filter(open).cloned().collect(),
            alerts: content.alerts.values().filter(firing).cloned().collect(),
            last_sequence: content.channels.values().copied().fold(last_message, u64::max),
            windows: content.windows.values().cloned().collect(),
        })
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        let content = self.content();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = content.streams.range::<StreamId, _>((start, Bound::Unbounded)).take(limit);
        Ok(rest
            .map(|(stream, (facts, state))| StreamRecord {
                stream: stream.clone(),
                facts: facts.clone().unwrap_or_default(),
                state: state.clone(),
            })
            .collect())
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        let mut content = self.content();
        let told = content.channels.values().copied().min().unwrap_or(u64::MAX);
        let newest = content.outbox.keys().next_back().copied().unwrap_or(0);
        Ok(Forgotten {
            sample_pieces: remove(&mut content.samples, most, |sample| sample.time < before),
            insights: remove(&mut content.insights, most, |insight| insight.timestamp < before),
            conditions: remove(&mut content.conditions, most, |condition| {
                condition.resolved.is_some_and(|resolved| resolved < before)
            }),
            alerts: remove(&mut content.alerts, most, |record| {
                record.alert.state == AlertState::Resolved && record.alert.updated < before
            }),
            messages: remove(&mut content.outbox, most, |message| {
                message.alert.updated < before && message.sequence <= told && message.sequence < newest
            }),
        })
    }
}

fn remove<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, most: usize, old: impl Fn(&V) -> bool) -> usize {
    let keys: Vec<K> =
        map.iter().filter(|(_, value)| old(value)).map(|(key, _)| key.clone()).take(most).collect();
    for key in &keys {
        map.remove(key);
    }
    keys.len()
}

impl Outbox for MemoryStore {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        let mut content = self.content();
        let newest = content.outbox.keys().next_back().copied().unwrap_or(0);
        content.channels.entry(channel.to_owned()).or_insert(newest);
        Ok(())
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        let content = self.content();
        let told = content.channels.get(channel).copied().unwrap_or(0);
        let rest = content.outbox.range((Bound::Excluded(told), Bound::Unbounded));
        Ok(rest.map(|(_, message)| message.clone()).take(limit).collect())
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        let mut content = self.content();
        let told = content.channels.entry(channel.to_owned()).or_default();
        *told = sequence.max(*told);
        Ok(())
    }
}

impl Lookup for MemoryStore {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        if range.from > range.until {
            return Ok(Vec::new());
        }
        let content = self.content();
        let bounds = (stream.clone(), range.from)..=(stream.clone(), range.until);
        Ok(content.samples.range(bounds).map(|(_, sample)| sample.clone()).collect())
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        let content = self.content();
        let wanted = |insight: &&Insight| {
            query.id.as_ref().is_none_or(|id| *id == insight.entity_id)
                && query.stream.as_ref().is_none_or(|stream| *stream == insight.related_entity)
                && query.class.is_none_or(|class| class == insight.prediction_type)
                && insight.risk_score >= query.minimum_risk
                && query.range.contains(insight.timestamp)
        };
        let mut found: Vec<Insight> = content.insights.values().filter(wanted).cloned().collect();
        found.sort_by_key(|insight| std::cmp::Reverse(insight.timestamp));
        found.truncate(query.limit);
        Ok(found)
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        let content = self.content();
        let mut found: Vec<Condition> = content
            .conditions
            .values()
            .filter(|condition| stream.is_none_or(|stream| *stream == condition.stream))
            .cloned()
            .collect();
        found.sort_by(|left, right| {
            (&left.stream, left.cause.name()).cmp(&(&right.stream, right.cause.name()))
        });
        Ok(found)
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        let content = self.content();
        let mut found: Vec<Alert> = content
            .alerts
            .values()
            .map(|record| &record.alert)
            .filter(|alert| state.is_none_or(|state| state == alert.state))
            .cloned()
            .collect();
        found.sort_by_key(|alert| std::cmp::Reverse(alert.updated));
        found.truncate(limit);
        Ok(found)
    }
}

impl History for MemoryStore {
    async fn groups(&self) -> Result<Vec<Vec<StreamId>>, StoreError> {
        const TOGETHER: usize = 64;
        let content = self.content();
        let mut streams: Vec<StreamId> = content.samples.keys().map(|(stream, _)| stream.clone()).collect();
        streams.dedup();
        Ok(streams.chunks(TOGETHER).map(<[StreamId]>::to_vec).collect())
    }

    async fn recorded(&self, group: &[StreamId], range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        let mut found = Vec::new();
        for stream in group {
            found.extend(self.samples(stream, range).await?);
        }
        Ok(found)
    }
}

impl Maintenance for MemoryStore {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        self.content().windows.insert(window.id.clone(), window.clone());
        Ok(())
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        Ok(self.content().windows.values().filter(|window| window.until > now).cloned().collect())
    }
}
