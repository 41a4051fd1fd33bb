//! A port's recorded life with known truth: what the blocks say becomes what happened, and nothing that did not.
//!
//! The series was taken every thirty seconds from a simulated switch port that sends 93.75 and receives 80 thousand
//! million words a step, gains 200 symbol errors until its counter stands still, is cleared before 120 s and unplugged
//! before 150 s.

#![cfg(test)]

use std::path::Path;

use linkcast_domain::{NodeGuid, PortFacts, Sample, SampleField, Timestamp};
use linkcast_telemetry::{Counter, Differ, Format, NoSample, Origin, Reading, merge_readings, parse};

const LEAF: NodeGuid = NodeGuid(0x20_0001);
const STEP_MILLIS: i64 = 30_000;
const NAMES: [&str; 6] = ["t0000", "t0030", "t0060", "t0090", "t0120-after-reset", "t0150"];

/// The reading of port 2 at one step: its extended block and its basic block as one.
fn reading(step: usize) -> std::io::Result<Reading> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/ibsim/series-leaf-r01-p2");
    let millis = 1_700_000_000_000 + STEP_MILLIS * step as i64;
    let mut readings = Vec::new();
    for block in ["x", "basic"] {
        let name = format!("{}.{block}.out", NAMES[step]);
        let bytes = std::fs::read(folder.join(&name))?;
        let time = Some(Timestamp::from_millis(millis));
        let parsed =
            parse(Format::Perfquery, &bytes, &Origin { guid: Some(LEAF), time, ..Origin::named(name) });
        assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects.kept());
        readings.extend(parsed.readings);
    }
    let mut merged = merge_readings(readings);
    merged.retain(|reading| reading.stream.as_str() == "0000000000200001/2");
    assert_eq!(merged.len(), 1, "one reading of the port at step {step}");
    Ok(merged.remove(0))
}

/// The samples of steps 1 to 5.
fn samples() -> std::io::Result<Vec<Sample>> {
    let mut differ = Differ::new();
    let mut samples = Vec::new();
    for step in 0..NAMES.len() {
        match differ.difference(&reading(step)?, &PortFacts::default()).outcome {
            Ok(sample) => samples.push(sample),
            Err(reason) => assert_eq!((step, reason), (0, NoSample::First)),
        }
    }
    assert_eq!(samples.len(), 5);
    Ok(samples)
}

fn other(sample: &Sample, name: &str) -> Option<f64> {
    sample.other.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| *value)
}

#[test]
fn the_wide_counters_win_over_the_clamped_ones() -> std::io::Result<()> {
    assert_eq!(reading(0)?.counters.get(Counter::XmitBytes), Some(178_791_657_177_235 * 4));
    assert_eq!(reading(0)?.counters.get(Counter::SymbolErrors), Some(65_000));
    Ok(())
}

#[test]
fn each_direction_carries_what_was_sent() -> std::io::Result<()> {
    for sample in &samples()?[..3] {
        assert_eq!(other(sample, "xmit_gbps"), Some(100.0));
        let received = other(sample, "rcv_gbps").unwrap_or_default();
        assert!((received - 80e9 * 32.0 / 30.0 / 1e9).abs() < 1e-9, "{received} Gb/s");
        assert_eq!(sample.values.get(SampleField::BandwidthGbps), Some(100.0));
        assert_eq!(sample.values.get(SampleField::RcvErrors), Some(7.0));
    }
    Ok(())
}

#[test]
fn symbol_errors_are_told_until_their_counter_stands_at_its_maximum() -> std::io::Result<()> {
    let samples = samples()?;
    let told = |field| samples[..3].iter().map(|sample| sample.values.get(field)).collect::<Vec<_>>();
    assert_eq!(told(SampleField::SymbolErrors), [Some(200.0), Some(200.0), None]);
    // The waiting ticks stand still a step earlier.
    assert_eq!(told(SampleField::SaturatedCounters), [Some(0.0), Some(1.0), Some(2.0)]);
    assert_eq!(other(&samples[0], "PortXmitWait"), Some(1e8));
    assert_eq!(other(&samples[1], "PortXmitWait"), None);
    Ok(())
}

#[test]
fn a_cleared_port_is_a_reset_and_not_a_change() -> std::io::Result<()> {
    let samples = samples()?;
    let resets: Vec<_> = samples.iter().map(|sample| sample.values.get(SampleField::Reset)).collect();
    assert_eq!(resets, [Some(0.0), Some(0.0), Some(0.0), Some(1.0), Some(0.0)]);
    for sample in &samples[3..] {
        let values = sample.values.present().map(|(field, value)| (field.name(), value));
        let others = sample.other.iter().map(|(name, value)| (name.as_ref(), *value));
        for (name, value) in values.chain(others) {
            assert!((0.0..=300.0).contains(&value), "{name} is {value} after the reset");
        }
    }
    assert_eq!(other(&samples[4], "xmit_gbps"), Some(288.0 * 32.0 / 30.0 / 1e9));
    Ok(())
}
