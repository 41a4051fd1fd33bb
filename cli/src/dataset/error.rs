//! What can be wrong with histories and data sets, and what to do about it.

use std::io;
use std::path::PathBuf;

use linkcast_training::dataset::{DealError, LeakError, RowFileError};

use crate::exit::{ExitKind, Failure};

/// Why a data set's folder could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatasetError {
    /// The system refused.
    #[error("could not {attempt} {}", path.display())]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The folder holds another data set.
    #[error("{} holds a data set with another {part}: found {found}, expected {expected}", path.display())]
    Another {
        /// The plan's file.
        path: PathBuf,
        /// Which part differs.
        part: &'static str,
        /// What it says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The plan is no plan.
    #[error("{} is no plan of a data set", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A part was not written.
    #[error("could not write {}", path.display())]
    Part {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: linkcast_telemetry::WriteParquetError,
    },
    /// A folder that is no history.
    #[error("{} holds no exported history: expected a plan.json and a folder of samples", .0.display())]
    NoHistory(PathBuf),
    /// A folder that is no data set.
    #[error("{} holds no data set: expected a manifest.json and a folder of rows", .0.display())]
    NoDataset(PathBuf),
    /// A part that the plan names is not there.
    #[error("the history lacks {}", .0.display())]
    MissingPart(PathBuf),
    /// A part is not what was written.
    #[error("{} is damaged: {found}", path.display())]
    DamagedPart {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong with it.
        found: String,
    },
    /// A line that says nothing of use.
    #[error("{}:{line}: expected {expected}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What lines of that file look like.
        expected: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A file of rows was not written.
    #[error("could not write the rows {}", path.display())]
    WriteRows {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A file of rows cannot be read.
    #[error("could not read the rows {}", path.display())]
    ReadRows {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: RowFileError,
    },
    /// Something of a row was known only later.
    #[error("the leakage check of {} failed", path.display())]
    Leak {
        /// The group of streams.
        path: PathBuf,
        /// Which row.
        #[source]
        source: LeakError,
    },
    /// Streams that cannot be dealt.
    #[error("could not split {}", path.display())]
    Deal {
        /// The data set.
        path: PathBuf,
        /// Why.
        #[source]
        source: DealError,
    },
    /// Text that could not be made.
    #[error("could not write {} as json", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let (kind, step) = match &error {
            DatasetError::Another { .. } => {
                (ExitKind::WrongUse, "give another --out, or what the folder was begun with, to go on")
            }
            DatasetError::Plan { .. } => (ExitKind::UnusableInput, "move the folder away and begin anew"),
            DatasetError::NoHistory(_) => (ExitKind::WrongUse, "make one with `linkcast dataset export`"),
            DatasetError::NoDataset(_) => (ExitKind::WrongUse, "make one with `linkcast dataset build`"),
            DatasetError::MissingPart(_) => (
                ExitKind::UnusableInput,
                "run the same `linkcast dataset export` again: it makes what is missing",
            ),
            DatasetError::DamagedPart { .. } => {
                (ExitKind::UnusableInput, "delete that file and run the same `linkcast dataset export` again")
            }
            DatasetError::ReadRows { .. } => (
                ExitKind::UnusableInput,
                "delete that file with its .json and run the same `linkcast dataset build` again",
            ),
            DatasetError::Line { .. } => (ExitKind::UnusableInput, "correct the line, or leave the file out"),
            DatasetError::Deal { .. } => {
                (ExitKind::UnusableInput, "build the data set again from its history")
            }
            DatasetError::Leak { .. } => {
                (ExitKind::UnusableInput, "train on nothing of it; report the feature that the check names")
            }
            DatasetError::Io { .. }
            | DatasetError::Part { .. }
            | DatasetError::WriteRows { .. }
            | DatasetError::Json { .. } => {
                (ExitKind::Machine, "see that the folder may be written and has room, and run the same again")
            }
        };
        Failure::new(kind, error).with_next_step(step)
    }
}
