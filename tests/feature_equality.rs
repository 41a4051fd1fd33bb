//! Streaming, batch, and stop-and-resume give the same forty numbers, to the bit.
//!
//! What a model was trained on must be what it is asked about. A million samples of a simulated fabric with every
//! kind of fault, and recorded switch telemetry where captures are at hand, are folded three ways and compared.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use linkcast_domain::{PortFacts, SampleValues, StreamId, Timestamp};
use linkcast_features::{Calendar, StreamState, advance_many};
use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
use linkcast_telemetry::{ColumnMap, Differ, Format, Origin, parse};

type Series = Vec<(Timestamp, SampleValues)>;

/// Samples the comparison must cover at least.
const LEAST_SAMPLES: usize = 1_000_000;

#[test]
fn a_million_simulated_samples_fold_to_the_same_bits_in_every_way() -> Result<()> {
    let series = simulated_series()?;
    let compared = compare_all(&series)?;
    assert!(compared >= LEAST_SAMPLES, "only {compared} samples were compared");
    Ok(())
}

/// Recorded switch telemetry, read through the project's own column maps. Captures are third parties' and lie beside
/// the project: the folder is named by `LINKCAST_CAPTURES`, and without one there is nothing recorded to compare.
#[test]
fn recorded_switch_telemetry_folds_to_the_same_bits_in_every_way() -> Result<()> {
    let Some(captures) = std::env::var_os("LINKCAST_CAPTURES") else { return Ok(()) };
    let folder = Path::new(&captures).join("data/cisco_events");
    if !folder.is_dir() {
        return Ok(());
    }
    let mut compared = 0;
    for (map, suffix) in [
        ("cisco-ios-xr-generic-counters", "latest_generic-counters.csv.gz"),
        ("cisco-ios-xr-data-rate", "latest_data-rate.csv.gz"),
    ] {
        let recorded = recorded_series(&folder, map, suffix)?;
        compared += compare_all(&recorded)?;
    }
    assert!(compared > 50_000, "only {compared} recorded samples were compared");
    Ok(())
}

fn recorded_series(folder: &Path, map: &str, suffix: &str) -> Result<BTreeMap<StreamId, Series>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../maps").join(map).with_extension("toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let map =
        Arc::new(ColumnMap::from_toml(&text).with_context(|| format!("cannot use {}", path.display()))?);
    let mut differs: BTreeMap<StreamId, Differ> = BTreeMap::new();
    let mut series: BTreeMap<StreamId, Series> = BTreeMap::new();
    for file in files_below(folder)?.into_iter().filter(|file| file.to_string_lossy().ends_with(suffix)) {
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(&file).with_context(|| format!("cannot open {}", file.display()))?;
        GzDecoder::new(packed)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot unpack {}", file.display()))?;
        let origin = Origin { map: Some(Arc::clone(&map)), ..Origin::named(file.to_string_lossy()) };
        let parsed = parse(Format::MappedCsv, &bytes, &origin);
        for sample in parsed.samples {
            series.entry(sample.stream).or_default().push((sample.time, sample.values));
        }
        for reading in parsed.readings {
            let differ = differs.entry(reading.stream.clone()).or_default();
            let facts = reading.facts.as_deref().cloned().unwrap_or_default();
            if let Ok(sample) = differ.difference(&reading, &facts).outcome {
                series.entry(sample.stream).or_default().push((sample.time, sample.values));
            }
        }
    }
    Ok(series)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
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

/// Compares every series; returns how many samples there were.
fn compare_all(series: &BTreeMap<StreamId, Series>) -> Result<usize> {
    series.values().enumerate().map(|(seed, series)| compare(series, seed as u64)).sum()
}

/// Folds one series as a batch, as a stream, and with stops at random points; returns how many samples it compared.
fn compare(series: &Series, seed: u64) -> Result<usize> {
    let calendar = Calendar::utc();
    let mut batch = Vec::new();
    advance_many(&mut StreamState::new(), series, &calendar, &mut batch);
    let mut streamed = StreamState::new();
    let mut resumed = StreamState::new();
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for ((time, values), expected) in series.iter().zip(&batch) {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if dice >> 60 == 0 {
            resumed = StreamState::from_bytes(&resumed.to_bytes()).context("a state does not resume")?;
        }
        assert_eq!(streamed.advance(*time, values, &calendar).ok(), *expected, "streaming at {time}");
        assert_eq!(resumed.advance(*time, values, &calendar).ok(), *expected, "resumed at {time}");
    }
    Ok(series.len())
}
