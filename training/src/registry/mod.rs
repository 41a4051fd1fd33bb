//! Models as a registry keeps them: what a folder of files is, whether it still is that, and how two models differ.
//!
//! Files come in as bytes and facts go out; where either lies is the shell's affair. A folder is taken only if the model in
//! it can be served, and handed out only if every file has the digest it was taken with: a model that fails does so here, by
//! name, and not in the first insight.

mod difference;

use linkcast_domain::ports::FolderFile;
use linkcast_domain::{FileFacts, Lineage, ModelFacts, ParseModelVersionError, Timestamp};
use linkcast_scoring::{
    CARD_FILE, CLASSIFIER_FILE, Horizon, LoadError, Model, ModelCard, ModelFiles, PACKED_FILE,
    REGRESSOR_FILE, digest,
};
use serde_json::{Map, Value};

pub use difference::{Difference, differences, leaves};

/// What a card says of its data set under these names is lineage, and no parameter.
const DATA_SOURCE: &str = "data_source";
pub(crate) const DATA_VERSION: &str = "data_version";
const DATA_DIGEST: &str = "data_digest";
pub(crate) const CODE_REVISION: &str = "code_revision";

/// Why files are no model to register or to serve.
#[derive(Debug, thiserror::Error)]
pub enum ModelFilesError {
    /// A file is not there.
    #[error("there is no {name}")]
    Missing {
        /// The file.
        name: String,
    },
    /// The model cannot be served.
    #[error("the model cannot be served")]
    Load(#[source] LoadError),
    /// The version cannot be registered.
    #[error("card.json names a version that cannot be registered")]
    Version(#[source] ParseModelVersionError),
    /// Files are not what was registered.
    #[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Damaged {
        /// What is wrong with which, by name.
        faults: Vec<FileFault>,
    },
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It is not there.
    #[error("{name} is missing")]
    Missing {
        /// The file.
        name: String,
    },
    /// It holds something else.
    #[error(
        "{name} is damaged: its {bytes} bytes have sha256 {found}, expected {expected_bytes} with {expected}"
    )]
    Damaged {
        /// The file.
        name: String,
        /// Its length.
        bytes: u64,
        /// Its digest.
        found: String,
        /// The length registered.
        expected_bytes: u64,
        /// The digest registered.
        expected: String,
    },
}

impl FileFault {
    /// The file's name.
    pub fn name(&self) -> &str {
        match self {
            FileFault::Missing { name } | FileFault::Damaged { name, .. } => name,
        }
    }
}

/// What is known of a model beside its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The data set's version, where the card does not say.
    pub data_version: Option<String>,
    /// The code's revision, where the card does not say.
    pub code_revision: Option<String>,
}

/// The facts of a model in these files, which must be one that can be served.
///
/// # Errors
/// A file that is missing, a model that cannot be served from ONNX or from its packed form, or a version without a usable name.
pub fn describe(
    files: &[FolderFile],
    provenance: &Provenance,
    (added_by, added): (&str, Timestamp),
) -> Result<ModelFacts, ModelFilesError> {
    let model = load(files)?;
    let card = model.card();
    let mut facts: Vec<FileFacts> = files.iter().map(file_facts).collect();
    facts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(ModelFacts {
        version: card.model_version.parse().map_err(ModelFilesError::Version)?,
        task: card.task.clone(),
        feature_schema: card.feature_schema,
        digest: folder_digest(&facts),
        files: facts,
        lineage: lineage(card, provenance),
        metrics: card.metrics.clone(),
        added,
        added_by: added_by.to_owned(),
    })
}

/// The registered files out of what was read of them, in the order of the facts.
///
/// # Errors
/// Every file that is missing or has another digest.
pub fn verified(facts: &ModelFacts, found: Vec<Option<Vec<u8>>>) -> Result<Vec<FolderFile>, ModelFilesError> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    let read = found.into_iter().chain(std::iter::repeat_with(|| None));
    for (file, bytes) in facts.files.iter().zip(read) {
        let name = file.name.clone();
        let Some(bytes) = bytes else {
            faults.push(FileFault::Missing { name });
            continue;
        };
        let (found, length) = (digest(&bytes), bytes.len() as u64);
        if found == file.sha256 {
            files.push(FolderFile { name, bytes });
        } else {
            let (expected_bytes, expected) = (file.bytes, file.sha256.clone());
            faults.push(FileFault::Damaged { name, bytes: length, found, expected_bytes, expected });
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(ModelFilesError::Damaged { faults }) }
}

/// The model in these files, with every head its card names: from its packed form where there is one, after the ONNX files were
/// loaded too.
///
/// # Errors
/// A file that is missing, or a model that cannot be served.
pub fn load(files: &[FolderFile]) -> Result<Model, ModelFilesError> {
    let named = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice());
    let needed = |name: &str| named(name).ok_or_else(|| ModelFilesError::Missing { name: name.to_owned() });
    let model_files = ModelFiles {
        classifier_onnx: needed(CLASSIFIER_FILE)?,
        regressor_onnx: needed(REGRESSOR_FILE)?,
        packed: None,
        card_json: needed(CARD_FILE)?,
    };
    let from_onnx = Model::load(&model_files).map_err(ModelFilesError::Load)?;
    let mut model = match named(PACKED_FILE) {
        None => from_onnx,
        packed => Model::load(&ModelFiles { packed, ..model_files }).map_err(ModelFilesError::Load)?,
    };
    let horizons: Vec<Horizon> = model.card().forecast.iter().map(|head| head.horizon).collect();
    for horizon in horizons {
        model = model.with_forecast(horizon, needed(horizon.file())?).map_err(ModelFilesError::Load)?;
    }
    Ok(model)
}

fn file_facts(file: &FolderFile) -> FileFacts {
    let FolderFile { name, bytes } = file;
    FileFacts { name: name.clone(), bytes: bytes.len() as u64, sha256: digest(bytes) }
}

/// The sha256 of names and digests, in the order of names.
fn folder_digest(files: &[FileFacts]) -> String {
    let lines: String = files.iter().map(|file| format!("{}\0{}\n", file.name, file.sha256)).collect();
    digest(lines.as_bytes())
}

fn lineage(card: &ModelCard, provenance: &Provenance) -> Lineage {
    let text = |name: &str| card.training.get(name).and_then(Value::as_str).map(str::to_owned);
    let of_data = [DATA_SOURCE, DATA_VERSION, DATA_DIGEST, CODE_REVISION];
    let parameters: Map<String, Value> = card
        .training
        .iter()
        .filter(|(name, _)| !of_data.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Lineage {
        data_source: text(DATA_SOURCE),
        data_version: text(DATA_VERSION).or_else(|| provenance.data_version.clone()),
        data_digest: text(DATA_DIGEST),
        code_revision: text(CODE_REVISION).or_else(|| provenance.code_revision.clone()),
        parameters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Vec<FolderFile> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
        [CLASSIFIER_FILE, REGRESSOR_FILE, PACKED_FILE, CARD_FILE]
            .map(|name| FolderFile { name: name.into(), bytes: std::fs::read(folder.join(name)).unwrap() })
            .to_vec()
    }

    fn facts(files: &[FolderFile]) -> Result<ModelFacts, ModelFilesError> {
        let provenance = Provenance { code_revision: Some("abc".into()), ..Provenance::default() };
        describe(files, &provenance, ("ada", Timestamp::EPOCH))
    }

    fn contents(files: &[FolderFile]) -> Vec<Option<Vec<u8>>> {
        let facts = facts(&shipped()).unwrap();
        let of = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.bytes.clone());
        facts.files.iter().map(|file| of(&file.name)).collect()
    }

    #[test]
    fn a_folder_is_described_by_its_card_whatever_the_order_of_its_files() {
        let mut files = shipped();
        let first = facts(&files).unwrap();
        assert_eq!(first.version.as_str(), "2");
        assert_eq!(first.files.len(), 4);
        assert_eq!(first.lineage.code_revision.as_deref(), Some("abc"));
        assert!(first.lineage.data_digest.is_some());
        assert!(first.lineage.parameters.contains_key("settings"));
        assert!(!first.lineage.parameters.contains_key(DATA_DIGEST));
        files.reverse();
        assert_eq!(facts(&files).unwrap(), first);
        files.push(FolderFile { name: "notes.md".into(), bytes: Vec::new() });
        assert_ne!(facts(&files).unwrap().digest, first.digest, "every file counts");
    }

    #[test]
    fn a_folder_that_cannot_be_served_is_not_described() {
        for name in [CLASSIFIER_FILE, REGRESSOR_FILE, CARD_FILE] {
            let files: Vec<FolderFile> = shipped().into_iter().filter(|file| file.name != name).collect();
            let error = facts(&files).unwrap_err();
            assert!(
                matches!(&error, ModelFilesError::Missing { name: missing } if missing == name),
                "{error}"
            );
        }
        for name in [CLASSIFIER_FILE, REGRESSOR_FILE, PACKED_FILE, CARD_FILE] {
            let mut files = shipped();
            let file = files.iter_mut().find(|file| file.name == name).unwrap();
            let middle = file.bytes.len() / 2;
            file.bytes[middle] ^= 0x55;
            file.bytes.truncate(middle + 1);
            assert!(matches!(facts(&files), Err(ModelFilesError::Load(_))), "{name}");
        }
    }

    #[test]
    fn every_damaged_file_is_named_and_no_other() {
        let described = facts(&shipped()).unwrap();
        assert_eq!(verified(&described, contents(&shipped())).unwrap().len(), 4);
        let mut files = shipped();
        files[1].bytes[7] ^= 1;
        files.retain(|file| file.name != PACKED_FILE);
        let error = verified(&described, contents(&files)).unwrap_err();
        let ModelFilesError::Damaged { faults } = &error else { panic!("{error}") };
        assert_eq!(faults.iter().map(FileFault::name).collect::<Vec<_>>(), [PACKED_FILE, REGRESSOR_FILE]);
        assert!(error.to_string().contains("model.packed is missing"), "{error}");
        assert!(verified(&described, Vec::new()).is_err(), "files that were not read are missing");
    }
}
