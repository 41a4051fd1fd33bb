//! `linkcast evaluate`: precision, recall, lead time and false alarms of the whole system, by event.
//!
//! A simulated fabric of its own seed runs through the pipeline as it ships, and every alert is set against the truth.
//! Faults are raised so that there are enough to judge recall and lead time by; look-alikes happen at realistic rates,
//! so false alarms are counted as they would come. What precision that means where faults are as rare as in life is
//! arithmetic on the two, and printed as such.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use linkcast_domain::ports::Coverage;
use linkcast_domain::{Alert, AlertState, Cause, Episode, StreamId};
use linkcast_pipeline::{CheckpointPolicy, Echo, Sweep};
use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
use linkcast_training::evaluation::{Budget, EventReport, Peers, RaisedAlert, Watch, evaluate_events};
use serde::Serialize;

use super::Session;
use crate::arguments::PipelineArguments;
use crate::engine::Engine;
use crate::exit::{ExitKind, Failure};
use crate::judging::ForgetfulStore;
use crate::learning::{Hindsight, Missed, Reliability, ReliabilityReport};
use crate::maintenance;
use crate::output::{Form, Table};
use crate::progress::Progress;

/// Judge the whole system by event on a simulated fabric.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast evaluate\n  linkcast evaluate --ports 8000 --hours 336 --seed 5 --json\n  linkcast evaluate --model model/"
)]
pub(crate) struct EvaluateArguments {
    /// Ports of the simulated fabric.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = 168.0)]
    hours: f64,
    /// The simulation's seed; no other command has this default.
    #[arg(long, value_name = "S", default_value_t = 31_337)]
    seed: u64,
    /// Seconds between sweeps.
    #[arg(long, value_name = "S", default_value_t = 60)]
    interval_seconds: u32,
    /// Faults in one port's hour.
    #[arg(long, value_name = "RATE", default_value_t = 3e-4)]
    fault_rate: f64,
    /// How much more often than in life harmless look-alikes happen.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    benign_factor: f64,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// What was measured.
#[derive(Serialize)]
struct Verdict {
    model: String,
    /// Every alert that was raised.
    shipped: EventReport,
    /// The same if faults were as rare as in life.
    at_realistic_rate: Option<RealisticRate>,
    /// The same with the least risk that keeps to one alert for each thousand ports a week.
    at_budget: Option<AtBudget>,
    /// How sure insights were, and how often right.
    reliability: ReliabilityReport,
    /// The faults no alert spoke of, and what was said instead.
    missed: Vec<Missed>,
    /// Every alert, as first told.
    alerts: Vec<Alert>,
    /// What truly happened.
    episodes: Vec<Episode>,
}

/// Figures scaled to faults at 2e-6 a port-hour.
#[derive(Clone, Copy, Serialize)]
struct RealisticRate {
    alerts_per_thousand_ports_a_week: f64,
    precision: f64,
    recall: f64,
}

/// What a higher threshold on risk would have told.
#[derive(Serialize)]
struct AtBudget {
    risk: f64,
    realistic: RealisticRate,
    report: EventReport,
}

/// Judges.
pub(crate) fn execute(arguments: &EvaluateArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut fabric =
        Fabric::new(arguments.plan()).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
    let mut parts = arguments.pipeline.parts(session)?;
    parts.settings.checkpoint = CheckpointPolicy::replay();
    parts.settings.echo = Echo::Results;
    parts.windows = fabric.maintenance_windows().iter().flat_map(maintenance::by_stream).collect();
    let model = parts.model.identity().model_version.clone();
    let mut engine = Engine::open(ForgetfulStore::default(), parts)?;
    let mut heard = Heard {
        raised: BTreeMap::new(),
        hindsight: Hindsight::of(fabric.episodes()),
        reliability: Reliability::of(fabric.episodes()),
    };
    simulate(&mut fabric, &mut engine, &mut heard, session)?;
    let verdict = judge(&fabric, &heard, arguments, model);
    match session.form {
        Form::JsonLines => session.output.json(&verdict)?,
        Form::Text => print(&verdict, session)?,
    }
    Ok(())
}

impl EvaluateArguments {
    fn plan(&self) -> FabricPlan {
        FabricPlan {
            seed: self.seed,
            ports: self.ports,
            hours: self.hours,
            interval_s: self.interval_seconds,
            faults: FaultRate::PerPortHour(self.fault_rate),
            benign: BenignRates::REALISTIC.times(self.benign_factor),
            ..FabricPlan::default()
        }
    }
}

fn simulate(
    fabric: &mut Fabric,
    engine: &mut Engine<ForgetfulStore>,
    heard: &mut Heard,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let mut progress = Progress::new(session.notes, "evaluating", Some(fabric.plan().sweeps()));
    let mut readings = Vec::new();
    let mut position = 0;
    while let Some(time) = fabric.next_sweep(&mut readings) {
        position += 1;
        let sweep = Sweep {
            source: "simulated exporter".into(),
            position,
            time,
            coverage: Coverage::Whole,
            readings: std::mem::take(&mut readings),
            ..Sweep::default()
        };
        let (report, _) = engine.take(sweep)?;
        heard.hindsight.note(&report.insights);
        heard.reliability.note(&report.insights);
        heard.keep(report.alerts);
        progress.advance(1);
    }
    heard.keep(engine.finish()?.alerts);
    Ok(())
}

/// What the system said.
struct Heard {
    raised: BTreeMap<String, Alert>,
    hindsight: Hindsight,
    reliability: Reliability,
}

impl Heard {
    /// Keeps each alert as it was first told, with the highest risk it reached. Missing data is a fact and no forecast.
    fn keep(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            if !matches!(alert.cause, Cause::Predicted(_)) || alert.state != AlertState::Firing {
                continue;
            }
            let risk = alert.risk_score;
            let kept = self.raised.entry(alert.alert_id.clone()).or_insert(alert);
            kept.risk_score = kept.risk_score.max(risk);
        }
    }
}

fn judge(fabric: &Fabric, heard: &Heard, arguments: &EvaluateArguments, model: String) -> Verdict {
    let peers: Peers = fabric
        .topology()
        .ports()
        .filter_map(|(stream, facts)| Some((stream, StreamId::from(facts.peer?))))
        .collect();
    let watch = Watch { ports: arguments.ports, weeks: arguments.hours / 168.0, budget: Budget::default() };
    let raised = &heard.raised;
    let scored: Vec<(f64, RaisedAlert)> =
        raised.values().map(|alert| (alert.risk_score, as_raised(alert))).collect();
    let judge = |told: &[RaisedAlert]| evaluate_events(fabric.episodes(), told, &peers, watch);
    let all: Vec<RaisedAlert> = scored.iter().map(|(_, alert)| alert.clone()).collect();
    let shipped = judge(&all);
    Verdict {
        model,
        at_realistic_rate: at_realistic_rate(&shipped),
        at_budget: within_budget(&scored, judge),
        shipped,
        reliability: heard.reliability.report(),
        missed: heard.hindsight.missed(fabric.episodes(), &all, &peers),
        alerts: raised.values().cloned().collect(),
        episodes: fabric.episodes().to_vec(),
    }
}

fn as_raised(alert: &Alert) -> RaisedAlert {
    let class = match alert.cause {
        Cause::Predicted(class) => Some(class),
        Cause::SeriesMissing | Cause::SourceSilent => None,
    };
    let streams: BTreeSet<StreamId> = alert.streams.iter().cloned().collect();
    RaisedAlert { streams: streams.into_iter().collect(), opened: alert.opened, class }
}

/// How a report would read with faults at 2e-6 a port-hour, the recall measured and the false alerts as they came.
fn at_realistic_rate(report: &EventReport) -> Option<RealisticRate> {
    let thousands_of_port_weeks = report.ports as f64 * report.weeks / 1000.0;
    let faults = FaultRate::Realistic.per_port_hour() * 168_000.0;
    let found = report.recall? * faults;
    let false_alerts = report.false_alerts as f64 / thousands_of_port_weeks;
    let told = found + false_alerts;
    (told > 0.0).then(|| RealisticRate {
        alerts_per_thousand_ports_a_week: told,
        precision: found / told,
        recall: report.recall.unwrap_or_default(),
    })
}

/// The least risk to be told of with which at most one alert comes for each thousand ports a week.
fn within_budget(
    scored: &[(f64, RaisedAlert)],
    judge: impl Fn(&[RaisedAlert]) -> EventReport,
) -> Option<AtBudget> {
    let mut thresholds: Vec<f64> = scored.iter().map(|(risk, _)| *risk).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.into_iter().find_map(|risk| {
        let told: Vec<RaisedAlert> =
            scored.iter().filter(|(score, _)| *score >= risk).map(|(_, alert)| alert.clone()).collect();
        let report = judge(&told);
        let realistic = at_realistic_rate(&report)?;
        let allowed = Budget::default().alerts_per_thousand_ports_a_week;
        (realistic.alerts_per_thousand_ports_a_week <= allowed).then_some(AtBudget {
            risk,
            realistic,
            report,
        })
    })
}

fn print(verdict: &Verdict, session: &mut Session<'_>) -> Result<(), Failure> {
    let report = &verdict.shipped;
    let mut table = Table::new(&[
        "fault type",
        "faults",
        "found",
        "before it hurt",
        "named rightly",
        "median lead",
        "median delay",
    ]);
    for one in &report.types {
        table.row(vec![
            one.class.name().into(),
            one.faults.to_string(),
            one.found.to_string(),
            one.found_before_impact.to_string(),
            percent(one.named_rightly),
            minutes(one.median_lead_s),
            minutes(one.median_delay_s),
        ]);
    }
    let mut lines = table.lines();
    lines.push(String::new());
    lines.push(format!(
        "synthetic, model {}: {} faults, {} found, {} false alerts, {} repeats; precision {}, recall {}",
        verdict.model,
        report.faults,
        report.found,
        report.false_alerts,
        report.repeated,
        percent(report.precision),
        percent(report.recall)
    ));
    for (cause, rate) in &report.false_alerts_a_week {
        lines.push(format!("false alerts because of {cause}: {rate:.1} a week"));
    }
    lines.extend(verdict.reliability.calibration_error.map(|error| {
        format!("calibration error of {} insights: {:.3}", verdict.reliability.insights, error)
    }));
    lines.extend(verdict.missed.iter().map(Missed::line));
    lines.extend(
        verdict
            .at_realistic_rate
            .map(|realistic| format!("if faults came at 2e-6 a port-hour: {}", in_words(&realistic))),
    );
    lines.extend(verdict.at_budget.as_ref().map(|best| {
        format!("and told only at risk {:.1} or more: {}", best.risk, in_words(&best.realistic))
    }));
    lines.iter().try_for_each(|line| session.output.line(line))?;
    Ok(())
}

fn in_words(realistic: &RealisticRate) -> String {
    format!(
        "{:.2} alerts for 1000 ports a week, precision {}, recall {}",
        realistic.alerts_per_thousand_ports_a_week,
        percent(Some(realistic.precision)),
        percent(Some(realistic.recall))
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.0} %", share * 100.0))
}

fn minutes(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".into(), |seconds| format!("{:.0} min", seconds / 60.0))
}
