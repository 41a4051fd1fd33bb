//! The function `insight`: questions in, insights and conditions out. What it does is in this crate's library.

// The SDK's futures nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use std::process::ExitCode;

use linkcast_aws::{Backends, BucketFolders, DynamoStore, EventBridge, connect};
use linkcast_insight::{Config, Insight};
use linkcast_lambda::{Variables, serve, start, start_log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let variables = Variables::of_process();
    start_log(Config::log_level(&variables));
    let started = start(&variables, Config::read, async |config: Config| {
        let shared = connect().await;
        let store = DynamoStore::new(&shared, &config.table, &config.fabric);
        let bus = EventBridge::new(&shared, &config.bus, &config.fabric);
        let backends = Backends::new(&shared, &config.fabric, linkcast_insight::TASK);
        let bucket = config.model_bucket.as_deref();
        let folders = bucket.map(|bucket| BucketFolders::new(&shared, bucket, &config.fabric));
        Insight::new(&config, store, bus, (backends, folders))
    });
    serve(started.await).await
}
