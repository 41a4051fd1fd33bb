//! Input that looks like a fabric's: simulated sweeps, as text, readings, samples and features.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use linkcast_domain::{FeatureVector, StreamId};
use linkcast_features::{Calendar, StreamState};
use linkcast_simulator::{CaptureFormat, Fabric, FabricPlan, FaultRate, write_capture};
use linkcast_telemetry::{Differ, Reading};

const SEED: u64 = 11;

/// A fabric of so many ports with faults enough to be of interest.
pub(crate) fn fabric(ports: usize) -> Result<Fabric> {
    let faults = FaultRate::PerPortHour(0.02);
    let plan = FabricPlan { seed: SEED, ports, faults, hours: 24.0, ..FabricPlan::default() };
    Fabric::new(plan).context("cannot simulate a fabric")
}

/// One sweep of it as a tool prints it.
pub(crate) fn printed(format: CaptureFormat, fabric: &Fabric, readings: &[Reading]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_capture(format, fabric, readings, &mut bytes).context("cannot print a sweep")?;
    Ok(bytes)
}

/// So many feature vectors of a fabric's second half hour on.
pub(crate) fn feature_rows(count: usize) -> Result<Vec<FeatureVector>> {
    const WARM_SWEEPS: usize = 60;
    let mut fabric = fabric(256)?;
    let facts: BTreeMap<StreamId, _> = fabric.topology().ports().collect();
    let mut streams: BTreeMap<StreamId, (Differ, StreamState)> = BTreeMap::new();
    let (mut readings, mut rows, mut sweeps) = (Vec::new(), Vec::new(), 0);
    let calendar = Calendar::utc();
    while rows.len() < count && fabric.next_sweep(&mut readings).is_some() {
        sweeps += 1;
        for reading in readings.drain(..) {
            let known = facts.get(&reading.stream).cloned().unwrap_or_default();
            let (differ, state) = streams.entry(reading.stream.clone()).or_default();
            let Ok(sample) = differ.difference(&reading, &known).outcome else { continue };
            let Ok(vector) = state.advance(sample.time, &sample.values, &calendar) else { continue };
            if sweeps > WARM_SWEEPS && rows.len() < count {
                rows.push(vector);
            }
        }
    }
    Ok(rows)
}
