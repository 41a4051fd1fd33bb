//! How many samples a second one core folds into all forty features.
//!
//! Given a file (little-endian f64: row count, then a column of epoch milliseconds, then every sample field's column in
//! order), it folds exactly what a peer folds; without one it makes its own. The best of several rounds is
//! reported, since everything that disturbs a round only makes it slower.

use std::process::ExitCode;
use std::time::Instant;

use linkcast_domain::{Feature, SampleField, SampleValues, Timestamp};
use linkcast_features::{Calendar, StreamState};

const ROUNDS: usize = 25;
const OWN_SAMPLES: usize = 50_000;
const CADENCE_MILLIS: i64 = 30_000;
const START_MILLIS: i64 = 1_700_000_000_000;

type Samples = Vec<(Timestamp, SampleValues)>;

/// Runs the benchmark and prints its line.
pub(crate) fn run(samples_file: Option<&str>) -> ExitCode {
    let samples = match samples_file.map(std::fs::read) {
        None => own_samples(),
        Some(Ok(bytes)) => decode(&bytes),
        Some(Err(error)) => {
            eprintln!("cannot read samples: {error}");
            return ExitCode::from(3);
        }
    };
    if samples.is_empty() {
        eprintln!("no samples: expected little-endian f64 columns behind their row count");
        return ExitCode::from(3);
    }
    let calendar = Calendar::utc();
    let mut best_s = f64::INFINITY;
    let mut sum = 0.0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        sum = fold(&samples, &calendar);
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    println!(
        "{{\"bench\":\"features\",\"who\":\"linkcast\",\"features\":40,\"samples\":{},\"samples_per_s\":{:.0},\
         \"state_bytes\":{},\"check\":{sum}}}",
        samples.len(),
        samples.len() as f64 / best_s,
        StreamState::new().to_bytes().len(),
    );
    ExitCode::SUCCESS
}

/// Folds one stream; the sum keeps the work from being optimised away and can be compared with a peer's.
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

fn decode(bytes: &[u8]) -> Samples {
    let numbers: Vec<f64> =
        bytes.as_chunks::<8>().0.iter().map(|number| f64::from_le_bytes(*number)).collect();
    let rows = numbers.first().map_or(0, |rows| *rows as usize);
    let column = |place: usize| numbers.get(1 + place * rows..1 + (place + 1) * rows).unwrap_or(&[]);
    let mut samples: Samples = column(0)
        .iter()
        .map(|millis| (Timestamp::from_millis(*millis as i64), SampleValues::default()))
        .collect();
    for field in SampleField::ALL {
        for ((_, values), value) in samples.iter_mut().zip(column(1 + field as usize)) {
            values.set(field, *value);
        }
    }
    samples
}

fn own_samples() -> Samples {
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut unit = move || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..OWN_SAMPLES)
        .map(|row| {
            let mut values = SampleValues::default();
            for field in SampleField::ALL {
                values.set(field, own_value(field, unit()));
            }
            (Timestamp::from_millis(START_MILLIS + row as i64 * CADENCE_MILLIS), values)
        })
        .collect()
}

fn own_value(field: SampleField, unit: f64) -> f64 {
    use SampleField as F;
    match field {
        F::LatencyP99 => 2.0 + 4.0 * unit,
        F::Utilization | F::BandwidthGbps => 100.0 * unit,
        F::ErrorRate => 1e-6 * unit,
        F::RcvPackets => (1e8 * unit).floor(),
        F::XmitWaitRatio => unit,
        F::LinkRateGbps | F::LinkCapableGbps => 100.0,
        F::IntervalS => CADENCE_MILLIS as f64 / 1000.0,
        F::Reset | F::Gap | F::SaturatedCounters => 0.0,
        _ => (3.0 * unit).floor(),
    }
}
