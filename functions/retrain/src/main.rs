//! The function `retrain`: a request becomes a run, and a run is followed. What it does is in this crate's library.

// The SDK's futures nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::process::ExitCode;

use linkcast_aws::{DynamoStore, EventBridge, SageMakerPipelines, connect};
use linkcast_domain::SystemClock;
use linkcast_lambda::{Variables, serve, start, start_log};
use linkcast_retrain::{Config, Retrain};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variables = Variables::of_process();
    start_log(Config::log_level(&variables));
    let started = start(&variables, Config::read, async |config: Config| {
        let shared = connect().await;
        let store = DynamoStore::new(&shared, &config.table, &config.fabric);
        let bus = EventBridge::new(&shared, &config.bus, &config.fabric);
        let pipelines = SageMakerPipelines::new(&shared, SystemClock);
        Ok::<_, std::convert::Infallible>(Retrain::new(config, store, bus, pipelines))
    });
    serve(started.await).await
}
