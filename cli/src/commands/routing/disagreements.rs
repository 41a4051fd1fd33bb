//! `linkcast routing disagreements`: samples that two models differ about, for people to look at.

use clap::Args;
use linkcast_domain::{Clock, SystemClock};
use linkcast_pipeline::{Opinion, RoutingDesk};

use super::{Session, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::Failure;
use crate::interval::Interval;
use crate::output::{Form, Table};

/// List samples that a variant and the embedded model differ about.
#[derive(Args, Debug)]
pub(super) struct DisagreementsArguments {
    /// How far back to look.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    last: Interval,
    #[command(flatten)]
    task: TaskStoreArguments,
}

pub(super) fn execute(arguments: &DisagreementsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let since = SystemClock.now().minus(arguments.last.duration());
    let desk = RoutingDesk::new(&store, &arguments.task.task);
    let found = ready(desk.disagreements(since)).map_err(refused)?;
    if session.form == Form::JsonLines {
        return found.iter().try_for_each(|one| session.output.json(one)).map_err(Failure::from);
    }
    let mut table = Table::new(&["time", "stream", "variant", "it says", "the embedded model says"]);
    let said = |opinion: &Opinion| {
        format!("{} ({:.2}), risk {:.0}", opinion.class, opinion.confidence, opinion.risk)
    };
    for one in &found {
        let (answered, embedded) = (said(&one.answered), said(&one.embedded));
        table.row(vec![
            one.time.to_string(),
            one.stream.to_string(),
            one.variant.clone(),
            answered,
            embedded,
        ]);
    }
    if found.is_empty() {
        session.output.line("none is kept: a policy keeps as many as its records_an_hour says")?;
        return Ok(());
    }
    table.lines().iter().try_for_each(|line| session.output.line(line)).map_err(Failure::from)
}
