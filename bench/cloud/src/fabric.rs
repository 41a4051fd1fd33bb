//! A simulated fabric's sweeps, and the arrivals that collect makes of them.
//!
//! The benches share it, so that they measure the same work.

use anyhow::{Context, Result};
use linkcast_domain::ports::{ArrivalRecord, Arrivals, Coverage};
use linkcast_domain::{StreamId, Timestamp};
use linkcast_pipeline::Sweep;
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

/// The arrivals of streams at one time, in the order of the streams.
pub(crate) async fn arrivals_at<S: Arrivals>(
    store: &S,
    streams: &[StreamId],
    time: Timestamp,
) -> Result<Vec<ArrivalRecord>> {
    let (after, before) = (time.millis().saturating_sub(1), time.millis().saturating_add(1));
    let mut arrivals = Vec::new();
    for stream in streams {
        let range = (Timestamp::from_millis(after), Timestamp::from_millis(before));
        arrivals.extend(store.arrivals(stream, range.0, range.1).await.context("cannot read arrivals")?);
    }
    Ok(arrivals)
}

/// The streams a sweep reads.
pub(crate) fn streams_of(sweep: &Sweep) -> Vec<StreamId> {
    sweep.readings.iter().map(|reading| reading.stream.clone()).collect()
}
