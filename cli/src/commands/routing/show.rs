//! `linkcast routing show`: the policy, who rests, and what was seen.

use clap::Args;
use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::RoutingDesk;
use linkcast_routing::{BreakerState, Comparison, Evidence, Policy, PolicyText, Verdict, compare};
use serde::Serialize;

use super::{Session, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::Failure;
use crate::interval::Interval;
use crate::output::{Form, Table};

/// Show the policy in force, who rests, and what was seen of each variant.
#[derive(Args, Debug)]
pub(super) struct ShowArguments {
    /// How far back to look at what was seen.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    last: Interval,
    #[command(flatten)]
    task: TaskStoreArguments,
}

#[derive(Serialize)]
struct Shown<'a> {
    revision: u64,
    policy: Option<&'a PolicyText>,
    breakers: &'a [(String, Verdict)],
    evidence: &'a Evidence,
    comparisons: &'a [Comparison],
}

pub(super) fn execute(arguments: &ShowArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let desk = RoutingDesk::new(&store, &arguments.task.task);
    let now = SystemClock.now();
    let policy = ready(desk.policy()).map_err(refused)?;
    let breakers = ready(desk.breakers()).map_err(refused)?;
    let hours = ready(desk.evidence_by_hour(now.minus(arguments.last.duration()))).map_err(refused)?;
    let mut evidence = Evidence::default();
    hours.iter().for_each(|hour| evidence.merge(hour));
    let revision = policy.as_ref().map_or(0, |policy| policy.revision);
    let policy = policy.map(|policy| policy.value);
    let comparisons = policy.as_ref().map(|policy| compare(policy, &hours)).unwrap_or_default();
    match session.form {
        Form::JsonLines => session.output.json(&Shown {
            revision,
            policy: policy.as_ref().map(Policy::text),
            breakers: &breakers,
            evidence: &evidence,
            comparisons: &comparisons,
        })?,
        Form::Text => {
            let lines = told(revision, policy.as_ref(), &breakers, &evidence, now);
            for line in lines.into_iter().chain(comparisons.iter().map(compared)) {
                session.output.line(&line)?;
            }
        }
    }
    Ok(())
}

fn told(
    revision: u64,
    policy: Option<&Policy>,
    breakers: &[(String, Verdict)],
    evidence: &Evidence,
    now: Timestamp,
) -> Vec<String> {
    let mut lines = Vec::new();
    match policy {
        None => lines.push(
            "no policy is written: the endpoint that stands under the task's name answers, or the embedded model"
                .to_owned(),
        ),
        Some(policy) => {
            let order: Vec<&str> = policy.text().fallback.iter().map(|name| name.as_str()).collect();
            lines.push(format!("revision {revision}; who fails is stood in for by {}", order.join(", then ")));
            lines.extend(variants(policy, breakers, now));
        }
    }
    if evidence.is_empty() {
        lines.push("nothing was seen of any variant yet".to_owned());
    } else {
        lines.push(String::new());
        lines.extend(seen(evidence));
    }
    lines
}

fn variants(policy: &Policy, breakers: &[(String, Verdict)], now: Timestamp) -> Vec<String> {
    let mut table = Table::new(&["variant", "weight", "answers", "breaker"]);
    for variant in policy.variants() {
        let verdict = breakers.iter().find(|(name, _)| name == variant.name.as_str());
        let breaker = match verdict.map(|(_, verdict)| verdict) {
            Some(verdict) if verdict.state != BreakerState::Closed => {
                let because = verdict.because.map_or("", |kind| kind.name());
                format!("rests {} s more ({because})", verdict.until.since(now).as_secs())
            }
            _ => "closed".to_owned(),
        };
        let weight = variant.weight.to_string();
        table.row(vec![variant.name.to_string(), weight, variant.target.kind().to_owned(), breaker]);
    }
    table.lines()
}

/// A candidate beside the other, with the numbers it is judged by.
fn compared(found: &Comparison) -> String {
    let Comparison { candidate, other, guardrail, seen, evidence, stop_at } = found;
    let verdict = if evidence >= stop_at { "it harms: take its weight back" } else { "no proof of harm" };
    format!(
        "{candidate} against {other}, {}: {} of {} against {} of {}, evidence of harm {evidence:.2} of {stop_at}: {verdict}",
        guardrail.name(),
        seen.candidate_wrong,
        seen.candidate,
        seen.other_wrong,
        seen.other
    )
}

fn seen(evidence: &Evidence) -> Vec<String> {
    let mut table = Table::new(&[
        "variant",
        "answered",
        "stood in",
        "failed",
        "not asked",
        "agrees with embedded",
        "p50",
        "p99",
        "cost",
    ]);
    for (name, seen) in evidence.iter() {
        let compared = seen.agreed + seen.disagreements();
        let agrees = match compared {
            0 => "-".to_owned(),
            _ => format!("{:.1} %", seen.agreed as f64 * 100.0 / compared as f64),
        };
        let milliseconds =
            |share| seen.latency.quantile(share).map_or("-".to_owned(), |us| format!("{:.2} ms", us / 1e3));
        table.row(vec![
            name.to_owned(),
            seen.answered.to_string(),
            seen.stood_in.to_string(),
            seen.failed().to_string(),
            (seen.rested + seen.no_time).to_string(),
            agrees,
            milliseconds(0.5),
            milliseconds(0.99),
            seen.cost.to_string(),
        ]);
    }
    table.lines()
}
