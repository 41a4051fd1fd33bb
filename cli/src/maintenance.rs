//! Announced work, as people write it down: JSON lines, in the form `linkcast simulate` writes or in the store's own.

use std::path::{Path, PathBuf};

use linkcast_domain::ports::{MaintenanceScope, MaintenanceWindow};
use serde::Deserialize;

use crate::capture::{ReadError, read_bytes};
use crate::exit::{ExitKind, Failure};

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaintenanceError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A line is no window.
    #[error(
        "{}:{line}: expected {{\"streams\": [\"<guid>/<port>\"], \"start\": \"…\", \"end\": \"…\", \"reason\": \"…\"}}", path.display()
    )]
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

impl From<MaintenanceError> for Failure {
    fn from(error: MaintenanceError) -> Self {
        Failure::new(ExitKind::UnusableInput, error)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Window(MaintenanceWindow),
    Streams(linkcast_simulator::MaintenanceWindow),
}

/// The windows in a file.
pub(crate) fn read(path: &Path) -> Result<Vec<MaintenanceWindow>, MaintenanceError> {
    let bytes = read_bytes(path)?;
    let mut windows = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let refused = |source| MaintenanceError::Line { path: path.to_owned(), line: number + 1, source };
        match serde_json::from_slice(line).map_err(refused)? {
            Line::Window(window) => windows.push(window),
            Line::Streams(window) => windows.extend(by_stream(&window)),
        }
    }
    Ok(windows)
}

/// One window for each stream: the store knows windows by stream, node or fabric.
pub(crate) fn by_stream(
    window: &linkcast_simulator::MaintenanceWindow,
) -> impl Iterator<Item = MaintenanceWindow> + '_ {
    window.streams.iter().map(|stream| MaintenanceWindow {
        id: format!("{stream}@{}", window.start.millis()),
        scope: MaintenanceScope::Stream(stream.clone()),
        from: window.start,
        until: window.end,
        note: window.reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_window_is_told_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("windows.jsonl");
        let good = r#"{"streams":["a/1","b/1"],"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z","reason":"x"}"#;
        std::fs::write(&path, format!("{good}\n\n")).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        std::fs::write(&path, format!("{good}\nnonsense\n")).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("windows.jsonl:2"));
    }
}
