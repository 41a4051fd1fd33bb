//! Our drift test and Evidently's defaults on the same series, none of which drifts: how often each cries.
//!
//! Evidently is the real package, installed by `cargo xtask set-up`; tests/python/drift.py asks it for the test it chooses itself. The
//! series are AR(1), the plainest telemetry that remembers. docs/DRIFT.md holds the table this prints:
//!
//! ```text
//! cargo test -p linkcast-tests --test drift_beside_evidently -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use linkcast_domain::{Feature, FeatureVector, Timestamp};
use linkcast_monitoring::{DriftSettings, Evidence, FeatureSketches, Question, Reference, Series, judge};
use linkcast_tests::ask_evidently;
use serde_json::{Value, json};

/// Runs of each kind.
const RUNS: usize = 300;
/// Samples in an "hour": what is sketched together.
const CHUNK: usize = 20;
/// The rate ours states.
const STATED: f64 = 0.05;

/// Splitmix64 and Box and Muller: the same series on every machine.
struct Dice(u64);

impl Dice {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn series(&mut self, phi: f64, length: usize) -> Vec<f64> {
        let mut value = self.normal();
        let mut next = || {
            let now = value;
            value = phi * value + (1.0 - phi * phi).sqrt() * self.normal();
            now
        };
        (0..length).map(|_| next()).collect()
    }
}

/// How often ours cried, and how often it said that there is not enough data.
struct Ours {
    alarms: f64,
    not_enough: f64,
}

/// Each feature carries a series of its own, so that one verdict is of many runs.
fn ours(runs: &[Vec<f64>], reference: usize) -> Result<Ours> {
    let features: Vec<Feature> = Series::all()
        .filter_map(|series| if let Series::Feature(of) = series { Some(of) } else { None })
        .collect();
    let (mut alarms, mut not_enough) = (0, 0);
    for together in runs.chunks(features.len()) {
        let hours = hours(together, &features);
        let hour_of = |samples: usize| i64::try_from(samples / CHUNK);
        let (first, all) = (hour_of(reference)?, i64::try_from(hours.len())?);
        let settings = DriftSettings {
            reference_hours: u32::try_from(first)?,
            look_hours: u32::try_from(all - first)?,
            cycle_hours: 1,
            looks: 1,
            confirmed_in: 1,
            ..DriftSettings::default()
        };
        let before: BTreeMap<i64, FeatureSketches> =
            hours.range(..first).map(|(hour, sketches)| (*hour, sketches.clone())).collect();
        let reference = Reference::freeze(&before, &settings).ok().context("too few hours")?;
        let (at, importance) = (Timestamp::from_millis(all * 3_600_000), BTreeMap::new());
        let (settings, hours, importance) = (&settings, &hours, &importance);
        let report = judge(&Question { digest: "", at, reference: &reference, hours, settings, importance });
        for series in report.features.series.iter().take(together.len()) {
            let window = series.windows.last().context("no look")?;
            // One test of one series, as Evidently's: what other series say does not matter.
            let is_blind = window.evidence == Evidence::Unknown || series.reference_blocks < 8.0;
            not_enough += usize::from(is_blind);
            alarms += usize::from(!is_blind && window.p <= STATED);
        }
    }
    let share = |count: usize| count as f64 / runs.len() as f64;
    Ok(Ours { alarms: share(alarms), not_enough: share(not_enough) })
}

fn hours(together: &[Vec<f64>], features: &[Feature]) -> BTreeMap<i64, FeatureSketches> {
    let mut hours: BTreeMap<i64, FeatureSketches> = BTreeMap::new();
    for sample in 0..together.first().map_or(0, Vec::len) {
        let mut vector = FeatureVector::default();
        for (feature, run) in features.iter().zip(together) {
            vector.set(*feature, run.get(sample).copied().unwrap_or(f64::NAN));
        }
        hours.entry((sample / CHUNK) as i64).or_default().add(&vector);
    }
    hours
}

/// How often Evidently cried, and by which test.
fn theirs(folder: &Path, runs: &[Vec<f64>], reference: usize) -> Result<(f64, String)> {
    let path = folder.join("series.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for (number, run) in runs.iter().enumerate() {
        let (before, after) = run.split_at(reference);
        writeln!(file, "{}", json!({ "name": number, "reference": before, "current": after }))?;
    }
    file.flush()?;
    drop(file);
    let answers = ask_evidently(&path)?;
    anyhow::ensure!(answers.len() == runs.len(), "{} answers to {} runs", answers.len(), runs.len());
    let drifted = answers.iter().filter(|answer| answer.get("drifted") == Some(&Value::Bool(true))).count();
    let test = answers.first().and_then(|answer| answer.get("test")?.as_str()).unwrap_or_default();
    Ok((drifted as f64 / runs.len() as f64, test.to_owned()))
}

#[test]
fn ours_holds_its_rate_on_series_that_remember_where_evidentlys_defaults_do_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!("| samples | phi | Evidently's default | alarms | ours: alarms | ours: not enough data |");
    println!("|---|---|---|---|---|---|");
    for (reference, look) in [(1_000, 1_000), (4_000, 2_000)] {
        for phi in [0.0, 0.5, 0.9, 0.99] {
            let mut dice = Dice((phi * 1e6) as u64 ^ reference as u64);
            let runs: Vec<Vec<f64>> = (0..RUNS).map(|_| dice.series(phi, reference + look)).collect();
            let ours = ours(&runs, reference)?;
            let (theirs, test) = theirs(folder.path(), &runs, reference)?;
            println!(
                "| {reference} v {look} | {phi} | {test} | {theirs:.3} | {:.3} | {:.2} |",
                ours.alarms, ours.not_enough
            );
            assert!(ours.alarms <= STATED, "phi {phi}, {reference} v {look}: {}", ours.alarms);
            // Without memory theirs holds too; with it, it cries most of the time.
            assert!(phi < 0.9 || theirs > 0.3, "phi {phi}: {theirs}");
        }
    }
    Ok(())
}
