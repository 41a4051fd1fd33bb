//! The next step from what is there to what should be.
//!
//! A pure function: whoever looks at the same state takes the same step, so it does not matter who took the one before, or
//! whether anybody knows. Nothing is done to what is not ours, and nothing that answers is deleted to make room.

use std::time::Duration;

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{Change, EndpointStatus, Machines, SeenEndpoint};

use crate::desired::Desired;
use crate::names::{FABRIC_TAG, FAILED_TAG, OWNER_TAG, Site, TASK_TAG};
use crate::observed::{Observed, Owned};
use crate::stuck::Stuck;

/// How long an endpoint may be on its way before that is told as stuck. A container that fails its health check is given up
/// by SageMaker after some 25 minutes; what takes longer than this is looked at by a person.
pub const OWN_DEADLINE: Duration = Duration::from_secs(30 * 60);

/// How soon to look again at what is on its way.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What is wanted of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// That this stands there.
    Stand(Box<Desired>),
    /// That nothing of ours is there.
    Gone(Site),
}

impl Aim {
    /// The place.
    pub fn site(&self) -> &Site {
        match self {
            Aim::Stand(desired) => &desired.site,
            Aim::Gone(site) => site,
        }
    }
}

/// What to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For what, for people.
    pub what: String,
    /// How soon to look again.
    pub look_again: Duration,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This call.
    Make(Change),
    /// Nothing, for a while.
    Wait(Waiting),
    /// Nothing: it is as it should be.
    Done,
    /// Somebody has to do something.
    Stuck(Stuck),
}

/// What comes next, at `now`, towards `aim`; an endpoint may be on its way for `patience`.
pub fn plan(aim: &Aim, observed: &Observed, now: Timestamp, patience: Duration) -> Step {
    if let Some(stuck) = not_ours(aim.site(), observed) {
        return Step::Stuck(stuck);
    }
    let endpoint = observed.endpoint.as_ref().map(|owned| &owned.thing);
    if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status.passes()) {
        return waiting(endpoint, now, patience);
    }
    match aim {
        Aim::Stand(desired) => stand(desired, observed),
        Aim::Gone(site) => gone(site, observed),
    }
}

fn waiting(endpoint: &SeenEndpoint, now: Timestamp, patience: Duration) -> Step {
    let begun = match endpoint.status {
        EndpointStatus::Creating => endpoint.created,
        _ => endpoint.changed,
    };
    let (name, status, since) = (endpoint.name.clone(), endpoint.status, now.since(begun));
    if since > patience {
        return Step::Stuck(Stuck::Overdue { name, status, since, limit: patience });
    }
    let what = format!("{name} is {status} since {} s", since.as_secs());
    Step::Wait(Waiting { what, look_again: LOOK_AGAIN })
}

fn stand(desired: &Desired, observed: &Observed) -> Step {
    if let Some(stuck) = of_other_content(desired, observed) {
        return Step::Stuck(stuck);
    }
    if observed.model.is_none() {
        return Step::Make(desired.create_model());
    }
    let Some(config) = &observed.config else { return Step::Make(desired.create_config()) };
    let Some(owned) = &observed.endpoint else { return Step::Make(desired.create_endpoint()) };
    let endpoint = &owned.thing;
    match endpoint.status {
        EndpointStatus::Failed | EndpointStatus::OutOfService => make_again(endpoint, desired, config),
        EndpointStatus::UpdateRollbackFailed => {
            Step::Stuck(Stuck::Mixed { name: endpoint.name.clone(), reason: reason(endpoint) })
        }
        _ if endpoint.config == desired.config => settle(desired, observed),
        _ => update(desired, observed, endpoint, config.thing.created),
    }
}

/// Deletes an endpoint that came to nothing. With the configuration that is wanted now that is done once, and remembered at the
/// configuration, which outlives the endpoint.
fn make_again(
    endpoint: &SeenEndpoint,
    desired: &Desired,
    config: &Owned<linkcast_domain::ports::SeenConfig>,
) -> Step {
    let removal = Step::Make(Change::DeleteEndpoint { name: endpoint.name.clone() });
    if endpoint.config != desired.config {
        return removal;
    }
    let this = endpoint.created.millis().to_string();
    match config.tags.get(FAILED_TAG) {
        None => Step::Make(Change::TagConfig {
            name: desired.config.clone(),
            arn: config.thing.arn.clone(),
            tag: (FAILED_TAG.to_owned(), this),
        }),
        Some(failed) if *failed == this => removal,
        Some(_) => {
            let (name, status) = (endpoint.name.clone(), endpoint.status);
            Step::Stuck(Stuck::Failed { name, status, reason: reason(endpoint) })
        }
    }
}

/// Has the endpoint take on the configuration, unless it did since that was made and took it back. SageMaker says so by a
/// reason for failure at an endpoint in service (API_EndpointMetadata).
fn update(desired: &Desired, observed: &Observed, endpoint: &SeenEndpoint, made: Timestamp) -> Step {
    if endpoint.failure.is_some() && endpoint.changed > made {
        let (name, config) = (endpoint.name.clone(), desired.config.clone());
        return Step::Stuck(Stuck::RolledBack { name, config, reason: reason(endpoint) });
    }
    // SageMaker refuses another type of machine while these scale.
    let former = observed.former.as_ref().and_then(|config| config.machines.as_ref());
    if observed.scaling.is_some() && former.is_some_and(|former| !are_alike(former, &desired.machines)) {
        return Step::Make(Change::DeregisterScaling { endpoint: endpoint.name.clone() });
    }
    Step::Make(desired.update_endpoint())
}

fn are_alike(one: &Machines, other: &Machines) -> bool {
    match (one, other) {
        (Machines::Realtime { instance: one, .. }, Machines::Realtime { instance: other, .. }) => {
            one == other
        }
        _ => false,
    }
}

/// What remains once the endpoint answers as it should: how it scales, then what is left over.
fn settle(desired: &Desired, observed: &Observed) -> Step {
    let endpoint = || desired.site.endpoint.clone();
    match (&desired.scaling, &observed.scaling) {
        (None, Some(_)) => return Step::Make(Change::DeregisterScaling { endpoint: endpoint() }),
        (Some(scaling), seen) => {
            if seen.is_none_or(|seen| seen.counts != (scaling.min, scaling.max)) {
                return Step::Make(Change::RegisterScaling { endpoint: endpoint(), scaling: *scaling });
            }
            let target = seen.and_then(|seen| seen.requests_per_instance);
            if target != Some(scaling.requests_per_instance) {
                return Step::Make(Change::PutScalingPolicy { endpoint: endpoint(), scaling: *scaling });
            }
        }
        (None, None) => {}
    }
    clear_up(observed)
}

fn clear_up(observed: &Observed) -> Step {
    observed.leftovers.first().map_or(Step::Done, |leftover| Step::Make(leftover.removal()))
}

fn gone(site: &Site, observed: &Observed) -> Step {
    if observed.endpoint.is_none() {
        return clear_up(observed);
    }
    if observed.scaling.is_some() {
        return Step::Make(Change::DeregisterScaling { endpoint: site.endpoint.clone() });
    }
    Step::Make(Change::DeleteEndpoint { name: site.endpoint.clone() })
}

/// The first thing of a name of ours that is somebody else's.
fn not_ours(site: &Site, observed: &Observed) -> Option<Stuck> {
    let Observed { endpoint, model, config, .. } = observed;
    let things = [
        ("endpoint", endpoint.as_ref().map(|owned| (&owned.thing.name, &owned.tags))),
        ("configuration", config.as_ref().map(|owned| (&owned.thing.name, &owned.tags))),
        ("model", model.as_ref().map(|owned| (&owned.thing.name, &owned.tags))),
    ];
    things.into_iter().find_map(|(kind, found)| {
        let (name, tags) = found?;
        let wanted = [(FABRIC_TAG, &*site.fabric), (TASK_TAG, &*site.task), (OWNER_TAG, site.owner.name())];
        let is_ours = wanted.iter().all(|(key, value)| tags.get(*key).is_some_and(|tag| tag == value));
        let owner = tags.get(OWNER_TAG).cloned();
        (!is_ours).then(|| Stuck::Taken { kind, name: name.clone(), owner })
    })
}

/// The first thing that bears the right name and is not what the name stands for.
fn of_other_content(desired: &Desired, observed: &Observed) -> Option<Stuck> {
    if let Some(model) = observed.model.as_ref().map(|owned| &owned.thing)
        && model.container != desired.container
    {
        let (kind, name) = ("model", model.name.clone());
        return Some(Stuck::Another { kind, name, what: "address, image, role or environment" });
    }
    let config = observed.config.as_ref().map(|owned| &owned.thing)?;
    let is_same =
        config.models == [desired.model.as_str()] && config.machines.as_ref() == Some(&desired.machines);
    let (kind, name) = ("configuration", config.name.clone());
    (!is_same).then_some(Stuck::Another { kind, name, what: "model or machines" })
}

fn reason(endpoint: &SeenEndpoint) -> String {
    endpoint.failure.clone().unwrap_or_else(|| "no reason was given".to_owned())
}
