//! `linkcast monitor`: one look at how variants do, at drift and at quality.
//!
//! What the function on AWS does once an hour, for a machine of one's own: from cron, or by hand. What is news goes on the board
//! of notices, where whoever tells people finds it.

use clap::{Args, ValueEnum};
use linkcast_domain::SystemClock;
use linkcast_pipeline::{Look, Monitor, MonitorError, NoBus, Trouble};
use serde::Serialize;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{self, open_existing, ready};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;

/// Look once at how the variants do, at drift, and at how often insights were right.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast monitor --db linkcast.db\n  linkcast monitor --store dynamodb:linkcast-lab --json\n  linkcast monitor --db linkcast.db --fail-on drift,quality || mail -s 'models drift' ops\n\nA look is made once an hour, over hours that are over; again in the same hour it is shown again. From cron: 5 * * * *.\nExit code 8 says that something named by --fail-on is so; without it a look that was made is 0, whatever it found.\ndocs/MONITOR.md says what each verdict rests on."
)]
pub(crate) struct MonitorArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// The task.
    #[arg(long, value_name = "TASK", default_value = linkcast_scoring::TASK)]
    task: String,
    /// End with exit code 8 if one of these is so; may be several, separated by commas.
    #[arg(long, value_enum, value_name = "TROUBLE", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
}

/// What a look may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A variant fails, waits or falls back more than on any day before.
    Variants,
    /// What the model sees or says drifted.
    Drift,
    /// A version is right less often than it was.
    Quality,
}

#[derive(Serialize)]
struct Line<'a> {
    made: &'static str,
    troubles: Vec<Trouble>,
    #[serde(flatten)]
    report: &'a linkcast_pipeline::MonitorReport,
}

/// Looks, and prints the report.
pub(crate) fn execute(arguments: &MonitorArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let monitor = Monitor::new(&store, (&session.configuration.fabric, &arguments.task));
    let look = ready(monitor.look(&NoBus, &SystemClock)).map_err(refused)?;
    let report = look.report();
    let troubles = report.troubles();
    match session.form {
        Form::JsonLines => {
            let made = if matches!(look, Look::Made(_)) { "now" } else { "before" };
            session.output.json(&Line { made, troubles: troubles.clone(), report })?;
        }
        Form::Text => {
            report.lines().iter().try_for_each(|line| session.output.line(line))?;
            if matches!(look, Look::Before(_)) {
                session.output.line("this look was made earlier; the next is made in the next hour")?;
            }
        }
    }
    session.output.flush()?;
    let wanted = |trouble: &&Trouble| arguments.fail_on.iter().any(|one| trouble_of(*one) == **trouble);
    let found: Vec<&str> = troubles.iter().filter(wanted).map(|trouble| name(*trouble)).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::new(ExitKind::Trouble, format!("the look found trouble with {}", found.join(" and ")))
        .with_next_step("see docs/MONITOR.md for what each verdict rests on"))
}

fn trouble_of(named: FailOn) -> Trouble {
    match named {
        FailOn::Variants => Trouble::Variants,
        FailOn::Drift => Trouble::Drift,
        FailOn::Quality => Trouble::Quality,
    }
}

fn name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Variants => "variants",
        Trouble::Drift => "drift",
        Trouble::Quality => "quality",
    }
}

fn refused(error: MonitorError) -> Failure {
    match error {
        MonitorError::Store(error) => database::failure(error),
        MonitorError::Overtaken { .. } => Failure::new(ExitKind::Refused, error)
            .with_next_step("look again in a minute: what the other found is shown then"),
        error => Failure::new(ExitKind::Database, error)
            .with_next_step("delete that item, or restore the store from a copy"),
    }
}
