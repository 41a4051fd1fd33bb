//! What could not be done with a rollout.

use linkcast_domain::ports::StoreError;
use linkcast_domain::{Approval, ModelVersion, RegistryError, Retry};
use linkcast_routing::rollout::RolloutRefusal;

use crate::damaged::DamagedItem;
use crate::feedback::FeedbackError;
use crate::notices::NoticeError;
use crate::router::RoutingError;

/// Why a rollout did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy or what was seen could not be read.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// What is confirmed of the answers could not be read.
    #[error(transparent)]
    Feedback(#[from] FeedbackError),
    /// The registry did not do its part.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It is done, and could not be told; the next call tells it.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// The rollout's own rules.
    #[error(transparent)]
    Refused(#[from] RolloutRefusal),
    /// None was ever begun.
    #[error("{task} has no rollout")]
    Absent {
        /// Whose.
        task: String,
    },
    /// The last one is over.
    #[error("no rollout of {task} is under way")]
    NotUnderWay {
        /// Whose.
        task: String,
    },
    /// Nobody wrote a policy.
    #[error("{task} has no routing policy: expected one that can be brought back")]
    NoPolicy {
        /// Whose.
        task: String,
    },
    /// The registry holds another model under this version.
    #[error("version {version} is registered with digest {found}, expected {digest}")]
    OtherModel {
        /// The version.
        version: ModelVersion,
        /// The plan's digest.
        digest: String,
        /// The registry's.
        found: String,
    },
    /// The version may not be used for this.
    #[error("version {version} is {}: expected an approved version for all streams", approval.name())]
    NotApproved {
        /// The version.
        version: ModelVersion,
        /// What it is instead.
        approval: Approval,
    },
    /// A person changed the policy meanwhile.
    #[error("the policy was changed by hand: it is at revision {revision}")]
    ChangedByHand {
        /// The revision found.
        revision: u64,
    },
    /// Somebody else wrote meanwhile.
    #[error("others changed the rollout or the policy of {task} meanwhile")]
    Overtaken {
        /// Whose.
        task: String,
    },
    /// An item that is not what was written.
    #[error(transparent)]
    Damaged(#[from] DamagedItem),
}

impl RolloutError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            RolloutError::Store(error)
            | RolloutError::Routing(RoutingError::Store(error))
            | RolloutError::Registry(RegistryError::Store(error)) => error.class(),
            RolloutError::Notice(error) => error.class(),
            RolloutError::Feedback(error) => error.class(),
            RolloutError::Overtaken { .. } | RolloutError::Registry(RegistryError::Contended { .. }) => {
                Retry::Later
            }
            RolloutError::Routing(_)
            | RolloutError::Registry(_)
            | RolloutError::Refused(_)
            | RolloutError::Absent { .. }
            | RolloutError::NotUnderWay { .. }
            | RolloutError::NoPolicy { .. }
            | RolloutError::OtherModel { .. }
            | RolloutError::NotApproved { .. }
            | RolloutError::ChangedByHand { .. }
            | RolloutError::Damaged(_) => Retry::Never,
        }
    }
}
