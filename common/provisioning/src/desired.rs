//! What should be there, whole: the model, the configuration, the endpoint and how it scales.

use std::collections::BTreeMap;

use linkcast_domain::ports::{Change, Container, Machines, ModelData, Scaling};

use crate::names::{NameError, Owner, Place, Site};
use crate::settings::{HostingSettings, SettingsError};

/// What is ordered.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The fabric.
    pub fabric: &'a str,
    /// The task.
    pub task: &'a str,
    /// Who answers for it.
    pub owner: Owner,
    /// Which of the task's endpoints.
    pub place: Place<'a>,
    /// What answers.
    pub container: Container,
    /// On what.
    pub hosting: HostingSettings,
}

/// What should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Where.
    pub site: Site,
    /// The model's name.
    pub model: String,
    /// What it is.
    pub container: Container,
    /// The configuration's name.
    pub config: String,
    /// On which machines.
    pub machines: Machines,
    /// How they scale, if they do.
    pub scaling: Option<Scaling>,
}

/// An order that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Desired {
    /// What fills `order`.
    ///
    /// # Errors
    /// Names that become too long, and several models on machines that come when asked, which SageMaker does not do.
    pub fn new(order: Order<'_>) -> Result<Self, OrderError> {
        let Order { fabric, task, owner, place, container, hosting } = order;
        let several = matches!(container.data, ModelData::Several(_));
        if several && matches!(hosting, HostingSettings::Serverless { .. }) {
            return Err(OrderError::Settings(SettingsError {
                name: "multi-model",
                given: "serverless".to_owned(),
                expected: "a real-time endpoint: serverless ones hold one model each",
            }));
        }
        let site = Site::new((fabric, task), owner, hosting.hosting(), place)?;
        let address = address(&container.data).to_owned();
        let model = site.model_name(&address, &told_container(&container))?;
        let (machines, scaling) = (hosting.machines(), hosting.scaling());
        let config = site.config_name(&address, &told_config(&model, &machines))?;
        Ok(Desired { site, model, container, config, machines, scaling })
    }

    pub(crate) fn create_model(&self) -> Change {
        let (name, container) = (self.model.clone(), self.container.clone());
        Change::CreateModel { name, container, tags: self.site.own_tags() }
    }

    pub(crate) fn create_config(&self) -> Change {
        let (name, model) = (self.config.clone(), self.model.clone());
        Change::CreateConfig { name, model, machines: self.machines.clone(), tags: self.site.own_tags() }
    }

    pub(crate) fn create_endpoint(&self) -> Change {
        let (name, config) = (self.site.endpoint.clone(), self.config.clone());
        Change::CreateEndpoint { name, config, tags: self.site.tags() }
    }

    pub(crate) fn update_endpoint(&self) -> Change {
        Change::UpdateEndpoint { name: self.site.endpoint.clone(), config: self.config.clone() }
    }
}

fn address(data: &ModelData) -> &str {
    match data {
        ModelData::One(address) | ModelData::Several(address) => address,
    }
}

/// Everything of a container but the address, one fact a line.
fn told_container(container: &Container) -> String {
    let mode = match container.data {
        ModelData::One(_) => "one",
        ModelData::Several(_) => "several",
    };
    let Container { image, role, environment, .. } = container;
    let variables: BTreeMap<_, _> = environment.iter().collect();
    let variables: String = variables.iter().map(|(key, value)| format!("\n{key}={value}")).collect();
    format!("{image}\n{role}\n{mode}{variables}")
}

/// Everything of a configuration, one fact a line.
fn told_config(model: &str, machines: &Machines) -> String {
    match machines {
        Machines::Serverless { memory_mb, max_concurrency } => {
            format!("{model}\nserverless\n{memory_mb}\n{max_concurrency}")
        }
        Machines::Realtime { instance, count } => format!("{model}\nrealtime\n{instance}\n{count}"),
    }
}
