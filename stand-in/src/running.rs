//! Starting and stopping a stand-in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bedrock::{self, BedrockSettings};
use crate::connection::{Connections, Door, Switch};
use crate::requests::Request;
use crate::sagemaker::{self, SageMakerSettings};
use crate::script::{Script, ScriptError, Service};
use crate::world::World;

/// A stand-in that is not started yet.
#[derive(Debug)]
pub struct StandIn {
    listen: SocketAddr,
    world: Arc<World>,
    router: Router,
}

/// A stand-in that answers; dropping it ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    world: Arc<World>,
    connections: Connections,
    task: JoinHandle<()>,
}

/// A stand-in that cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {listen}")]
pub struct StartError {
    /// Where.
    listen: SocketAddr,
    /// Why.
    #[source]
    source: io::Error,
}

impl StandIn {
    /// SageMaker's runtime, and of its control plane what says whether an endpoint is in service.
    pub fn sagemaker(settings: SageMakerSettings) -> Self {
        let world = Arc::new(World::new(Service::SageMaker));
        let listen = settings.listen;
        StandIn { listen, router: sagemaker::router(settings, Arc::clone(&world)), world }
    }

    /// Bedrock's runtime.
    pub fn bedrock(settings: BedrockSettings) -> Self {
        let world = Arc::new(World::new(Service::Bedrock));
        let listen = settings.listen;
        StandIn { listen, router: bedrock::router(settings, Arc::clone(&world)), world }
    }

    /// Listens, and answers from now on.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub async fn start(self) -> Result<Running, StartError> {
        let listen = self.listen;
        let failed = |source| StartError { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let connections = Connections::default();
        let door = Door::new(listener, connections.clone());
        let service = self.router.into_make_service_with_connect_info::<Switch>();
        let task = tokio::spawn(async move {
            // It ends only with its task: nothing tells it to.
            let _ = axum::serve(door, service).await;
        });
        Ok(Running { address, world: self.world, connections, task })
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as what `AWS_ENDPOINT_URL` holds.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Follows `script` from the next request on.
    ///
    /// # Errors
    /// A script this service cannot follow.
    pub fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        self.world.set_script(script)
    }

    /// What came since the start.
    pub fn requests(&self) -> Vec<Request> {
        self.world.requests()
    }

    /// Ends at once; whoever still waits for an answer has its connection reset.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.connections.reset_all();
    }
}
