//! A control plane in memory: strict as SageMaker is, with states that take looks to pass, and interrupted where a test says.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use linkcast_domain::ports::{
    Change, Container, EndpointPlane, EndpointStatus, Kind, Listed, Machines, Page, PlaneError, PlaneFault,
    SeenConfig, SeenEndpoint, SeenModel,
};
use linkcast_domain::{Clock, Timestamp};

/// Looks until what is on its way has arrived.
const LOOKS: u32 = 2;
/// Things in one part of a list.
const PAGE: usize = 2;

/// A clock that goes on by a second with each call, and by what is waited for.
#[derive(Debug, Default)]
pub(super) struct Ticks(pub(super) AtomicI64);

impl Ticks {
    pub(super) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as i64, Ordering::Relaxed);
    }
}

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + self.0.load(Ordering::Relaxed))
    }
}

/// How one call is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// It is refused for now, and nothing happened.
    Before(PlaneFault),
    /// It happened, and nobody was told.
    After,
}

type Tags = BTreeMap<String, String>;

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) models: BTreeMap<String, (Container, Tags, Timestamp)>,
    pub(super) configs: BTreeMap<String, (SeenConfig, Tags)>,
    pub(super) endpoints: BTreeMap<String, (SeenEndpoint, Tags, u32)>,
    pub(super) scaling: BTreeMap<String, ((u32, u32), Option<u32>)>,
}

/// What a run ends with, without instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) models: BTreeMap<String, (Container, Tags)>,
    pub(super) configs: BTreeMap<String, (Vec<String>, Option<Machines>, Tags)>,
    pub(super) endpoints: BTreeMap<String, (String, EndpointStatus, Tags)>,
    pub(super) scaling: BTreeMap<String, ((u32, u32), Option<u32>)>,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    calls: Vec<String>,
    changes: Vec<Change>,
    interruptions: Vec<(usize, Interruption)>,
    /// How the next endpoints end that are made or updated.
    ends: Vec<(EndpointStatus, &'static str)>,
}

#[derive(Debug)]
pub(super) struct MemoryPlane<'a> {
    clock: &'a Ticks,
    inner: Mutex<Inner>,
}

impl<'a> MemoryPlane<'a> {
    pub(super) fn new(clock: &'a Ticks, state: State) -> Self {
        MemoryPlane { clock, inner: Mutex::new(Inner { state, ..Inner::default() }) }
    }

    /// Interrupts the calls counted from 0.
    pub(super) fn interrupted(self, interruptions: &[(usize, Interruption)]) -> Self {
        self.inner.lock().unwrap().interruptions = interruptions.to_vec();
        self
    }

    /// Ends the next endpoints so.
    pub(super) fn ending(self, ends: &[(EndpointStatus, &'static str)]) -> Self {
        self.inner.lock().unwrap().ends = ends.iter().rev().copied().collect();
        self
    }

    pub(super) fn calls(&self) -> usize {
        self.inner.lock().unwrap().calls.len()
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        self.inner.lock().unwrap().changes.clone()
    }

    pub(super) fn state(&self) -> State {
        self.inner.lock().unwrap().state.clone()
    }

    pub(super) fn edit(&self, edit: impl FnOnce(&mut State)) {
        edit(&mut self.inner.lock().unwrap().state);
    }

    pub(super) fn end(&self) -> End {
        let State { models, configs, endpoints, scaling } = self.state();
        let plain = |(name, (config, tags)): (String, (SeenConfig, Tags))| {
            // That an endpoint failed once with it is no part of what should be.
            let tags = tags.into_iter().filter(|(key, _)| key != "linkcast:failed").collect();
            (name, (config.models, config.machines, tags))
        };
        End {
            models: models
                .into_iter()
                .map(|(name, (container, tags, _))| (name, (container, tags)))
                .collect(),
            configs: configs.into_iter().map(plain).collect(),
            endpoints: endpoints
                .into_iter()
                .map(|(name, (seen, tags, _))| (name, (seen.config, seen.status, tags)))
                .collect(),
            scaling,
        }
    }

    fn call<T>(
        &self,
        what: String,
        work: impl FnOnce(&mut Inner, Timestamp) -> Result<T, PlaneFault>,
    ) -> Result<T, PlaneError> {
        self.clock.pass(Duration::from_secs(1));
        let mut inner = self.inner.lock().unwrap();
        let number = inner.calls.len();
        inner.calls.push(what.clone());
        let error = |fault| PlaneError { attempt: what.clone(), fault, source: format!("{fault:?}").into() };
        let hit = inner.interruptions.iter().find(|(at, _)| *at == number).map(|(_, how)| *how);
        if let Some(Interruption::Before(fault)) = hit {
            return Err(error(fault));
        }
        let done = work(&mut inner, self.clock.now()).map_err(error);
        if hit == Some(Interruption::After) { Err(error(PlaneFault::Unanswered)) } else { done }
    }
}

impl Inner {
    fn change(&mut self, change: &Change, now: Timestamp) -> Result<(), PlaneFault> {
        use Change as C;
        match change {
            C::CreateModel { .. } | C::CreateConfig { .. } | C::TagConfig { .. } => self.make(change, now)?,
            C::CreateEndpoint { .. } | C::UpdateEndpoint { .. } => self.make(change, now)?,
            _ => self.scale_or_delete(change, now)?,
        }
        self.changes.push(change.clone());
        Ok(())
    }

    fn make(&mut self, change: &Change, now: Timestamp) -> Result<(), PlaneFault> {
        let arn = |kind: &str, name: &str| format!("arn:{kind}/{name}");
        let state = &mut self.state;
        match change.clone() {
            Change::CreateModel { name, container, tags } => {
                vacant(&state.models, &name)?;
                state.models.insert(name, (container, tags, now));
            }
            Change::CreateConfig { name, model, machines, tags } => {
                vacant(&state.configs, &name)?;
                state.models.get(&model).ok_or(PlaneFault::NotFound)?;
                let (arn, models, machines) = (arn("config", &name), vec![model], Some(machines));
                let seen = SeenConfig { name: name.clone(), arn, models, machines, created: now };
                state.configs.insert(name, (seen, tags));
            }
            Change::TagConfig { name, tag, .. } => {
                state.configs.get_mut(&name).ok_or(PlaneFault::NotFound)?.1.insert(tag.0, tag.1);
            }
            Change::CreateEndpoint { name, config, tags } => {
                vacant(&state.endpoints, &name)?;
                state.configs.get(&config).ok_or(PlaneFault::NotFound)?;
                let (arn, status) = (arn("endpoint", &name), EndpointStatus::Creating);
                let (created, changed, pending_config, failure) = (now, now, None, None);
                let name_of = name.clone();
                let seen = SeenEndpoint {
                    name: name_of,
                    arn,
                    config,
                    pending_config,
                    status,
                    failure,
                    created,
                    changed,
                };
                state.endpoints.insert(name, (seen, tags, LOOKS));
            }
            Change::UpdateEndpoint { name, config } => {
                state.configs.get(&config).ok_or(PlaneFault::NotFound)?;
                let (endpoint, _, looks) = settled(&mut state.endpoints, &name)?;
                if endpoint.status != EndpointStatus::InService {
                    return Err(PlaneFault::Refused);
                }
                if endpoint.config == config {
                    return Err(PlaneFault::Refused);
                }
                (endpoint.status, endpoint.pending_config, *looks) =
                    (EndpointStatus::Updating, Some(config), LOOKS);
                endpoint.changed = now;
            }
            _ => return Err(PlaneFault::Refused),
        }
        Ok(())
    }

    fn scale_or_delete(&mut self, change: &Change, now: Timestamp) -> Result<(), PlaneFault> {
        let state = &mut self.state;
        match change.clone() {
            Change::RegisterScaling { endpoint, scaling } => {
                settled(&mut state.endpoints, &endpoint)?;
                let entry = state.scaling.entry(endpoint).or_default();
                entry.0 = (scaling.min, scaling.max);
            }
            Change::PutScalingPolicy { endpoint, scaling } => {
                let entry = state.scaling.get_mut(&endpoint).ok_or(PlaneFault::NotFound)?;
                entry.1 = Some(scaling.requests_per_instance);
            }
            Change::DeregisterScaling { endpoint } => {
                state.scaling.remove(&endpoint).ok_or(PlaneFault::NotFound)?;
            }
            Change::DeleteEndpoint { name } => {
                let (endpoint, _, looks) = settled(&mut state.endpoints, &name)?;
                (endpoint.status, *looks) = (EndpointStatus::Deleting, LOOKS);
                endpoint.changed = now;
            }
            Change::DeleteConfig { name } => {
                let used = |(seen, ..): &(SeenEndpoint, Tags, u32)| {
                    seen.config == name || seen.pending_config.as_ref() == Some(&name)
                };
                if state.endpoints.values().any(used) {
                    return Err(PlaneFault::Refused);
                }
                state.configs.remove(&name).ok_or(PlaneFault::NotFound)?;
            }
            Change::DeleteModel { name } => {
                state.models.remove(&name).ok_or(PlaneFault::NotFound)?;
            }
            _ => return Err(PlaneFault::Refused),
        }
        Ok(())
    }

    /// One look nearer to what an endpoint will be.
    fn look(&mut self, name: &str, now: Timestamp) {
        let Some((endpoint, _, looks)) = self.state.endpoints.get_mut(name) else { return };
        if !endpoint.status.passes() {
            return;
        }
        if *looks > 0 {
            *looks -= 1;
            return;
        }
        endpoint.changed = now;
        if endpoint.status == EndpointStatus::Deleting {
            self.state.endpoints.remove(name);
            return;
        }
        let was_updating = endpoint.status == EndpointStatus::Updating;
        let pending = endpoint.pending_config.take();
        let (status, reason) = self.ends.pop().unwrap_or((EndpointStatus::InService, ""));
        endpoint.failure = (!reason.is_empty()).then(|| reason.to_owned());
        let is_bad = endpoint.failure.is_some();
        endpoint.status = status;
        if let Some(config) = pending.filter(|_| was_updating && !is_bad) {
            endpoint.config = config;
        }
    }
}

fn vacant<T>(things: &BTreeMap<String, T>, name: &str) -> Result<(), PlaneFault> {
    if things.contains_key(name) { Err(PlaneFault::Exists) } else { Ok(()) }
}

fn settled<'s>(
    endpoints: &'s mut BTreeMap<String, (SeenEndpoint, Tags, u32)>,
    name: &str,
) -> Result<&'s mut (SeenEndpoint, Tags, u32), PlaneFault> {
    let found = endpoints.get_mut(name).ok_or(PlaneFault::NotFound)?;
    if found.0.status.passes() { Err(PlaneFault::InProgress) } else { Ok(found) }
}

impl EndpointPlane for MemoryPlane<'_> {
    async fn change(&self, change: &Change, _: Duration) -> Result<(), PlaneError> {
        self.call(change.attempt(), |inner, now| inner.change(change, now))
    }

    async fn model(&self, name: &str, _: Duration) -> Result<Option<SeenModel>, PlaneError> {
        let (name, arn) = (name.to_owned(), format!("arn:model/{name}"));
        self.call(format!("look at the model {name}"), |inner, _| {
            let container = inner.state.models.get(&name).map(|(container, ..)| container.clone());
            Ok(container.map(|container| SeenModel { name, arn, container }))
        })
    }

    async fn config(&self, name: &str, _: Duration) -> Result<Option<SeenConfig>, PlaneError> {
        self.call(format!("look at the configuration {name}"), |inner, _| {
            Ok(inner.state.configs.get(name).map(|(seen, _)| seen.clone()))
        })
    }

    async fn endpoint(&self, name: &str, _: Duration) -> Result<Option<SeenEndpoint>, PlaneError> {
        self.call(format!("look at the endpoint {name}"), |inner, now| {
            inner.look(name, now);
            Ok(inner.state.endpoints.get(name).map(|(seen, ..)| seen.clone()))
        })
    }

    async fn tags(&self, arn: &str, _: Duration) -> Result<Tags, PlaneError> {
        self.call(format!("look at the tags of {arn}"), |inner, _| {
            let (kind, name) = arn.trim_start_matches("arn:").split_once('/').unwrap();
            let state = &inner.state;
            let found = match kind {
                "model" => state.models.get(name).map(|(_, tags, _)| tags),
                "config" => state.configs.get(name).map(|(_, tags)| tags),
                _ => state.endpoints.get(name).map(|(_, tags, _)| tags),
            };
            found.cloned().ok_or(PlaneFault::NotFound)
        })
    }

    async fn list(
        &self,
        kind: Kind,
        name_contains: &str,
        next: Option<&str>,
        _: Duration,
    ) -> Result<Page, PlaneError> {
        self.call(format!("list {kind:?}"), |inner, _| {
            let State { models, configs, endpoints, .. } = &inner.state;
            let all: Vec<(&String, &str, Timestamp)> = match kind {
                Kind::Model => models.iter().map(|(name, (.., made))| (name, "model", *made)).collect(),
                Kind::Config => {
                    configs.iter().map(|(name, (seen, _))| (name, "config", seen.created)).collect()
                }
                Kind::Endpoint => {
                    endpoints.iter().map(|(name, (seen, ..))| (name, "endpoint", seen.created)).collect()
                }
            };
            let begin: usize = next.map_or(0, |next| next.parse().unwrap());
            let all: Vec<Listed> = all
                .into_iter()
                .filter(|(name, ..)| name.contains(name_contains))
                .map(|(name, kind, created)| Listed {
                    name: name.clone(),
                    arn: format!("arn:{kind}/{name}"),
                    created,
                })
                .collect();
            let more = all.len() > begin + PAGE;
            let items = all.into_iter().skip(begin).take(PAGE).collect();
            Ok(Page { items, next: more.then(|| (begin + PAGE).to_string()) })
        })
    }

    async fn scaling_counts(&self, endpoint: &str, _: Duration) -> Result<Option<(u32, u32)>, PlaneError> {
        self.call(format!("look at the counts of {endpoint}"), |inner, _| {
            Ok(inner.state.scaling.get(endpoint).map(|(counts, _)| *counts))
        })
    }

    async fn scaling_target(&self, endpoint: &str, _: Duration) -> Result<Option<u32>, PlaneError> {
        self.call(format!("look at the scaling of {endpoint}"), |inner, _| {
            Ok(inner.state.scaling.get(endpoint).and_then(|(_, target)| *target))
        })
    }
}
