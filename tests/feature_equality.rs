//! Streaming, batch, and stop-and-resume give the same forty numbers, to the bit.
//!
//! What a model was trained on must be what it is asked about. A million samples of a simulated fabric with every
//! kind of fault, and recorded switch telemetry where captures are at hand, are folded three ways and compared.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use linkcast_domain::{PortFacts, SampleValues, StreamId, Timestamp};
use linkcast_features::{Calendar, StreamState, advance_many};
use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
use linkcast_telemetry::Differ;

type Series = Vec<(Timestamp, SampleValues)>;

/// Samples the comparison must cover at least.
const LEAST_SAMPLES: usize = 1_000_000;

#[test]
fn a_million_simulated_samples_fold_to_the_same_bits_in_every_way() -> Result<()> {
    let series = simulated_series()?;
    let compared: usize =
        series.values().enumerate().map(|(seed, series)| compare(series, seed as u64)).sum();
    assert!(compared >= LEAST_SAMPLES, "only {compared} samples were compared");
    Ok(())
}

fn simulated_series() -> Result<BTreeMap<StreamId, Series>> {
    let plan = FabricPlan {
        seed: 20_260,
        ports: 512,
        hours: 18.5,
        faults: FaultRate::PerPortHour(0.01),
        benign: BenignRates::REALISTIC.times(20.0),
        ..FabricPlan::default()
    };
    let mut fabric = Fabric::new(plan).context("cannot simulate the fabric")?;
    let facts: BTreeMap<StreamId, PortFacts> = fabric.topology().ports().collect();
    let mut differs: BTreeMap<StreamId, Differ> = BTreeMap::new();
    let mut series: BTreeMap<StreamId, Series> = BTreeMap::new();
    let mut readings = Vec::new();
    while fabric.next_sweep(&mut readings).is_some() {
        for reading in readings.drain(..) {
            let known = facts.get(&reading.stream).cloned().unwrap_or_default();
            let differ = differs.entry(reading.stream.clone()).or_default();
            if let Ok(sample) = differ.difference(&reading, &known).outcome {
                series.entry(sample.stream).or_default().push((sample.time, sample.values));
            }
        }
    }
    Ok(series)
}

/// Folds one series as a batch, as a stream, and with stops at random points; returns how many samples it compared.
fn compare(series: &Series, seed: u64) -> usize {
    let calendar = Calendar::utc();
    let mut batch = Vec::new();
    advance_many(&mut StreamState::new(), series, &calendar, &mut batch);
    let mut streamed = StreamState::new();
    let mut resumed = StreamState::new();
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for ((time, values), expected) in series.iter().zip(&batch) {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if dice >> 60 == 0 {
            resumed = StreamState::from_bytes(&resumed.to_bytes()).unwrap();
        }
        assert_eq!(streamed.advance(*time, values, &calendar).ok(), *expected, "streaming at {time}");
        assert_eq!(resumed.advance(*time, values, &calendar).ok(), *expected, "resumed at {time}");
    }
    series.len()
}
