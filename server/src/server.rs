//! A server from its address to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::ServerSettings;
use crate::drain::{Connections, Drained};
use crate::gate::Gate;
use crate::metrics::Metrics;
use crate::models::{ModelFact, Models};
use crate::routes::Service;
use crate::watch::{Notice, Tell, watch};

/// How long accepting pauses when the system has no more descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a server without connections waits for those that the system has taken in already.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// Nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address}: expected an address of this machine that nothing listens on")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Models behind an address, ready to answer.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    settings: ServerSettings,
    service: Arc<Service>,
    reload: Arc<Notify>,
    tell: Tell,
}

/// Has a server read its models' folders at once.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<Notify>);

impl Reloader {
    /// Has them read.
    pub fn reload(&self) {
        self.0.notify_one();
    }
}

impl Server {
    /// Takes the address; requests wait in the system's queue until the server runs.
    ///
    /// # Errors
    /// An address that cannot be taken.
    pub async fn bind(settings: ServerSettings, models: Models) -> Result<Self, BindError> {
        let address = settings.listen;
        let refused = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let service = Arc::new(Service {
            models: Arc::new(models),
            gate: Gate::new(&settings.limits),
            limits: settings.limits,
            metrics: Metrics::default(),
            is_stopping: AtomicBool::new(false),
        });
        let (reload, tell): (_, Tell) = (Arc::new(Notify::new()), Arc::new(|_| {}));
        Ok(Server { listener, address, settings, service, reload, tell })
    }

    /// The same server, which tells `tell` what whoever runs it should hear.
    #[must_use]
    pub fn telling(mut self, tell: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.tell = Arc::new(tell);
        self
    }

    /// The address it has, with the port that the system chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What answers now.
    pub fn models(&self) -> Vec<ModelFact> {
        self.service.models.facts()
    }

    /// What has it read its models' folders at once.
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.reload))
    }

    /// Answers until `stop` is ready, then brings what is in flight to its end.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Drained {
        let Server { listener, settings, service, reload, tell, .. } = self;
        let watching = watch(Arc::clone(&service.models), settings.watch, reload, Arc::clone(&tell));
        let watching = tokio::spawn(watching);
        let mut connections = Connections::new(Arc::clone(&service));
        let mut stop = std::pin::pin!(stop);
        let most = settings.limits.connections.max(1);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = connections.ended() => {}
                accepted = listener.accept(), if connections.count() < most => {
                    take(accepted, &mut connections, &tell).await;
                }
            }
        }
        service.is_stopping.store(true, Ordering::Relaxed);
        linger(&listener, &settings, &mut connections, &tell).await;
        drop(listener);
        let drained = connections.close(&settings.limits).await;
        watching.abort();
        drained
    }
}

/// Goes on taking in until the time is over or nobody is left. Who is in the system's queue already comes first.
async fn linger(
    listener: &TcpListener,
    settings: &ServerSettings,
    connections: &mut Connections,
    tell: &Tell,
) {
    let mut over = std::pin::pin!(sleep(settings.limits.linger));
    loop {
        let nobody = connections.count() == 0;
        tokio::select! {
            biased;
            accepted = listener.accept() => take(accepted, connections, tell).await,
            () = connections.ended(), if !nobody => {}
            () = sleep(LAST_LOOK), if nobody => return,
            () = &mut over => return,
        }
    }
}

async fn take(accepted: io::Result<(TcpStream, SocketAddr)>, connections: &mut Connections, tell: &Tell) {
    match accepted {
        Ok((stream, _)) => connections.open(stream),
        Err(error) => {
            tell(&Notice::NotAccepted { why: error.to_string() });
            sleep(ACCEPT_PAUSE).await;
        }
    }
}
