//! What the use cases ask of the outside world: a store, and channels that tell people.
//!
//! Every call takes a batch and returns a future, so that the same use cases run on SQLite in one process and on
//! DynamoDB from six functions. A write names the key by which its items replace one another: to do the same write
//! twice is to do it once. The traits are split by who needs them, so that a reader cannot write.

mod answering;
mod apart;
mod changes;
mod endpoints;
mod failure;
mod feedback;
mod history;
mod model_packages;
mod query;
mod registry;
mod review;
mod task_items;
mod training_jobs;

use std::future::Future;
use std::time::Duration;

pub use answering::{Backend, Inquiry};
pub use apart::{
    ArrivalRecord, Arrivals, Bus, BusEvent, Judgement, Judgements, Keep, Kept, Known, Memories, MemoryKey,
    QuestionRecord, Questions, Written,
};
pub use changes::{
    AlertRecord, Changes, ConditionKey, Coverage, OutboxMessage, Resume, SavedState, SourceRecord,
    StreamRecord,
};
pub use endpoints::{
    Change, Container, EndpointPlane, EndpointStatus, Kind, Listed, Machines, ModelData, Page, PlaneError,
    PlaneFault, Scaling, SeenConfig, SeenEndpoint, SeenModel,
};
pub use failure::{NotifyError, StoreError};
pub use feedback::FeedbackItems;
pub use history::History;
pub use model_packages::{
    ModelArchives, ModelPackages, NewPackage, PackagePage, PackageRuling, PackagesError, SeenPackage, Stored,
};
pub use query::{Forgotten, InsightQuery, MaintenanceScope, MaintenanceWindow, TimeRange};
pub use registry::{FolderFile, ModelFolders, RegistryChange, RegistryItems, Revised};
pub use review::ReviewItems;
pub use task_items::{TaskItem, TaskItems};
pub use training_jobs::{
    JobChannel, JobError, JobStatus, PipelineStart, TrainingJob, TrainingJobs, TrainingPipelines,
};

use crate::{Alert, AlertState, Condition, Insight, Notice, Sample, Severity, StreamId, Timestamp};

/// Where the pipeline's results become durable, and where it resumes from.
pub trait PipelineStore: Send + Sync {
    /// Makes all of `changes` durable, or none of it. Each item replaces the one of the same key: samples by
    /// stream and time, facts and states by stream, insights by id, conditions by stream and cause, alerts by alert
    /// id, messages by sequence, sources by name.
    fn commit(&self, changes: &Changes) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes changes that need not be durable before the next call of this or of `commit` has returned, which begins with
    /// them and fails if they cannot be written; a reader of this store finds them at once. They become durable as a
    /// whole, after all that was given before. Leaves `changes` empty, or on an error as they were. A store that has
    /// nothing to gain commits them.
    fn commit_behind(&self, changes: &mut Changes) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            self.commit(changes).await?;
            changes.clear();
            Ok(())
        }
    }

    /// What a restarted pipeline needs beside its streams.
    fn resume(&self) -> impl Future<Output = Result<Resume, StoreError>> + Send;

    /// Up to `limit` streams with their states, ordered by id, after `after`.
    fn streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StreamRecord>, StoreError>> + Send;

    /// Deletes up to `most` items of each kind older than `before`: samples, insights, resolved conditions and
    /// alerts, and messages every channel has had.
    fn forget(
        &self,
        before: Timestamp,
        most: usize,
    ) -> impl Future<Output = Result<Forgotten, StoreError>> + Send;
}

/// What is to be told, until it was.
pub trait Outbox: Send + Sync {
    /// Makes `channel` known; a channel seen for the first time is told what comes after this call. Keyed by channel.
    fn register_channel(&self, channel: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The oldest messages `channel` has not had, in order.
    fn unpublished(
        &self,
        channel: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<OutboxMessage>, StoreError>> + Send;

    /// Records that `channel` has had every message up to `sequence`. Keyed by channel; never moves back.
    fn mark_published(
        &self,
        channel: &str,
        sequence: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What people look up.
pub trait Lookup: Send + Sync {
    /// The stream's samples in `range`, oldest first.
    fn samples(
        &self,
        stream: &StreamId,
        range: TimeRange,
    ) -> impl Future<Output = Result<Vec<Sample>, StoreError>> + Send;

    /// Insights, newest first.
    fn insights(&self, query: &InsightQuery)
    -> impl Future<Output = Result<Vec<Insight>, StoreError>> + Send;

    /// Conditions of `stream`, or of every stream, ordered by stream and cause.
    fn conditions(
        &self,
        stream: Option<&StreamId>,
    ) -> impl Future<Output = Result<Vec<Condition>, StoreError>> + Send;

    /// Alerts in `state`, or all, newest first, at most `limit`.
    fn alerts(
        &self,
        state: Option<AlertState>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Alert>, StoreError>> + Send;
}

/// Announced work.
pub trait Maintenance: Send + Sync {
    /// Records a window. Keyed by its id.
    fn put_window(&self, window: &MaintenanceWindow) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Every window that ends after `now`, ordered by id.
    fn windows(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<MaintenanceWindow>, StoreError>> + Send;
}

/// A way to tell people.
pub trait Notifier: Send + Sync {
    /// The channel's name, stable over restarts: its place in the outbox is kept under it.
    fn channel(&self) -> &str;

    /// Tells the messages in order. The same message may come again after a crash, with the same id: a receiver that
    /// knows the id must not act on it twice. An error means that none of them counts as told.
    fn publish(
        &self,
        messages: &[OutboxMessage],
        budget: Duration,
    ) -> impl Future<Output = Result<(), NotifyError>> + Send;
}

/// A way to tell people of models.
pub trait NoticeChannel: Send + Sync {
    /// The channel's name, stable over restarts: what it was told is kept under it.
    fn channel(&self) -> &str;

    /// What matters less than this is not told here.
    fn least(&self) -> Severity;

    /// Tells one notice. The same may come again after a crash; its id is the receiver's key. A refusal that will be repeated
    /// is [`Retry::Never`](crate::Retry::Never): it holds up no other notice.
    fn tell_notice(
        &self,
        notice: &Notice,
        budget: Duration,
    ) -> impl Future<Output = Result<(), NotifyError>> + Send;
}
