//! Registered models: where their files lie, and how one is fetched, checked and loaded.

mod folders;
mod models;

pub(crate) use folders::{AnyFolders, FolderPlace};
pub(crate) use models::{ModelChoice, Models, parts, read_folder, refusal};
