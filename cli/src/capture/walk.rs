//! The files of a capture, in a fixed order.
//!
//! Folders are walked by name, so that two machines replay the same capture alike. A copied sysfs tree is one thing
//! read at one instant and not hundreds of files, and is kept whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::exit::{ExitKind, Failure};

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CaptureFile {
    /// A file.
    File(PathBuf),
    /// The folder that holds `class/infiniband`'s devices.
    SysfsTree(PathBuf),
}

impl CaptureFile {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        match self {
            CaptureFile::File(path) | CaptureFile::SysfsTree(path) => path,
        }
    }
}

/// Why a path could not be walked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalkError {
    /// Nothing there.
    #[error("{} does not exist: expected a capture file or a folder of them", .0.display())]
    Missing(PathBuf),
    /// The system refused.
    #[error("listing {}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl From<WalkError> for Failure {
    fn from(error: WalkError) -> Self {
        Failure::new(ExitKind::UnusableInput, error)
    }
}

/// Deeper than any capture; a loop of links ends here.
const DEEPEST: usize = 32;

/// Every file under `paths`, each folder's files sorted by name.
pub(crate) fn find_files(paths: &[PathBuf]) -> Result<Vec<CaptureFile>, WalkError> {
    let mut found = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(WalkError::Missing(path.clone()));
        }
        walk(path, 0, &mut found)?;
    }
    Ok(found)
}

fn walk(path: &Path, depth: usize, found: &mut Vec<CaptureFile>) -> Result<(), WalkError> {
    if !path.is_dir() {
        found.push(CaptureFile::File(path.to_owned()));
        return Ok(());
    }
    if let Some(devices) = sysfs_devices(path) {
        found.push(CaptureFile::SysfsTree(devices));
        return Ok(());
    }
    if depth >= DEEPEST {
        return Ok(());
    }
    let failed = |source| WalkError::Io { path: path.to_owned(), source };
    let mut inside: Vec<PathBuf> = fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    inside.retain(|path| path.file_name().is_some_and(|name| is_telemetry_name(&name.to_string_lossy())));
    inside.sort();
    inside.iter().try_for_each(|path| walk(path, depth + 1, found))
}

/// Hidden files are nobody's telemetry, and neither is what a simulation writes beside it.
fn is_telemetry_name(name: &str) -> bool {
    !name.starts_with('.') && !BESIDE_TELEMETRY.contains(&name)
}

/// The truth and the announcements in a simulation's folder.
const BESIDE_TELEMETRY: [&str; 2] = ["truth.jsonl", "maintenance.jsonl"];

/// The folder of devices if `path` is a sysfs tree: `/sys`, `/sys/class/infiniband`, or a copy of either.
pub(crate) fn sysfs_devices(path: &Path) -> Option<PathBuf> {
    let below = path.join("class").join("infiniband");
    if below.is_dir() {
        return Some(below);
    }
    let is_devices = path.file_name().is_some_and(|name| name == "infiniband")
        && fs::read_dir(path).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.path().join("ports").is_dir()))
        });
    is_devices.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_by_name_and_hidden_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.out", "a.out", ".hidden"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find_files(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|file| file.path().file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.out", "b.out"]);
    }

    #[test]
    fn a_sysfs_tree_is_one_thing() {
        let folder = tempfile::tempdir().unwrap();
        let devices = folder.path().join("sys/class/infiniband");
        fs::create_dir_all(devices.join("mlx5_0/ports/1/counters")).unwrap();
        assert_eq!(find_files(&[folder.path().to_owned()]).unwrap(), [CaptureFile::SysfsTree(devices)]);
    }

    #[test]
    fn a_missing_path_is_named() {
        let error = find_files(&[PathBuf::from("no-such-capture")]).unwrap_err();
        assert!(error.to_string().contains("no-such-capture"), "{error}");
    }
}
