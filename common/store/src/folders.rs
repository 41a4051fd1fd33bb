//! Folders of models on a disk: `<root>/<task>/<digest>/<file>`.
//!
//! A folder is written beside its place and renamed once every file has reached the disk, so one that is there is whole. It
//! never changes after that; only damage is mended, by whoever puts the same files again.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use linkcast_domain::ports::{FolderFile, ModelFolders, StoreError};

/// Folders under one root.
#[derive(Clone, Debug)]
pub struct LocalFolders {
    root: PathBuf,
}

/// A name that would lead out of its folder.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is no name of a file or folder: expected letters, digits, dots, hyphens and underscores")]
struct BadNameError {
    name: String,
}

impl LocalFolders {
    /// Those under `root`, which is made with the first folder.
    pub fn new(root: PathBuf) -> Self {
        LocalFolders { root }
    }

    fn failed(&self, attempt: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Failed { store: self.root.display().to_string(), attempt, source: source.into() }
    }

    fn io(&self, attempt: &'static str) -> impl Fn(io::Error) -> StoreError {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull => {
                StoreError::Full { store: self.root.display().to_string(), source: error.into() }
            }
            _ => self.failed(attempt, error),
        }
    }

    fn folder(&self, attempt: &'static str, task: &str, digest: &str) -> Result<PathBuf, StoreError> {
        let mut path = self.root.clone();
        for name in [task, digest] {
            check(name).map_err(|error| self.failed(attempt, error))?;
            path.push(name);
        }
        Ok(path)
    }
}

fn check(name: &str) -> Result<(), BadNameError> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) {
        Ok(())
    } else {
        Err(BadNameError { name: name.chars().take(64).collect() })
    }
}

impl ModelFolders for LocalFolders {
    fn place(&self, task: &str, digest: &str) -> String {
        self.root.join(task).join(digest).display().to_string()
    }

    async fn put_folder(&self, task: &str, digest: &str, files: &[FolderFile]) -> Result<(), StoreError> {
        const ATTEMPT: &str = "write a model";
        let folder = self.folder(ATTEMPT, task, digest)?;
        for file in files {
            check(&file.name).map_err(|error| self.failed(ATTEMPT, error))?;
        }
        if holds(&folder, files) {
            return Ok(());
        }
        // Two writers of one folder write the same, each in a place of its own.
        let staged = folder.with_file_name(format!(".{digest}.{}", std::process::id()));
        write_all(&staged, files).and_then(|()| replace(&staged, &folder)).map_err(self.io(ATTEMPT))
    }

    async fn files(
        &self,
        task: &str,
        digest: &str,
        names: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        const ATTEMPT: &str = "read a model";
        let folder = self.folder(ATTEMPT, task, digest)?;
        let read = |name: &&str| {
            check(name).map_err(|error| self.failed(ATTEMPT, error))?;
            match fs::read(folder.join(name)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.io(ATTEMPT)(error)),
            }
        };
        names.iter().map(read).collect()
    }
}

/// Whether the folder has these very files. What cannot be read is written anew.
fn holds(folder: &Path, files: &[FolderFile]) -> bool {
    files.iter().all(|file| fs::read(folder.join(&file.name)).is_ok_and(|bytes| bytes == file.bytes))
}

fn write_all(staged: &Path, files: &[FolderFile]) -> io::Result<()> {
    clear(staged)?;
    fs::create_dir_all(staged)?;
    for file in files {
        let mut open = File::create(staged.join(&file.name))?;
        open.write_all(&file.bytes)?;
        open.sync_all()?;
    }
    File::open(staged)?.sync_all()
}

/// Renames the staged folder to its place, from which a damaged one is cleared away.
fn replace(staged: &Path, folder: &Path) -> io::Result<()> {
    match fs::rename(staged, folder) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            clear(folder)?;
            fs::rename(staged, folder)?;
        }
        other => other?,
    }
    folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
