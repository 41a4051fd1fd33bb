//! The batch path: the same fold, over a run of samples.
//!
//! There is no second implementation to disagree with the first; a batch only saves the caller its loop.

use linkcast_domain::{FeatureVector, SampleValues, Timestamp};

use crate::{Calendar, StreamState};

/// Folds one stream's samples in time order, appending a vector for each; returns how many were stale and dropped.
///
/// A dropped sample leaves `None` in its place, so that the answers stay beside their samples.
pub fn advance_many(
    state: &mut StreamState,
    samples: &[(Timestamp, SampleValues)],
    calendar: &Calendar,
    vectors: &mut Vec<Option<FeatureVector>>,
) -> usize {
    let mut stale = 0;
    vectors.reserve(samples.len());
    for (time, values) in samples {
        let vector = state.advance(*time, values, calendar).ok();
        stale += usize::from(vector.is_none());
        vectors.push(vector);
    }
    stale
}
