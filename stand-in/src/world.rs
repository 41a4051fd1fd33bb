//! What both stand-ins have in common: the script, the memory of what came, and the faults that are no service's own.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};

use crate::connection::Switch;
use crate::fault::Fault;
use crate::refusal::{Refusal, json_response};
use crate::requests::{Outcome, Request, Requests};
use crate::script::{Script, ScriptError, Service};

/// How long the answer is that is too long, bytes.
const LARGE: usize = 5_000_000;

/// The time in which the half that is sent reaches whoever asked.
const UNTIL_BROKEN: Duration = Duration::from_millis(20);

/// What of a body that is too long is read at most, bytes.
const LARGEST_READ: usize = 64 << 20;

/// The longest script, bytes.
const LONGEST_SCRIPT: usize = 1 << 20;

/// The state of one stand-in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) service: Service,
    script: Mutex<Script>,
    requests: Mutex<Requests>,
}

impl World {
    pub(crate) fn new(service: Service) -> Self {
        World { service, script: Mutex::default(), requests: Mutex::default() }
    }

    /// Follows `script` from now on.
    pub(crate) fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        script.check(self.service)?;
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
        Ok(())
    }

    /// What becomes of the next request to `name`.
    pub(crate) fn next(&self, name: &str) -> (Fault, Duration) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).next(name)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// Remembers a request.
    pub(crate) fn remember(&self, request: Request) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }

    /// Remembers a request that was refused.
    pub(crate) fn remember_refusal(&self, name: &str, bytes: usize, refusal: &Refusal) {
        let name = name.chars().take(200).collect();
        let outcome = Outcome::Refused(refusal.told());
        self.remember(Request { name, outcome, target_variant: None, component: None, bytes });
    }

    /// Takes a new script from an administrator's request.
    async fn take_script(&self, request: HttpRequest) -> Response {
        let taken = async {
            let (_, body, _) = taken(request, LONGEST_SCRIPT).await.map_err(|refusal| refusal.told())?;
            let script = Script::read(&body, self.service).map_err(|error| told(&error))?;
            self.set_script(script).map_err(|error| told(&error))
        };
        match taken.await {
            Ok(()) => json_response(200, "application/json", "{}"),
            Err(why) => json_response(400, "text/plain", format!("{why}\n")),
        }
    }

    /// Shows an administrator what came.
    fn show_requests(&self) -> Response {
        match serde_json::to_vec(&self.requests()) {
            Ok(json) => json_response(200, "application/json", json),
            Err(error) => json_response(500, "text/plain", error.to_string()),
        }
    }
}

/// What an administrator asks of a stand-in: what came, and to follow another script.
pub(crate) fn administration(world: Arc<World>) -> Router {
    let show = |State(world): State<Arc<World>>| async move { world.show_requests() };
    let take = |State(world): State<Arc<World>>, request: HttpRequest| async move {
        world.take_script(request).await
    };
    Router::new()
        .route("/_stand_in/requests", get(show))
        .route("/_stand_in/script", post(take))
        .with_state(world)
}

/// A request's head, its body of at most `limit` bytes, and what resets its connection.
pub(crate) async fn taken(request: HttpRequest, limit: usize) -> Result<(Parts, Bytes, Switch), Refusal> {
    let (parts, body) = request.into_parts();
    let switch = parts.extensions.get::<ConnectInfo<Switch>>().map(|info| info.0.clone()).unwrap_or_default();
    let body = at_most(body, limit).await?;
    Ok((parts, body, switch))
}

/// A body of at most `limit` bytes. A longer one is read to its end all the same, or its sender would find the connection
/// closed in the place of an answer.
async fn at_most(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let (mut parts, mut bytes, mut length) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| Refusal::new(400, "SerializationException", error.to_string()))?;
        length += part.len();
        if length <= limit {
            bytes.extend_from_slice(&part);
        } else if length > LARGEST_READ {
            break;
        }
    }
    if length <= limit {
        return Ok(bytes.into());
    }
    let message = format!("Request size exceeded {limit} bytes.");
    Err(Refusal::new(413, "RequestEntityTooLargeException", message))
}

/// The good answer `body`, made wrong as far as any service can make it; others than these faults leave it as it is.
pub(crate) async fn spoilt(
    fault: Fault,
    content_type: &str,
    body: Vec<u8>,
    wait: Duration,
    switch: &Switch,
) -> Response {
    match fault {
        Fault::Hang => std::future::pending().await,
        Fault::Reset => {
            switch.throw();
            std::future::pending().await
        }
        Fault::Slow => {
            tokio::time::sleep(wait).await;
            json_response(200, content_type, body)
        }
        Fault::Garbage => json_response(200, content_type, vec![0xff, 0x00, 0xfe, 0x1b, 0x80]),
        Fault::Html => json_response(200, "text/html", "<html><body><h1>Sign in</h1></body></html>"),
        Fault::Truncated => {
            json_response(200, content_type, body.get(..body.len() / 2).unwrap_or_default().to_vec())
        }
        Fault::BrokenOff => broken_off(content_type, &body, switch),
        Fault::Large => {
            let mut body = body;
            body.resize(LARGE.max(body.len()), b' ');
            json_response(200, content_type, body)
        }
        _ => json_response(200, content_type, body),
    }
}

/// An answer that promises all of `body`, of which half is sent before the connection is reset.
fn broken_off(content_type: &str, body: &[u8], switch: &Switch) -> Response {
    let half = Bytes::copy_from_slice(body.get(..body.len() / 2).unwrap_or_default());
    let switch = switch.clone();
    let first = stream::once(std::future::ready(Ok::<_, Infallible>(half)));
    let never = stream::once(async move {
        tokio::time::sleep(UNTIL_BROKEN).await;
        switch.throw();
        std::future::pending().await
    });
    let mut response = json_response(200, content_type, Body::from_stream(first.chain(never)));
    response.headers_mut().insert("content-length", body.len().into());
    response
}

fn told(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
