//! `linkcast routing evaluate`: what each variant of a policy is worth on rows whose truth is known, and what it costs when one is
//! gone.
//!
//! The rows are of a simulated fabric and told as synthetic: they say how the variants stand to each other, not how good any is on
//! a fabric of yours. Variants are asked as functions ask them; a variant that costs money is asked about as many rows as --rows
//! says, once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use linkcast_routing::Policy;
use linkcast_scoring::Model;
use linkcast_simulator::{BenignRates, FabricPlan, FaultRate};
use linkcast_training::TrainingSet;
use serde::Serialize;

use super::{Session, policy_in};
use crate::arguments::DatabaseArguments;
use crate::exit::{ExitKind, Failure};
use crate::learning::{FailureRows, Thinning, recorded_rows, simulated_rows};
use crate::model;
use crate::output::{Form, Table};
use crate::progress::Progress;
use crate::registry::ModelChoice;
use crate::tiers::{AskedVariant, Asker, Figures, Outage, Row, outages, stratified};

/// One row in so many is kept of faults, of what looks like one, and of all others.
const THINNING: Thinning = Thinning { faulty: 2, benign: 6, quiet: 200 };

/// Say what each variant of a policy is worth, and what each outage costs.
#[derive(Args, Debug)]
#[command(
    after_help = "Every variant is asked about every row once, one row a question, with the policy's own deadline, retry and breaker. Who answers while\ntiers are off follows from those answers.\n\nExamples:\n  linkcast routing evaluate policy.json\n  linkcast routing evaluate policy.json --rows 200 --at-once 8     # a language model is among them\n  linkcast routing evaluate policy.json --model registry:live --db linkcast.db --json"
)]
pub(super) struct EvaluateArguments {
    /// The policy, as JSON.
    #[arg(value_name = "POLICY")]
    file: PathBuf,
    /// Rows that each variant is asked about, at most: of every class the same share, drawn by the seed.
    #[arg(long, value_name = "N", default_value = "2000")]
    rows: NonZeroUsize,
    /// Questions at once.
    #[arg(long, value_name = "N", default_value = "4")]
    at_once: NonZeroUsize,
    /// The embedded model, a folder or registry:NAME; the shipped one unless given.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelChoice>,
    /// A folder that `linkcast simulate` wrote, in place of a fabric simulated here.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["ports", "hours", "fault_rate"])]
    data: Option<PathBuf>,
    /// Ports of the simulated fabric.
    #[arg(long, value_name = "N", default_value_t = 600)]
    ports: usize,
    /// Simulated hours.
    #[arg(long, value_name = "H", default_value_t = 24.0)]
    hours: f64,
    /// The seed of the simulation, and of the rows that are drawn. No other command has this default.
    #[arg(long, value_name = "S", default_value_t = 41_414)]
    seed: u64,
    /// Faults in one port's hour.
    #[arg(long, value_name = "RATE", default_value_t = 0.01)]
    fault_rate: f64,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Serialize)]
struct SetLine<'a> {
    synthetic: bool,
    source: &'a str,
    rows: usize,
    of_rows: usize,
    classes: usize,
    embedded_model: &'a str,
}

#[derive(Serialize)]
struct VariantLine<'a> {
    variant: &'a str,
    kind: &'static str,
    version: Option<&'a str>,
    asked: usize,
    unanswered: usize,
    unanswered_percent: f64,
    reasons: BTreeMap<&'static str, usize>,
    figures: Option<Figures>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    dollars_an_insight: Option<f64>,
}

/// The rows that are asked about.
struct Asking {
    source: String,
    of_rows: usize,
    rows: Vec<Row>,
}

pub(super) fn execute(arguments: &EvaluateArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let policy = policy_in(&arguments.file)?;
    let place = arguments.database.place(session.configuration);
    let model = model::load(arguments.model.as_ref(), place.as_ref(), session.configuration)?;
    let asking = arguments.asking(session)?;
    let made = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = made.map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let asked = runtime.block_on(ask(&policy, &model, &asking.rows, arguments, session))?;
    let found = outages(&policy, &asked, &asking.rows);
    let variants: Vec<VariantLine<'_>> = asked
        .iter()
        .zip(policy.variants())
        .map(|(asked, variant)| line(asked, variant.target.kind(), &asking.rows))
        .collect();
    match session.form {
        Form::JsonLines => {
            session.output.json(&set_line(&asking, &model))?;
            variants.iter().try_for_each(|line| session.output.json(line))?;
            found.iter().try_for_each(|outage| session.output.json(outage))?;
        }
        Form::Text => {
            for line in told(&asking, &variants, &found) {
                session.output.line(&line)?;
            }
        }
    }
    Ok(())
}

async fn ask(
    policy: &Policy,
    model: &Model,
    rows: &[Row],
    arguments: &EvaluateArguments,
    session: &Session<'_>,
) -> Result<Vec<AskedVariant>, Failure> {
    let fabric = &session.configuration.fabric;
    let asker = Asker::of(policy, fabric, arguments.at_once.get(), model).await;
    let total = (rows.len() * policy.variants().len()) as u64;
    let mut progress = Progress::new(session.notes, "asking", Some(total));
    let mut asked = Vec::with_capacity(policy.variants().len());
    for (place, variant) in policy.variants().iter().enumerate() {
        progress.remark(variant.name.to_string());
        asked.push(asker.ask(policy, place, rows, &mut progress).await?);
    }
    Ok(asked)
}

impl EvaluateArguments {
    fn asking(&self, session: &Session<'_>) -> Result<Asking, Failure> {
        let (set, source) = match &self.data {
            Some(folder) => (
                recorded_rows(folder, FailureRows::None, session.notes)?.set,
                format!("the simulation in {}", folder.display()),
            ),
            None => (self.simulated(session)?, self.described()),
        };
        let rows = stratified(&set, self.rows.get(), self.seed);
        if rows.is_empty() {
            return Err(Failure::new(ExitKind::UnusableInput, format!("{source} gave no labelled rows"))
                .with_next_step("give more --ports, --hours or faults"));
        }
        Ok(Asking { source, of_rows: set.len(), rows })
    }

    fn simulated(&self, session: &Session<'_>) -> Result<TrainingSet, Failure> {
        let plan = FabricPlan {
            seed: self.seed,
            ports: self.ports,
            hours: self.hours,
            interval_s: 60,
            faults: FaultRate::PerPortHour(self.fault_rate),
            benign: BenignRates::REALISTIC,
            ..FabricPlan::default()
        };
        let mut progress = Progress::new(session.notes, "simulating", Some(plan.sweeps()));
        Ok(simulated_rows(plan, THINNING, FailureRows::None, &mut progress)?.rows.set)
    }

    fn described(&self) -> String {
        format!(
            "a simulated fabric: --ports {} --hours {} --fault-rate {} --seed {}",
            self.ports, self.hours, self.fault_rate, self.seed
        )
    }
}

fn set_line<'a>(asking: &'a Asking, model: &'a Model) -> SetLine<'a> {
    SetLine {
        synthetic: true,
        source: &asking.source,
        rows: asking.rows.len(),
        of_rows: asking.of_rows,
        classes: classes(&asking.rows),
        embedded_model: &model.identity().model_version,
    }
}

fn classes(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.truth).collect::<std::collections::BTreeSet<_>>().len()
}

fn line<'a>(asked: &'a AskedVariant, kind: &'static str, rows: &[Row]) -> VariantLine<'a> {
    let reasons = asked.unanswered();
    let unanswered: usize = reasons.values().sum();
    let percent = unanswered as f64 * 100.0 / asked.asked().max(1) as f64;
    VariantLine {
        variant: &asked.name,
        kind,
        version: asked.version.as_deref(),
        asked: asked.asked(),
        unanswered,
        unanswered_percent: (percent * 1e2).round() / 1e2,
        reasons,
        figures: asked.figures(rows),
        p50_ms: asked.latency_ms(0.5),
        p99_ms: asked.latency_ms(0.99),
        dollars_an_insight: asked.price(),
    }
}

fn told(asking: &Asking, variants: &[VariantLine<'_>], outages: &[Outage]) -> Vec<String> {
    let (rows, of_rows) = (asking.rows.len(), asking.of_rows);
    let mut lines = vec![
        format!(
            "{rows} of {of_rows} synthetic rows, {} classes, of {}",
            classes(&asking.rows),
            asking.source
        ),
        "accuracy is the mean recall and macro F1 the mean F1 of the classes that are there, each weighing the same; \
        as they come, nearly every row is normal"
            .to_owned(),
        String::new(),
    ];
    lines.extend(table_of_variants(variants));
    for variant in variants.iter().filter(|variant| variant.unanswered > 0) {
        let reasons: Vec<String> =
            variant.reasons.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let rest =
            if variant.figures.is_some() { "its figures are of the others" } else { "it has no figures" };
        lines.push(format!(
            "{} did not answer {} of {}: {}; {rest}",
            variant.variant,
            variant.unanswered,
            variant.asked,
            reasons.join(", ")
        ));
    }
    lines.push(String::new());
    lines.extend(table_of_outages(outages));
    lines.push("synthetic rows compare the variants with each other; they do not say how good any is on a real fabric".to_owned());
    lines
}

fn table_of_variants(variants: &[VariantLine<'_>]) -> Vec<String> {
    let mut table = Table::new(&[
        "variant alone",
        "answers",
        "version",
        "unanswered",
        "accuracy",
        "macro F1",
        "as they come",
        "calibration error",
        "p50",
        "p99",
        "price an insight",
    ]);
    for one in variants {
        let figure = |of: fn(&Figures) -> f64| number(one.figures.as_ref().map(of), 3, "");
        table.row(vec![
            one.variant.to_owned(),
            one.kind.to_owned(),
            one.version.unwrap_or("-").to_owned(),
            format!("{:.1} %", one.unanswered_percent),
            figure(|figures| figures.accuracy),
            figure(|figures| figures.macro_f1),
            figure(|figures| figures.accuracy_as_they_come),
            figure(|figures| figures.calibration_error),
            number(one.p50_ms, 2, " ms"),
            number(one.p99_ms, 2, " ms"),
            one.dollars_an_insight.map_or("-".to_owned(), |dollars| format!("${dollars:.9}")),
        ]);
    }
    table.lines()
}

fn table_of_outages(outages: &[Outage]) -> Vec<String> {
    let mut table =
        Table::new(&["off", "answered by", "accuracy", "points", "macro F1", "points", "as they come"]);
    for outage in outages {
        let figure = |of: fn(&Figures) -> f64| number(outage.figures.as_ref().map(of), 3, "");
        let shares = outage.answered_by.iter().map(|(name, share)| format!("{name} {share:.1} %"));
        table.row(vec![
            if outage.off.is_empty() { "nothing".to_owned() } else { outage.off.join(", ") },
            shares.collect::<Vec<_>>().join(", "),
            figure(|figures| figures.accuracy),
            format!("{:+.2}", outage.accuracy_points),
            figure(|figures| figures.macro_f1),
            format!("{:+.2}", outage.macro_f1_points),
            figure(|figures| figures.accuracy_as_they_come),
        ]);
    }
    table.lines()
}

fn number(value: Option<f64>, digits: usize, unit: &str) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}{unit}"))
}
