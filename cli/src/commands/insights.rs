//! `linkcast insights`: what the model said, newest first.

use clap::Args;
use linkcast_domain::ports::{InsightQuery, Lookup, TimeRange};
use linkcast_domain::{Insight, PredictionType, StreamId, Timestamp};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::exit::Failure;
use crate::output::{Form, Table};

/// List the insights in a database.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast insights --db linkcast.db --min-risk 60\n  linkcast insights --db linkcast.db --stream 0000000000200000/2 --json"
)]
pub(crate) struct InsightsArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Only of this stream.
    #[arg(long, value_name = "STREAM")]
    stream: Option<StreamId>,
    /// Only of this class.
    #[arg(long = "type", value_name = "CLASS")]
    class: Option<PredictionType>,
    /// Only with at least this risk, 0 to 100.
    #[arg(long, value_name = "RISK", default_value_t = 0.0)]
    min_risk: f64,
    /// Only from this time on: RFC 3339 or epoch milliseconds.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only up to this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Prints them.
pub(crate) fn execute(arguments: &InsightsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let query = InsightQuery {
        id: None,
        stream: arguments.stream.clone(),
        class: arguments.class,
        minimum_risk: arguments.min_risk,
        range: TimeRange {
            from: arguments.since.unwrap_or(TimeRange::ALL.from),
            until: arguments.until.unwrap_or(TimeRange::ALL.until),
        },
        limit: arguments.limit,
    };
    let insights = wait(store.insights(&query))?;
    match session.form {
        Form::JsonLines => insights.iter().try_for_each(|insight| session.output.json(insight))?,
        Form::Text => table(&insights).lines().iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

fn table(insights: &[Insight]) -> Table {
    let mut table = Table::new(&["time", "stream", "class", "risk", "confidence", "insight", "explanation"]);
    for insight in insights {
        table.row(vec![
            insight.timestamp.to_string(),
            insight.related_entity.to_string(),
            insight.prediction_type.to_string(),
            format!("{:.0}", insight.risk_score),
            format!("{:.2}", insight.confidence),
            insight.entity_id.to_string(),
            insight.explanation.clone(),
        ]);
    }
    table
}
