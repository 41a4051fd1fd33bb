//! From a request to its answer.
//!
//! What is small is answered where it arrives, for handing it to another thread would take longer than the answer; what is large
//! goes to a thread that may be busy, so that `/ping` stays quick. A request that is turned away is still read to its end,
//! within bounds: a client that is writing would otherwise meet a closed connection and never read why.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::{Asked, Reply, Scratch, answer_with};
use crate::endpoint::{ERROR_TYPE, INVOKED_VARIANT, RuntimeError, TARGET_VARIANT, VARIANT};
use crate::gate::Gate;
use crate::metrics::{Metrics, Rejection, Route};
use crate::models::{Endpoint, Loaded, ModelFact, Models};
use crate::refusal::plain;
use crate::{Limits, Refusal};

/// Bodies up to this are answered where they arrive: about a hundred rows, a fraction of a millisecond.
const SMALL_BYTES: usize = 64 << 10;

/// How much of a body that is not wanted is read all the same, and for how long.
const UNWANTED_BYTES: usize = 64 << 20;
const UNWANTED_TIME: Duration = Duration::from_secs(2);

/// The header that says which model answered, for forms that have no place for it.
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-linkcast-model-version");

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) models: Arc<Models>,
    pub(crate) gate: Gate,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// Set once the server was told to stop.
    pub(crate) is_stopping: AtomicBool,
}

/// What `/models` says.
#[derive(Serialize)]
struct ModelList {
    models: Vec<ModelFact>,
}

type Answered = Response<Full<Bytes>>;

/// Answers one request.
pub(crate) async fn handle(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Answered, Infallible> {
    let start = Instant::now();
    let (head, mut body) = request.into_parts();
    let (route, name) = route_of(head.uri.path());
    let mut answered = match (route, &head.method) {
        (Route::Other, _) => nowhere(),
        (Route::Invocations | Route::Endpoint, &Method::POST) => {
            service.predict((route, name), &head, &mut body, start).await
        }
        (Route::Invocations | Route::Endpoint, _) => not_allowed("POST"),
        (_, &Method::GET | &Method::HEAD) => service.show(route),
        _ => not_allowed("GET"),
    };
    // Who was too slow is not waited for once more.
    if answered.status() != StatusCode::REQUEST_TIMEOUT {
        discard(&head, &mut body).await;
    }
    if service.is_stopping.load(Ordering::Relaxed) {
        answered.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    service.metrics.answered(route, answered.status().as_u16(), start.elapsed());
    Ok(answered)
}

/// The door a path leads to, and the endpoint it names.
fn route_of(path: &str) -> (Route, Option<&str>) {
    match path {
        "/invocations" => return (Route::Invocations, None),
        "/ping" => return (Route::Ping, None),
        "/models" => return (Route::Models, None),
        "/metrics" => return (Route::Metrics, None),
        _ => {}
    }
    let name = path.strip_prefix("/endpoints/").and_then(|rest| rest.strip_suffix("/invocations"));
    match name.filter(|name| !name.is_empty() && !name.contains('/')) {
        Some(name) => (Route::Endpoint, Some(name)),
        None => (Route::Other, None),
    }
}

/// Why there is no prediction.
#[derive(Debug)]
enum Trouble {
    Unknown(RuntimeError),
    Refused(Refusal),
    Overload,
    TooLarge { most: usize },
    TooSlow,
    Broken,
    Lost,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

impl Trouble {
    fn status(&self) -> u16 {
        match self {
            Trouble::Unknown(error) => error.status,
            Trouble::Refused(refusal) => refusal.status(),
            Trouble::Overload => 503,
            Trouble::TooLarge { .. } => 413,
            Trouble::TooSlow => 408,
            Trouble::Broken => 400,
            Trouble::Lost => 500,
        }
    }

    fn to_json(&self) -> Vec<u8> {
        match self {
            Trouble::Unknown(error) => error.body.clone(),
            Trouble::Refused(refusal) => refusal.to_json(),
            Trouble::Overload => plain("busy: send the request again later"),
            Trouble::TooLarge { most } => plain(&format!("a body of more than {most} bytes: send several")),
            Trouble::TooSlow => plain("the body did not come in time"),
            Trouble::Broken => plain("the body broke off"),
            Trouble::Lost => plain("the answer was lost, which is the server's fault"),
        }
    }

    fn rejection(&self) -> Option<Rejection> {
        match self {
            Trouble::Overload => Some(Rejection::Overload),
            Trouble::TooLarge { .. } | Trouble::Refused(Refusal::TooMany { .. }) => Some(Rejection::TooLarge),
            Trouble::TooSlow => Some(Rejection::TooSlow),
            Trouble::Unknown(_) | Trouble::Refused(_) | Trouble::Broken | Trouble::Lost => None,
        }
    }
}

impl Service {
    fn show(&self, route: Route) -> Answered {
        match route {
            Route::Ping => self.ping(),
            Route::Models => {
                let models = self.models.facts();
                // Text and numbers can always be written.
                let mut list = serde_json::to_vec(&ModelList { models }).unwrap_or_default();
                list.push(b'\n');
                reply(200, JSON, list)
            }
            _ => reply(200, PROMETHEUS, self.metrics.text(&self.gate, &self.models)),
        }
    }

    /// Asked while it stops, a server is not well: nothing new shall be sent to it.
    fn ping(&self) -> Answered {
        if self.is_stopping.load(Ordering::Relaxed) {
            return reply(503, JSON, plain("stopping"));
        }
        if self.models.are_sound() {
            reply(200, TEXT, "ok\n")
        } else {
            reply(503, JSON, plain("a model fails its self-test"))
        }
    }

    async fn predict(
        &self,
        (route, name): (Route, Option<&str>),
        head: &Parts,
        body: &mut Incoming,
        start: Instant,
    ) -> Answered {
        let asked = self.endpoint(name, head).map_err(Trouble::Unknown);
        let done = match asked {
            Ok(endpoint) => self.invoke(endpoint, head, body, start).await,
            Err(trouble) => Err(trouble),
        };
        match done {
            Ok((reply, loaded)) => predicted(route, reply, &loaded),
            Err(trouble) => {
                if let Some(why) = trouble.rejection() {
                    self.metrics.rejected(why);
                }
                refused(route, trouble)
            }
        }
    }

    /// The endpoint of this name and of the variant that was asked for, or the first where none is named.
    fn endpoint(&self, name: Option<&str>, head: &Parts) -> Result<&Endpoint, RuntimeError> {
        let Some(name) = name else {
            return self.models.first().ok_or_else(|| RuntimeError::unknown_endpoint(""));
        };
        let endpoint = self.models.named(name).ok_or_else(|| RuntimeError::unknown_endpoint(name))?;
        match text(&head.headers, &HeaderName::from_static(TARGET_VARIANT)) {
            Some(variant) if variant != VARIANT => Err(RuntimeError::unknown_variant(variant)),
            _ => Ok(endpoint),
        }
    }

    async fn invoke(
        &self,
        endpoint: &Endpoint,
        head: &Parts,
        body: &mut Incoming,
        start: Instant,
    ) -> Result<(Reply, Arc<Loaded>), Trouble> {
        let most = self.limits.body_bytes;
        let is_promised_too_large = body.size_hint().lower() > most as u64;
        if is_promised_too_large {
            return Err(Trouble::TooLarge { most });
        }
        let deadline = start + self.limits.request_time;
        let _place = self.gate.enter(deadline).await.map_err(|_| Trouble::Overload)?;
        let body =
            timeout_at(deadline, Limited::new(body, most).collect()).await.map_err(|_| Trouble::TooSlow)?;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() { Trouble::TooLarge { most } } else { Trouble::Broken }
        })?;
        let loaded = endpoint.current();
        let reply = self.answer(head, body.to_bytes(), &loaded).await?;
        endpoint.rows.fetch_add(reply.rows as u64, Ordering::Relaxed);
        Ok((reply, loaded))
    }

    async fn answer(&self, head: &Parts, body: Bytes, loaded: &Arc<Loaded>) -> Result<Reply, Trouble> {
        let (content_type, accept) = (text(&head.headers, &CONTENT_TYPE), text(&head.headers, &ACCEPT));
        let rows = self.limits.rows;
        if body.len() <= SMALL_BYTES {
            return Ok(answer_here(&Asked { content_type, accept, body: &body }, loaded, rows)?);
        }
        let (content_type, accept) = (content_type.map(str::to_owned), accept.map(str::to_owned));
        let loaded = Arc::clone(loaded);
        let answered = tokio::task::spawn_blocking(move || {
            let (content_type, accept) = (content_type.as_deref(), accept.as_deref());
            answer_here(&Asked { content_type, accept, body: &body }, &loaded, rows)
        });
        Ok(answered.await.map_err(|_| Trouble::Lost)??)
    }
}

thread_local! {
    /// Each thread's own memory for rows and scores.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn answer_here(asked: &Asked<'_>, loaded: &Loaded, rows: usize) -> Result<Reply, Refusal> {
    SCRATCH.with_borrow_mut(|scratch| answer_with(scratch, asked, &loaded.model, rows))
}

/// Reads on what nobody wants, unless its sender waits for a word before sending it.
async fn discard(head: &Parts, body: &mut Incoming) {
    if body.is_end_stream() || head.headers.contains_key(EXPECT) {
        return;
    }
    let read_on = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > UNWANTED_BYTES {
                break;
            }
        }
    };
    // However it ends, the answer is sent next.
    let _ = timeout(UNWANTED_TIME, read_on).await;
}

fn predicted(route: Route, given: Reply, loaded: &Loaded) -> Answered {
    let mut answered = reply(200, given.content_type, given.body);
    if let Ok(version) = HeaderValue::from_str(&loaded.model.identity().model_version) {
        answered.headers_mut().insert(MODEL_VERSION, version);
    }
    if route == Route::Endpoint {
        let name = HeaderName::from_static(INVOKED_VARIANT);
        answered.headers_mut().insert(name, HeaderValue::from_static(VARIANT));
    }
    answered
}

fn refused(route: Route, trouble: Trouble) -> Answered {
    let (status, body) = (trouble.status(), trouble.to_json());
    let is_overload = matches!(trouble, Trouble::Overload);
    let mut answered = match (trouble, route) {
        (Trouble::Unknown(error), _) => runtime_error(error),
        (_, Route::Endpoint) => runtime_error(RuntimeError::of_container(status, &body)),
        _ => reply(status, JSON, body),
    };
    if is_overload {
        answered.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answered
}

fn runtime_error(error: RuntimeError) -> Answered {
    let mut answered = reply(error.status, JSON, error.body);
    answered.headers_mut().insert(HeaderName::from_static(ERROR_TYPE), HeaderValue::from_static(error.kind));
    answered
}

fn nowhere() -> Answered {
    let there = "GET /ping, /models, /metrics; POST /invocations, /endpoints/{name}/invocations";
    reply(404, JSON, plain(&format!("nothing is here, but at {there}")))
}

fn not_allowed(method: &'static str) -> Answered {
    let mut answered = reply(405, JSON, plain(&format!("expected {method}")));
    answered.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    answered
}

fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answered {
    let mut answered = Response::new(Full::new(body.into()));
    *answered.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answered.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answered
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_door() {
        assert_eq!(route_of("/invocations"), (Route::Invocations, None));
        assert_eq!(route_of("/endpoints/lab/invocations"), (Route::Endpoint, Some("lab")));
        for path in ["/", "/ping/", "/endpoints//invocations", "/endpoints/a/b/invocations", "/endpoints/a"] {
            assert_eq!(route_of(path).0, Route::Other, "{path}");
        }
    }
}
