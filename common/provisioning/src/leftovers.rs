//! Models and configurations that no endpoint uses any more.
//!
//! A name alone is no proof of whose a thing is: only what bears our form of name and our tags is ever listed here. A model is
//! used while any configuration that stays names it, whether or not an endpoint uses that configuration yet, so that what
//! somebody else is just making is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use linkcast_domain::Timestamp;
use linkcast_domain::ports::{Change, EndpointPlane, Kind, Listed, PlaneError, PlaneFault};

use crate::names::{ENDPOINT_TAG, FABRIC_TAG, OWNER_TAG, Owner, Site, TASK_TAG, is_made_here};

/// The most parts of a list that are read: 100 things each.
const MOST_PAGES: usize = 100;

/// Something nothing uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// A configuration or a model.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Leftover {
    /// The call that deletes it.
    pub fn removal(&self) -> Change {
        match self.kind {
            Kind::Model => Change::DeleteModel { name: self.name.clone() },
            Kind::Config => Change::DeleteConfig { name: self.name.clone() },
            Kind::Endpoint => Change::DeleteEndpoint { name: self.name.clone() },
        }
    }
}

/// Whose leftovers.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What names begin with.
    prefix: String,
    /// The tags a thing must bear.
    tags: BTreeMap<String, String>,
    /// Only what was made before.
    before: Option<Timestamp>,
}

impl Scope {
    /// What was made for one endpoint.
    pub fn of_endpoint(site: &Site) -> Self {
        let mut scope = Scope::of_task(site);
        scope.tags.insert(ENDPOINT_TAG.to_owned(), site.endpoint.clone());
        scope
    }

    /// What was made for any endpoint of a fabric's task.
    pub fn of_task(site: &Site) -> Self {
        let tags = [(FABRIC_TAG, &site.fabric), (TASK_TAG, &site.task)];
        let mut scope = Scope::of_owner(&site.owner);
        scope.prefix = format!("{}-", site.stem);
        scope.tags.extend(tags.into_iter().map(|(key, value)| (key.to_owned(), value.clone())));
        scope
    }

    /// Everything an owner had made.
    pub fn of_owner(owner: &Owner) -> Self {
        let tags = BTreeMap::from([(OWNER_TAG.to_owned(), owner.name().to_owned())]);
        Scope { prefix: "linkcast-".to_owned(), tags, before: None }
    }

    /// Only what was made before `instant`.
    #[must_use]
    pub fn older_than(mut self, instant: Timestamp) -> Self {
        self.before = Some(instant);
        self
    }

    fn wants(&self, listed: &Listed) -> bool {
        self.before.is_none_or(|before| listed.created < before)
    }
}

/// What of `scope` nothing uses: configurations first, then models, each by name.
///
/// # Errors
/// The first call that came to nothing.
pub async fn leftovers<P: EndpointPlane>(
    plane: &P,
    scope: &Scope,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<Vec<Leftover>, PlaneError> {
    let ours = |what: &'static str, all: Vec<Listed>| -> Vec<Listed> {
        all.into_iter().filter(|listed| is_made_here(&listed.name, what)).collect()
    };
    let configs = ours("config", listed(plane, Kind::Config, &scope.prefix, limit).await?);
    let models = ours("model", listed(plane, Kind::Model, &scope.prefix, limit).await?);
    let in_use = configs_in_use(plane, &scope.prefix, limit).await?;
    let mut found = Vec::new();
    let mut needed = BTreeSet::new();
    for config in configs {
        let goes = !in_use.contains(&config.name)
            && scope.wants(&config)
            && bears(plane, &config.arn, &scope.tags, limit).await?;
        if goes {
            let (name, created) = (config.name, config.created);
            found.push(Leftover { kind: Kind::Config, name, created });
        } else if let Some(seen) = plane.config(&config.name, limit()).await? {
            needed.extend(seen.models);
        }
    }
    for model in models {
        let goes = !needed.contains(&model.name)
            && scope.wants(&model)
            && bears(plane, &model.arn, &scope.tags, limit).await?;
        if goes {
            let (name, created) = (model.name, model.created);
            found.push(Leftover { kind: Kind::Model, name, created });
        }
    }
    Ok(found)
}

/// The configurations that endpoints have or are taking on.
async fn configs_in_use<P: EndpointPlane>(
    plane: &P,
    prefix: &str,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<BTreeSet<String>, PlaneError> {
    let mut in_use = BTreeSet::new();
    for endpoint in listed(plane, Kind::Endpoint, prefix, limit).await? {
        if let Some(seen) = plane.endpoint(&endpoint.name, limit()).await? {
            in_use.insert(seen.config);
            in_use.extend(seen.pending_config);
        }
    }
    Ok(in_use)
}

async fn bears<P: EndpointPlane>(
    plane: &P,
    arn: &str,
    wanted: &BTreeMap<String, String>,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<bool, PlaneError> {
    match plane.tags(arn, limit()).await {
        Ok(tags) => Ok(wanted.iter().all(|(key, value)| tags.get(key) == Some(value))),
        // Somebody deleted it meanwhile.
        Err(error) if error.fault == PlaneFault::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Every endpoint whose name begins as ours do, by name.
///
/// # Errors
/// The first call that came to nothing.
pub async fn every_endpoint<P: EndpointPlane>(
    plane: &P,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<Vec<Listed>, PlaneError> {
    listed(plane, Kind::Endpoint, "linkcast-", limit).await
}

/// Everything of a kind whose name begins with `prefix`, by name.
pub(crate) async fn listed<P: EndpointPlane>(
    plane: &P,
    kind: Kind,
    prefix: &str,
    limit: &(dyn Fn() -> Duration + Sync),
) -> Result<Vec<Listed>, PlaneError> {
    let (mut all, mut next) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page = plane.list(kind, prefix, next.as_deref(), limit()).await?;
        all.extend(page.items.into_iter().filter(|listed| listed.name.starts_with(prefix)));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}
