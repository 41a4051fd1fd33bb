//! Verdicts in files that people fill in: out of a store, into a spreadsheet, and back.
//!
//! A row is one verdict, or an item without one; columns beside the verdict's own are there to judge by and are not read back. A row that
//! cannot be used is told by line and field, and the rest goes on.

mod export;
mod import;
mod row;
mod verdicts;

pub(crate) use export::write;
pub(crate) use import::{Defaults, Imported, read};
pub(crate) use verdicts::{AgreedLabels, ReviewPlace};

use std::path::Path;

use crate::exit::{ExitKind, Failure};

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileForm {
    /// A header and rows.
    Csv,
    /// An object a line.
    JsonLines,
}

impl FileForm {
    /// By the name's ending.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(FileForm::Csv),
            Some("jsonl" | "ndjson" | "json") => Ok(FileForm::JsonLines),
            _ => {
                let told = format!("{}: expected a name that ends in .csv or .jsonl", path.display());
                Err(Failure::new(ExitKind::WrongUse, told))
            }
        }
    }
}
