//! Models that were made, and which of them is used.
//!
//! What a version is never changes: its files are named by digest, and the same version with other bytes is refused. What
//! people make of it does: each decision is kept beside the ones before it. An alias names the version that plays a part,
//! so that nothing that serves has to know a version by name.

mod rules;
mod sync;
mod version;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

pub use rules::{Added, Registry, RegistryError};
pub use sync::{
    DIGEST_PROPERTY, SyncAction, SyncConflict, SyncStep, TASK_PROPERTY, VERSION_PROPERTY, sync_properties,
    sync_steps,
};
pub use version::{Alias, ModelName, ModelVersion, ParseAliasError, ParseModelVersionError};

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name in the model's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its sha256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a model was made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The data set, in words.
    pub data_source: Option<String>,
    /// The data set's version.
    pub data_version: Option<String>,
    /// The data set's digest.
    pub data_digest: Option<String>,
    /// The revision of the code that trained it.
    pub code_revision: Option<String>,
    /// What it was trained with.
    pub parameters: Map<String, Value>,
}

/// What a version is: written once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The version.
    pub version: ModelVersion,
    /// The question it answers.
    pub task: String,
    /// The feature schema it was trained on.
    pub feature_schema: u32,
    /// Of all files together: names the folder they lie in.
    pub digest: String,
    /// Its files, by name.
    pub files: Vec<FileFacts>,
    /// What it was made of.
    pub lineage: Lineage,
    /// How good it was found to be.
    pub metrics: Map<String, Value>,
    /// When it was added.
    pub added: Timestamp,
    /// Who added it.
    pub added_by: String,
}

/// What was decided about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "approval", rename_all = "snake_case")]
pub enum Ruling {
    /// It may be used.
    Approved,
    /// It may not.
    Rejected {
        /// Why not.
        reason: String,
    },
}

/// One decision about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    #[serde(flatten)]
    pub ruling: Ruling,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Whether a version may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody has decided.
    Pending,
    /// It may.
    Approved,
    /// It may not.
    Rejected,
}

impl Approval {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Approval::Pending => "pending",
            Approval::Approved => "approved",
            Approval::Rejected => "rejected",
        }
    }
}

/// A version and what was decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// What it is.
    #[serde(flatten)]
    pub facts: ModelFacts,
    /// Every decision, oldest first: the last one stands.
    pub decisions: Vec<Decision>,
}

impl RegisteredModel {
    /// Whether it may be used.
    pub fn approval(&self) -> Approval {
        match self.decisions.last().map(|decision| &decision.ruling) {
            None => Approval::Pending,
            Some(Ruling::Approved) => Approval::Approved,
            Some(Ruling::Rejected { .. }) => Approval::Rejected,
        }
    }

    /// Why it may not be used, where that was decided.
    pub fn reason(&self) -> Option<&str> {
        match self.decisions.last().map(|decision| &decision.ruling) {
            Some(Ruling::Rejected { reason }) => Some(reason),
            _ => None,
        }
    }
}

/// The version that plays a part, and who gave it that part when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The version.
    pub version: ModelVersion,
    /// Who pointed at it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The versions that play a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aliases {
    /// The one that answers.
    pub live: Option<Pointer>,
    /// The one that may follow it.
    pub candidate: Option<Pointer>,
    /// The one that answered before.
    pub previous: Option<Pointer>,
}

impl Aliases {
    /// The version an alias names.
    pub fn version(&self, alias: Alias) -> Option<&ModelVersion> {
        let pointer = match alias {
            Alias::Live => &self.live,
            Alias::Candidate => &self.candidate,
            Alias::Previous => &self.previous,
        };
        pointer.as_ref().map(|pointer| &pointer.version)
    }

    /// The aliases that name a version.
    pub fn naming(&self, version: &ModelVersion) -> Vec<Alias> {
        Alias::ALL.into_iter().filter(|alias| self.version(*alias) == Some(version)).collect()
    }

    /// With an alias pointed elsewhere. What was live becomes the previous one.
    pub(crate) fn pointed(mut self, alias: Alias, target: Option<Pointer>) -> Self {
        match alias {
            Alias::Live => {
                let left = std::mem::replace(&mut self.live, target);
                if left.is_some() {
                    self.previous = left;
                }
            }
            Alias::Candidate => self.candidate = target,
            Alias::Previous => self.previous = target,
        }
        self
    }
}
