//! Warm prepare: samples a second of the function's handler in one process, with the store in memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use linkcast_aws::record_of_arrival;
use linkcast_domain::{Budget, SystemClock};
use linkcast_features::Calendar;
use linkcast_lambda::RecordBatch;
use linkcast_pipeline::Settings;
use linkcast_pipeline::apart::Collect;
use linkcast_pipeline::steps::Steps;
use linkcast_store::MemoryStore;
use serde_json::json;

use crate::fabric::{arrivals_at, fabric, next_sweep, streams_of};
use crate::report::Figure;

const PORTS: usize = 2_000;
const SWEEPS: usize = 40;
/// Sweeps before it is warm.
const COLD_SWEEPS: usize = 10;
/// Records in a batch, as the event source mapping delivers them.
const BATCH: usize = 500;

pub(crate) async fn run() -> Result<Figure> {
    let (mut fabric, source, store) = (fabric(PORTS)?, MemoryStore::new(), MemoryStore::new());
    let (settings, calendar, use_case) = (Settings::default(), Calendar::utc(), Collect::default());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let (mut took, mut samples, mut bytes) = (Duration::ZERO, 0_usize, 0_usize);
    for sweep_number in 0..SWEEPS {
        let sweep = next_sweep(&mut fabric)?;
        let (time, streams) = (sweep.time, streams_of(&sweep));
        use_case.sweep(&source, &steps, sweep).await.context("cannot collect")?;
        let arrivals = arrivals_at(&source, &streams, time).await?;
        for batch in arrivals.chunks(BATCH) {
            let records: Vec<_> = batch
                .iter()
                .zip(1_u64..)
                .map(|(arrival, number)| record_of_arrival(arrival, number))
                .collect();
            let text = json!({ "Records": records }).to_string();
            let started = Instant::now();
            let event: RecordBatch = serde_json::from_str(&text)?;
            let budget = Budget::of(Duration::from_secs(60), &SystemClock);
            let report = linkcast_prepare::handle(&store, &steps, &event, (budget, &SystemClock)).await;
            let failed = report.context("the batch failed")?.failures().count();
            anyhow::ensure!(failed == 0, "{failed} records failed");
            if sweep_number >= COLD_SWEEPS {
                took += started.elapsed();
                samples += batch.len();
                bytes += text.len();
            }
        }
    }
    let rate = samples as f64 / took.as_secs_f64();
    let figure = Figure::at_least(
        "warm prepare, one process, the store in memory".to_owned(),
        rate,
        20_000.0,
        "samples/s",
    );
    Ok(figure.beside(format!("{} bytes of event a sample", bytes / samples.max(1))))
}
