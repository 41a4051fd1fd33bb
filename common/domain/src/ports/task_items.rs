//! A task's own small items: its routing policy, breakers, evidence, whatever is one text replaced on condition.

use std::future::Future;

use super::{Revised, StoreError, Written};
use crate::Timestamp;

/// An item to be written in place of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskItem {
    /// Its name within the task, as `routing` or `breaker#candidate`.
    pub name: String,
    /// The text, and the revision that was read; 0 if there was none.
    pub text: Revised<String>,
    /// When a store may forget it; never, if none.
    pub until: Option<Timestamp>,
}

/// Items of tasks, by name.
pub trait TaskItems: Send + Sync {
    /// One item, as last written.
    fn task_item(
        &self,
        task: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<Revised<String>>, StoreError>> + Send;

    /// Every item whose name begins with `prefix`, by name.
    fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<(String, Revised<String>)>, StoreError>> + Send;

    /// Writes the item, if nobody wrote it since it was read. Keyed by task and name.
    fn put_task_item(
        &self,
        task: &str,
        item: &TaskItem,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;
}
