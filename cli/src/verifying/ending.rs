//! The end, however it came: the word to stop, and what is left behind.

use std::io;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::called::Program;
use super::checklist::Measured;
use crate::exit::{ExitKind, Failure};

/// What becomes of the folder at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// It stays, to be looked at.
    Kept,
    /// It goes.
    Removed,
}

/// Ends at the first SIGINT or SIGTERM that comes after this was called, and says which.
///
/// # Errors
/// When signals cannot be heard.
pub(crate) fn told_to_stop() -> io::Result<impl Future<Output = Failure>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => Failure::new(ExitKind::Terminated, "told to stop by SIGTERM"),
            _ = interrupt.recv() => Failure::new(ExitKind::Interrupted, "told to stop by SIGINT"),
        }
    })
}

/// Removes the folder, unless it is kept, and looks whether anything that was started still runs.
///
/// # Errors
/// The folder cannot be removed, or a process is left.
pub(crate) fn clean_up(folder: TempDir, fate: Folder, program: &Program) -> Result<((), Measured), Failure> {
    let path = folder.path().to_owned();
    if fate == Folder::Kept {
        let _ = folder.keep();
    } else {
        folder.close().map_err(|error| left(&path, &error.to_string()))?;
        if path.exists() {
            return Err(left(&path, "it is still there"));
        }
    }
    let (calls, running) = program.calls();
    if running > 0 {
        let told = format!("{running} of {calls} processes that were started run still");
        return Err(Failure::new(ExitKind::Machine, told).with_next_step("end them: `pgrep -a linkcast`"));
    }
    let of_folder = if fate == Folder::Kept { "the folder is kept" } else { "the folder is removed" };
    let told = format!("{of_folder}; none of {calls} processes is left");
    Ok(((), Measured::new(told, json!({ "processes": calls, "left": running }))))
}

fn left(path: &Path, why: &str) -> Failure {
    Failure::new(ExitKind::Machine, format!("removing {}: {why}", path.display()))
        .with_next_step("remove it by hand")
}
