//! What reviews are kept in: items that are replaced on condition, and found by what a verdict on them is worth.

use std::future::Future;

use super::{Revised, StoreError, Written};
use crate::{ReviewId, Reviewed, Standing};

/// Samples that ask for verdicts, one item each with all its verdicts.
pub trait ReviewItems: Send + Sync {
    /// Each item as last written, in the order asked; none where nobody asked about it.
    fn reviewed(
        &self,
        ids: &[ReviewId],
    ) -> impl Future<Output = Result<Vec<Option<Revised<Reviewed>>>, StoreError>> + Send;

    /// Writes each item in place of the one read, if nobody wrote it since; what came of each, in the order given. Keyed by id.
    fn put_reviewed(
        &self,
        changes: &[Revised<Reviewed>],
    ) -> impl Future<Output = Result<Vec<Written>, StoreError>> + Send;

    /// At most `limit` items of this standing, or of any, the highest priority first, those of one by id.
    fn review_queue(
        &self,
        standing: Option<Standing>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Reviewed>, StoreError>> + Send;
}
