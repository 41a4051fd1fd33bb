//! The function `monitor`: an hourly look, and feedback at its URL. What it does is in this crate's library.

// The SDK's futures nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::process::ExitCode;

use linkcast_aws::{DynamoStore, Endpoints, EventBridge, connect};
use linkcast_domain::SystemClock;
use linkcast_lambda::{Variables, serve, start, start_log};
use linkcast_monitor::{Config, MonitorFunction};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variables = Variables::of_process();
    start_log(Config::log_level(&variables));
    let started = start(&variables, Config::read, async |config: Config| {
        let shared = connect().await;
        let store = DynamoStore::new(&shared, &config.table, &config.fabric);
        let bus = EventBridge::new(&shared, &config.bus, &config.fabric);
        let endpoints = Endpoints::new(&shared, SystemClock);
        Ok::<_, std::convert::Infallible>(MonitorFunction::new(&config, store, bus, endpoints))
    });
    serve(started.await).await
}
