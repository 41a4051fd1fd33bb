//! What one process takes in at once, and for how long it waits: every size and time of the server has its bound here.

use std::net::SocketAddr;
use std::time::Duration;

/// Where and how to serve.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The address; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What is taken in.
    pub limits: Limits,
    /// How often a model's folder is looked at; `None` leaves them alone.
    pub watch: Option<Duration>,
}

impl ServerSettings {
    /// The usual bounds at `listen`, with folders looked at every second.
    pub fn new(listen: SocketAddr) -> Self {
        ServerSettings { listen, limits: Limits::default(), watch: Some(Duration::from_secs(1)) }
    }
}

/// What is taken in at once, and how long anything may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one request's body. SageMaker's own bound for an endpoint was 6 MB for years.
    pub body_bytes: usize,
    /// Of one request.
    pub rows: usize,
    /// Requests worked on at once.
    pub concurrent: usize,
    /// Requests that wait for others to end; more are sent away.
    pub waiting: usize,
    /// Connections; more wait in the system's own queue.
    pub connections: usize,
    /// Until a request has its turn and its body is there.
    pub request_time: Duration,
    /// A connection that says nothing for so long is closed.
    pub idle: Duration,
    /// After the word to stop: how long clients are still taken in, each with a last answer that closes its connection.
    pub linger: Duration,
    /// After that: how long what is in flight may take. Together with `linger` under SageMaker's 30 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 6 << 20,
            rows: 10_000,
            concurrent: 64,
            waiting: 256,
            connections: 1_024,
            request_time: Duration::from_secs(20),
            idle: Duration::from_secs(75),
            linger: Duration::from_millis(500),
            drain: Duration::from_secs(25),
        }
    }
}
