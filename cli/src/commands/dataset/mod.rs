//! `linkcast dataset`: history into files that training reads.

mod build;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use linkcast_domain::ports::{History, TimeRange};
use linkcast_domain::{Clock, SystemClock, Timestamp};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::dataset::{Exported, Plan, export};
use crate::exchange::make_folder;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::Form;
use crate::progress::Progress;

/// Make data sets for training.
#[derive(Args, Debug)]
pub(crate) struct DatasetArguments {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Debug, Subcommand)]
enum DatasetCommand {
    /// Take samples and what followed them out of a store, into Parquet files by day and group of streams.
    Export(ExportArguments),
    /// Make rows of an exported history: features, labels and what followed, split for training.
    Build(build::BuildArguments),
}

/// Take samples and what followed them out of a store, into Parquet files by day and group of streams.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast dataset export --db linkcast.db --last 7d --out history/\n  linkcast dataset export --store dynamodb:linkcast-lab --since 2026-01-05T00:00:00Z --until 2026-01-12T00:00:00Z --out history/\n\nCalled again with the same --out it goes on where it was broken off."
)]
struct ExportArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// The length of time to take, up to --until, as 7d.
    #[arg(long, value_name = "LENGTH", default_value = "30d", conflicts_with = "since")]
    last: Interval,
    /// The first time to take: RFC 3339 or epoch milliseconds.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// The last time to take (default: now, or what the folder's own plan says).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// The folder to write; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs it.
pub(crate) fn execute(arguments: &DatasetArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        DatasetCommand::Export(arguments) => execute_export(arguments, session),
        DatasetCommand::Build(arguments) => build::execute(arguments, session),
    }
}

fn execute_export(arguments: &ExportArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let name = match arguments.database.place(session.configuration) {
        Some(place) => place.to_string(),
        None => String::new(),
    };
    make_folder(&arguments.out)?;
    let range = arguments.range(&arguments.out)?;
    let plan = Plan::new(name, range, wait(store.groups())?).agreed(&arguments.out)?;
    let parts = plan.groups.len() * plan.days().len();
    let mut progress = Progress::new(session.notes, "parts", Some(parts as u64));
    let exported = export(&store, &plan, &arguments.out, &mut progress)?;
    drop(progress);
    tell(&exported, &arguments.out, session)
}

impl ExportArguments {
    /// What is asked for; where no end is named, a folder's own plan knows it.
    fn range(&self, folder: &Path) -> Result<TimeRange, Failure> {
        let planned = if self.until.is_none() { Plan::of(folder)?.map(|plan| plan.until) } else { None };
        let until = self.until.or(planned).unwrap_or_else(|| SystemClock.now());
        let from = self.since.unwrap_or_else(|| until.minus(self.last.duration()));
        if from > until {
            let wrong = format!("the history would end at {until}, before it begins at {from}");
            return Err(Failure::new(ExitKind::WrongUse, wrong)
                .with_next_step("give an --until that is not before --since"));
        }
        Ok(TimeRange { from, until })
    }
}

fn tell(exported: &Exported, folder: &Path, session: &mut Session<'_>) -> Result<(), Failure> {
    match session.form {
        Form::JsonLines => session.output.json(exported)?,
        Form::Text => {
            let Exported { samples, parts, parts_before, outcomes } = exported;
            session.output.line(&format!(
                "{samples} samples in {parts} parts ({parts_before} were there), {outcomes} outcomes: {}",
                folder.display()
            ))?;
        }
    }
    if exported.samples == 0 && exported.parts_before == 0 {
        session
            .notes
            .warn("no sample lies in that time: see `linkcast ports` for when streams were last seen");
    }
    Ok(())
}
