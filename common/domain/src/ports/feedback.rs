//! What feedback is kept in: one record an insight, replaced on condition.

use std::future::Future;

use super::{Revised, StoreError, Written};
use crate::{Feedback, InsightId, StreamId};

/// What was said of insights, beside the insights' streams.
pub trait FeedbackItems: Send + Sync {
    /// Each insight's record as last written, in the order asked; none where nobody spoke of it.
    fn feedback(
        &self,
        insights: &[(StreamId, InsightId)],
    ) -> impl Future<Output = Result<Vec<Option<Revised<Feedback>>>, StoreError>> + Send;

    /// Writes the record, if nobody wrote it since it was read; a store may forget it after [`Feedback::until`]. Keyed by stream
    /// and insight.
    fn put_feedback(
        &self,
        change: &Revised<Feedback>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;
}
