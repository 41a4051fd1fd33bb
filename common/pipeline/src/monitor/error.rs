//! Why a look could not be made.

use linkcast_domain::Retry;
use linkcast_domain::ports::StoreError;

use crate::damaged::DamagedItem;
use crate::drift::DriftError;
use crate::feedback::FeedbackError;
use crate::notices::NoticeError;
use crate::router::RoutingError;

/// A look that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was seen of the variants cannot be read.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// Feedback could not be read or written.
    #[error(transparent)]
    Feedback(#[from] FeedbackError),
    /// Drift could not be looked at.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// People could not be told.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// Another look is under way.
    #[error("another look at {task} is under way")]
    Overtaken {
        /// At what.
        task: String,
    },
    /// An item that is not what was written.
    #[error(transparent)]
    Damaged(#[from] DamagedItem),
}

impl MonitorError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            MonitorError::Store(error) | MonitorError::Routing(RoutingError::Store(error)) => error.class(),
            MonitorError::Feedback(error) => error.class(),
            MonitorError::Drift(error) => error.class(),
            MonitorError::Notice(error) => error.class(),
            MonitorError::Overtaken { .. } => Retry::Later,
            MonitorError::Routing(_) | MonitorError::Damaged(_) => Retry::Never,
        }
    }
}
