//! Where a plan cannot go on by itself: what was found, and what to do about it.

use std::time::Duration;

use linkcast_domain::ports::EndpointStatus;

/// Why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// A name is somebody else's: it is not touched.
    #[error("the {kind} {name} is there and {}", told_owner(.owner.as_deref()))]
    Taken {
        /// What.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Whose it says it is.
        owner: Option<String>,
    },
    /// A name of ours stands for something else.
    #[error("the {kind} {name} is there and is another one: its {what} differ")]
    Another {
        /// What.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What differs.
        what: &'static str,
    },
    /// It takes longer than it may.
    #[error("the endpoint {name} has been {status} for {} min, which is over {} min", minutes(.since), minutes(.limit))]
    Overdue {
        /// Its name.
        name: String,
        /// What it is all the time.
        status: EndpointStatus,
        /// For how long.
        since: Duration,
        /// How long it may.
        limit: Duration,
    },
    /// The endpoint could not be made, twice.
    #[error("the endpoint {name} is {status} after it was made twice: {reason}")]
    Failed {
        /// Its name.
        name: String,
        /// Failed or out of service.
        status: EndpointStatus,
        /// Why, in SageMaker's words.
        reason: String,
    },
    /// The endpoint answers with its old configuration: the new one was tried and taken back.
    #[error("the endpoint {name} would not take on {config} and answers as before: {reason}")]
    RolledBack {
        /// Its name.
        name: String,
        /// What it would not take on.
        config: String,
        /// Why.
        reason: String,
    },
    /// A mix of two configurations answers.
    #[error(
        "the endpoint {name} answers with a mix of two configurations, for neither its update nor taking it back succeeded: {reason}"
    )]
    Mixed {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The account may have no more.
    #[error("could not {attempt}: {said}")]
    Quota {
        /// What was tried.
        attempt: String,
        /// SageMaker's words, which name the quota.
        said: String,
    },
    /// It is not allowed, or not possible.
    #[error("could not {attempt}: {said}")]
    Refused {
        /// What was tried.
        attempt: String,
        /// SageMaker's words.
        said: String,
    },
    /// What was done did not last.
    #[error("what was done did not last: {attempt}, again and again")]
    Restless {
        /// What.
        attempt: String,
    },
}

impl Stuck {
    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            Stuck::Taken { .. } => {
                "give the fabric or the task another name, or the owner that its tag linkcast:owner names by --owner".to_owned()
            }
            Stuck::Another { kind, name, .. } => format!(
                "two settings came to one name: delete the {kind} {name} if nothing uses it, or change a setting"
            ),
            Stuck::Overdue { name, .. } => format!(
                "look at the log group /aws/sagemaker/Endpoints/{name}; SageMaker gives up by itself, and the same command then goes on"
            ),
            Stuck::Failed { name, .. } => format!(
                "put right what it names (the log group /aws/sagemaker/Endpoints/{name} says more), then `linkcast provision delete` and provision again"
            ),
            Stuck::RolledBack { name, .. } => format!(
                "put right what it names (the log group /aws/sagemaker/Endpoints/{name} says more), then `linkcast provision sweep --grace 1s` and provision again"
            ),
            Stuck::Mixed { .. } => {
                "follow SageMaker's page on rolling deployments, or `linkcast provision delete` and provision again: it is not deleted by itself, for it answers".to_owned()
            }
            Stuck::Quota { .. } => {
                "ask for more at Service Quotas, or take less memory, concurrency or fewer machines; the same command then goes on".to_owned()
            }
            Stuck::Refused { .. } => {
                "put right what it names; the same command then goes on from where it is".to_owned()
            }
            Stuck::Restless { .. } => "see who else changes it; then call again".to_owned(),
        }
    }

    /// The kind in one word, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Stuck::Taken { .. } => "taken",
            Stuck::Another { .. } => "another",
            Stuck::Overdue { .. } => "overdue",
            Stuck::Failed { .. } => "failed",
            Stuck::RolledBack { .. } => "rolled_back",
            Stuck::Mixed { .. } => "mixed",
            Stuck::Quota { .. } => "quota",
            Stuck::Refused { .. } => "refused",
            Stuck::Restless { .. } => "restless",
        }
    }
}

fn told_owner(owner: Option<&str>) -> String {
    match owner {
        Some(owner) => format!("belongs to {owner:?}"),
        None => "was not made by Linkcast: it lacks the tag linkcast:owner".to_owned(),
    }
}

fn minutes(time: &Duration) -> u64 {
    time.as_secs() / 60
}
