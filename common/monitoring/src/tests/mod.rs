//! Simulations with known truth: how often the test cries without cause, and how often it sees what is there.
//!
//! A run is a reference and a look cut from one series; each "hour" is a chunk of samples. What is counted is p <= 5 % in one look,
//! without asking whether the change matters and without a second look: the alarm itself is rarer.

mod cost;
mod rates;
mod verdicts;

use std::borrow::Cow;

use crate::bins::Bins;
use crate::held::{Held, Tested};
use crate::past::Past;
use crate::settings::DriftSettings;
use crate::sketch::Sketch;
use crate::watched::Series;
use linkcast_domain::Feature;

const SERIES: Series = Series::Feature(Feature::LatencyP99);

/// How a simulated series is cut.
struct Cut {
    /// Samples in an hour.
    chunk: usize,
    /// Samples in the reference; what follows is the look.
    reference: usize,
    /// Hours after which the series' pattern repeats.
    cycle: u32,
}

/// What many runs came to, as shares of them.
#[derive(Debug)]
struct Rates {
    /// Not enough data.
    unknown: f64,
    /// p <= 5 %.
    significant: f64,
    /// p <= 5 %, and enough to matter.
    drift: f64,
}

fn hours(values: &[f64], chunk: usize) -> Vec<Sketch> {
    let hour = |part: &[f64]| {
        let mut sketch = Sketch::default();
        part.iter().for_each(|value| sketch.add(*value));
        sketch
    };
    values.chunks_exact(chunk).map(hour).collect()
}

fn pooled(hours: &[Sketch]) -> Sketch {
    let mut all = Sketch::default();
    hours.iter().for_each(|hour| all.merge(hour));
    all
}

/// Tests the look of one series.
fn tested(values: &[f64], cut: &Cut) -> Tested {
    let (reference, look) = values.split_at(cut.reference);
    let (reference, look) = (hours(reference, cut.chunk), hours(look, cut.chunk));
    let settings = DriftSettings {
        cycle_hours: cut.cycle,
        look_hours: look.len() as u32,
        reference_hours: reference.len() as u32,
        ..DriftSettings::default()
    };
    let all = pooled(&reference);
    let bins = Bins::cut(&all);
    let mut past = Past::default();
    for hour in &reference {
        past.note(SERIES, bins.as_ref(), hour, settings.least_samples);
    }
    let numbers: Vec<i64> = (0..reference.len() as i64).collect();
    let held = Held::of(SERIES, Cow::Borrowed(&all), (&past, &numbers), &settings);
    let after = reference.len() as i64;
    let own: Vec<(i64, Cow<'_, Sketch>)> = (after..).zip(look.iter().map(Cow::Borrowed)).collect();
    let mut tested = held.look(&own, &pooled(&look));
    let p = tested.window.p;
    tested.weigh(p, if p <= 0.05 { p } else { 0.0 }, &settings);
    tested
}

/// Runs `series` with each seed; it gives reference and look in one.
fn rates(runs: u64, cut: &Cut, series: impl Fn(u64) -> Vec<f64>) -> Rates {
    let (mut unknown, mut significant, mut drift) = (0.0, 0.0, 0.0);
    for seed in 0..runs {
        let tested = tested(&series(seed), cut);
        if tested.is_unsure() {
            unknown += 1.0;
            continue;
        }
        significant += f64::from(u8::from(tested.window.p <= 0.05));
        drift += f64::from(u8::from(tested.window.evidence == crate::report::Evidence::Drift));
    }
    let runs = runs as f64;
    Rates { unknown: unknown / runs, significant: significant / runs, drift: drift / runs }
}
