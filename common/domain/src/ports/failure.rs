//! How a port fails, in words that do not depend on what stands behind it.

use std::error::Error;

use crate::Retry;

/// Whatever stood behind a port and failed.
type Source = Box<dyn Error + Send + Sync>;

/// A store that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Written by a later Linkcast.
    #[error("{store} has layout {found}, but this version knows layouts up to {known}: use a newer linkcast")]
    Newer {
        /// Which store.
        store: String,
        /// The layout found.
        found: i64,
        /// The newest layout known.
        known: i64,
    },
    /// Not a store of ours, or its content is broken.
    #[error("{store} is damaged or not a linkcast database")]
    Damaged {
        /// Which store.
        store: String,
        /// What was seen.
        #[source]
        source: Source,
    },
    /// No room left.
    #[error("no space left to write {store}")]
    Full {
        /// Which store.
        store: String,
        /// What was seen.
        #[source]
        source: Source,
    },
    /// Held by another process, or slow: may work later.
    #[error("{store} is busy while trying to {attempt}")]
    Busy {
        /// Which store.
        store: String,
        /// What was tried.
        attempt: &'static str,
        /// What was seen.
        #[source]
        source: Source,
    },
    /// Anything else.
    #[error("could not {attempt} in {store}")]
    Failed {
        /// Which store.
        store: String,
        /// What was tried.
        attempt: &'static str,
        /// What was seen.
        #[source]
        source: Source,
    },
}

impl StoreError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            StoreError::Busy { .. } | StoreError::Full { .. } => Retry::Later,
            StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Failed { .. } => Retry::Never,
        }
    }
}

/// A channel that could not be told.
#[derive(Debug, thiserror::Error)]
#[error("could not tell {channel}: {reason}")]
pub struct NotifyError {
    /// Which channel.
    pub channel: String,
    /// What was expected and what came.
    pub reason: String,
    /// Whether another attempt can help.
    pub retry: Retry,
}
