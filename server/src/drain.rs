//! The connections of a server, and how they are brought to an end.
//!
//! First they linger: whoever still asks is answered, with the word that this connection closes, so that no client sends a
//! request into one that is just being closed. Then nobody new is taken in, idle ones are closed, and those that are answering
//! have their time.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::Limits;
use crate::routes::{Service, handle};

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Connections that were still answering when the time was over.
    pub unfinished: usize,
}

/// Every open connection.
pub(crate) struct Connections {
    service: Arc<Service>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Connections {
    /// None yet.
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Connections { service, tasks: JoinSet::new(), stop: watch::Sender::new(false) }
    }

    /// One more.
    pub(crate) fn open(&mut self, stream: TcpStream) {
        self.tasks.spawn(serve(stream, Arc::clone(&self.service), self.stop.subscribe()));
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.tasks.len()
    }

    /// Waits for one to end; for ever, if there is none.
    pub(crate) async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Closes idle ones at once and the others after their answer, or at the end of their time.
    pub(crate) async fn close(mut self, limits: &Limits) -> Drained {
        self.stop.send_replace(true);
        let deadline = Instant::now() + limits.drain;
        while let Ok(Some(_)) = timeout_at(deadline, self.tasks.join_next()).await {}
        let unfinished = self.tasks.len();
        self.tasks.shutdown().await;
        Drained { unfinished }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    // Without it an answer waits for the acknowledgement of the one before; where it cannot be set it is merely slower.
    let _ = stream.set_nodelay(true);
    let idle = service.limits.idle;
    let answer = service_fn(move |request| handle(Arc::clone(&service), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A connection that breaks is its client's affair.
        _ = connection.as_mut() => return,
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
