//! What may be done with a task's models, over whatever the registry is kept in.
//!
//! Everything is read, decided and written on the condition that nobody wrote meanwhile; who lost begins again from what is
//! there now, so that every rule holds of what is stored and not of what was once read.

use super::RegisteredModel;
use super::{Alias, Aliases, Approval, Decision, ModelFacts, ModelName, ModelVersion, Pointer, Ruling};
use crate::Timestamp;
use crate::ports::{RegistryChange, RegistryItems, Revised, StoreError, Written};

/// How often a change is tried again because others wrote meanwhile.
const TRIES: usize = 16;

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// What it is kept in failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such version.
    #[error("no version {version} of task {task} is registered")]
    Unknown {
        /// The version.
        version: ModelVersion,
        /// The task.
        task: String,
    },
    /// The alias names nothing.
    #[error("alias {alias} of task {task} names no version")]
    Unset {
        /// The alias.
        alias: Alias,
        /// The task.
        task: String,
    },
    /// The version is there with other bytes.
    #[error("version {version} is registered with digest {found}, not {offered}: a version never changes")]
    Taken {
        /// The version.
        version: ModelVersion,
        /// The digest that is registered.
        found: String,
        /// The digest that was offered.
        offered: String,
    },
    /// Only an approved version may answer.
    #[error("version {version} is {}: expected an approved version to become live", approval.name())]
    NotApproved {
        /// The version.
        version: ModelVersion,
        /// What it is instead.
        approval: Approval,
    },
    /// A rejected version plays no part.
    #[error("version {version} was rejected ({reason}): it cannot become {alias}")]
    Rejected {
        /// The version.
        version: ModelVersion,
        /// The alias.
        alias: Alias,
        /// Why it was rejected.
        reason: String,
    },
    /// The version answers, so it cannot be rejected.
    #[error("version {version} is live: expected a version that does not answer")]
    IsLive {
        /// The version.
        version: ModelVersion,
    },
    /// Somebody else pointed the alias elsewhere.
    #[error("alias {alias} names {}, expected {}", shown(found.as_ref()), shown(expected.as_ref()))]
    Moved {
        /// The alias.
        alias: Alias,
        /// What the caller took it to name.
        expected: Option<ModelVersion>,
        /// What it names now.
        found: Option<ModelVersion>,
    },
    /// Others wrote each time.
    #[error("others changed the registry of task {task} {TRIES} times in a row")]
    Contended {
        /// The task.
        task: String,
    },
}

fn shown(version: Option<&ModelVersion>) -> &str {
    version.map_or("none", ModelVersion::as_str)
}

/// Whether a version is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is.
    New,
    /// The same bytes were there before.
    Known,
}

/// A task's models.
#[derive(Debug)]
pub struct Registry<'a, S> {
    items: &'a S,
    task: &'a str,
}

impl<'a, S: RegistryItems> Registry<'a, S> {
    /// The models of `task` kept in `items`.
    pub fn new(items: &'a S, task: &'a str) -> Self {
        Registry { items, task }
    }

    /// Every version, those added first first.
    pub async fn models(&self) -> Result<Vec<RegisteredModel>, RegistryError> {
        let mut models = self.items.models(self.task).await?;
        models.sort_by(|one, other| {
            (one.facts.added, &one.facts.version).cmp(&(other.facts.added, &other.facts.version))
        });
        Ok(models)
    }

    /// What each alias names.
    pub async fn aliases(&self) -> Result<Aliases, RegistryError> {
        Ok(self.items.aliases(self.task).await?.value)
    }

    /// The model of this name.
    pub async fn model(&self, name: &ModelName) -> Result<RegisteredModel, RegistryError> {
        let version = match name {
            ModelName::Version(version) => version.clone(),
            ModelName::Alias(alias) => {
                let aliases = self.aliases().await?;
                let unset = || RegistryError::Unset { alias: *alias, task: self.task.to_owned() };
                aliases.version(*alias).cloned().ok_or_else(unset)?
            }
        };
        Ok(self.read(&version).await?.value)
    }

    /// Registers a version; the same one again is none more.
    pub async fn add(&self, facts: &ModelFacts) -> Result<Added, RegistryError> {
        for _ in 0..TRIES {
            if let Some(there) = self.items.model(self.task, &facts.version).await? {
                let found = there.value.facts.digest;
                return if found == facts.digest {
                    Ok(Added::Known)
                } else {
                    let offered = facts.digest.clone();
                    Err(RegistryError::Taken { version: facts.version.clone(), found, offered })
                };
            }
            let model = RegisteredModel { facts: facts.clone(), decisions: Vec::new() };
            let change = RegistryChange {
                model: Some(Revised { revision: 0, value: model }),
                ..RegistryChange::default()
            };
            if self.items.change(self.task, &change).await? == Written::Yes {
                return Ok(Added::New);
            }
        }
        Err(self.contended())
    }

    /// Records a decision; the one that stands already is not recorded again. A version that is rejected loses every alias,
    /// and one that answers cannot be rejected.
    pub async fn decide(
        &self,
        version: &ModelVersion,
        decision: &Decision,
    ) -> Result<RegisteredModel, RegistryError> {
        for _ in 0..TRIES {
            // The aliases first: what they name is then read later than they are, and never known to them and missing.
            let aliases = self.items.aliases(self.task).await?;
            let mut model = self.read(version).await?;
            if model.value.decisions.last().is_some_and(|last| last.ruling == decision.ruling) {
                return Ok(model.value);
            }
            model.value.decisions.push(decision.clone());
            let decided = model.value.clone();
            let mut change = RegistryChange { model: Some(model), ..RegistryChange::default() };
            if matches!(decision.ruling, Ruling::Rejected { .. }) {
                change.aliases = Some(without(aliases, version)?);
            }
            if self.items.change(self.task, &change).await? == Written::Yes {
                return Ok(decided);
            }
        }
        Err(self.contended())
    }

    /// Points an alias at `target`, or at nothing, if it still names what the caller took it to name. One that names `target`
    /// already is left as it is.
    pub async fn point(
        &self,
        alias: Alias,
        target: Option<&ModelVersion>,
        expected: Option<&ModelVersion>,
        (by, at): (&str, Timestamp),
    ) -> Result<Aliases, RegistryError> {
        for _ in 0..TRIES {
            let mut aliases = self.items.aliases(self.task).await?;
            let found = aliases.value.version(alias);
            if found == target {
                return Ok(aliases.value);
            }
            if found != expected {
                let (found, expected) = (found.cloned(), expected.cloned());
                return Err(RegistryError::Moved { alias, expected, found });
            }
            let unchanged = match target {
                None => None,
                Some(target) => Some((target.clone(), self.allowed(alias, target).await?)),
            };
            let pointer = target.map(|version| Pointer { version: version.clone(), by: by.to_owned(), at });
            aliases.value = aliases.value.pointed(alias, pointer);
            let pointed = aliases.value.clone();
            let change = RegistryChange { aliases: Some(aliases), unchanged, model: None };
            if self.items.change(self.task, &change).await? == Written::Yes {
                return Ok(pointed);
            }
        }
        Err(self.contended())
    }

    /// The revision at which the version may play the part.
    async fn allowed(&self, alias: Alias, version: &ModelVersion) -> Result<u64, RegistryError> {
        let model = self.read(version).await?;
        let approval = model.value.approval();
        if let Some(reason) = model.value.reason() {
            let reason = reason.to_owned();
            return Err(RegistryError::Rejected { version: version.clone(), alias, reason });
        }
        if alias == Alias::Live && approval != Approval::Approved {
            return Err(RegistryError::NotApproved { version: version.clone(), approval });
        }
        Ok(model.revision)
    }

    async fn read(&self, version: &ModelVersion) -> Result<Revised<RegisteredModel>, RegistryError> {
        let unknown = || RegistryError::Unknown { version: version.clone(), task: self.task.to_owned() };
        self.items.model(self.task, version).await?.ok_or_else(unknown)
    }

    fn contended(&self) -> RegistryError {
        RegistryError::Contended { task: self.task.to_owned() }
    }
}

/// The aliases once none names the version. Written even where none does: whoever points one at it meanwhile then loses.
fn without(mut aliases: Revised<Aliases>, version: &ModelVersion) -> Result<Revised<Aliases>, RegistryError> {
    for alias in aliases.value.naming(version) {
        match alias {
            Alias::Live => return Err(RegistryError::IsLive { version: version.clone() }),
            Alias::Candidate => aliases.value.candidate = None,
            Alias::Previous => aliases.value.previous = None,
        }
    }
    Ok(aliases)
}
