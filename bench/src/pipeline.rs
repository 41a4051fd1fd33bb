//! The whole pipeline in one process, from an exporter's text to SQLite: how fast, how it grows, how much memory.
//!
//! Each size runs in a process of its own, whose peak memory is then its own. What is timed is what `linkcast replay` does:
//! reading files, parsing, differencing, features, the model, conditions, and writing to a database on disk, every
//! stream's state with each twentieth of its samples and at the end. Simulating and printing is done before, by another process. The first sweep is taken in and made
//! durable untimed: it makes every stream and gives no sample. The rate is by wall time on all cores, growth by
//! processor time.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use linkcast_domain::{SystemClock, Timestamp};
use linkcast_features::Calendar;
use linkcast_pipeline::{
    CheckpointPolicy, JsonLines, Pipeline, READ_AHEAD_READINGS, Settings, Sweep, read_ahead,
};
use linkcast_simulator::CaptureFormat;
use linkcast_store::SqliteStore;
use linkcast_telemetry::{Format, Origin, SourceMemory, parse_remembering};

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
/// Port samples a size folds, as far as the sweeps' bounds allow; a whole number of checkpoints for every size.
const SAMPLES: usize = 400_000;
const FEWEST_SWEEPS: usize = 20;
const MOST_SWEEPS: usize = 200;
/// From the smallest fabric to the largest, the processor time of a sample may grow by so much and still count as linear.
const LINEAR: f64 = 1.5;

/// Runs of the size that is held against the target: their median counts.
const ROUNDS: usize = 5;

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
    let rounds: Vec<Vec<Outcome>> = SIZES.into_iter().map(run_rounds).collect::<Result<_>>()?;
    let mut all: Vec<Line> = rounds.iter().filter_map(|rounds| line(rounds)).collect();
    let outcomes: Vec<&Outcome> = rounds.iter().filter_map(|rounds| median(rounds)).collect();
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

/// The rounds of one size, fastest first.
fn run_rounds(ports: usize) -> Result<Vec<Outcome>> {
    let count = if ports == JUDGED { ROUNDS } else { 1 };
    let mut rounds: Vec<Outcome> = (0..count).map(|_| run_apart(ports)).collect::<Result<_>>()?;
    rounds.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    Ok(rounds)
}

fn median(rounds: &[Outcome]) -> Option<&Outcome> {
    rounds.get(rounds.len() / 2)
}

fn line(rounds: &[Outcome]) -> Option<Line> {
    let Outcome { ports, samples, seconds, processor_seconds, peak_bytes } = *median(rounds)?;
    let times_of = |outcome: &Outcome| outcome.samples / outcome.seconds / UFM_TFS_PER_S;
    let times = samples / seconds / UFM_TFS_PER_S;
    let judged = ports == JUDGED;
    let range = match (rounds.first().map(times_of), rounds.last().map(times_of)) {
        (Some(most), Some(least)) if rounds.len() > 1 => format!(" ({}–{})", short(least), short(most)),
        _ => String::new(),
    };
    Some(fixed(
        &format!("whole pipeline with SQLite, {} ports", grouped(ports)),
        format!(
            "{} (**{}×**{range}); {} of processor time a sample; peak {} GB",
            rate(seconds / samples, "port samples"),
            short(times),
            duration(processor_seconds / samples),
            short(peak_bytes / 1e9)
        ),
        "UFM TFS, published",
        "53 K port samples/s",
        if judged { "5×" } else { "–" },
        if judged { Met::when(times >= TARGET) } else { Met::NoTarget },
    ))
}

fn run_apart(ports: usize) -> Result<Outcome> {
    let numbers = own_output(&["pipeline-once", &ports.to_string()])?;
    let [samples, seconds, processor_seconds, peak_bytes] = numbers.as_slice() else {
        bail!("the pipeline of {ports} ports said {numbers:?}, not four numbers")
    };
    Ok(Outcome {
        ports,
        samples: *samples,
        seconds: *seconds,
        processor_seconds: *processor_seconds,
        peak_bytes: *peak_bytes,
    })
}

/// The numbers that this program, started again with `arguments`, prints.
fn own_output(arguments: &[&str]) -> Result<Vec<f64>> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(own)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start this program again")?;
    if !output.status.success() {
        bail!("{arguments:?} failed with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .map(|number| number.parse().with_context(|| format!("{arguments:?} said {number:?}, not a number")))
        .collect()
}

/// Prints a fabric's sweeps to files in `folder`, and their times in milliseconds on standard output.
pub(crate) fn print_sweeps(ports: usize, folder: &Path) -> Result<()> {
    let mut fabric = fabric(ports)?;
    let sweeps = (SAMPLES / ports).clamp(FEWEST_SWEEPS, MOST_SWEEPS) + 1;
    let mut readings = Vec::new();
    for number in 0..sweeps {
        let Some(time) = fabric.next_sweep(&mut readings) else { break };
        let bytes = printed(CaptureFormat::Treydock, &fabric, &readings)?;
        readings.clear();
        std::fs::write(file(folder, number), bytes).context("cannot write a sweep")?;
        println!("{}", time.millis());
    }
    Ok(())
}

fn file(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("{number}.prom"))
}

/// Runs one size in this process: samples, seconds, processor seconds and peak bytes on standard output.
pub(crate) fn run_once(ports: usize) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database and the sweeps")?;
    let folder = folder.path();
    let place = folder.to_str().context("the temporary folder's name is no text")?;
    let times = own_output(&["pipeline-print", &ports.to_string(), place])?;
    let times: Vec<Timestamp> =
        times.into_iter().map(|millis| Timestamp::from_millis(millis as i64)).collect();
    let store = SqliteStore::open(&folder.join("bench.db")).context("cannot open a database")?;
    let settings = Settings { checkpoint: CheckpointPolicy::replay(), ..Settings::default() };
    let channels = Vec::<JsonLines<std::io::Sink>>::new();
    let opening = Pipeline::open(settings, Calendar::utc(), store, load_shipped()?, channels);
    let mut pipeline = ready(opening).context("cannot open the pipeline")?;
    let (mut memory, mut bytes) = (SourceMemory::new(), Vec::new());
    let mut sweeps = times
        .iter()
        .enumerate()
        .map(|(number, time)| read_sweep(&file(folder, number), *time, &mut bytes, &mut memory));
    let first = sweeps.next().context("the fabric made no sweep")??;
    ready(pipeline.ingest(first, &SystemClock)).context("cannot take the first sweep in")?;
    ready(pipeline.checkpoint()).context("cannot make the first sweep durable")?;

    let start = (Instant::now(), process_time());
    let mut samples = 0;
    let size = |sweep: &Result<Sweep>| sweep.as_ref().map_or(0, |sweep| sweep.readings.len());
    let take = |sweep: Result<Sweep>| -> Result<()> {
        let report = ready(pipeline.ingest(sweep?, &SystemClock)).context("cannot take a sweep in")?;
        samples += report.tally.samples;
        Ok(())
    };
    read_ahead(|| sweeps.next(), size, READ_AHEAD_READINGS, take)?;
    let last = times.last().context("the fabric made no sweep")?;
    ready(pipeline.finish(*last)).context("cannot finish")?;
    let (seconds, processor_time): (Duration, Duration) = (start.0.elapsed(), process_time() - start.1);
    println!(
        "{samples} {} {} {}",
        seconds.as_secs_f64(),
        processor_time.as_secs_f64(),
        peak_memory_bytes().unwrap_or(0)
    );
    Ok(())
}

/// Reads and parses one printed sweep; `bytes` is room for its text.
fn read_sweep(file: &Path, time: Timestamp, bytes: &mut Vec<u8>, memory: &mut SourceMemory) -> Result<Sweep> {
    bytes.clear();
    File::open(file).and_then(|mut file| file.read_to_end(bytes)).context("cannot read a sweep")?;
    let origin = Origin { time: Some(time), ..Origin::named("bench") };
    let parsed = parse_remembering(Format::Prometheus, bytes, &origin, memory);
    Ok(Sweep {
        source: "bench".to_owned(),
        position: time.millis().unsigned_abs(),
        time,
        readings: parsed.readings,
        facts: parsed.ports,
        ..Sweep::default()
    })
}

/// A number of ports as people write it.
fn grouped(ports: usize) -> String {
    format!("{}K", ports / 1000)
}
