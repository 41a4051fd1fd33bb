//! `linkcast demo`: a simulated fabric, the whole system on it, and a report of what was forecast how early.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use linkcast_domain::ports::Coverage;
use linkcast_pipeline::{CheckpointPolicy, Sweep};
use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
use linkcast_store::SqliteStore;

use super::Session;
use crate::arguments::PipelineArguments;
use crate::database;
use crate::engine::Engine;
use crate::exit::{ExitKind, Failure};
use crate::maintenance;
use crate::output::{Form, Table};
use crate::progress::Progress;
use crate::report::{Report, Totals, Verdict, count, length_of_time, render};
use crate::showcase::{Tracker, outcomes};

/// Simulate a fabric with faults, forecast them, and write a report.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast demo\n  linkcast demo --seed 7 --ports 1024 --hours 48 --out demo/"
)]
pub(crate) struct DemoArguments {
    /// Where the report and the database go.
    #[arg(long, value_name = "DIR", default_value = "linkcast-demo")]
    out: PathBuf,
    /// The simulation's seed.
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,
    /// Ports of the fabric.
    #[arg(long, value_name = "N", default_value_t = 512)]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = 24.0)]
    hours: f64,
    /// Faults in one port's hour, far above what a real fabric sees.
    #[arg(long, value_name = "RATE", default_value_t = 2e-3)]
    fault_rate: f64,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// The report's file.
const REPORT_FILE: &str = "report.html";
/// The database's file.
const DATABASE_FILE: &str = "linkcast.db";
/// The simulated exporter's name.
const SOURCE: &str = "simulated exporter";

/// Runs the demo.
pub(crate) fn execute(arguments: &DemoArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut fabric =
        Fabric::new(arguments.plan()).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
    let database = prepare(&arguments.out)?;
    session.notes.inform(format!(
        "synthetic fabric: {} ports, {} h, seed {}; everything below is simulated",
        arguments.ports, arguments.hours, arguments.seed
    ));
    let mut parts = arguments.pipeline.parts(None, session)?;
    parts.settings.checkpoint = CheckpointPolicy::replay();
    parts.windows = fabric.maintenance_windows().iter().flat_map(maintenance::by_stream).collect();
    let model_name = parts.model.identity().model_version.clone();
    let mut tracker =
        Tracker::new(fabric.episodes(), arguments.pipeline.model(None, session)?, parts.calendar.clone());
    let mut engine = Engine::open(SqliteStore::open(&database).map_err(database::failure)?, parts)?;
    simulate(&mut fabric, &mut engine, &mut tracker, session)?;
    let tally = *engine.tally();
    let outcomes = outcomes(&fabric, engine.store(), tracker)?;
    let report = Report {
        seed: arguments.seed,
        model: model_name,
        command: arguments.command(),
        totals: Totals {
            ports: arguments.ports as u64,
            samples: tally.samples,
            insights: tally.insights,
            alerts: outcomes.alerts,
            seconds: begun.elapsed().as_secs_f64(),
        },
        begin: outcomes.begin,
        end: outcomes.end,
        faults: outcomes.faults,
        benign: outcomes.benign,
        false_alarms: outcomes.false_alarms,
        nodes: outcomes.nodes,
    };
    let path = arguments.out.join(REPORT_FILE);
    fs::write(&path, render(&report)).map_err(|error| machine("writing", &path, &error))?;
    print(&report, &path, session)
}

impl DemoArguments {
    fn plan(&self) -> FabricPlan {
        FabricPlan {
            seed: self.seed,
            ports: self.ports,
            hours: self.hours,
            faults: FaultRate::PerPortHour(self.fault_rate),
            benign: BenignRates::REALISTIC.times(4.0),
            ..FabricPlan::default()
        }
    }

    fn command(&self) -> String {
        format!(
            "linkcast demo --seed {} --ports {} --hours {} --fault-rate {}",
            self.seed, self.ports, self.hours, self.fault_rate
        )
    }
}

fn simulate(
    fabric: &mut Fabric,
    engine: &mut Engine<SqliteStore>,
    tracker: &mut Tracker,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let mut progress = Progress::new(session.notes, "demo", Some(fabric.plan().sweeps()));
    let mut readings = Vec::new();
    let mut position = 0;
    while let Some(time) = fabric.next_sweep(&mut readings) {
        position += 1;
        tracker.watch(&readings, time);
        let sweep = Sweep {
            source: SOURCE.into(),
            position,
            time,
            coverage: Coverage::Whole,
            readings: readings.clone(),
            ..Sweep::default()
        };
        engine.take(sweep)?;
        progress.advance(1);
    }
    engine.finish().map(drop)
}

/// A fresh database in the demo's folder: what an earlier demo left there is replaced.
fn prepare(folder: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder).map_err(|error| machine("making the folder", folder, &error))?;
    let database = folder.join(DATABASE_FILE);
    for ending in ["", "-wal", "-shm"] {
        let path = folder.join(format!("{DATABASE_FILE}{ending}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(machine("replacing", &path, &error));
            }
            _ => {}
        }
    }
    Ok(database)
}

fn machine(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ExitKind::Machine, format!("{what} {}: {error}", path.display()))
}

fn print(report: &Report, path: &Path, session: &mut Session<'_>) -> Result<(), Failure> {
    let output = &mut session.output;
    if session.form == Form::JsonLines {
        for fault in &report.faults {
            output.json(&serde_json::json!({
                "kind": "fault", "type": fault.class, "port": fault.port, "cause": fault.cause, "onset": fault.onset,
                "impact": fault.impact, "end": fault.end, "verdict": word(fault.verdict()),
                "lead_s": fault.lead_seconds(),
            }))?;
        }
        let summary = report.summary();
        output.json(&serde_json::json!({
            "kind": "summary", "faults": summary.faults, "forecast": summary.early, "found": summary.found,
            "precision": summary.precision, "recall": summary.recall, "false_alarms": summary.false_alarms,
            "median_lead_s": summary.median_lead_seconds, "samples": report.totals.samples,
            "seconds": report.totals.seconds, "report": path,
        }))?;
        return Ok(());
    }
    let mut table = Table::new(&["injected", "port", "hurt after", "alert", "lead time"]);
    for fault in &report.faults {
        table.row(vec![
            fault.class.to_string(),
            fault.port.clone(),
            length_of_time(fault.impact.seconds_since(fault.onset)),
            word(fault.verdict()).into(),
            fault.lead_seconds().map_or_else(String::new, length_of_time),
        ]);
    }
    table.lines().iter().try_for_each(|line| output.line(line))?;
    closing(report, path).iter().try_for_each(|line| output.line(line))?;
    Ok(())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Early => "forecast",
        Verdict::Late => "late",
        Verdict::Missed => "missed",
    }
}

fn closing(report: &Report, path: &Path) -> Vec<String> {
    let summary = report.summary();
    let share =
        |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.0} %", share * 100.0));
    vec![
        String::new(),
        format!(
            "{} faults: {} forecast before they hurt, {} found in all; {} false alarms, {} harmless look-alikes",
            summary.faults,
            summary.early,
            summary.found,
            summary.false_alarms,
            report.benign.len()
        ),
        format!(
            "precision {}, recall {}, median lead time {}",
            share(summary.precision),
            share(summary.recall),
            summary.median_lead_seconds.map_or_else(|| "-".into(), length_of_time)
        ),
        format!("{} synthetic samples in {:.1} s", count(report.totals.samples), report.totals.seconds),
        format!("report: {}", path.display()),
    ]
}
