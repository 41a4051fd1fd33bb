//! A store by its name: a file of SQLite's, or a table on AWS.
//!
//! Commands do not know which they were given: both stand behind the same ports. A table's calls need an event loop, which
//! is started with the first table and lives as long as the process.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use linkcast_aws::DynamoStore;
use linkcast_domain::ports::{
    Changes, FeedbackItems, Forgotten, History, InsightQuery, Lookup, Maintenance, MaintenanceWindow, Outbox,
    OutboxMessage, PipelineStore, RegistryChange, RegistryItems, Resume, ReviewItems, Revised, StoreError,
    StreamRecord, TaskItem, TaskItems, TimeRange, Written,
};
use linkcast_domain::{
    Alert, AlertState, Aliases, Condition, Feedback, Insight, InsightId, ModelVersion, RegisteredModel,
    ReviewId, Reviewed, Sample, Standing, StreamId, Timestamp,
};
use linkcast_store::SqliteStore;

use crate::exit::{ExitKind, Failure};

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorePlace {
    /// In a file.
    File(PathBuf),
    /// In a table of DynamoDB, as the environment's account and region have it.
    Table(String),
}

/// A text that names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no store: expected sqlite:FILE or dynamodb:TABLE")]
pub(crate) struct ParseStorePlaceError {
    text: String,
}

impl FromStr for StorePlace {
    type Err = ParseStorePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(StorePlace::File(file.into())),
            Some(("dynamodb", table)) if !table.is_empty() => Ok(StorePlace::Table(table.to_owned())),
            _ => Err(ParseStorePlaceError { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorePlace::File(path) => write!(f, "sqlite:{}", path.display()),
            StorePlace::Table(name) => write!(f, "dynamodb:{name}"),
        }
    }
}

/// Either store.
pub(crate) enum AnyStore {
    /// A file.
    File(SqliteStore),
    /// A table.
    Table(DynamoStore),
}

/// The store in a table, and the clients it is reached by.
pub(crate) fn table(name: &str, fabric: &str) -> Result<(linkcast_aws::Shared, DynamoStore), Failure> {
    let shared = connect()?;
    let store = DynamoStore::new(&shared, name, fabric);
    Ok((shared, store))
}

/// The clients of the environment's account, and the loop that drives their calls.
pub(crate) fn connect() -> Result<linkcast_aws::Shared, Failure> {
    if tokio::runtime::Handle::try_current().is_err() {
        start_loop()?;
    }
    Ok(crate::database::ready(linkcast_aws::connect()))
}

/// Starts the loop that drives calls, for this thread and as long as the process lives.
fn start_loop() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitKind::Machine, error))?;
    // A loop that ended before the last call would leave it waiting for ever.
    std::mem::forget(Box::leak(Box::new(runtime)).enter());
    Ok(())
}

macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            AnyStore::File($store) => $call.await,
            AnyStore::Table($store) => $call.await,
        }
    };
}

impl PipelineStore for AnyStore {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        either!(self, store => store.commit(changes))
    }

    async fn commit_behind(&self, changes: &mut Changes) -> Result<(), StoreError> {
        either!(self, store => store.commit_behind(changes))
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        either!(self, store => store.resume())
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        either!(self, store => store.streams(after, limit))
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        either!(self, store => store.forget(before, most))
    }
}

impl Outbox for AnyStore {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        either!(self, store => store.register_channel(channel))
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        either!(self, store => store.unpublished(channel, limit))
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        either!(self, store => store.mark_published(channel, sequence))
    }
}

impl Lookup for AnyStore {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        either!(self, store => store.samples(stream, range))
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        either!(self, store => store.insights(query))
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        either!(self, store => store.conditions(stream))
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        either!(self, store => store.alerts(state, limit))
    }
}

impl History for AnyStore {
    async fn groups(&self) -> Result<Vec<Vec<StreamId>>, StoreError> {
        either!(self, store => store.groups())
    }

    async fn recorded(&self, group: &[StreamId], range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        either!(self, store => store.recorded(group, range))
    }
}

impl RegistryItems for AnyStore {
    async fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> Result<Option<Revised<RegisteredModel>>, StoreError> {
        either!(self, store => store.model(task, version))
    }

    async fn models(&self, task: &str) -> Result<Vec<RegisteredModel>, StoreError> {
        either!(self, store => store.models(task))
    }

    async fn aliases(&self, task: &str) -> Result<Revised<Aliases>, StoreError> {
        either!(self, store => store.aliases(task))
    }

    async fn change(&self, task: &str, change: &RegistryChange) -> Result<Written, StoreError> {
        either!(self, store => store.change(task, change))
    }
}

impl TaskItems for AnyStore {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        either!(self, store => store.task_item(task, name))
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        either!(self, store => store.task_items(task, prefix))
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        either!(self, store => store.put_task_item(task, item))
    }
}

impl FeedbackItems for AnyStore {
    async fn feedback(
        &self,
        insights: &[(StreamId, InsightId)],
    ) -> Result<Vec<Option<Revised<Feedback>>>, StoreError> {
        either!(self, store => store.feedback(insights))
    }

    async fn put_feedback(&self, change: &Revised<Feedback>) -> Result<Written, StoreError> {
        either!(self, store => store.put_feedback(change))
    }
}

impl ReviewItems for AnyStore {
    async fn reviewed(&self, ids: &[ReviewId]) -> Result<Vec<Option<Revised<Reviewed>>>, StoreError> {
        either!(self, store => store.reviewed(ids))
    }

    async fn put_reviewed(&self, changes: &[Revised<Reviewed>]) -> Result<Vec<Written>, StoreError> {
        either!(self, store => store.put_reviewed(changes))
    }

    async fn review_queue(
        &self,
        standing: Option<Standing>,
        limit: usize,
    ) -> Result<Vec<Reviewed>, StoreError> {
        either!(self, store => store.review_queue(standing, limit))
    }
}

impl Maintenance for AnyStore {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        either!(self, store => store.put_window(window))
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        either!(self, store => store.windows(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_its_kind_and_place() {
        assert_eq!("sqlite:a/b.db".parse(), Ok(StorePlace::File("a/b.db".into())));
        assert_eq!("dynamodb:linkcast-lab".parse(), Ok(StorePlace::Table("linkcast-lab".into())));
        for text in ["linkcast.db", "dynamodb:", "sqlite:", "s3:bucket"] {
            assert!(text.parse::<StorePlace>().is_err(), "{text}");
        }
    }
}
