//! What would be done, before it is done.
//!
//! The plan itself is followed over what was seen as if every call succeeded at once, so what is shown is what will be done.

use std::time::Duration;

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{
    Change, Container, EndpointStatus, Kind, Machines, ModelData, SeenConfig, SeenEndpoint, SeenModel,
};
use serde::Serialize;

use crate::leftovers::Leftover;
use crate::observed::{Observed, Owned, SeenScaling};
use crate::plan::{Aim, Step, plan};
use crate::stuck::Stuck;

/// More calls than any plan makes.
const MOST_CALLS: usize = 64;

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It is made.
    Add,
    /// It is changed in place.
    Change,
    /// It is deleted.
    Remove,
}

/// One line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What becomes of it.
    pub sign: Sign,
    /// What it is.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// What is told of it.
    pub details: Vec<String>,
}

impl Difference {
    /// As a line for people.
    pub fn line(&self) -> String {
        let sign = match self.sign {
            Sign::Add => '+',
            Sign::Change => '~',
            Sign::Remove => '-',
        };
        let Difference { kind, name, details, .. } = self;
        match details.join(", ") {
            details if details.is_empty() => format!("{sign} {kind} {name}"),
            details => format!("{sign} {kind} {name} ({details})"),
        }
    }
}

/// What will be done, thing by thing.
///
/// # Errors
/// Why it will not go on by itself.
pub fn diff(aim: &Aim, observed: &Observed, now: Timestamp) -> Result<Vec<Difference>, Stuck> {
    Ok(foresee(aim, observed, now)?.iter().map(|change| difference(change, observed)).collect())
}

/// The calls that will be made if each succeeds at once, in order.
///
/// # Errors
/// Why it will not go on by itself.
pub fn foresee(aim: &Aim, observed: &Observed, now: Timestamp) -> Result<Vec<Change>, Stuck> {
    let (mut seen, mut changes) = (observed.clone(), Vec::new());
    while changes.len() < MOST_CALLS {
        match plan(aim, &seen, now, Duration::MAX) {
            Step::Done => break,
            Step::Stuck(stuck) => return Err(stuck),
            Step::Wait(_) => pass(&mut seen),
            Step::Make(change) => {
                apply(&change, aim, &mut seen, now);
                changes.push(change);
            }
        }
    }
    Ok(changes)
}

/// What is on its way has arrived.
fn pass(seen: &mut Observed) {
    let Some(endpoint) = &mut seen.endpoint else { return };
    if endpoint.thing.status == EndpointStatus::Deleting {
        seen.endpoint = None;
        return;
    }
    endpoint.thing.status = EndpointStatus::InService;
    if let Some(config) = endpoint.thing.pending_config.take() {
        endpoint.thing.config = config;
    }
}

/// What `change` makes of what was seen.
fn apply(change: &Change, aim: &Aim, seen: &mut Observed, now: Timestamp) {
    let arn = String::new;
    match change.clone() {
        Change::CreateModel { name, container, tags } => {
            seen.model = Some(Owned { thing: SeenModel { name, arn: arn(), container }, tags });
        }
        Change::CreateConfig { name, model, machines, tags } => {
            let (models, machines) = (vec![model], Some(machines));
            let thing = SeenConfig { name, arn: arn(), models, machines, created: now };
            seen.config = Some(Owned { thing, tags });
        }
        Change::TagConfig { tag: (key, value), .. } => {
            seen.config.iter_mut().for_each(|config| drop(config.tags.insert(key.clone(), value.clone())));
        }
        Change::CreateEndpoint { name, config, tags } => {
            let (status, pending_config, failure) = (EndpointStatus::InService, None, None);
            let (created, changed) = (now, now);
            let thing =
                SeenEndpoint { name, arn: arn(), config, pending_config, status, failure, created, changed };
            seen.endpoint = Some(Owned { thing, tags });
        }
        Change::UpdateEndpoint { config, .. } => updated(&config, aim, seen),
        Change::RegisterScaling { scaling, .. } => {
            let requests_per_instance = seen.scaling.and_then(|scaling| scaling.requests_per_instance);
            seen.scaling = Some(SeenScaling { counts: (scaling.min, scaling.max), requests_per_instance });
        }
        Change::PutScalingPolicy { scaling, .. } => {
            let requests = Some(scaling.requests_per_instance);
            seen.scaling.iter_mut().for_each(|seen| seen.requests_per_instance = requests);
        }
        Change::DeregisterScaling { .. } => seen.scaling = None,
        Change::DeleteEndpoint { .. } => seen.endpoint = None,
        Change::DeleteConfig { name } | Change::DeleteModel { name } => {
            seen.leftovers.retain(|leftover| leftover.name != name);
        }
    }
}

/// The endpoint has another configuration: its former one, and that one's models, are left over.
fn updated(config: &str, aim: &Aim, seen: &mut Observed) {
    let Some(endpoint) = &mut seen.endpoint else { return };
    endpoint.thing.config = config.to_owned();
    let Some(former) = seen.former.take() else { return };
    let created = former.created;
    seen.leftovers.push(Leftover { kind: Kind::Config, name: former.name, created });
    let stays = |name: &String| matches!(aim, Aim::Stand(desired) if desired.model == *name);
    let models = former.models.into_iter().filter(|name| !stays(name));
    seen.leftovers.extend(models.map(|name| Leftover { kind: Kind::Model, name, created }));
}

fn difference(change: &Change, observed: &Observed) -> Difference {
    let (sign, kind, name, details) = match change {
        Change::CreateModel { name, container, .. } => (Sign::Add, "model", name, told_container(container)),
        Change::CreateConfig { name, model, machines, .. } => {
            let mut details = vec![format!("model {model}")];
            details.extend(told_machines(machines, observed));
            (Sign::Add, "configuration", name, details)
        }
        Change::TagConfig { name, tag, .. } => {
            (Sign::Change, "configuration", name, vec![format!("tag {}={}", tag.0, tag.1)])
        }
        Change::CreateEndpoint { name, config, .. } => {
            (Sign::Add, "endpoint", name, vec![format!("configuration {config}")])
        }
        Change::UpdateEndpoint { name, config } => {
            let former = observed.endpoint.as_ref().map_or("none", |owned| &owned.thing.config);
            (Sign::Change, "endpoint", name, vec![format!("configuration {former} → {config}")])
        }
        Change::RegisterScaling { endpoint, scaling } => {
            (Sign::Add, "scaling", endpoint, vec![format!("{} to {} machines", scaling.min, scaling.max)])
        }
        Change::PutScalingPolicy { endpoint, scaling } => {
            let each = format!("{} requests a minute for each machine", scaling.requests_per_instance);
            (Sign::Add, "scaling policy", endpoint, vec![each])
        }
        Change::DeregisterScaling { endpoint } => (Sign::Remove, "scaling", endpoint, Vec::new()),
        Change::DeleteEndpoint { name } => (Sign::Remove, "endpoint", name, Vec::new()),
        Change::DeleteConfig { name } => (Sign::Remove, "configuration", name, Vec::new()),
        Change::DeleteModel { name } => (Sign::Remove, "model", name, Vec::new()),
    };
    Difference { sign, kind, name: name.clone(), details }
}

fn told_container(container: &Container) -> Vec<String> {
    let data = match &container.data {
        ModelData::One(address) => address.clone(),
        ModelData::Several(address) => format!("several models under {address}"),
    };
    vec![data, format!("image {}", container.image), format!("role {}", container.role)]
}

fn told_machines(machines: &Machines, observed: &Observed) -> Vec<String> {
    let told = match machines {
        Machines::Serverless { memory_mb, max_concurrency } => {
            format!("{memory_mb} MB × {max_concurrency}")
        }
        Machines::Realtime { instance, count } => format!("{count} × {instance}"),
    };
    match observed.former.as_ref().and_then(|former| former.machines.as_ref()) {
        Some(former) if former != machines => {
            let former = told_machines(former, &Observed::default()).join("");
            vec![format!("{former} → {told}")]
        }
        _ => vec![told],
    }
}
