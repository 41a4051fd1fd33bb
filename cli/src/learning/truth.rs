//! Reading back the truth that a simulation wrote beside its telemetry.

use std::path::{Path, PathBuf};

use linkcast_domain::Episode;

use crate::capture::{ReadError, read_bytes};
use crate::exit::{ExitKind, Failure};

/// The truth's file in a simulation's folder.
pub(crate) const TRUTH_FILE: &str = "truth.jsonl";

/// Why the truth could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TruthError {
    /// No such file, or unreadable.
    #[error("the folder holds no readable {TRUTH_FILE}: expected what `linkcast simulate` wrote")]
    Read(#[source] ReadError),
    /// A line is no episode.
    #[error("{}:{line}: expected an episode as `linkcast simulate` writes it", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl From<TruthError> for Failure {
    fn from(error: TruthError) -> Self {
        Failure::new(ExitKind::UnusableInput, error).with_next_step(
            "make a training set with `linkcast simulate --out DIR`, or train with --simulate",
        )
    }
}

/// The episodes in a simulation's folder.
pub(crate) fn read_truth(folder: &Path) -> Result<Vec<Episode>, TruthError> {
    let path = folder.join(TRUTH_FILE);
    let bytes = read_bytes(&path).map_err(TruthError::Read)?;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
        .map(|(number, line)| {
            serde_json::from_slice(line).map_err(|source| TruthError::Line {
                path: path.clone(),
                line: number + 1,
                source,
            })
        })
        .collect()
}
