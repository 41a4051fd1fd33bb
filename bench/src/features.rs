//! How many samples a second one core folds into all forty features, against data frames making the first twenty-four.
//!
//! All read the same samples, one stream of them; pandas and polars see it as columns, which suits them.

use std::cell::RefCell;
use std::io::Write;

use anyhow::{Context, Result};
use linkcast_domain::{Feature, SampleField, SampleValues, Timestamp};
use linkcast_features::{Calendar, STATE_BYTES_LIMIT, StreamState};

use crate::contest::{Contestant, alternate, processor_seconds};
use crate::python::Worker;
use crate::report::{Line, Met, fixed, lines, rate};

const ROUNDS: usize = 7;
const SAMPLES: usize = 200_000;
const CADENCE_MILLIS: i64 = 30_000;
const START_MILLIS: i64 = 1_700_000_000_000;

type Samples = Vec<(Timestamp, SampleValues)>;

/// Runs the comparison.
pub(crate) fn run() -> Result<Vec<Line>> {
    let samples = make_samples();
    let mut file = tempfile::NamedTempFile::new().context("cannot make a file of samples")?;
    file.write_all(&encoded(&samples)).context("cannot write the file of samples")?;
    let (worker, who) = Worker::start("features_peers.py", &[file.path()])?;
    let (pandas, polars) = who.split_once('|').unwrap_or((&who, "polars"));
    let worker = RefCell::new(worker);
    let peer = |who: String, work: &'static str| {
        let worker = &worker;
        Contestant::new(who, move || Ok(worker.borrow_mut().round(work)? / SAMPLES as f64))
    };
    let standings = alternate(
        vec![
            Contestant::new("linkcast", || {
                Ok(processor_seconds(|| fold(&samples, &Calendar::utc())) / SAMPLES as f64)
            }),
            peer(format!("{pandas}, 24 features"), "pandas"),
            peer(format!("{polars}, one thread, 24 features"), "polars"),
            peer(
                format!("{polars}, one thread, 24 features, one median of all (looks ahead)"),
                "polars-ahead",
            ),
        ],
        ROUNDS,
    )?;
    let target = |who: &str| match who {
        _ if who.starts_with("pandas") => Some(10.0),
        _ => Some(1.2),
    };
    let show = |seconds| rate(seconds, "samples");
    let mut all = lines("features, one core (ours: all 40)", &standings, show, target);
    all.push(state_line());
    Ok(all)
}

fn state_line() -> Line {
    let mut state = StreamState::new();
    let calendar = Calendar::utc();
    for (time, values) in make_samples().iter().take(10_000) {
        // Times rise, so none is stale.
        let _ = state.advance(*time, values, &calendar);
    }
    let bytes = state.to_bytes().len();
    fixed(
        "state of a stream",
        format!("{bytes} B"),
        "–",
        "–",
        &format!("≤ {STATE_BYTES_LIMIT} B"),
        Met::when(bytes <= STATE_BYTES_LIMIT),
    )
}

/// Folds one stream; the sum keeps the work from being optimised away.
fn fold(samples: &Samples, calendar: &Calendar) -> f64 {
    let mut state = StreamState::new();
    let mut sum = 0.0;
    for (time, values) in samples {
        if let Ok(vector) = state.advance(*time, values, calendar) {
            let vector = std::hint::black_box(&vector);
            sum += vector.get(Feature::LatencyP99Mean15m).unwrap_or(0.0);
        }
    }
    sum
}

/// Little-endian f64: the row count, then a column of epoch milliseconds, then every field's column in order.
fn encoded(samples: &Samples) -> Vec<u8> {
    let times = samples.iter().map(|(time, _)| time.millis() as f64);
    let columns = SampleField::ALL
        .into_iter()
        .flat_map(|field| samples.iter().map(move |(_, values)| values.raw(field)));
    std::iter::once(samples.len() as f64).chain(times).chain(columns).flat_map(f64::to_le_bytes).collect()
}

/// A busy port of two months: daily load with noise, a skewed latency, small counts everywhere.
fn make_samples() -> Samples {
    let mut dice = Dice(7);
    (0..SAMPLES)
        .map(|row| {
            let time_millis = row as i64 * CADENCE_MILLIS;
            let day = std::f64::consts::TAU * time_millis as f64 / 86_400_000.0;
            let utilization = (45.0 + 30.0 * day.sin() + 10.0 * dice.normal()).clamp(0.0, 100.0);
            let mut values = SampleValues::default();
            for field in SampleField::ALL {
                values.set(field, value_of(field, utilization, &mut dice));
            }
            (Timestamp::from_millis(START_MILLIS + time_millis), values)
        })
        .collect()
}

fn value_of(field: SampleField, utilization: f64, dice: &mut Dice) -> f64 {
    use SampleField as F;
    match field {
        F::LatencyP99 => 3.0 * (0.3 * dice.normal()).exp(),
        F::Utilization => utilization,
        F::BandwidthGbps => utilization * 0.97,
        F::ErrorRate => 1e-6 * dice.unit(),
        F::RcvPackets => (1e8 * dice.unit()).floor(),
        F::XmitWaitRatio => dice.unit(),
        F::LinkRateGbps | F::LinkCapableGbps => 100.0,
        F::IntervalS => CADENCE_MILLIS as f64 / 1000.0,
        F::Reset | F::Gap | F::SaturatedCounters => 0.0,
        _ => (3.0 * dice.unit()).floor(),
    }
}

/// The same numbers on every run.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Twelve uniforms are normal enough.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
