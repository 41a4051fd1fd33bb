//! A registry with the files of its models.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use linkcast_domain::ports::{FolderFile, ModelFolders};
use linkcast_domain::{
    Alias, Aliases, ModelName, ParseModelVersionError, RegisteredModel, Registry, RegistryError,
};
use linkcast_scoring::{Model, TASK};
use linkcast_training::registry::{self, ModelFilesError};

use super::{AnyFolders, FolderPlace};
use crate::configuration::Configuration;
use crate::database::{self, ready, wait};
use crate::exit::{ExitKind, Failure};
use crate::store::{AnyStore, StorePlace};

/// A file of a model is a forest or a card; one larger than this was put there by mistake.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;

/// Where a model is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelChoice {
    /// The registry.
    Registered(ModelName),
    /// A folder.
    Folder(PathBuf),
}

impl FromStr for ModelChoice {
    type Err = ParseModelVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("registry:") {
            Some(name) => name.parse().map(ModelChoice::Registered),
            None => Ok(ModelChoice::Folder(text.into())),
        }
    }
}

/// A registry and the files of its models.
pub(crate) struct Models {
    store: AnyStore,
    folders: AnyFolders,
}

impl Models {
    /// The registry in `store`.
    pub(crate) fn new(
        store: AnyStore,
        place: &StorePlace,
        folders: Option<&FolderPlace>,
        configuration: &Configuration,
    ) -> Result<Self, Failure> {
        let folders = FolderPlace::of(folders, place, configuration)?.open(&configuration.fabric)?;
        Ok(Models { store, folders })
    }

    /// What the registry is kept in.
    pub(crate) fn store(&self) -> &AnyStore {
        &self.store
    }

    /// Files that were put down under their digest; none where one is not there.
    pub(crate) fn get(&self, digest: &str, names: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        wait(self.folders.files(TASK, digest, names))
    }

    /// The rules over it.
    pub(crate) fn registry(&self) -> Registry<'_, AnyStore> {
        Registry::new(&self.store, TASK)
    }

    /// What is registered under a name, with what the aliases name.
    pub(crate) fn find(&self, name: &ModelName) -> Result<(RegisteredModel, Aliases), Failure> {
        let aliases = ready(self.registry().aliases()).map_err(refusal)?;
        Ok((ready(self.registry().model(name)).map_err(refusal)?, aliases))
    }

    /// Where its files lie.
    pub(crate) fn place(&self, model: &RegisteredModel) -> String {
        self.folders.place(TASK, &model.facts.digest)
    }

    /// Writes files down under their digest.
    pub(crate) fn put(&self, digest: &str, files: &[FolderFile]) -> Result<(), Failure> {
        wait(self.folders.put_folder(TASK, digest, files))
    }

    /// The model's files, each with the digest it was registered with.
    pub(crate) fn files(&self, model: &RegisteredModel) -> Result<Vec<FolderFile>, Failure> {
        let names: Vec<&str> = model.facts.files.iter().map(|file| file.name.as_str()).collect();
        let found = wait(self.folders.files(TASK, &model.facts.digest, &names))?;
        registry::verified(&model.facts, found).map_err(|error| self.damaged(model, &error))
    }

    /// The model itself.
    pub(crate) fn load(&self, model: &RegisteredModel) -> Result<Model, Failure> {
        registry::load(&self.files(model)?).map_err(|error| self.damaged(model, &error))
    }

    fn damaged(&self, model: &RegisteredModel, error: &ModelFilesError) -> Failure {
        let version = &model.facts.version;
        let told = format!("version {version} in {}: {}", self.place(model), crate::exit::chain(error));
        Failure::new(ExitKind::Model, told).with_next_step(
            "mend it with `linkcast models add DIR` from a whole copy, or point `live` at another version",
        )
    }
}

/// Why a model is not there, or not allowed.
pub(crate) fn refusal(error: RegistryError) -> Failure {
    let step = match error {
        RegistryError::Store(error) => return database::failure(error),
        RegistryError::Unknown { .. } => "see `linkcast models list`".to_owned(),
        RegistryError::Unset { alias, .. } => format!("set it with `linkcast models alias {alias} VERSION`"),
        RegistryError::Taken { .. } => "train it anew with another `--version`".to_owned(),
        RegistryError::NotApproved { ref version, .. } => {
            format!("see `linkcast models diff live {version}`, then `linkcast models approve {version}`")
        }
        RegistryError::Rejected { ref version, .. } => {
            format!(
                "name another version, or take the rejection back with `linkcast models approve {version}`"
            )
        }
        RegistryError::IsLive { .. } => {
            "point `live` at another version first, as `linkcast models alias live previous`".to_owned()
        }
        RegistryError::Moved { .. } => "see `linkcast models list`, then decide anew".to_owned(),
        RegistryError::Contended { .. } => "ask again in a while".to_owned(),
    };
    Failure::new(ExitKind::Refused, error).with_next_step(step)
}

/// Every file in a folder.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<FolderFile>, Failure> {
    let failed = |path: &Path, error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ExitKind::UnusableInput,
            _ => ExitKind::Machine,
        };
        Failure::new(kind, format!("reading {}: {error}", path.display()))
            .with_next_step("name a folder that `linkcast train --out DIR` wrote")
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let facts = fs::metadata(&path).map_err(|error| failed(&path, error))?;
        if !facts.is_file() || facts.len() > LARGEST_FILE {
            let told = format!("{}: expected a file of at most 512 MB", path.display());
            return Err(Failure::new(ExitKind::UnusableInput, told)
                .with_next_step("leave nothing but the model's own files in its folder"));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        files.push(FolderFile { name, bytes });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// The aliases of a version, as people read them.
pub(crate) fn parts(aliases: &Aliases, model: &RegisteredModel) -> String {
    aliases.naming(&model.facts.version).into_iter().map(Alias::name).collect::<Vec<_>>().join(" ")
}
