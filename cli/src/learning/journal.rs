//! A search's record on disk: `trials.jsonl` beside the model to come.
//!
//! Each finished trial is on the disk before the next is counted, so a kill costs what was under way and no more. A line
//! that a kill cut short is cut off; once the search is over the lines are put in order, so that the file too is the same
//! whether it was interrupted or not.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use linkcast_training::search::{Journal, RecordError, Records, SearchHeader, TrialRecord};

use crate::exit::{ExitKind, Failure};

/// The record's name in the model's folder.
pub(crate) const TRIALS_FILE: &str = "trials.jsonl";

/// A record, open for one search.
#[derive(Debug)]
pub(crate) struct JournalFile {
    path: PathBuf,
    file: File,
    header: SearchHeader,
    finished: Vec<TrialRecord>,
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The machine refused.
    #[error("{what} the search's record {}", path.display())]
    Machine {
        /// What was tried.
        what: &'static str,
        /// The record.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("the search's record {} is being written by another search", path.display())]
    Taken {
        /// The record.
        path: PathBuf,
    },
    /// It is none this search can go on with.
    #[error("the search's record {} cannot be gone on with", path.display())]
    Other {
        /// The record.
        path: PathBuf,
        /// Why.
        #[source]
        source: RecordError,
    },
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Machine { .. } => Failure::new(ExitKind::Machine, error),
            JournalError::Taken { .. } => Failure::new(ExitKind::WrongUse, error)
                .with_next_step("wait for the other search, or give another --out"),
            JournalError::Other { ref path, .. } => {
                let step = format!(
                    "give the arguments and data it was begun with, another --out, or remove {} to begin anew",
                    path.display()
                );
                Failure::new(ExitKind::UnusableInput, error).with_next_step(step)
            }
        }
    }
}

impl JournalFile {
    /// Opens the record in `folder`, or begins one, for the search that `header` names.
    pub(crate) fn open(folder: &Path, header: SearchHeader) -> Result<Self, JournalError> {
        let path = folder.join(TRIALS_FILE);
        let failed = |what| {
            let path = path.clone();
            move |source| JournalError::Machine { what, path, source }
        };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed("opening"))?;
        file.try_lock().map_err(|_| JournalError::Taken { path: path.clone() })?;
        let text = fs::read(&path).map_err(failed("reading"))?;
        let records = Records::read(&text, &header)
            .map_err(|source| JournalError::Other { path: path.clone(), source })?;
        file.set_len(records.whole as u64).map_err(failed("cutting"))?;
        file.seek(SeekFrom::End(0)).map_err(failed("opening"))?;
        if records.whole == 0 {
            add_line(&mut file, &header.line()).map_err(failed("writing"))?;
        }
        Ok(JournalFile { path, file, header, finished: records.trials })
    }

    /// Puts the lines in order, once the search is over.
    pub(crate) fn settle(&self) -> Result<(), JournalError> {
        let failed = |source| JournalError::Machine { what: "settling", path: self.path.clone(), source };
        let part = self.path.with_extension("part");
        let mut file = File::create(&part).map_err(failed)?;
        let text = Records::settled(&self.header, &self.finished);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&part, &self.path).map_err(failed)
    }
}

impl Journal for JournalFile {
    fn finished(&self) -> &[TrialRecord] {
        &self.finished
    }

    fn keep(&mut self, record: &TrialRecord) -> Result<(), Box<dyn Error + Send + Sync>> {
        add_line(&mut self.file, &record.line()).map_err(|source| JournalError::Machine {
            what: "writing",
            path: self.path.clone(),
            source,
        })?;
        self.finished.push(record.clone());
        Ok(())
    }
}

fn add_line(file: &mut File, line: &str) -> io::Result<()> {
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}
