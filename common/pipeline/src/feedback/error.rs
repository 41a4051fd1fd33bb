//! Why feedback was not taken, or could not be read.

use linkcast_domain::ports::StoreError;
use linkcast_domain::{InsightId, MOST_GIVERS, Retry};

use super::TRIES;

/// What could not be done with feedback.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such insight.
    #[error("no insight {insight} is known: expected the id of one that is kept")]
    Unknown {
        /// Its id.
        insight: InsightId,
    },
    /// It is another task's.
    #[error("insight {insight} is none of the task {task}")]
    OtherTask {
        /// Its id.
        insight: InsightId,
        /// The task that was asked.
        task: String,
    },
    /// As many have spoken as a record holds.
    #[error("{MOST_GIVERS} have spoken of insight {insight} already, which is all a record holds")]
    Full {
        /// Its id.
        insight: InsightId,
    },
    /// Others were faster every time.
    #[error("the feedback on insight {insight} was changed by others {TRIES} times in a row")]
    Contended {
        /// Its id.
        insight: InsightId,
    },
}

impl FeedbackError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            FeedbackError::Store(error) => error.class(),
            FeedbackError::Contended { .. } => Retry::Later,
            FeedbackError::Unknown { .. } | FeedbackError::OtherTask { .. } | FeedbackError::Full { .. } => {
                Retry::Never
            }
        }
    }
}
