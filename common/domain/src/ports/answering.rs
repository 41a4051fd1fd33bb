//! Asking whoever answers from outside the process.

use std::future::Future;
use std::time::Duration;

use crate::{Answer, AskError, FeatureVector, Influencer, StreamId, Target, Timestamp};

/// What is asked of one sample.
#[derive(Clone, Debug)]
pub struct Inquiry<'a> {
    /// Whose sample.
    pub stream: &'a StreamId,
    /// When.
    pub time: Timestamp,
    /// The forty numbers.
    pub features: &'a FeatureVector,
    /// The features that moved the embedded model most, with what is usual of them: what a language model is shown first.
    pub influencers: &'a [Influencer],
}

/// Whoever answers from outside the process.
pub trait Backend: Send + Sync {
    /// What `target` says of each sample, in the order asked: an answer, or why there is none. Nothing is asked once
    /// `limit` has passed, and nothing waited for; a call made again asks, and costs, again.
    fn ask(
        &self,
        target: &Target,
        inquiries: &[Inquiry<'_>],
        limit: Duration,
    ) -> impl Future<Output = Vec<Result<Answer, AskError>>> + Send;

    /// Who answers under the task's own name where nobody wrote a policy, if anyone does. To ask again soon costs nothing:
    /// what was found is remembered.
    fn standing(&self, limit: Duration) -> impl Future<Output = Option<Target>> + Send {
        let _ = limit;
        std::future::ready(None)
    }
}
