//! Which endpoint answers for a target that names none.
//!
//! An endpoint's name follows from the fabric's and the task's, so all there is to learn is whether it is there and in service.
//! The control plane is asked only for that, and seldom: what it said is kept, and that there is none is kept for a shorter
//! time, so that an endpoint made a moment ago is found soon.

use std::time::Duration;

use linkcast_domain::{FailureKind, Hosting, SystemClock, endpoint_name};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Deadline, Failed};
use crate::control_plane::ControlPlane;

/// How long an endpoint in service is taken to be.
const KNOWN: Duration = Duration::from_secs(300);
/// How long it is taken that there is none.
const NONE: Duration = Duration::from_secs(30);
/// The longest name SageMaker gives an endpoint.
const LONGEST_NAME: usize = 63;

/// The endpoints of one fabric's task.
#[derive(Debug)]
pub(super) struct Endpoints {
    plane: ControlPlane<SystemClock>,
    /// The preferred first.
    names: [String; 2],
    /// Held while the control plane is asked, so that those who ask together ask once.
    found: Mutex<Option<Found>>,
}

#[derive(Clone, Debug)]
struct Found {
    name: Option<String>,
    until: Instant,
}

impl Endpoints {
    pub(super) fn new(plane: ControlPlane<SystemClock>, fabric: &str, task: &str) -> Self {
        let names = Hosting::ALL.map(|hosting| endpoint_name(fabric, task, hosting));
        Endpoints { plane, names, found: Mutex::new(None) }
    }

    /// The endpoint called `name`, or the one in service if none is called.
    ///
    /// # Errors
    /// Who was asked, and that there is none or that it could not be learned in time.
    pub(super) async fn name(
        &self,
        name: Option<&str>,
        deadline: Deadline,
    ) -> Result<String, (String, Failed)> {
        if let Some(name) = name {
            return Ok(name.to_owned());
        }
        let asked = || format!("endpoint {}", self.names.join(" or "));
        let found = deadline.keep(self.found(deadline)).await.map_err(|failed| (asked(), failed))?;
        let none = || (asked(), Failed::new(FailureKind::NotFound, "there is none in service"));
        found.ok_or_else(none)
    }

    /// Whether an endpoint is in service. A control plane that does not say so is not asked again for a while: nobody waits for
    /// it with every question.
    pub(super) async fn stands(&self, deadline: Deadline) -> bool {
        match deadline.keep(self.found(deadline)).await {
            Ok(found) => found.is_some(),
            Err(_) => {
                *self.found.lock().await = Some(Found { name: None, until: Instant::now() + KNOWN });
                false
            }
        }
    }

    /// Takes nothing for known any more.
    pub(super) async fn forget(&self) {
        *self.found.lock().await = None;
    }

    async fn found(&self, deadline: Deadline) -> Result<Option<String>, Failed> {
        let mut found = self.found.lock().await;
        if let Some(known) = found.as_ref().filter(|known| Instant::now() < known.until) {
            return Ok(known.name.clone());
        }
        let mut name = None;
        for candidate in &self.names {
            if self.is_in_service(candidate, deadline).await? {
                name = Some(candidate.clone());
                break;
            }
        }
        let until = Instant::now() + if name.is_some() { KNOWN } else { NONE };
        *found = Some(Found { name: name.clone(), until });
        Ok(name)
    }

    async fn is_in_service(&self, name: &str, deadline: Deadline) -> Result<bool, Failed> {
        if name.len() > LONGEST_NAME {
            return Ok(false);
        }
        let (attempt, body) = (format!("look at the endpoint {name}"), json!({"EndpointName": name}));
        match self.plane.call("DescribeEndpoint", &body, attempt, deadline.left()).await {
            Ok(described) => Ok(described.get("EndpointStatus").and_then(Value::as_str) == Some("InService")),
            Err(refused) if refused.says_not_found() => Ok(false),
            Err(refused) if deadline.left().is_zero() => Err(Failed::new(FailureKind::Timeout, refused)),
            Err(refused) => Err(Failed::of_control_plane(refused)),
        }
    }
}
