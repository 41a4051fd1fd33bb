//! Where models are served for us: models, configurations and endpoints, as SageMaker's control plane keeps them.
//!
//! Each method is one call, tried once. What is asked is a plain value, so that a plan can be shown before it is followed and
//! a test can interrupt at each call; what comes back says no more than a plan needs. Whoever asks decides what is tried again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::{Retry, Timestamp};

/// The files a container serves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelData {
    /// One model: the address of its `model.tar.gz`.
    One(String),
    /// Several, which a request chooses from: what the addresses of their archives begin with.
    Several(String),
}

/// A model's container: what cannot be changed once the model is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The image.
    pub image: String,
    /// What it serves.
    pub data: ModelData,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// The role it takes on.
    pub role: String,
}

/// The machines behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machines {
    /// Machines that come when asked.
    Serverless {
        /// Memory of each, MB.
        memory_mb: u32,
        /// Requests answered at once; more are throttled.
        max_concurrency: u32,
    },
    /// Machines that always run.
    Realtime {
        /// Their type, as `ml.c7g.large`.
        instance: String,
        /// How many at the start.
        count: u32,
    },
}

/// What a group of machines grows and shrinks by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The fewest machines.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Requests a minute that each machine is to have.
    pub requests_per_instance: u32,
}

/// One thing to be changed: one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes a model. Keyed by its name, which no other model ever has.
    CreateModel {
        /// Its name.
        name: String,
        /// What it is.
        container: Container,
        /// What it is labelled with.
        tags: BTreeMap<String, String>,
    },
    /// Makes a configuration. Keyed by its name.
    CreateConfig {
        /// Its name.
        name: String,
        /// The model it serves.
        model: String,
        /// On which machines.
        machines: Machines,
        /// What it is labelled with.
        tags: BTreeMap<String, String>,
    },
    /// Labels a configuration. Keyed by its address and the tag's name.
    TagConfig {
        /// Its name, for people.
        name: String,
        /// Its address.
        arn: String,
        /// The tag.
        tag: (String, String),
    },
    /// Makes an endpoint. Keyed by its name.
    CreateEndpoint {
        /// Its name.
        name: String,
        /// Its configuration.
        config: String,
        /// What it is labelled with.
        tags: BTreeMap<String, String>,
    },
    /// Has an endpoint take on another configuration; the old machines answer until the new ones do.
    UpdateEndpoint {
        /// Its name.
        name: String,
        /// The other configuration.
        config: String,
    },
    /// Says between which counts an endpoint's machines may vary. Keyed by the endpoint; the last one counts.
    RegisterScaling {
        /// The endpoint.
        endpoint: String,
        /// The counts.
        scaling: Scaling,
    },
    /// Says by what they vary. Keyed by the endpoint; the last one counts.
    PutScalingPolicy {
        /// The endpoint.
        endpoint: String,
        /// The measure.
        scaling: Scaling,
    },
    /// Takes both back.
    DeregisterScaling {
        /// The endpoint.
        endpoint: String,
    },
    /// Deletes an endpoint.
    DeleteEndpoint {
        /// Its name.
        name: String,
    },
    /// Deletes a configuration.
    DeleteConfig {
        /// Its name.
        name: String,
    },
    /// Deletes a model; the files it was made of stay.
    DeleteModel {
        /// Its name.
        name: String,
    },
}

impl Change {
    /// What it does to what, for people: completes "could not …".
    pub fn attempt(&self) -> String {
        match self {
            Change::CreateModel { name, .. } => format!("create the model {name}"),
            Change::CreateConfig { name, .. } => format!("create the configuration {name}"),
            Change::TagConfig { name, .. } => format!("label the configuration {name}"),
            Change::CreateEndpoint { name, .. } => format!("create the endpoint {name}"),
            Change::UpdateEndpoint { name, config } => {
                format!("update the endpoint {name} to the configuration {config}")
            }
            Change::RegisterScaling { endpoint, scaling } => {
                format!("let {endpoint} have {} to {} machines", scaling.min, scaling.max)
            }
            Change::PutScalingPolicy { endpoint, scaling } => {
                let each = scaling.requests_per_instance;
                format!("scale {endpoint} to {each} requests a minute for each machine")
            }
            Change::DeregisterScaling { endpoint } => format!("stop the scaling of {endpoint}"),
            Change::DeleteEndpoint { name } => format!("delete the endpoint {name}"),
            Change::DeleteConfig { name } => format!("delete the configuration {name}"),
            Change::DeleteModel { name } => format!("delete the model {name}"),
        }
    }
}

/// A model that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenModel {
    /// Its name.
    pub name: String,
    /// Its address.
    pub arn: String,
    /// What it is.
    pub container: Container,
}

/// A configuration that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenConfig {
    /// Its name.
    pub name: String,
    /// Its address.
    pub arn: String,
    /// The models it serves; one, unless somebody else made it.
    pub models: Vec<String>,
    /// On which machines, if they are of a kind that is known here.
    pub machines: Option<Machines>,
    /// When it was made.
    pub created: Timestamp,
}

/// How an endpoint is, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointStatus {
    /// It is being made.
    Creating,
    /// It takes on another configuration, and answers with the old one.
    Updating,
    /// SageMaker works on it.
    SystemUpdating,
    /// A change of its size is being taken back.
    RollingBack,
    /// It answers.
    InService,
    /// It does not answer.
    OutOfService,
    /// It is being deleted.
    Deleting,
    /// It could not be made; it can only be deleted.
    Failed,
    /// Neither a change nor taking it back succeeded; a mix of both answers.
    UpdateRollbackFailed,
}

impl EndpointStatus {
    /// Every status.
    pub const ALL: [EndpointStatus; 9] = [
        EndpointStatus::Creating,
        EndpointStatus::Updating,
        EndpointStatus::SystemUpdating,
        EndpointStatus::RollingBack,
        EndpointStatus::InService,
        EndpointStatus::OutOfService,
        EndpointStatus::Deleting,
        EndpointStatus::Failed,
        EndpointStatus::UpdateRollbackFailed,
    ];

    /// SageMaker's word.
    pub fn name(self) -> &'static str {
        match self {
            EndpointStatus::Creating => "Creating",
            EndpointStatus::Updating => "Updating",
            EndpointStatus::SystemUpdating => "SystemUpdating",
            EndpointStatus::RollingBack => "RollingBack",
            EndpointStatus::InService => "InService",
            EndpointStatus::OutOfService => "OutOfService",
            EndpointStatus::Deleting => "Deleting",
            EndpointStatus::Failed => "Failed",
            EndpointStatus::UpdateRollbackFailed => "UpdateRollbackFailed",
        }
    }

    /// Whether it will be another one by itself; until then nothing can be changed.
    pub fn passes(self) -> bool {
        use EndpointStatus as S;
        matches!(self, S::Creating | S::Updating | S::SystemUpdating | S::RollingBack | S::Deleting)
    }
}

/// An endpoint that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEndpoint {
    /// Its name.
    pub name: String,
    /// Its address.
    pub arn: String,
    /// Its configuration.
    pub config: String,
    /// The configuration it is taking on.
    pub pending_config: Option<String>,
    /// How it is.
    pub status: EndpointStatus,
    /// Why it failed, or, in service, why its last update did.
    pub failure: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

/// What lists tell of each thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its address.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Endpoints.
    Endpoint,
    /// Configurations.
    Config,
    /// Models.
    Model,
}

/// Part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What is in it.
    pub items: Vec<Listed>,
    /// What to ask the next part by.
    pub next: Option<String>,
}

/// What a call came to, if to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaneFault {
    /// Too many calls: a later one may be heard.
    Throttled,
    /// The account may have no more of it.
    Quota,
    /// There is no such thing.
    NotFound,
    /// There is one of that name already.
    Exists,
    /// It is changing and takes no change meanwhile.
    InProgress,
    /// It is not allowed or not possible as it was asked.
    Refused,
    /// Nobody knows whether it was done.
    Unanswered,
}

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("could not {attempt}")]
pub struct PlaneError {
    /// What was tried.
    pub attempt: String,
    /// The kind of failure.
    pub fault: PlaneFault,
    /// Why, in the platform's words.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl PlaneError {
    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self.fault {
            PlaneFault::Throttled | PlaneFault::InProgress | PlaneFault::Unanswered => Retry::Later,
            PlaneFault::Quota | PlaneFault::NotFound | PlaneFault::Exists | PlaneFault::Refused => {
                Retry::Never
            }
        }
    }
}

impl fmt::Display for EndpointStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A control plane. No call outlives its `limit`.
pub trait EndpointPlane: Send + Sync {
    /// Makes a change.
    fn change(&self, change: &Change, limit: Duration)
    -> impl Future<Output = Result<(), PlaneError>> + Send;

    /// The model called `name`, if there is one.
    fn model(
        &self,
        name: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<SeenModel>, PlaneError>> + Send;

    /// The configuration called `name`, if there is one.
    fn config(
        &self,
        name: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<SeenConfig>, PlaneError>> + Send;

    /// The endpoint called `name`, if there is one.
    fn endpoint(
        &self,
        name: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<SeenEndpoint>, PlaneError>> + Send;

    /// The tags of what has this address.
    fn tags(
        &self,
        arn: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, PlaneError>> + Send;

    /// Things of a kind whose names contain `name_contains`: the first part, or the one behind `next`.
    fn list(
        &self,
        kind: Kind,
        name_contains: &str,
        next: Option<&str>,
        limit: Duration,
    ) -> impl Future<Output = Result<Page, PlaneError>> + Send;

    /// Between which counts an endpoint's machines vary, as `(fewest, most)`; none if they do not.
    fn scaling_counts(
        &self,
        endpoint: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<(u32, u32)>, PlaneError>> + Send;

    /// By how many requests a minute for each machine they vary; none if nothing says so.
    fn scaling_target(
        &self,
        endpoint: &str,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<u32>, PlaneError>> + Send;
}
