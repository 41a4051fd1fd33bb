//! `linkcast evaluate`: how good the forecasts are, by event and by row, beside those of rules and published thresholds.
//!
//! A simulated fabric of its own seed runs through the pipeline as it ships, and every alert is set against the truth.
//! Faults are raised so that there are enough to judge recall and lead time by; look-alikes happen at realistic rates,
//! so false alarms are counted as they would come. What precision that means where faults are as rare as in life is
//! arithmetic on the two, and printed as such.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_scoring::Model;

use super::Session;
use crate::arguments::PipelineArguments;
use crate::exit::{ExitKind, Failure};
use crate::judging::{CoursePlan, Findings, Judged, Judges, Live, RealisticRate};
use crate::learning::Missed;
use crate::model;
use crate::output::{Form, Table};
use crate::registry::ModelChoice;
use crate::report::render_evaluation;

/// Judge the whole system by event on a simulated fabric.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast evaluate\n  linkcast evaluate --seed 101,102,103 --html report.html --out-json report.json\n  linkcast evaluate --ports 8000 --hours 336 --seed 5 --json\n  linkcast evaluate --model model/ --html report.html      # against the shipped model as well"
)]
pub(crate) struct EvaluateArguments {
    /// Ports of the simulated fabric.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = 168.0)]
    hours: f64,
    /// The simulation's seed, or several with commas: a fabric each, judged together. No other command has this default.
    #[arg(long, value_name = "S", value_delimiter = ',', default_values_t = [31_337])]
    seed: Vec<u64>,
    /// Seconds between sweeps.
    #[arg(long, value_name = "S", default_value_t = 60)]
    interval_seconds: u32,
    /// Faults in one port's hour.
    #[arg(long, value_name = "RATE", default_value_t = 3e-4)]
    fault_rate: f64,
    /// How much more often than in life harmless look-alikes happen.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    benign_factor: f64,
    /// The live model, a folder or registry:NAME, which the judged model is held against; the shipped one where --model names another.
    #[arg(long, value_name = "DIR")]
    against: Option<ModelChoice>,
    /// Write the report as one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write what --json prints to this file.
    #[arg(long, value_name = "FILE")]
    out_json: Option<PathBuf>,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// Judges.
pub(crate) fn execute(arguments: &EvaluateArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let judged = arguments.pipeline.model(None, session)?;
    let live = arguments.live(&judged, session)?;
    let live_pipeline = PipelineArguments { model: arguments.against.clone(), ..arguments.pipeline.clone() };
    let live_judge = live.as_ref().map(|model| Live { model, pipeline: &live_pipeline });
    let judges = Judges { model: &judged, live: live_judge };
    let plan = arguments.plan();
    let mut courses = Vec::new();
    for seed in arguments.seeds() {
        courses.push(plan.run(seed, &arguments.pipeline, judges, session)?);
    }
    let version = |model: &Model| model.identity().model_version.clone();
    let about = Judged {
        command: arguments.command(),
        model: version(&judged),
        live: live.as_ref().map(version),
        plan,
        alert_risk: arguments.pipeline.alert_risk,
    };
    let findings = Findings::of(courses, about);
    if let Some(path) = &arguments.html {
        write(path, render_evaluation(&findings).as_bytes())?;
    }
    if let Some(path) = &arguments.out_json {
        let json =
            serde_json::to_vec_pretty(&findings).map_err(|error| Failure::new(ExitKind::Machine, error))?;
        write(path, &json)?;
    }
    match session.form {
        Form::JsonLines => session.output.json(&findings)?,
        Form::Text => print(&findings, session)?,
    }
    Ok(())
}

impl EvaluateArguments {
    fn plan(&self) -> CoursePlan {
        CoursePlan {
            ports: self.ports,
            hours: self.hours,
            interval_s: self.interval_seconds,
            fault_rate: self.fault_rate,
            benign_factor: self.benign_factor,
        }
    }

    /// Each seed once: a fabric judged twice would count as two.
    fn seeds(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> = Vec::new();
        self.seed.iter().for_each(|seed| {
            if !seeds.contains(seed) {
                seeds.push(*seed);
            }
        });
        seeds
    }

    /// The live model, unless it is the judged one itself.
    fn live(&self, judged: &Model, session: &Session<'_>) -> Result<Option<Model>, Failure> {
        if self.against.is_none() && self.pipeline.model.is_none() {
            return Ok(None);
        }
        let live = model::load(self.against.as_ref(), None, session.configuration)?;
        let (ours, theirs) = (&judged.card().digests, &live.card().digests);
        let is_same =
            ours.classifier_onnx == theirs.classifier_onnx && ours.regressor_onnx == theirs.regressor_onnx;
        Ok((!is_same).then_some(live))
    }

    fn command(&self) -> String {
        let seeds: Vec<String> = self.seeds().iter().map(u64::to_string).collect();
        format!(
            "linkcast evaluate --seed {} --ports {} --hours {} --interval-seconds {} --fault-rate {} --benign-factor {}",
            seeds.join(","),
            self.ports,
            self.hours,
            self.interval_seconds,
            self.fault_rate,
            self.benign_factor
        )
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes)
        .map_err(|error| Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display())))
}

fn print(findings: &Findings, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut lines = by_type(findings).lines();
    lines.push(String::new());
    lines.extend(by_event(findings));
    lines.push(String::new());
    lines.extend(contenders(findings).lines());
    lines.push(String::new());
    lines.extend(by_row(findings).lines());
    lines.push(String::new());
    lines.extend(against(findings));
    lines.extend(findings.missed.iter().map(Missed::line));
    lines.iter().try_for_each(|line| session.output.line(line))?;
    Ok(())
}

fn by_type(findings: &Findings) -> Table {
    let mut table = Table::new(&[
        "fault type",
        "faults",
        "found",
        "before it hurt",
        "named rightly",
        "median lead",
        "median delay",
    ]);
    for one in &findings.shipped.types {
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
    table
}

fn by_event(findings: &Findings) -> Vec<String> {
    let report = &findings.shipped;
    let mut lines = vec![format!(
        "synthetic, model {}: {} faults, {} found, {} false alerts, {} repeats; precision {}, recall {}",
        findings.model,
        report.faults,
        report.found,
        report.false_alerts,
        report.repeated,
        percent(report.precision),
        percent(report.recall)
    )];
    let rates = report.false_alerts_a_week.iter();
    lines.extend(rates.map(|(cause, rate)| format!("false alerts because of {cause}: {rate:.1} a week")));
    lines.push(format!(
        "false alarms: {:.2} in 1000 port-weeks, at most {:.2} with 95 % confidence",
        findings.false_alarms.per_port_week * 1000.0,
        findings.false_alarms.per_port_week_upper * 1000.0
    ));
    lines.extend(
        findings
            .insights
            .calibration_error
            .map(|error| format!("calibration error of {} insights: {error:.3}", findings.insights.answers)),
    );
    lines.extend(
        findings
            .at_realistic_rate
            .map(|realistic| format!("if faults came at 2e-6 a port-hour: {}", in_words(&realistic))),
    );
    lines.extend(findings.at_budget.as_ref().map(|best| {
        format!("and told only at risk {:.1} or more: {}", best.risk, in_words(&best.realistic))
    }));
    lines
}

fn contenders(findings: &Findings) -> Table {
    let mut table =
        Table::new(&["by event", "found", "false alerts", "repeats", "precision", "recall", "as in life"]);
    for contender in &findings.by_event {
        let report = &contender.report;
        table.row(vec![
            contender.name.into(),
            format!("{} of {}", report.found, report.faults),
            report.false_alerts.to_string(),
            report.repeated.to_string(),
            percent(report.precision),
            percent(report.recall),
            contender.at_realistic_rate.as_ref().map_or_else(|| "–".into(), in_words),
        ]);
    }
    table
}

fn by_row(findings: &Findings) -> Table {
    let mut table =
        Table::new(&["by row, balanced", "macro F1", "weighted F1", "accuracy", "AUC", "average precision"]);
    for judge in &findings.rows.judges {
        table.row(vec![
            judge.name.into(),
            format!("{:.3}", judge.balanced.macro_f1),
            format!("{:.3}", judge.balanced.weighted_f1),
            format!("{:.3}", judge.balanced.accuracy),
            judge.macro_auc.map_or_else(|| "–".into(), |auc| format!("{auc:.3}")),
            judge.macro_average_precision.map_or_else(|| "–".into(), |mean| format!("{mean:.3}")),
        ]);
    }
    table
}

fn against(findings: &Findings) -> Vec<String> {
    let Some(live) = &findings.live else { return Vec::new() };
    let differences = findings.against_by_event.iter().chain(&findings.rows.against).map(|one| {
        let difference = &one.difference;
        let conclusion = difference.conclusion.words();
        format!(
            "{} against the live model {live}: {:+.4}, 95 % interval {:+.4} to {:+.4} over {} groups: {conclusion}",
            one.figure, difference.difference, difference.interval.low, difference.interval.high, difference.groups
        )
    });
    differences.collect()
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
