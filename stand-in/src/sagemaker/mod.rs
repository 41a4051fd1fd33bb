//! SageMaker's runtime, `InvokeEndpoint`, and its control plane as far as endpoints need it: what is made here answers here.
//!
//! Checked against the API reference of each operation. Limits of a body: 4 MB for a serverless endpoint, 6 MB for others.

mod control;
mod invoke;
mod plane;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::post;
use linkcast_scoring::Model;

use plane::Plane;

use crate::refusal::Refusal;
use crate::world::{World, administration};

/// The account that everything here belongs to.
pub(crate) const ACCOUNT: &str = "000000000000";

/// What stands in for SageMaker.
#[derive(Clone, Debug)]
pub struct SageMakerSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What answers.
    pub model: Arc<Model>,
    /// The endpoints there are; none means every name that is asked for.
    pub endpoints: Vec<EndpointSettings>,
    /// What requests must be signed for.
    pub region: String,
    /// What becomes of other names where no endpoints are named.
    pub others: OtherNames,
    /// How often an endpoint that is made, changed or deleted is looked at before it is.
    pub looks_until_ready: u32,
}

/// What becomes of names that nobody gave an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherNames {
    /// They answer: every name is an endpoint.
    #[default]
    Answer,
    /// There is no such endpoint until one is made.
    AreNone,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Its name.
    pub name: String,
    /// `InService`, or another word of `EndpointStatus`.
    pub status: String,
    /// Its production variants.
    pub variants: Vec<String>,
    /// Its inference components; one that has some must be asked for one.
    pub components: Vec<String>,
}

/// What every request sees.
#[derive(Debug)]
struct Room {
    settings: SageMakerSettings,
    plane: Mutex<Plane>,
    world: Arc<World>,
}

impl SageMakerSettings {
    /// A stand-in on a free port of loopback, for every endpoint there could be, in the region that AWS's own examples use.
    pub fn new(model: Arc<Model>) -> Self {
        let (listen, region) = (SocketAddr::from(([127, 0, 0, 1], 0)), "us-east-1".to_owned());
        let (endpoints, others) = (Vec::new(), OtherNames::Answer);
        SageMakerSettings { listen, model, endpoints, region, others, looks_until_ready: 2 }
    }
}

impl EndpointSettings {
    /// One in service, with the variant SageMaker makes by default.
    pub fn new(name: &str) -> Self {
        EndpointSettings {
            name: name.to_owned(),
            status: "InService".to_owned(),
            variants: vec!["AllTraffic".to_owned()],
            components: Vec::new(),
        }
    }
}

impl Room {
    /// The endpoint `name`, if there is one.
    fn endpoint(&self, name: &str) -> Option<EndpointSettings> {
        let made = self.plane.lock().unwrap_or_else(PoisonError::into_inner).endpoint(name);
        made.or_else(|| self.settled_endpoint(name))
    }

    /// The endpoint `name`, if there is one that nobody made.
    fn settled_endpoint(&self, name: &str) -> Option<EndpointSettings> {
        if self.settings.endpoints.is_empty() && self.settings.others == OtherNames::Answer {
            return Some(EndpointSettings::new(name));
        }
        self.settings.endpoints.iter().find(|endpoint| endpoint.name == name).cloned()
    }
}

pub(crate) fn router(settings: SageMakerSettings, world: Arc<World>) -> Router {
    Router::new()
        .route("/endpoints/{name}/invocations", post(invoke))
        .route("/", post(control))
        .fallback(unknown)
        .with_state(Arc::new(Room { settings, plane: Mutex::default(), world: Arc::clone(&world) }))
        .merge(administration(world))
}

async fn invoke(State(room): State<Arc<Room>>, Path(name): Path<String>, request: Request) -> Response {
    invoke::answer(&room, &name, request).await
}

async fn control(State(room): State<Arc<Room>>, request: Request) -> Response {
    control::answer(&room, request).await
}

async fn unknown(State(room): State<Arc<Room>>, uri: Uri) -> Response {
    let refusal = Refusal::new(404, "UnknownOperationException", "there is no such operation here");
    room.world.remember_refusal(uri.path(), 0, &refusal);
    refusal.of_runtime("Message")
}

/// What both operations say to a name that is none.
fn no_name(name: &str, kind: &'static str) -> Refusal {
    let name: String = name.chars().take(63).collect();
    let message = format!(
        "1 validation error detected: Value '{name}' at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){{0,62}}"
    );
    Refusal::new(400, kind, message)
}
