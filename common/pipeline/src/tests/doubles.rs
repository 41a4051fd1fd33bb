//! A judge that rules by a script, and a store and a channel that die at a chosen call.
//!
//! The store is the memory store itself; what is put around it only decides when its process ends, before or after
//! the call took effect.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use linkcast_domain::ports::{
    Changes, Forgotten, Maintenance, MaintenanceWindow, Notifier, NotifyError, Outbox, OutboxMessage,
    PipelineStore, Resume, Revised, StoreError, StreamRecord, TaskItem, TaskItems, Written,
};
use linkcast_domain::{Feature, FeatureVector, ModelIdentity, PredictionType, Retry, StreamId, Timestamp};
use linkcast_scoring::Score;
use linkcast_store::MemoryStore;

use crate::{Judge, Reasons};

/// Everything here answers at once.
pub(super) fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// Says what the plainest reading of the features says.
pub(super) struct Rule(ModelIdentity);

impl Rule {
    pub(super) fn new() -> Self {
        let model_used = "rule".to_owned();
        Rule(ModelIdentity { model_used, model_version: "1".into(), feature_schema: 1 })
    }
}

impl Judge for Rule {
    fn score(&self, features: &FeatureVector) -> Score {
        let above = |feature, limit| features.raw(feature) > limit;
        let (class, risk, confidence) = if above(Feature::RcvErrorRatio5m, 0.0) {
            (PredictionType::PacketLossDetected, 90.0, 0.9)
        } else if above(Feature::WaitRatio5m, 0.1) {
            (PredictionType::ResourceSaturation, 85.0, 0.8)
        } else if above(Feature::LinkDowned12h, 0.0) || above(Feature::LinkErrorRecoveries1h, 0.0) {
            (PredictionType::ConnectionInstability, 95.0, 0.9)
        } else if features.raw(Feature::MinutesSinceReset) < 5.0 {
            (PredictionType::AnomalyDetected, 99.0, 0.95)
        } else {
            (PredictionType::Normal, 5.0, 0.95)
        };
        let mut probabilities = [0.0; PredictionType::COUNT];
        probabilities[class.index()] = confidence;
        Score { probabilities, class, confidence, risk }
    }

    fn explain(&self, _: &FeatureVector, score: &Score) -> Reasons {
        let sentence = format!("the rule says {}", score.class);
        Reasons { influencers: Vec::new(), sentence, recommendations: Vec::new() }
    }

    fn identity(&self) -> &ModelIdentity {
        &self.0
    }
}

/// Whether the call at which a process dies takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    Before,
    After,
}

/// A process's life: how many calls it makes of the outside world before it dies.
#[derive(Clone)]
pub(super) struct Life {
    left: Arc<AtomicU64>,
    death: Death,
}

impl Life {
    pub(super) fn without_end() -> Self {
        Life::of(u64::MAX, Death::Before)
    }

    /// Dies at call `calls`, counted from 1.
    pub(super) fn of(calls: u64, death: Death) -> Self {
        Life { left: Arc::new(AtomicU64::new(calls)), death }
    }

    /// Does one call, unless this life is over by then; `None` is all that a dead process hears.
    pub(super) fn spend<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        match left {
            0 => None,
            1 if self.death == Death::Before => None,
            1 => {
                call();
                None
            }
            _ => Some(call()),
        }
    }
}

/// The memory store, as a process with a life of its own reaches it.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) store: Arc<MemoryStore>,
    pub(super) life: Life,
}

impl Reach {
    fn call<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.life.spend(|| now(work)).unwrap_or_else(|| {
            let (store, attempt) = ("memory".to_owned(), "answer the dead");
            Err(StoreError::Failed { store, attempt, source: "the process died".into() })
        })
    }
}

impl PipelineStore for Reach {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.call(self.store.commit(changes))
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        self.call(self.store.resume())
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        self.call(self.store.streams(after, limit))
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        self.call(self.store.forget(before, most))
    }
}

impl Outbox for Reach {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        self.call(self.store.register_channel(channel))
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        self.call(self.store.unpublished(channel, limit))
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        self.call(self.store.mark_published(channel, sequence))
    }
}

impl Maintenance for Reach {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        self.call(self.store.put_window(window))
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        self.call(self.store.windows(now))
    }
}

impl TaskItems for Reach {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        self.call(self.store.task_item(task, name))
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        self.call(self.store.task_items(task, prefix))
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        self.call(self.store.put_task_item(task, item))
    }
}

/// A channel that remembers what it heard.
#[derive(Clone)]
pub(super) struct Ear {
    pub(super) heard: Arc<Mutex<Vec<OutboxMessage>>>,
    pub(super) life: Life,
}

impl Notifier for Ear {
    fn channel(&self) -> &'static str {
        "ear"
    }

    async fn publish(&self, messages: &[OutboxMessage], _: Duration) -> Result<(), NotifyError> {
        let told = self.life.spend(|| self.heard.lock().unwrap().extend_from_slice(messages));
        told.ok_or_else(|| NotifyError {
            channel: "ear".into(),
            reason: "the process died".into(),
            retry: Retry::Never,
        })
    }
}
