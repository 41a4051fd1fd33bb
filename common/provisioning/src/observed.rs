//! What is there, as far as a plan needs it.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::Hosting;
use linkcast_domain::ports::EndpointStatus;
use linkcast_domain::ports::{EndpointPlane, PlaneError, SeenConfig, SeenEndpoint, SeenModel};

use crate::leftovers::{Leftover, Scope, leftovers};
use crate::plan::Aim;

/// Something that is there, with its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned<T> {
    /// What.
    pub thing: T,
    /// What it is labelled with.
    pub tags: BTreeMap<String, String>,
}

/// How an endpoint's machines vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenScaling {
    /// The fewest and the most.
    pub counts: (u32, u32),
    /// Requests a minute for each, if a policy says so.
    pub requests_per_instance: Option<u32>,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The endpoint.
    pub endpoint: Option<Owned<SeenEndpoint>>,
    /// The model that should be there.
    pub model: Option<Owned<SeenModel>>,
    /// The configuration that should be there.
    pub config: Option<Owned<SeenConfig>>,
    /// The configuration that the endpoint has, if that is another one.
    pub former: Option<SeenConfig>,
    /// How the endpoint scales.
    pub scaling: Option<SeenScaling>,
    /// What was made for this endpoint and nothing uses any more: configurations first.
    pub leftovers: Vec<Leftover>,
}

/// Looks at all of it. `limit` says how long the next call may take; none means that there is no time left.
///
/// # Errors
/// The first call that came to nothing.
pub async fn observe<P: EndpointPlane>(
    plane: &P,
    aim: &Aim,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<Observed, PlaneError> {
    let site = aim.site();
    let mut observed = Observed::default();
    if let Some(thing) = plane.endpoint(&site.endpoint, limit()).await? {
        let tags = plane.tags(&thing.arn, limit()).await?;
        observed.endpoint = Some(Owned { thing, tags });
    }
    if let Aim::Stand(desired) = aim {
        if let Some(thing) = plane.config(&desired.config, limit()).await? {
            let tags = plane.tags(&thing.arn, limit()).await?;
            observed.config = Some(Owned { thing, tags });
        }
        if let Some(thing) = plane.model(&desired.model, limit()).await? {
            let tags = plane.tags(&thing.arn, limit()).await?;
            observed.model = Some(Owned { thing, tags });
        }
    }
    if let Some(endpoint) = observed.endpoint.as_ref().map(|owned| &owned.thing) {
        if matches!(aim, Aim::Stand(desired) if endpoint.config != desired.config) {
            observed.former = plane.config(&endpoint.config, limit()).await?;
        }
        if site.hosting == Hosting::Realtime {
            observed.scaling = scaling(plane, &site.endpoint, limit).await?;
        }
    }
    if is_settled(aim, &observed) {
        observed.leftovers = leftovers(plane, &Scope::of_endpoint(site), limit).await?;
    }
    Ok(observed)
}

async fn scaling<P: EndpointPlane>(
    plane: &P,
    endpoint: &str,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<Option<SeenScaling>, PlaneError> {
    let Some(counts) = plane.scaling_counts(endpoint, limit()).await? else { return Ok(None) };
    let requests_per_instance = plane.scaling_target(endpoint, limit()).await?;
    Ok(Some(SeenScaling { counts, requests_per_instance }))
}

/// Whether nothing is left but to clear up.
fn is_settled(aim: &Aim, observed: &Observed) -> bool {
    match (aim, &observed.endpoint) {
        (Aim::Gone(_), endpoint) => endpoint.is_none(),
        (Aim::Stand(desired), Some(endpoint)) => {
            endpoint.thing.status == EndpointStatus::InService && endpoint.thing.config == desired.config
        }
        (Aim::Stand(_), None) => false,
    }
}
