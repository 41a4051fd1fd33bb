//! A model behind the contract of SageMaker's containers: `/ping` and `/invocations`, for one model or for several.
//!
//! [`answer`] is the whole service without a socket: bytes of a content type in, bytes of an accepted type out. Around it stand
//! [`Models`], which are tried before they answer and change while they do, and a [`Server`] that bounds what is taken in and
//! loses nothing when it stops. It speaks HTTP through hyper itself: five addresses need no router, and what lies between a
//! socket and a score is the time that is measured.

mod answer;
mod drain;
mod endpoint;
mod gate;
mod limits;
mod media;
mod metrics;
mod models;
mod name;
mod refusal;
mod routes;
mod server;
mod signals;
#[cfg(test)]
mod tests;
mod watch;

pub use answer::{Asked, Reply, Scratch, answer, answer_with};
pub use drain::Drained;
pub use limits::{Limits, ServerSettings};
pub use models::{ModelFact, ModelSource, Models, ModelsError, SelfTestError};
pub use name::{EndpointName, ParseEndpointNameError};
pub use refusal::Refusal;
pub use server::{BindError, Reloader, Server};
pub use signals::{reload_on_hangup, told_to_stop};
pub use watch::Notice;
