//! Bedrock's runtime: `Converse`, answered by the embedded model or by a language model that speaks OpenAI's protocol.
//!
//! The embedded model is no language model: it reads the sample back from what it was told and calls the tool with its judgement,
//! so that an answer is the same each time and can be foretold. What is learnt with it is how a caller deals with Bedrock, and
//! nothing of how well a language model judges; for that there is the proxy.

mod checks;
mod converse;
mod judge;
mod openai;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::post;
use linkcast_scoring::Model;

use crate::refusal::Refusal;
use crate::world::{World, administration};

pub use openai::OpenAiServer;

/// What stands in for Bedrock.
#[derive(Clone, Debug)]
pub struct BedrockSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What answers, unless a language model does.
    pub model: Arc<Model>,
    /// The models' ids there are; none means every id that is asked for.
    pub models: Vec<String>,
    /// What requests must be signed for.
    pub region: String,
    /// A language model to ask in the place of `model`.
    pub openai: Option<OpenAiServer>,
}

/// What every request sees.
#[derive(Debug)]
struct Room {
    settings: BedrockSettings,
    world: Arc<World>,
}

impl BedrockSettings {
    /// A stand-in on a free port of loopback, for every model there could be, in the region that AWS's own examples use.
    pub fn new(model: Arc<Model>) -> Self {
        let (listen, region) = (SocketAddr::from(([127, 0, 0, 1], 0)), "us-east-1".to_owned());
        BedrockSettings { listen, model, models: Vec::new(), region, openai: None }
    }
}

pub(crate) fn router(settings: BedrockSettings, world: Arc<World>) -> Router {
    Router::new()
        .route("/model/{id}/converse", post(converse))
        .fallback(unknown)
        .with_state(Arc::new(Room { settings, world: Arc::clone(&world) }))
        .merge(administration(world))
}

async fn converse(State(room): State<Arc<Room>>, Path(id): Path<String>, request: Request) -> Response {
    converse::answer(&room, &id, request).await
}

async fn unknown(State(room): State<Arc<Room>>, uri: Uri) -> Response {
    let refusal = Refusal::new(404, "UnknownOperationException", "there is no such operation here");
    room.world.remember_refusal(uri.path(), 0, &refusal);
    refusal.of_runtime("message")
}
