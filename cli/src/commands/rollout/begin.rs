//! `linkcast rollout start`: a plan out of a file, or out of flags.

use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_domain::{Clock, ModelVersion, SystemClock, Target};
use linkcast_routing::VariantName;
use linkcast_routing::rollout::{Asked, CandidateText, Model, PlanError, PlanText, RolloutPlan, Step, Terms};

use super::{Session, desk, refused, shown};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::{ExitKind, Failure, chain};

/// Begin a rollout.
#[derive(Args, Debug)]
pub(super) struct StartArguments {
    /// The plan, as JSON (docs/ROLLOUT.md); in place of every flag that says something of it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["candidate", "endpoint", "target", "model", "shadow", "steps", "least", "shortest_hours", "longest_hours", "margin", "slow_ms", "alpha"])]
    plan: Option<PathBuf>,
    /// The candidate's name as a variant, which stays with the model for good.
    #[arg(long, value_name = "NAME", required_unless_present = "plan")]
    candidate: Option<VariantName>,
    /// The SageMaker endpoint behind it.
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    endpoint: Option<String>,
    /// Who else stands behind it, as a policy's target in JSON.
    #[arg(long, value_name = "JSON", value_parser = target)]
    target: Option<Target>,
    /// The registered version, whose aliases then follow the rollout.
    #[arg(long, value_name = "VERSION")]
    model: Option<ModelVersion>,
    /// The digest the registry must hold under that version.
    #[arg(long, value_name = "DIGEST", requires = "model")]
    digest: Option<String>,
    /// Under what name the candidate's shadow is counted (default: shadow-VERSION).
    #[arg(long, value_name = "NAME")]
    shadow: Option<VariantName>,
    /// The steps (default: shadow,10,25,50,100; without shadow where no version is named).
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    steps: Vec<Step>,
    /// Questions each step needs at least (default: 300).
    #[arg(long, value_name = "N")]
    least: Option<u64>,
    /// Hours each step lasts at least (default: 24).
    #[arg(long, value_name = "HOURS")]
    shortest_hours: Option<u32>,
    /// Hours after which a step needs a person (default: 336).
    #[arg(long, value_name = "HOURS")]
    longest_hours: Option<u32>,
    /// What is unacceptable beyond the live variant's share, as failures=0.02; may be given again.
    #[arg(long, value_name = "GUARDRAIL=SHARE", value_parser = margin)]
    margin: Vec<(linkcast_routing::Guardrail, f64)>,
    /// An answer that takes longer is slow, milliseconds (default: the live variant's p95).
    #[arg(long, value_name = "MS")]
    slow_ms: Option<f64>,
    /// Rollouts without harm that may be aborted, in all (default: 0.05).
    #[arg(long, value_name = "SHARE")]
    alpha: Option<f64>,
    /// Who does this, as the history remembers it (default: USER).
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "it was asked for")]
    reason: String,
    #[command(flatten)]
    task: TaskStoreArguments,
}

fn target(text: &str) -> Result<Target, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn margin(text: &str) -> Result<(linkcast_routing::Guardrail, f64), String> {
    let (name, share) = text.split_once('=').ok_or("expected GUARDRAIL=SHARE")?;
    let known = linkcast_routing::Guardrail::ALL.into_iter().find(|guardrail| guardrail.name() == name);
    let guardrail = known.ok_or("expected failures, latency, disagreements or quality")?;
    Ok((guardrail, share.parse().map_err(|_| format!("{share:?}: expected a share, as 0.02"))?))
}

pub(super) fn execute(arguments: &StartArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let plan = match &arguments.plan {
        Some(file) => plan_in(file)?,
        None => plan_of(arguments)?,
    };
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let by = arguments.by.clone().unwrap_or_else(|| session.configuration.user.clone());
    let asked = Asked { by: &by, reason: &arguments.reason, at: SystemClock.now() };
    let rollout = ready(desk(&store, &arguments.task, session).start(plan, asked)).map_err(refused)?;
    shown::rollout(&rollout, session)
}

fn plan_in(file: &Path) -> Result<RolloutPlan, Failure> {
    let unread = |error| format!("cannot read {}: {error}", file.display());
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(ExitKind::UnusableInput, unread(error)))?;
    RolloutPlan::parse(&text).map_err(|error| {
        let told = format!("{}: {}", file.display(), chain(&error));
        Failure::new(ExitKind::UnusableInput, told)
            .with_next_step("see docs/ROLLOUT.md for a plan to begin with")
    })
}

fn plan_of(arguments: &StartArguments) -> Result<RolloutPlan, Failure> {
    let wrong = |error: PlanError| {
        Failure::new(ExitKind::WrongUse, error).with_next_step("see `linkcast rollout start --help`")
    };
    let endpoint = arguments.endpoint.as_ref().map(|endpoint| Target::Sagemaker {
        endpoint: Some(endpoint.clone()),
        format: linkcast_domain::SageMakerFormat::default(),
        target_variant: None,
        component: None,
    });
    let (Some(name), Some(target)) = (arguments.candidate.clone(), arguments.target.clone().or(endpoint))
    else {
        return Err(Failure::new(ExitKind::WrongUse, "nobody stands behind the candidate")
            .with_next_step("name its endpoint with --endpoint NAME, or --target JSON"));
    };
    let model = arguments.model.clone().map(|version| Model { version, digest: arguments.digest.clone() });
    let usual = RolloutPlan::usual(CandidateText {
        name,
        target,
        model,
        shadow: arguments.shadow.clone(),
        longest_ms: None,
        prices: linkcast_routing::VariantPrices::default(),
        calibration: Vec::new(),
    });
    let mut text: PlanText = usual.map_err(wrong)?.into();
    if !arguments.steps.is_empty() {
        text.steps.clone_from(&arguments.steps);
    }
    text.least_questions = arguments.least.unwrap_or(text.least_questions);
    text.shortest_hours = arguments.shortest_hours.unwrap_or(text.shortest_hours);
    text.longest_hours = arguments.longest_hours.unwrap_or(text.longest_hours);
    text.slow_ms = arguments.slow_ms.or(text.slow_ms);
    text.alpha = arguments.alpha.unwrap_or(text.alpha);
    for (guardrail, margin) in &arguments.margin {
        let terms = text.guardrails.entry(*guardrail).or_insert(Terms { margin: None, tolerated: 0.0 });
        terms.margin = Some(*margin);
    }
    RolloutPlan::of(text).map_err(wrong)
}
