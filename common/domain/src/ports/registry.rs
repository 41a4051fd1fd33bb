//! What a registry of models is kept in: items that are replaced on condition, and folders that never change.
//!
//! A store knows no rule of the registry. It keeps revisions and writes all of a change or none of it; what may follow what is
//! decided in one place, [`Registry`](crate::Registry), for every store alike.

use std::future::Future;

use super::{StoreError, Written};
use crate::{Aliases, ModelVersion, RegisteredModel};

/// A value with the revision it was read at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revised<T> {
    /// Rises by one with each write; 0 if there was none.
    pub revision: u64,
    /// The value.
    pub value: T,
}

/// What is to be written together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistryChange {
    /// A version, in place of the one read.
    pub model: Option<Revised<RegisteredModel>>,
    /// The aliases, in place of those read.
    pub aliases: Option<Revised<Aliases>>,
    /// A version that must be as it was read, which is not the one written.
    pub unchanged: Option<(ModelVersion, u64)>,
}

/// A task's models, one item each, and its aliases, one item in all.
pub trait RegistryItems: Send + Sync {
    /// One version, as last written.
    fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> impl Future<Output = Result<Option<Revised<RegisteredModel>>, StoreError>> + Send;

    /// Every version, by name.
    fn models(&self, task: &str) -> impl Future<Output = Result<Vec<RegisteredModel>, StoreError>> + Send;

    /// The aliases, as last written; none set and revision 0 where nothing was.
    fn aliases(&self, task: &str) -> impl Future<Output = Result<Revised<Aliases>, StoreError>> + Send;

    /// Writes all of the change, if nothing of it was written since it was read. Keyed by task and version.
    fn change(
        &self,
        task: &str,
        change: &RegistryChange,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Its name.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The files of models, in folders named by the digest of what is in them.
pub trait ModelFolders: Send + Sync {
    /// Where a folder lies, for people.
    fn place(&self, task: &str, digest: &str) -> String;

    /// Writes a folder's files, whole or not at all. Keyed by task and digest; files that were damaged since are made whole.
    fn put_folder(
        &self,
        task: &str,
        digest: &str,
        files: &[FolderFile],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What the folder's files hold, in the order asked; none where one is missing. Whoever asks knows their digests.
    fn files(
        &self,
        task: &str,
        digest: &str,
        names: &[&str],
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, StoreError>> + Send;
}
