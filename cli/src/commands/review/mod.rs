//! `linkcast review`: verdicts on samples the rules and the model are not sure of.

mod exchange;
mod look;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use linkcast_domain::ports::ReviewItems;
use linkcast_domain::{
    Clock, Recorded, Review, ReviewDesk, ReviewId, ReviewVerdict, Reviewer, Standing, SystemClock,
};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;

/// Give verdicts on samples that ask for them.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast review list --db linkcast.db --limit 20\n  linkcast review set ITEM --verdict rdma_timeout --reviewer ada --note 'cable 7 was loose' --db linkcast.db\n  linkcast review export open.csv --standing open --db linkcast.db\n  linkcast review import open.csv --reviewer ada --db linkcast.db\n  linkcast review agreement --db linkcast.db"
)]
pub(crate) struct ReviewArguments {
    #[command(subcommand)]
    command: ReviewCommand,
}

#[derive(Debug, Subcommand)]
enum ReviewCommand {
    /// List what asks for a verdict, the most uncertain and most valuable first.
    List(ListArguments),
    /// Give a verdict.
    Set(SetArguments),
    /// Take verdicts out of a CSV or JSON lines file.
    Import(ImportArguments),
    /// Write items and their verdicts into a CSV or JSON lines file.
    Export(ExportArguments),
    /// Say how far each two reviewers agree beyond chance (Cohen's kappa).
    Agreement(DatabaseArguments),
}

/// How far an item's review has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// Nobody has spoken.
    Open,
    /// One reviewer has.
    Single,
    /// Several have, and say the same.
    Agreed,
    /// Several have, and differ.
    Disputed,
    /// Every item.
    All,
}

impl Wanted {
    fn standing(self) -> Option<Standing> {
        match self {
            Wanted::Open => Some(Standing::Open),
            Wanted::Single => Some(Standing::Single),
            Wanted::Agreed => Some(Standing::Agreed),
            Wanted::Disputed => Some(Standing::Disputed),
            Wanted::All => None,
        }
    }
}

#[derive(Args, Debug)]
struct ListArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Those one reviewer has judged and a second should.
    #[arg(long, conflicts_with = "standing")]
    needs_second: bool,
    /// How far the review has come.
    #[arg(long, value_enum, default_value = "open")]
    standing: Wanted,
    /// Without those this reviewer has judged.
    #[arg(long, value_name = "NAME")]
    reviewer: Option<Reviewer>,
}

#[derive(Args, Debug)]
struct SetArguments {
    /// The item, as `linkcast review list` shows it.
    #[arg(value_name = "ITEM")]
    item: ReviewId,
    /// A class, or false_positive.
    #[arg(long, value_name = "VERDICT")]
    verdict: ReviewVerdict,
    /// Who gives it.
    #[arg(long, value_name = "NAME")]
    reviewer: Reviewer,
    /// How bad it is, 0 to 100.
    #[arg(long, value_name = "RISK", value_parser = severity)]
    severity: Option<f64>,
    /// In the reviewer's words.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    database: DatabaseArguments,
}

fn severity(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|severity| (0.0..=100.0).contains(severity));
    number.ok_or_else(|| format!("{text:?}: expected a number from 0 to 100"))
}

#[derive(Args, Debug)]
struct ImportArguments {
    /// A .csv or .jsonl file, as `linkcast review export` writes it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Who gave the verdicts of rows that name nobody.
    #[arg(long, value_name = "NAME")]
    reviewer: Option<Reviewer>,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Args, Debug)]
struct ExportArguments {
    /// The .csv or .jsonl file to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How far the review has come.
    #[arg(long, value_enum, default_value = "all")]
    standing: Wanted,
    /// At most so many items, the highest priority first.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Runs it.
pub(crate) fn execute(arguments: &ReviewArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        ReviewCommand::List(arguments) => look::list(arguments, session),
        ReviewCommand::Set(arguments) => set(arguments, session),
        ReviewCommand::Import(arguments) => exchange::import(arguments, session),
        ReviewCommand::Export(arguments) => exchange::export(arguments, session),
        ReviewCommand::Agreement(database) => look::agree(database, session),
    }
}

fn set(arguments: &SetArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let review = Review {
        reviewer: arguments.reviewer.clone(),
        time: SystemClock.now(),
        verdict: arguments.verdict,
        severity: arguments.severity,
        note: arguments.note.clone(),
    };
    let outcome = wait(ReviewDesk::new(&store).record(&[(arguments.item.clone(), review)]))?;
    let found = wait(store.reviewed(std::slice::from_ref(&arguments.item)))?.into_iter().flatten().next();
    let Some(reviewed) = found.filter(|_| !outcome.contains(&Recorded::NotAsked)) else {
        let told = format!("nobody asked about item {}", arguments.item);
        return Err(Failure::new(ExitKind::UnusableInput, told).with_next_step("see `linkcast review list`"));
    };
    match session.form {
        Form::JsonLines => session.output.json(&reviewed.value)?,
        Form::Text => session.output.line(&format!(
            "{} of {}: {} by {}, {} now",
            reviewed.value.item.stream,
            reviewed.value.item.time,
            arguments.verdict,
            arguments.reviewer,
            reviewed.value.standing().name()
        ))?,
    }
    Ok(())
}
