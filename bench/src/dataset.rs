//! Building a data set as its users do: the `linkcast` command, from an exported history in Parquet to rows in Parquet, on one thread.
//!
//! The history is a simulated day of 64 ports, copied to as many groups and days as are wanted, each with its own names and times.
//! No peer does this whole; what is judged is the rate, and that memory does not grow with the history.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use linkcast_domain::{NodeGuid, PortId, Sample, StreamId, Timestamp};
use linkcast_simulator::{Fabric, FabricPlan, FaultRate};
use linkcast_telemetry::{Differ, write_samples_parquet};

use crate::report::{Line, Met, fixed, rate, short};

const PORTS: usize = 64;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Samples a second that have to be reached.
const TARGET: f64 = 300e3;

/// How much more memory fifty times the history may take: what the allocator keeps is never quite the same.
const FLAT: f64 = 1.25;

/// Groups and days of the two histories: about a million samples and fifty.
const SIZES: [(usize, usize); 2] = [(1, 11), (18, 30)];

struct Outcome {
    samples: f64,
    seconds: f64,
    peak_bytes: f64,
}

pub(crate) fn run() -> Result<Vec<Line>> {
    let day = simulated_day()?;
    let outcomes = SIZES.map(|(groups, days)| measure(&day, groups, days, &[]));
    let [small, large] = outcomes;
    let (small, large) = (small?, large?);
    let (groups, days) = SIZES[0];
    let whole = measure(&day, groups, days, &["--keep-all"])?;
    let growth = large.peak_bytes / small.peak_bytes;
    Ok(vec![
        line("data set, Parquet to Parquet, one core", &small),
        line("data set, Parquet to Parquet, one core", &large),
        line("data set with every row kept, one core", &whole),
        fixed(
            "growth: memory of the larger data set over the smaller",
            format!("{}×", short(growth)),
            "flat",
            "1×",
            &format!("≤ {FLAT}×"),
            Met::when(growth <= FLAT),
        ),
    ])
}

fn line(what: &str, outcome: &Outcome) -> Line {
    let a_second = outcome.samples / outcome.seconds;
    fixed(
        &format!("{what}, {} M samples", short(outcome.samples / 1e6)),
        format!(
            "{}; peak {} MB",
            rate(outcome.seconds / outcome.samples, "samples"),
            short(outcome.peak_bytes / 1e6)
        ),
        "–",
        "–",
        "300 K samples/s",
        Met::when(a_second >= TARGET),
    )
}

/// A day of samples, stream after stream.
fn simulated_day() -> Result<Vec<Sample>> {
    let plan = FabricPlan {
        seed: 11,
        ports: PORTS,
        faults: FaultRate::PerPortHour(0.02),
        interval_s: 60,
        hours: 24.0,
        ..FabricPlan::default()
    };
    let mut fabric = Fabric::new(plan).context("cannot simulate a fabric")?;
    let facts: std::collections::BTreeMap<StreamId, _> =
        fabric.topology().ports().map(|(stream, facts)| (stream.clone(), facts.clone())).collect();
    let mut differs: std::collections::BTreeMap<StreamId, Differ> = Default::default();
    let (mut readings, mut samples) = (Vec::new(), Vec::new());
    while fabric.next_sweep(&mut readings).is_some() {
        for reading in readings.drain(..) {
            let known = facts.get(&reading.stream).cloned().unwrap_or_default();
            let differ = differs.entry(reading.stream.clone()).or_default();
            samples.extend(differ.difference(&reading, &known).outcome);
        }
    }
    samples.sort_by(|one, other| (&one.stream, one.time).cmp(&(&other.stream, other.time)));
    Ok(samples)
}

fn measure(day: &[Sample], groups: usize, days: usize, more: &[&str]) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("cannot make a folder for a history")?;
    let history = folder.path().join("history");
    let samples = write_history(day, groups, days, &history)?;
    let mut child = Command::new(linkcast()?)
        .args(["dataset", "build", "--threads", "1", "--json", "--history"])
        .arg(&history)
        .arg("--out")
        .arg(folder.path().join("dataset"))
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start linkcast")?;
    let started = Instant::now();
    let peak_bytes = watch(&mut child)?;
    Ok(Outcome { samples: samples as f64, seconds: started.elapsed().as_secs_f64(), peak_bytes })
}

/// Waits for the end and says how much memory there was at most.
fn watch(child: &mut Child) -> Result<f64> {
    let mut peak = 0.0_f64;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for linkcast")? {
            if !status.success() {
                bail!("linkcast ended with {status}");
            }
            return Ok(peak);
        }
        peak = peak.max(peak_of(child.id()).unwrap_or(0.0));
        thread::sleep(Duration::from_millis(5));
    }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// The command beside this program, built with it.
pub(crate) fn linkcast() -> Result<PathBuf> {
    let path = std::env::current_exe().context("cannot find this program")?.with_file_name("linkcast");
    if !path.exists() {
        bail!("linkcast is not built: run `cargo build --release --workspace`");
    }
    Ok(path)
}

/// Writes the folder that `linkcast dataset export` would have, and says how many samples are in it.
fn write_history(day: &[Sample], groups: usize, days: usize, folder: &Path) -> Result<usize> {
    let first = day.iter().map(|sample| sample.time).min().context("the fabric made no sample")?;
    let midnight = first.millis().div_euclid(DAY.as_millis() as i64) * DAY.as_millis() as i64;
    let shift = |sample: &Sample, group: usize, number: usize| {
        let time = sample.time.millis() - first.millis() + midnight + number as i64 * DAY.as_millis() as i64;
        Sample { stream: named(&sample.stream, group), time: Timestamp::from_millis(time), ..sample.clone() }
    };
    for number in 0..days {
        let from = Timestamp::from_millis(midnight + number as i64 * DAY.as_millis() as i64);
        let date: String = from.to_string().chars().take("2026-01-31".len()).collect();
        let into = folder.join("samples").join(format!("day={date}"));
        fs::create_dir_all(&into).context("cannot make a history's folder")?;
        for group in 0..groups {
            let samples: Vec<Sample> = day.iter().map(|sample| shift(sample, group, number)).collect();
            let file = fs::File::create(into.join(format!("group={group:05}.parquet")));
            write_samples_parquet(&samples, file.context("cannot make a part")?)
                .context("cannot write a part")?;
        }
    }
    let mut streams: Vec<&StreamId> = day.iter().map(|sample| &sample.stream).collect();
    streams.dedup();
    let of_group = |group| streams.iter().map(|stream| named(stream, group)).collect();
    let named_groups: Vec<Vec<StreamId>> = (0..groups).map(of_group).collect();
    let until = Timestamp::from_millis(midnight + days as i64 * DAY.as_millis() as i64 - 1);
    let plan = serde_json::json!({
        "form": 1, "store": "sqlite:bench", "from": Timestamp::from_millis(midnight), "until": until, "groups": named_groups,
    });
    fs::write(folder.join("plan.json"), plan.to_string()).context("cannot write the plan")?;
    fs::write(folder.join("ports.jsonl"), "").context("cannot write the ports")?;
    Ok(day.len() * groups * days)
}

/// The stream's name in a group of its own.
fn named(stream: &StreamId, group: usize) -> StreamId {
    match stream.port() {
        Some(port) => PortId { node: NodeGuid(port.node.0 ^ (group as u64) << 48), port: port.port }.into(),
        None => stream.clone(),
    }
}
