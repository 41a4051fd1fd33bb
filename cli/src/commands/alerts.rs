//! `linkcast alerts`: what people were told, newest first.

use clap::{Args, ValueEnum};
use linkcast_domain::ports::Lookup;
use linkcast_domain::{Alert, AlertState, StreamId};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::exit::Failure;
use crate::output::{Form, Table};

/// Which alerts are wanted.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// Those that are open.
    Firing,
    /// Those that are over.
    Resolved,
}

/// List the alerts in a database.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast alerts --db linkcast.db --state firing\n  linkcast alerts --db linkcast.db --json | jq .summary"
)]
pub(crate) struct AlertsArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Only those that are open, or over.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those that concern this stream.
    #[arg(long, value_name = "STREAM")]
    stream: Option<StreamId>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Prints them.
pub(crate) fn execute(arguments: &AlertsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let state = arguments.state.map(|state| match state {
        State::Firing => AlertState::Firing,
        State::Resolved => AlertState::Resolved,
    });
    let asked = if arguments.stream.is_some() { usize::MAX >> 1 } else { arguments.limit };
    let mut alerts = wait(store.alerts(state, asked))?;
    alerts.retain(|alert| arguments.stream.as_ref().is_none_or(|stream| alert.streams.contains(stream)));
    alerts.truncate(arguments.limit);
    match session.form {
        Form::JsonLines => alerts.iter().try_for_each(|alert| session.output.json(alert))?,
        Form::Text => table(&alerts).lines().iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

fn table(alerts: &[Alert]) -> Table {
    let mut table = Table::new(&["state", "opened", "risk", "cause", "group", "summary"]);
    for alert in alerts {
        table.row(vec![
            match alert.state {
                AlertState::Firing => "firing".into(),
                AlertState::Resolved => "resolved".into(),
            },
            alert.opened.to_string(),
            format!("{:.0}", alert.risk_score),
            alert.cause.to_string(),
            alert.group.clone(),
            alert.summary.clone(),
        ]);
    }
    table
}
