//! Verdicts to and from files.

use std::path::Path;

use linkcast_domain::ports::ReviewItems;
use linkcast_domain::{Clock, Recorded, Review, ReviewDesk, ReviewId, SystemClock};
use serde::Serialize;

use super::{ExportArguments, ImportArguments, Session};
use crate::database::{open_existing, wait};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;
use crate::reviewing::{self, Defaults, FileForm, Imported};
use crate::store::AnyStore;

/// Bad rows that are told one by one; of more, the number is told.
const TOLD_FAULTS: usize = 20;

/// What came of a file's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct ImportTally {
    /// Verdicts taken.
    taken: u64,
    /// Verdicts that were there.
    known: u64,
    /// Rows without a verdict.
    open: u64,
    /// Rows that could not be used.
    rejected: u64,
}

pub(super) fn import(arguments: &ImportArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let form = FileForm::of(&arguments.file)?;
    let defaults = Defaults { reviewer: arguments.reviewer.clone(), time: SystemClock.now() };
    let imported = reviewing::read(&arguments.file, form, &defaults)?;
    let store = open_existing(&arguments.database, session.configuration)?;
    let (tally, faults) = record(imported, &store, session)?;
    let name = arguments.file.display();
    for fault in faults.iter().take(TOLD_FAULTS) {
        session.notes.warn(format!("{name}:{fault}"));
    }
    if faults.len() > TOLD_FAULTS {
        session.notes.warn(format!("{name}: {} more rows were rejected", faults.len() - TOLD_FAULTS));
    }
    let ImportTally { taken, known, open, rejected } = tally;
    match session.form {
        Form::JsonLines => session.output.json(&tally)?,
        Form::Text => session.output.line(&format!(
            "{taken} verdicts taken, {known} were there, {open} rows without one, {rejected} rejected: {name}"
        ))?,
    }
    if taken + known + open == 0 && rejected > 0 {
        session.output.flush()?;
        return Err(Failure::new(ExitKind::UnusableInput, format!("{name}: no row could be used"))
            .with_next_step("compare it with what `linkcast review export` writes"));
    }
    Ok(())
}

/// Hands the verdicts on; gives what came of them, and every fault in the order of lines.
fn record(
    imported: Imported,
    store: &AnyStore,
    session: &Session<'_>,
) -> Result<(ImportTally, Vec<String>), Failure> {
    for column in &imported.unknown {
        session.notes.warn(format!("column {column:?} is not read: nobody knows it"));
    }
    let mut faults: Vec<(u64, String)> =
        imported.faults.iter().map(|fault| (fault.line, fault.to_string())).collect();
    let mut tally = ImportTally { open: imported.open, ..ImportTally::default() };
    let (lines, verdicts): (Vec<u64>, Vec<(ReviewId, Review)>) = imported.verdicts.into_iter().unzip();
    let outcomes = wait(ReviewDesk::new(store).record(&verdicts))?;
    for ((line, (id, _)), outcome) in lines.into_iter().zip(&verdicts).zip(outcomes) {
        match outcome {
            Recorded::New => tally.taken += 1,
            Recorded::Known => tally.known += 1,
            Recorded::NotAsked => faults.push((line, format!("{line}: item: nobody asked about {id}"))),
        }
    }
    faults.sort();
    tally.rejected = faults.len() as u64;
    Ok((tally, faults.into_iter().map(|(_, fault)| fault).collect()))
}

#[derive(Serialize)]
struct ExportTally<'a> {
    items: usize,
    rows: u64,
    file: &'a Path,
}

pub(super) fn export(arguments: &ExportArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let file = arguments.file.as_path();
    let form = FileForm::of(file)?;
    let store = open_existing(&arguments.database, session.configuration)?;
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let items = wait(store.review_queue(arguments.standing.standing(), limit))?;
    let rows = reviewing::write(file, form, &items)?;
    let items = items.len();
    match session.form {
        Form::JsonLines => session.output.json(&ExportTally { items, rows, file })?,
        Form::Text => {
            session.output.line(&format!("{items} items in {rows} rows: {}", file.display()))?;
        }
    }
    Ok(())
}
