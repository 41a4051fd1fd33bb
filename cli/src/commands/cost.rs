//! `linkcast cost`: what the insights cost, by variant and by what was paid for.
//!
//! Sums are whole billionths of a dollar and equal the sum of their parts. An insight is useful if reviewers agree that
//! something was wrong; where nobody has spoken, that is not known and not guessed.

use std::collections::BTreeMap;

use clap::Args;
use linkcast_domain::ports::{InsightQuery, Lookup, ReviewItems, TimeRange};
use linkcast_domain::{
    Clock, Cost, Insight, NanoDollars, PredictionType, ReviewId, Standing, SystemClock, Timestamp,
};
use linkcast_pipeline::RoutingDesk;
use serde::Serialize;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, ready, wait};
use crate::exit::{ExitKind, Failure};
use crate::output::{Form, Table};

/// Reviews read at once.
const PAGE: usize = 1_000;

/// Say what the insights cost, by variant and by useful insight.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast cost --store dynamodb:linkcast-lab\n  linkcast cost --since 2026-11-01T00:00:00Z --db linkcast.db --json"
)]
pub(crate) struct CostArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// From this time on: RFC 3339 or epoch milliseconds (default: all that is kept).
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// The task.
    #[arg(long, value_name = "TASK", default_value = linkcast_scoring::TASK)]
    task: String,
}

/// What the insights of one variant cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sum {
    insights: u64,
    /// Of these, those reviewers agree on that something was wrong.
    useful: u64,
    /// Of these, those reviewers agree on at all.
    reviewed: u64,
    #[serde(flatten)]
    cost: Cost,
    total: NanoDollars,
}

#[derive(Serialize)]
struct Ledger {
    variants: BTreeMap<String, Sum>,
    all: Sum,
    /// What every answer cost, those too that were no news, by variant, as the functions saw it.
    answers: BTreeMap<String, NanoDollars>,
}

/// Prints the ledger.
pub(crate) fn execute(arguments: &CostArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let from = arguments.since.unwrap_or(TimeRange::ALL.from);
    let range = TimeRange { from, until: TimeRange::ALL.until };
    let insights =
        wait(store.insights(&InsightQuery { range, limit: usize::MAX, ..InsightQuery::default() }))?;
    let ids: Vec<ReviewId> =
        insights.iter().map(|insight| ReviewId::of(&insight.related_entity, insight.timestamp)).collect();
    let mut verdicts = Vec::with_capacity(ids.len());
    for page in ids.chunks(PAGE) {
        verdicts.extend(wait(store.reviewed(page))?);
    }
    let verdicts = verdicts.into_iter().map(|found| {
        let reviewed = found.map(|found| found.value).filter(|one| one.standing() == Standing::Agreed)?;
        reviewed.verdict().map(linkcast_domain::ReviewVerdict::class)
    });
    let since = arguments.since.unwrap_or(Timestamp::from_millis(0)).min(SystemClock.now());
    let evidence = ready(RoutingDesk::new(&store, &arguments.task).evidence(since));
    let evidence = evidence.map_err(|error| Failure::new(ExitKind::Database, error))?;
    let mut ledger = ledger(insights.iter().zip(verdicts));
    ledger.answers = evidence.iter().map(|(name, seen)| (name.to_owned(), seen.cost)).collect();
    match session.form {
        Form::JsonLines => session.output.json(&ledger)?,
        Form::Text => told(&ledger).iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

/// Sums insights, each with the class reviewers agree on.
fn ledger<'a>(insights: impl Iterator<Item = (&'a Insight, Option<PredictionType>)>) -> Ledger {
    let mut ledger = Ledger { variants: BTreeMap::new(), all: Sum::default(), answers: BTreeMap::new() };
    for (insight, class) in insights {
        for sum in [ledger.variants.entry(insight.variant.clone()).or_default(), &mut ledger.all] {
            sum.insights += 1;
            sum.reviewed += u64::from(class.is_some());
            sum.useful += u64::from(class.is_some_and(|class| class != PredictionType::Normal));
            sum.cost += insight.cost;
            sum.total += insight.cost.total();
        }
    }
    ledger
}

fn told(ledger: &Ledger) -> Vec<String> {
    let mut table = Table::new(&[
        "variant",
        "insights",
        "tokens",
        "endpoint",
        "function",
        "table",
        "total",
        "an insight",
        "useful",
        "a useful one",
    ]);
    let all = (&"all".to_owned(), &ledger.all);
    for (name, sum) in ledger.variants.iter().chain([all]) {
        let each = |count: u64| match count {
            0 => "-".to_owned(),
            _ => NanoDollars(sum.total.0 / count).to_string(),
        };
        table.row(vec![
            name.clone(),
            sum.insights.to_string(),
            sum.cost.tokens.to_string(),
            sum.cost.endpoint.to_string(),
            sum.cost.function.to_string(),
            sum.cost.table.to_string(),
            sum.total.to_string(),
            each(sum.insights),
            format!("{} of {} reviewed", sum.useful, sum.reviewed),
            each(sum.useful),
        ]);
    }
    let mut lines = table.lines();
    if ledger.all.reviewed == 0 {
        lines.push(
            "no insight is reviewed yet, so that none is known to be useful: linkcast review".to_owned(),
        );
    }
    for (name, cost) in ledger.answers.iter().filter(|(_, cost)| cost.0 > 0) {
        lines.push(format!("all answers of {name}, those too that were no news: {cost}"));
    }
    lines.push(
        "modelled from the policy's prices: tokens, endpoint time, function time, write units".to_owned(),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_the_sum_of_its_parts_to_the_unit() {
        let json = |variant: &str, tokens: u64, endpoint: u64| {
            serde_json::json!({
                "entity_id": "0".repeat(32), "timestamp": "2026-11-22T00:00:00Z", "entity_type": "insight",
                "related_entity": "a", "fabric": "lab", "prediction_type": "normal", "risk_score": 0.0,
                "confidence": 1.0, "explanation": "", "influencers": [], "recommendations": [],
                "model_used": "bedrock", "model_version": "1", "feature_schema": 1, "variant": variant,
                "fallback_from": null, "latency_us": 1, "cost_usd": 0.0, "ttl": 0,
                "cost": {"tokens": tokens, "endpoint": endpoint, "function": 7, "table": 11},
            })
        };
        let insights: Vec<Insight> = [("live", 0, 1_001), ("claude", 999_999_999_937, 3), ("live", 0, 1_002)]
            .map(|(variant, tokens, endpoint)| {
                serde_json::from_value(json(variant, tokens, endpoint)).unwrap()
            })
            .to_vec();
        let classes = [None, Some(PredictionType::RdmaTimeout), Some(PredictionType::Normal)];
        let ledger = ledger(insights.iter().zip(classes));
        let parts: NanoDollars = ledger.variants.values().map(|sum| sum.total).sum();
        assert_eq!(
            (ledger.all.total, parts),
            (NanoDollars(999_999_999_937 + 2_006 + 3 * 18), ledger.all.total)
        );
        assert_eq!(ledger.all.cost.total(), ledger.all.total);
        assert_eq!((ledger.all.useful, ledger.all.reviewed, ledger.all.insights), (1, 2, 3));
        assert!(told(&ledger).iter().any(|line| line.contains("$1000.000001997")), "{:?}", told(&ledger));
    }
}
