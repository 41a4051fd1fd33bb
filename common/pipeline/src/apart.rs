//! The use cases apart: each in a function of its own, over ports, and right however deliveries come.
//!
//! Deliveries are repeated, cut short and lost; a function may be killed between any two writes. So every write is either
//! an item that never changes (arrivals, questions: to write it again changes nothing) or a memory that only its last
//! reader may replace; what others rely on is written before the memory that would keep it from being written again; and
//! each arrival and question names the one before it, so that one that was lost is fetched from the table.

mod alert;
mod collect;
mod insight;
mod node;
mod prepare;
mod retrain;

use std::sync::Arc;

use linkcast_domain::ports::{NotifyError, StoreError};
use linkcast_domain::{Retry, StreamId};

pub use alert::{AlertStore, Alerted, alert};
pub use collect::{Collect, CollectStore, Collected};
pub use insight::{Answering, InsightStore, News, insight, insight_counted};
pub use node::NodeMemoryError;
pub use prepare::{PrepareStore, prepare, prepare_counted};
pub use retrain::{Begun, RetrainError, RunRequest, TrainingRun, retrain};

use crate::steps::StepStateError;

/// How often a memory is read anew because another function wrote it meanwhile.
pub(crate) const ATTEMPTS: usize = 4;

/// Work that was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stream's memory cannot be taken up.
    #[error(transparent)]
    State(#[from] StepStateError),
    /// A node's memory cannot be taken up.
    #[error(transparent)]
    Node(#[from] NodeMemoryError),
    /// A question cannot be read.
    #[error("the question of stream {stream} is of another version or damaged")]
    Question {
        /// Whose.
        stream: StreamId,
    },
    /// What is durable could not be told.
    #[error(transparent)]
    Untold(#[from] NotifyError),
    /// Others kept writing what this function had read.
    #[error("{what} was written by others {ATTEMPTS} times in a row")]
    Contended {
        /// Which memory.
        what: String,
    },
}

impl ApartError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            ApartError::Store(error) => error.class(),
            ApartError::Untold(error) => error.retry,
            ApartError::Contended { .. } => Retry::Later,
            ApartError::State(_) | ApartError::Node(_) | ApartError::Question { .. } => Retry::Never,
        }
    }
}

/// What became of one record; records of one stream share their failure.
pub type Outcome = Result<(), Arc<ApartError>>;

/// Places of each key, in order, keys in the order in which they first come.
pub(crate) fn grouped<K: Ord + Clone>(keys: impl Iterator<Item = K>) -> Vec<(K, Vec<usize>)> {
    let mut places: std::collections::BTreeMap<K, usize> = std::collections::BTreeMap::new();
    let mut groups: Vec<(K, Vec<usize>)> = Vec::new();
    for (place, key) in keys.enumerate() {
        let group = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, members)) = groups.get_mut(group) {
            members.push(place);
        }
    }
    groups
}
