//! A registry of models that somebody else keeps, as SageMaker's: packages in groups, each approved or not.
//!
//! Nothing here is tried again by who answers it: the caller knows how long it may take, and that each call may be made twice.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

use crate::{Approval, Retry, Timestamp};

/// A package as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPackage {
    /// What it is called by in calls: its ARN.
    pub reference: String,
    /// Its number in its group, from 1.
    pub number: u64,
    /// Whether it may be used.
    pub approval: Approval,
    /// What was said with the approval.
    pub reason: Option<String>,
    /// When it was last changed; made, if it never was.
    pub changed: Timestamp,
    /// Who changed it last, in the platform's words; empty if it does not say.
    pub changed_by: String,
    /// The address of its archive; empty if it has none.
    pub archive: String,
    /// What its maker noted of it.
    pub properties: BTreeMap<String, String>,
}

/// A package to be made, which is pending then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPackage {
    /// The group it is one of.
    pub group: String,
    /// The key by which the same package asked for twice is made once: at most 36 letters, digits and hyphens.
    pub token: String,
    /// What it is, for people.
    pub description: String,
    /// The image that serves it.
    pub image: String,
    /// What the image is told.
    pub environment: BTreeMap<String, String>,
    /// The address of its archive.
    pub archive: String,
    /// Where its files come from.
    pub source: String,
    /// What is noted of it.
    pub properties: BTreeMap<String, String>,
}

/// What a package is changed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRuling {
    /// Whether it may be used.
    pub approval: Approval,
    /// What is said with it.
    pub reason: String,
    /// What is noted of it, in place of all that was.
    pub properties: BTreeMap<String, String>,
}

/// Whether an archive was put where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was.
    New,
    /// It lay there before, the same to the bit.
    Known,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// Too many calls: a later one may be heard.
    #[error("the platform is too busy to {attempt}")]
    Throttled {
        /// What was tried.
        attempt: String,
    },
    /// Anything else.
    #[error("could not {attempt}")]
    Failed {
        /// What was tried.
        attempt: String,
        /// Whether another try may help.
        retry: Retry,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl PackagesError {
    /// Whether another try may help.
    pub fn retry(&self) -> Retry {
        match self {
            PackagesError::Throttled { .. } => Retry::Later,
            PackagesError::Failed { retry, .. } => *retry,
        }
    }
}

/// Some of a group's packages, and where the next begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackagePage {
    /// What they are called by.
    pub references: Vec<String>,
    /// What to ask the next page with; none after the last.
    pub next: Option<String>,
}

/// A registry of packages.
pub trait ModelPackages: Send + Sync {
    /// Whether there is a group of this name.
    fn has_group(&self, group: &str) -> impl Future<Output = Result<bool, PackagesError>> + Send;

    /// Makes a group. Keyed by its name; one that is there stays as it is.
    fn make_group(
        &self,
        group: &str,
        description: &str,
    ) -> impl Future<Output = Result<(), PackagesError>> + Send;

    /// A page of the group's packages, the first unless `from` says which.
    fn page(
        &self,
        group: &str,
        from: Option<&str>,
    ) -> impl Future<Output = Result<PackagePage, PackagesError>> + Send;

    /// One package.
    fn package(&self, reference: &str) -> impl Future<Output = Result<SeenPackage, PackagesError>> + Send;

    /// Makes a package; gives what it is called by. Keyed by its token.
    fn make_package(
        &self,
        package: &NewPackage,
    ) -> impl Future<Output = Result<String, PackagesError>> + Send;

    /// Changes a package's approval, reason and properties. Keyed by the package: the last one stands.
    fn rule(
        &self,
        reference: &str,
        ruling: &PackageRuling,
    ) -> impl Future<Output = Result<(), PackagesError>> + Send;
}

/// Where packages' archives lie.
pub trait ModelArchives: Send + Sync {
    /// Puts an archive at `address` unless the same one lies there. Keyed by address and sha256.
    fn put_archive(
        &self,
        address: &str,
        bytes: &[u8],
        sha256: &str,
    ) -> impl Future<Output = Result<Stored, PackagesError>> + Send;

    /// The archive at `address`, of at most `limit` bytes.
    fn archive(
        &self,
        address: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<u8>, PackagesError>> + Send;
}
