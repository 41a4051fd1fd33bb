//! A store for weeks of a simulated fabric: it keeps what was concluded and lets the samples go.
//!
//! An evaluation looks at alerts and never back at a sample, and a hundred million samples fit in no memory. Nothing
//! resumes from this store, so states are let go too.

use linkcast_domain::ports::{
    Changes, Forgotten, InsightQuery, Lookup, Maintenance, MaintenanceWindow, Outbox, OutboxMessage,
    PipelineStore, Resume, Revised, StoreError, StreamRecord, TaskItem, TaskItems, TimeRange, Written,
};
use linkcast_domain::{Alert, AlertState, Condition, Insight, Sample, StreamId, Timestamp};
use linkcast_store::MemoryStore;

/// Keeps conditions, alerts and messages; lets samples, insights and states go.
#[derive(Debug, Default)]
pub(crate) struct ForgetfulStore {
    kept: MemoryStore,
}

impl PipelineStore for ForgetfulStore {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let concluded = Changes {
            conditions: changes.conditions.clone(),
            alerts: changes.alerts.clone(),
            messages: changes.messages.clone(),
            sources: changes.sources.clone(),
            ..Changes::default()
        };
        self.kept.commit(&concluded).await
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        self.kept.resume().await
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        self.kept.streams(after, limit).await
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        self.kept.forget(before, most).await
    }
}

impl Outbox for ForgetfulStore {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        self.kept.register_channel(channel).await
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        self.kept.unpublished(channel, limit).await
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        self.kept.mark_published(channel, sequence).await
    }
}

impl Lookup for ForgetfulStore {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        self.kept.samples(stream, range).await
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        self.kept.insights(query).await
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        self.kept.conditions(stream).await
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        self.kept.alerts(state, limit).await
    }
}

impl Maintenance for ForgetfulStore {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        self.kept.put_window(window).await
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        self.kept.windows(now).await
    }
}

impl TaskItems for ForgetfulStore {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        self.kept.task_item(task, name).await
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        self.kept.task_items(task, prefix).await
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        self.kept.put_task_item(task, item).await
    }
}
