//! The whole pipeline in one process, from an exporter's text to SQLite: how fast, how it grows, how much memory.
//!
//! Each size runs in a process of its own, whose peak memory is then its own. What is timed is what runs in the field:
//! parsing, differencing, features, the model, conditions, and writing to a database on disk. Simulating and printing
//! the sweeps is not. The rate is by wall time on all cores, growth by processor time.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use linkcast_domain::SystemClock;
use linkcast_features::Calendar;
use linkcast_pipeline::{CheckpointPolicy, JsonLines, Pipeline, Settings, Sweep};
use linkcast_simulator::{CaptureFormat, Fabric};
use linkcast_store::SqliteStore;
use linkcast_telemetry::{Format, Origin, Reading, parse};

use crate::contest::process_time;
use crate::fabric::{fabric, printed};
use crate::machine::peak_memory_bytes;
use crate::ready::ready;
use crate::report::{Line, Met, duration, fixed, rate, short};
use crate::scoring::load_shipped;

/// NVIDIA UFM Telemetry Fluent Streaming's published throughput, port samples a second.
const UFM_TFS_PER_S: f64 = 53_000.0;
const TARGET: f64 = 5.0;
const SIZES: [usize; 4] = [1_000, 10_000, 50_000, 200_000];
/// The size whose figure is held against the target.
const JUDGED: usize = 10_000;
/// Port samples a size folds, as far as the sweeps' bounds allow.
const SAMPLES: usize = 400_000;
const FEWEST_SWEEPS: usize = 3;
const MOST_SWEEPS: usize = 200;
/// From the smallest fabric to the largest, the processor time of a sample may grow by so much and still count as linear.
const LINEAR: f64 = 1.5;

/// What one size came to.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    ports: usize,
    samples: f64,
    seconds: f64,
    processor_seconds: f64,
    peak_bytes: f64,
}

/// Runs every size in a process of its own.
pub(crate) fn run() -> Result<Vec<Line>> {
    let outcomes: Vec<Outcome> = SIZES.into_iter().map(run_apart).collect::<Result<_>>()?;
    let mut all: Vec<Line> = outcomes.iter().map(line).collect();
    if let (Some(least), Some(most)) = (outcomes.first(), outcomes.last()) {
        let growth = (most.processor_seconds / most.samples) / (least.processor_seconds / least.samples);
        all.push(fixed(
            &format!(
                "growth: processor time of a sample at {} ports over {}",
                grouped(most.ports),
                grouped(least.ports)
            ),
            format!("{}×", short(growth)),
            "linear",
            "1×",
            &format!("≤ {LINEAR}×"),
            Met::when(growth <= LINEAR),
        ));
    }
    Ok(all)
}

fn line(outcome: &Outcome) -> Line {
    let Outcome { ports, samples, seconds, processor_seconds, peak_bytes } = *outcome;
    let times = samples / seconds / UFM_TFS_PER_S;
    let judged = ports == JUDGED;
    fixed(
        &format!("whole pipeline with SQLite, {} ports", grouped(ports)),
        format!(
            "{} (**{}×**); {} of processor time a sample; peak {} GB",
            rate(seconds / samples, "port samples"),
            short(times),
            duration(processor_seconds / samples),
            short(peak_bytes / 1e9)
        ),
        "UFM TFS, published",
        "53 K port samples/s",
        if judged { "5×" } else { "–" },
        if judged { Met::when(times >= TARGET) } else { Met::NoTarget },
    )
}

fn run_apart(ports: usize) -> Result<Outcome> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(own)
        .args(["pipeline-once", &ports.to_string()])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start this program again")?;
    if !output.status.success() {
        bail!("the pipeline of {ports} ports failed with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [samples, seconds, processor_seconds, peak_bytes] = numbers.as_slice() else {
        bail!("the pipeline of {ports} ports said {text:?}, not four numbers")
    };
    Ok(Outcome {
        ports,
        samples: *samples,
        seconds: *seconds,
        processor_seconds: *processor_seconds,
        peak_bytes: *peak_bytes,
    })
}

/// Runs one size in this process: samples, seconds and peak bytes on standard output.
pub(crate) fn run_once(ports: usize) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let store = SqliteStore::open(&folder.path().join("bench.db")).context("cannot open a database")?;
    let settings = Settings { checkpoint: CheckpointPolicy::replay(), ..Settings::default() };
    let mut fabric = fabric(ports)?;
    let opening = Pipeline::open(
        settings,
        Calendar::utc(),
        store,
        load_shipped()?,
        Vec::<JsonLines<std::io::Sink>>::new(),
    );
    let mut pipeline = ready(opening).context("cannot open the pipeline")?;
    let sweeps = (SAMPLES / ports).clamp(FEWEST_SWEEPS, MOST_SWEEPS) + 1;
    let (mut samples, mut spent, mut last) = (0, Spent::default(), None);
    let mut readings = Vec::new();
    for position in 1..=sweeps as u64 {
        let Some((time, bytes)) = next_text(&mut fabric, &mut readings)? else { break };
        last = Some(time);
        let start = Spent::start();
        let origin = Origin { time: Some(time), ..Origin::named("bench") };
        let parsed = parse(Format::Prometheus, &bytes, &origin);
        let sweep = Sweep {
            source: "bench".to_owned(),
            position,
            time,
            readings: parsed.readings,
            facts: parsed.ports,
            ..Sweep::default()
        };
        let report = ready(pipeline.ingest(sweep, &SystemClock)).context("cannot take a sweep in")?;
        samples += report.tally.samples;
        spent.add(start);
    }
    let start = Spent::start();
    ready(pipeline.finish(last.context("the fabric made no sweep")?)).context("cannot finish")?;
    spent.add(start);
    let Spent { seconds, processor_seconds } = spent;
    println!("{samples} {seconds} {processor_seconds} {}", peak_memory_bytes().unwrap_or(0));
    Ok(())
}

/// Time spent by the wall's clock and by the processors'.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    seconds: f64,
    processor_seconds: f64,
}

impl Spent {
    fn start() -> (Instant, Duration) {
        (Instant::now(), process_time())
    }

    fn add(&mut self, (wall, processor): (Instant, Duration)) {
        self.seconds += wall.elapsed().as_secs_f64();
        self.processor_seconds += (process_time() - processor).as_secs_f64();
    }
}

fn next_text(
    fabric: &mut Fabric,
    readings: &mut Vec<Reading>,
) -> Result<Option<(linkcast_domain::Timestamp, Vec<u8>)>> {
    let Some(time) = fabric.next_sweep(readings) else { return Ok(None) };
    let bytes = printed(CaptureFormat::Treydock, fabric, readings)?;
    readings.clear();
    Ok(Some((time, bytes)))
}

/// A number of ports as people write it.
fn grouped(ports: usize) -> String {
    format!("{}K", ports / 1000)
}
