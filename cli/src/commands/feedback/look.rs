//! `linkcast feedback list` and `stats`: what was said, and what it comes to.

use std::time::Duration;

use clap::{Args, ValueEnum};
use linkcast_domain::{Clock, FeedbackStanding, SystemClock, Timestamp};
use linkcast_pipeline::{FeedbackDesk, JudgedFeedback, VersionQuality, quality_by_version};

use super::{Session, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::Failure;
use crate::output::{Form, Table};

/// How far back is looked where nobody says: as far as the monitor does.
const FAR: Duration = Duration::from_secs(28 * 24 * 3600);

/// When the first word on an insight came in.
#[derive(Args, Clone, Debug)]
struct TimeArguments {
    /// First spoken of from this time on: RFC 3339 or epoch milliseconds (default: 28 days ago).
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// And before this time (default: now).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// What an insight counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Standing {
    /// Right.
    Confirmed,
    /// Wrong.
    Wrong,
    /// Nobody's: people differ.
    Contested,
}

/// List what was said, newest first.
#[derive(Args, Debug)]
pub(super) struct ListArguments {
    #[command(flatten)]
    time: TimeArguments,
    /// Only insights that count as this.
    #[arg(long, value_enum)]
    standing: Option<Standing>,
    /// Only answers of this variant.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    task: TaskStoreArguments,
}

/// Say how right each variant's model versions were.
#[derive(Args, Debug)]
pub(super) struct StatsArguments {
    #[command(flatten)]
    time: TimeArguments,
    #[command(flatten)]
    task: TaskStoreArguments,
}

pub(super) fn list(arguments: &ListArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut found = read(&arguments.time, &arguments.task, session)?;
    let wanted = arguments.standing.map(|standing| match standing {
        Standing::Confirmed => FeedbackStanding::Confirmed,
        Standing::Wrong => FeedbackStanding::Wrong,
        Standing::Contested => FeedbackStanding::Contested,
    });
    found.retain(|one| wanted.is_none_or(|wanted| wanted == one.standing));
    found.retain(|one| arguments.variant.as_ref().is_none_or(|variant| *variant == one.feedback.variant));
    found.reverse();
    found.truncate(arguments.limit);
    match session.form {
        Form::JsonLines => found.iter().try_for_each(|one| session.output.json(one))?,
        Form::Text if found.is_empty() => session.output.line("nothing was said in this time")?,
        Form::Text => listed(&found).iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

pub(super) fn stats(arguments: &StatsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let sums = quality_by_version(&read(&arguments.time, &arguments.task, session)?);
    match session.form {
        Form::JsonLines => sums.iter().try_for_each(|sum| session.output.json(sum))?,
        Form::Text if sums.is_empty() => session.output.line("nothing was said in this time")?,
        Form::Text => summed(&sums).iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

fn read(
    time: &TimeArguments,
    task: &TaskStoreArguments,
    session: &Session<'_>,
) -> Result<Vec<JudgedFeedback>, Failure> {
    let store = open_existing(&task.database, session.configuration)?;
    // What was said this very millisecond is said.
    let until = time.until.unwrap_or_else(|| SystemClock.now().plus(Duration::from_millis(1)));
    let since = time.since.unwrap_or(until.minus(FAR));
    ready(FeedbackDesk::new(&store, &task.task).between(since, until)).map_err(refused)
}

fn listed(found: &[JudgedFeedback]) -> Vec<String> {
    let mut table =
        Table::new(&["received", "insight", "stream", "said", "counts as", "variant", "model", "words"]);
    for JudgedFeedback { feedback, standing, .. } in found {
        let words = feedback.words.iter().map(|word| match word.note.as_str() {
            "" => format!("{}: {}", word.by, word.verdict),
            note => format!("{}: {} ({})", word.by, word.verdict, note.replace('\n', " ")),
        });
        table.row(vec![
            feedback.received.to_string(),
            feedback.insight.to_string(),
            feedback.stream.to_string(),
            feedback.class.to_string(),
            standing.name().to_owned(),
            feedback.variant.clone(),
            feedback.model_version.clone(),
            words.collect::<Vec<_>>().join("; "),
        ]);
    }
    table.lines()
}

fn summed(sums: &[VersionQuality]) -> Vec<String> {
    let mut table = Table::new(&[
        "variant",
        "model",
        "confirmed",
        "wrong",
        "contested",
        "corrected",
        "accuracy",
        "95 % interval",
    ]);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    for sum in sums {
        let interval = sum.interval.map(|one| format!("{} to {}", percent(one.low), percent(one.high)));
        table.row(vec![
            sum.variant.clone(),
            sum.model_version.clone(),
            sum.counts.confirmed.to_string(),
            sum.counts.wrong.to_string(),
            sum.contested.to_string(),
            sum.corrected.to_string(),
            sum.accuracy.map_or("-".to_owned(), percent),
            interval.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table.lines()
}
