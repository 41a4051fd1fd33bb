//! What was recorded, read in bulk: data sets take weeks of a whole fabric, and no program holds that at once.
//!
//! A store says itself which streams lie together, because reading one of them costs it as much as reading all.

use std::future::Future;

use super::{StoreError, TimeRange};
use crate::{Sample, StreamId};

/// Samples, group by group.
pub trait History: Send + Sync {
    /// Every known stream, in groups of at most some hundreds that lie together; a stream stays in its group.
    fn groups(&self) -> impl Future<Output = Result<Vec<Vec<StreamId>>, StoreError>> + Send;

    /// The samples of a group's streams in `range`: stream after stream in the group's order, each oldest first; of a sample
    /// written twice, what was written last.
    fn recorded(
        &self,
        group: &[StreamId],
        range: TimeRange,
    ) -> impl Future<Output = Result<Vec<Sample>, StoreError>> + Send;
}
