//! Files of what happened to streams, one thing a line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use linkcast_domain::{StreamId, Timestamp};
use linkcast_training::Happening;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DatasetError;

/// One line of a file of outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OutcomeLine {
    pub(super) stream_id: StreamId,
    pub(super) timestamp: Timestamp,
    #[serde(flatten)]
    pub(super) happening: Happening,
}

/// One line of a history's ports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PortLine {
    pub(super) stream_id: StreamId,
    pub(super) peer: Option<StreamId>,
}

/// What is expected of a line of outcomes.
pub(super) const AN_OUTCOME: &str = r#"{"stream_id":…,"timestamp":…,"failed":{"how":"down|isolated|replaced|confirmed"}}, or alert_opened, went_down, acted"#;

/// What is expected of a line of ports.
pub(super) const A_PORT: &str = r#"{"stream_id":…,"peer":…}"#;

/// The lines of a file, with its digest fed.
pub(super) fn read_lines<T: DeserializeOwned>(
    path: &Path,
    expected: &'static str,
    hasher: &mut Sha256,
) -> Result<Vec<T>, DatasetError> {
    let bytes = fs::read(path).map_err(|source| failed("read", path, source))?;
    hasher.update(&bytes);
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
        .map(|(number, line)| {
            let line_number = number + 1;
            let path = || path.to_owned();
            serde_json::from_slice(line).map_err(|source| DatasetError::Line {
                path: path(),
                line: line_number,
                expected,
                source,
            })
        })
        .collect()
}

/// Every file below a folder, by name; none where there is no folder.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("read", folder, source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| failed("read", folder, source))?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn failed(attempt: &'static str, path: &Path, source: io::Error) -> DatasetError {
    DatasetError::Io { attempt, path: path.to_owned(), source }
}
