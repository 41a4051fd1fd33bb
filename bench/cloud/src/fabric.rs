//! Arrivals of a simulated fabric, as collect makes them.

use anyhow::{Context, Result};
use linkcast_domain::Timestamp;
use linkcast_domain::ports::{ArrivalRecord, Arrivals, Coverage};
use linkcast_features::Calendar;
use linkcast_pipeline::apart::{Collect, CollectStore};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{Settings, Sweep};
use linkcast_simulator::{Fabric, FabricPlan, FaultRate};

/// A fabric of so many ports with faults enough to be of interest.
pub(crate) fn fabric(ports: usize) -> Result<Fabric> {
    let faults = FaultRate::PerPortHour(0.02);
    let plan = FabricPlan { seed: 11, ports, faults, hours: 24.0, ..FabricPlan::default() };
    Fabric::new(plan).context("cannot simulate a fabric")
}

/// The fabric's next sweep; the first carries what is known of the ports.
pub(crate) fn next_sweep(fabric: &mut Fabric) -> Result<Sweep> {
    let mut readings = Vec::new();
    let time = fabric.next_sweep(&mut readings).context("the fabric has ended")?;
    let facts = fabric.topology().ports().collect();
    Ok(Sweep {
        source: "bench".to_owned(),
        position: 0,
        time,
        coverage: Coverage::Whole,
        readings,
        samples: Vec::new(),
        facts,
    })
}

/// Collects a sweep and gives the arrivals it made, in the order of streams.
pub(crate) async fn collect<S: CollectStore + Arrivals>(
    (store, collect): (&S, &Collect),
    settings: &Settings,
    sweep: Sweep,
    after: Timestamp,
) -> Result<Vec<ArrivalRecord>> {
    let calendar = Calendar::utc();
    let steps = Steps { settings, calendar: &calendar };
    let streams: Vec<_> = sweep.readings.iter().map(|reading| reading.stream.clone()).collect();
    let until = Timestamp::from_millis(sweep.time.millis() + 1);
    collect.sweep(store, &steps, sweep).await.context("cannot collect")?;
    let mut arrivals = Vec::new();
    for stream in streams {
        arrivals.extend(store.arrivals(&stream, after, until).await.context("cannot read arrivals")?);
    }
    Ok(arrivals)
}
