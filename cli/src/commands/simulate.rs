//! `linkcast simulate`: a synthetic fabric's telemetry, and the truth about its faults beside it.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use linkcast_domain::{Sample, Timestamp};
use linkcast_simulator::{
    BenignRates, CaptureFormat, Fabric, FabricPlan, FaultRate, LoadShift, write_cables, write_capture,
    write_maintenance, write_truth,
};
use linkcast_telemetry::{Reading, Topology, write_samples_csv, write_samples_jsonl, write_samples_parquet};

use super::Session;
use crate::capture::SampleMaker;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::learning::TRUTH_FILE;
use crate::output::Form;
use crate::progress::Progress;

/// Write a simulated fabric's telemetry, and the truth about its faults.
#[derive(Args, Debug)]
#[command(
    after_help = "Formats: csv, jsonl and parquet (samples); treydock, guilbaults, ufm-prometheus, ufm-csv, perfquery,\nibqueryerrors and remote-write (one file a sweep, as the tool prints it).\n\nBeside the telemetry: truth.jsonl (every fault and look-alike), maintenance.jsonl (what was announced), links.out (as\nibnetdiscover -p prints it). Everything is synthetic and a function of the options alone.\n\nExamples:\n  linkcast simulate --ports 1000 --hours 24 --seed 7 --format csv --out fabric/\n  linkcast simulate --ports 512 --hours 1 --format ufm-csv --out ufm/ && linkcast replay ufm/\n  linkcast simulate --hours 192 --load-shift 168h:1.8 --out drifting/"
)]
pub(crate) struct SimulateArguments {
    /// Ports of the fabric.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = 24.0)]
    hours: f64,
    /// The seed: another one is another fabric of the same kind.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Seconds between sweeps.
    #[arg(long, value_name = "S", default_value_t = 30)]
    interval_seconds: u32,
    /// Faults in one port's hour (default: 2e-6, what large clusters report).
    #[arg(long, value_name = "RATE")]
    fault_rate: Option<f64>,
    /// How much more often than usual harmless look-alikes happen.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    benign_factor: f64,
    /// The first sweep's time (default: Monday 2026-01-05).
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,
    /// From some time on, other work: AFTER:FACTOR multiplies every load, as 96h:1.8.
    #[arg(long, value_name = "AFTER:FACTOR", value_parser = load_shift)]
    load_shift: Option<LoadShift>,
    /// How the telemetry is written.
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: WrittenFormat,
    /// Where it goes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// How telemetry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrittenFormat {
    Csv,
    JsonLines,
    Parquet,
    Capture(CaptureFormat),
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a format: expected csv, jsonl, parquet, {}", captures())]
struct UnknownFormatError {
    name: String,
}

fn captures() -> String {
    CaptureFormat::ALL.map(CaptureFormat::name).join(", ")
}

impl FromStr for WrittenFormat {
    type Err = UnknownFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(WrittenFormat::Csv),
            "jsonl" => Ok(WrittenFormat::JsonLines),
            "parquet" => Ok(WrittenFormat::Parquet),
            _ => {
                text.parse().map(WrittenFormat::Capture).map_err(|_| UnknownFormatError { name: text.into() })
            }
        }
    }
}

impl fmt::Display for WrittenFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WrittenFormat::Csv => "csv",
            WrittenFormat::JsonLines => "jsonl",
            WrittenFormat::Parquet => "parquet",
            WrittenFormat::Capture(format) => format.name(),
        })
    }
}

/// Samples in one file: some 200 MB in memory.
const FILE_SAMPLES: usize = 500_000;

/// Simulates.
pub(crate) fn execute(arguments: &SimulateArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut fabric =
        Fabric::new(arguments.plan()).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
    let folder = Folder::make(&arguments.out)?;
    folder.write(TRUTH_FILE, |out| write_truth(fabric.episodes(), out))?;
    folder.write("maintenance.jsonl", |out| write_maintenance(fabric.maintenance_windows(), out))?;
    folder.write("links.out", |out| write_cables(&fabric, out))?;
    let mut progress = Progress::new(session.notes, "simulating", Some(fabric.plan().sweeps()));
    let mut recorder = Recorder::new(arguments.format, &folder);
    let mut readings = Vec::new();
    while let Some(time) = fabric.next_sweep(&mut readings) {
        recorder.record(&fabric, &mut readings, time)?;
        progress.advance(1);
    }
    recorder.write_samples()?;
    let (files, swept) = (recorder.files, recorder.readings);
    drop(progress);
    tell(arguments, &fabric, files, swept, session)
}

impl SimulateArguments {
    fn plan(&self) -> FabricPlan {
        FabricPlan {
            seed: self.seed,
            ports: self.ports,
            hours: self.hours,
            interval_s: self.interval_seconds,
            faults: self.fault_rate.map_or(FaultRate::Realistic, FaultRate::PerPortHour),
            benign: BenignRates::REALISTIC.times(self.benign_factor),
            load_shift: self.load_shift,
            start: self.start.unwrap_or(FabricPlan::default().start),
            ..FabricPlan::default()
        }
    }
}

fn load_shift(text: &str) -> Result<LoadShift, String> {
    let refused = || format!("{text:?}: expected a length of time and a factor, as 96h:1.8");
    let (after, factor) = text.split_once(':').ok_or_else(refused)?;
    let after: Interval = after.parse().map_err(|_| refused())?;
    let factor = factor.parse().map_err(|_| refused())?;
    Ok(LoadShift { after_hours: after.duration().as_secs_f64() / 3600.0, factor })
}

/// The folder written to.
struct Folder(PathBuf);

impl Folder {
    fn make(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| failed(path, &error))?;
        Ok(Folder(path.to_owned()))
    }

    fn write(
        &self,
        name: &str,
        content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        let path = self.0.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            content(&mut out)?;
            out.flush()
        });
        written.map_err(|error| failed(&path, &error))
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display()))
        .with_next_step("see that the folder may be written and has room")
}

/// Writes sweeps as they come.
struct Recorder<'a> {
    format: WrittenFormat,
    folder: &'a Folder,
    maker: SampleMaker,
    samples: Vec<Sample>,
    files: u64,
    readings: u64,
}

impl<'a> Recorder<'a> {
    fn new(format: WrittenFormat, folder: &'a Folder) -> Self {
        let maker = SampleMaker::new(&Topology::default());
        Recorder { format, folder, maker, samples: Vec::new(), files: 0, readings: 0 }
    }

    fn record(&mut self, fabric: &Fabric, readings: &mut [Reading], time: Timestamp) -> Result<(), Failure> {
        self.readings += readings.len() as u64;
        if let WrittenFormat::Capture(format) = self.format {
            self.files += 1;
            let name = format!("{}.{}", time_in_name(time), format.extension());
            return self.folder.write(&name, |out| write_capture(format, fabric, readings, out));
        }
        for reading in readings {
            reading.time.get_or_insert(time);
            self.samples.extend(self.maker.sample(reading));
        }
        if self.samples.len() >= FILE_SAMPLES { self.write_samples() } else { Ok(()) }
    }

    fn write_samples(&mut self) -> Result<(), Failure> {
        let samples = std::mem::take(&mut self.samples);
        let Some(first) = samples.first() else { return Ok(()) };
        self.files += 1;
        let name = format!("samples-{}.{}", time_in_name(first.time), self.format);
        let format = self.format;
        self.folder.write(&name, |out| match format {
            WrittenFormat::JsonLines => write_samples_jsonl(&samples, out),
            WrittenFormat::Parquet => write_samples_parquet(&samples, out).map_err(std::io::Error::other),
            WrittenFormat::Csv | WrittenFormat::Capture(_) => write_samples_csv(&samples, out),
        })
    }
}

/// A time that file systems everywhere take, and `linkcast replay` reads back.
fn time_in_name(time: Timestamp) -> String {
    time.to_string().replace(':', "-").replace(".000", "")
}

fn tell(
    arguments: &SimulateArguments,
    fabric: &Fabric,
    files: u64,
    readings: u64,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let faults = fabric.episodes().iter().filter(|episode| episode.fault().is_some()).count();
    let benign = fabric.episodes().len() - faults;
    match session.form {
        Form::JsonLines => session.output.json(&serde_json::json!({
            "synthetic": true, "ports": arguments.ports, "readings": readings, "files": files, "faults": faults,
            "look_alikes": benign, "folder": arguments.out,
        }))?,
        Form::Text => session.output.line(&format!(
            "synthetic: {readings} readings of {} ports in {files} files, {faults} faults, {benign} harmless look-alikes: {}",
            arguments.ports,
            arguments.out.display()
        ))?,
    }
    Ok(())
}
