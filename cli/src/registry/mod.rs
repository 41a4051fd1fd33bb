//! Registered models: where their files lie, and how one is fetched, checked and loaded.

mod folders;
mod models;
mod sync;

pub(crate) use folders::{AnyFolders, FolderPlace};
pub(crate) use models::{ModelChoice, Models, parts, read_folder, refusal};
pub(crate) use sync::{Mode, Outcome, Patience, Strangers, Sync, packages_failure};
