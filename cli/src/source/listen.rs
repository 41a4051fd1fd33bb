//! Receiving Prometheus remote write.
//!
//! A request is answered 204 only when what it held is durable: Prometheus then forgets it, and until then keeps and
//! repeats it. What can never be taken (not snappy, not protobuf) is 400, so that it is not repeated for ever; what
//! cannot be taken now is 503, so that it is.

use std::net::SocketAddr;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use linkcast_domain::{Clock, SystemClock};
use linkcast_telemetry::{Format, Origin, Parsed, parse, recognise};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Event;

/// The most one request may hold, packed: fifty times what Prometheus sends by default.
const LARGEST_REQUEST_BYTES: usize = 16 << 20;
/// How long a request waits for its samples to become durable.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request's samples, and where to say what became of them.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Which listener, by its place on the command line.
    pub(crate) source: usize,
    /// What it held.
    pub(crate) parsed: Parsed,
    /// To be told once everything is durable; dropped where that failed.
    pub(crate) done: oneshot::Sender<()>,
}

/// Why nothing can be received.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address}: expected an address of this machine that nothing listens on")]
pub(crate) struct ListenError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// One address that receives remote write.
#[derive(Clone)]
pub(crate) struct Listener {
    source: usize,
    address: SocketAddr,
    events: SyncSender<Event>,
}

impl Listener {
    /// A listener on `address` whose deliveries go to `events`.
    pub(crate) fn new(source: usize, address: SocketAddr, events: SyncSender<Event>) -> Self {
        Listener { source, address, events }
    }

    /// Binds the address and serves it until the runtime ends.
    pub(crate) async fn start(self) -> Result<(), ListenError> {
        let address = self.address;
        let socket = TcpListener::bind(address).await.map_err(|source| ListenError { address, source })?;
        let router = Router::new()
            .route("/api/v1/write", post(receive))
            .route("/write", post(receive))
            .route("/", get(explain))
            .layer(DefaultBodyLimit::max(LARGEST_REQUEST_BYTES))
            .with_state(self);
        tokio::spawn(async move { axum::serve(socket, router).await });
        Ok(())
    }
}

async fn explain() -> &'static str {
    "linkcast receives Prometheus remote write by POST to /api/v1/write\n"
}

async fn receive(State(listener): State<Listener>, body: Bytes) -> (StatusCode, String) {
    let origin =
        Origin { time: Some(SystemClock.now()), ..Origin::named(format!("listen:{}", listener.address)) };
    let parsed = match recognise("", &body) {
        Some(Format::RemoteWrite) => parse(Format::RemoteWrite, &body, &origin),
        _ => return refused("expected Prometheus remote write 1.0: snappy-packed protobuf"),
    };
    if let (true, Some(reject)) = (parsed.account.used == 0, parsed.rejects.kept().first()) {
        return refused(&reject.to_string());
    }
    let (done, durable) = oneshot::channel();
    let delivery = Delivery { source: listener.source, parsed, done };
    if listener.events.try_send(Event::Delivery(delivery)).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "busy: send it again later\n".into());
    }
    match tokio::time::timeout(PATIENCE, durable).await {
        Ok(Ok(())) => (StatusCode::NO_CONTENT, String::new()),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "could not be stored: send it again later\n".into()),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not stored in time: send it again later\n".into()),
    }
}

fn refused(why: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{why}\n"))
}
