//! How being asked fails, in kinds that decide what is done next.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Retry;

/// A kind of failure, as counters, breakers and insights name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Too much was asked.
    Throttled,
    /// Nothing came in time.
    Timeout,
    /// The connection could not be made, or broke.
    Unreachable,
    /// The service cannot answer now.
    Unavailable,
    /// The model failed.
    Model,
    /// What came is no answer.
    BadOutput,
    /// There is no such endpoint or model.
    NotFound,
    /// Not for us.
    AccessDenied,
    /// The service refuses what it was asked.
    Refused,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [FailureKind; 9] = [
        FailureKind::Throttled,
        FailureKind::Timeout,
        FailureKind::Unreachable,
        FailureKind::Unavailable,
        FailureKind::Model,
        FailureKind::BadOutput,
        FailureKind::NotFound,
        FailureKind::AccessDenied,
        FailureKind::Refused,
    ];

    /// The name in counters and messages.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Throttled => "throttled",
            FailureKind::Timeout => "timeout",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Unavailable => "unavailable",
            FailureKind::Model => "model",
            FailureKind::BadOutput => "bad_output",
            FailureKind::NotFound => "not_found",
            FailureKind::AccessDenied => "access_denied",
            FailureKind::Refused => "refused",
        }
    }

    /// Whether the same question may be answered a moment later.
    pub fn retry(self) -> Retry {
        match self {
            FailureKind::Throttled | FailureKind::Unreachable | FailureKind::Unavailable => Retry::Later,
            FailureKind::Timeout
            | FailureKind::Model
            | FailureKind::BadOutput
            | FailureKind::NotFound
            | FailureKind::AccessDenied
            | FailureKind::Refused => Retry::Never,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whoever was asked gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{asked}: {kind}")]
pub struct AskError {
    /// Who, as `endpoint linkcast-lab-link-health-serverless`.
    pub asked: String,
    /// The kind.
    pub kind: FailureKind,
    /// What it took all the same: a model that answers nonsense is paid.
    pub usage: super::Usage,
    /// What was seen.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl AskError {
    /// A failure that took nothing.
    pub fn new(
        asked: impl Into<String>,
        kind: FailureKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        AskError { asked: asked.into(), kind, usage: super::Usage::default(), source: source.into() }
    }
}
