//! The candidate of a rollout, which judges beside the others before any stream is its own.
//!
//! Which model that is follows from the table: the rollout's plan names a version, the registry its files, and these lie in the
//! bucket of models. It is looked for now and then, once a batch is answered, so that no answer waits for it; a candidate that cannot
//! be loaded judges nothing, is told of in the log and stops nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use linkcast_aws::{Backends, BucketFolders, DynamoStore};
use linkcast_domain::ports::ModelFolders;
use linkcast_domain::{ModelFacts, ModelName, ModelVersion, Registry, RegistryError, Timestamp};
use linkcast_pipeline::{NoBus, RolloutDesk, RolloutError, Router};
use linkcast_scoring::{
    CARD_FILE, CLASSIFIER_FILE, LoadError, Model, ModelFiles, PACKED_FILE, REGRESSOR_FILE, TASK, digest,
};
use tracing::{info, warn};

/// The rollout is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The files a model judges with; the packed form may be missing.
const FILES: [&str; 4] = [CLASSIFIER_FILE, REGRESSOR_FILE, CARD_FILE, PACKED_FILE];

/// Who follows the rollout.
pub(crate) struct Candidate {
    folders: Option<BucketFolders>,
    fabric: String,
    seen: Mutex<Seen>,
}

/// What was seen at the last look.
#[derive(Default)]
struct Seen {
    looked: Option<Timestamp>,
    /// The version that judges, or that could not be loaded.
    taken: Option<ModelVersion>,
}

/// Why a candidate does not judge.
#[derive(Debug, thiserror::Error)]
enum CandidateError {
    #[error("could not read the rollout")]
    Rollout(#[from] RolloutError),
    #[error("could not find the candidate in the registry")]
    Registry(#[from] RegistryError),
    #[error("could not read the files of version {version}")]
    Files {
        version: ModelVersion,
        #[source]
        source: linkcast_domain::ports::StoreError,
    },
    #[error("{file} of version {version} is missing, or not as it was registered")]
    Damaged { version: ModelVersion, file: &'static str },
    #[error("version {version} cannot be served")]
    Load {
        version: ModelVersion,
        #[source]
        source: LoadError,
    },
}

impl Candidate {
    /// Whose files lie in `folders`; where there is no bucket nobody is followed.
    pub(crate) fn new(folders: Option<BucketFolders>, fabric: &str) -> Self {
        Candidate { folders, fabric: fabric.to_owned(), seen: Mutex::default() }
    }

    /// Brings the router's candidate in line with the rollout, unless that was done a moment ago.
    pub(crate) async fn follow(&self, store: &DynamoStore, router: &Router<Backends, Model>, now: Timestamp) {
        let Some(folders) = &self.folders else { return };
        let is_recent = |looked: Timestamp| now.since(looked) < LOOK_AGAIN;
        if self.seen().looked.is_some_and(is_recent) {
            return;
        }
        self.seen().looked = Some(now);
        if let Err(error) = self.bring_in_line((store, folders), router).await {
            warn!(cause = %linkcast_lambda::chain(&error), "the candidate does not judge");
        }
    }

    async fn bring_in_line(
        &self,
        (store, folders): (&DynamoStore, &BucketFolders),
        router: &Router<Backends, Model>,
    ) -> Result<(), CandidateError> {
        let wanted = self.wanted(store).await?;
        if wanted == self.seen().taken {
            return Ok(());
        }
        router.set_candidate(None);
        let Some(version) = wanted else {
            self.seen().taken = None;
            return Ok(());
        };
        let found = Registry::new(store, TASK).model(&ModelName::Version(version.clone())).await?;
        let files = folders.files(TASK, &found.facts.digest, &FILES).await;
        let files = files.map_err(|source| CandidateError::Files { version: version.clone(), source })?;
        // What is damaged or of another schema stays so: it is not loaded again every minute.
        self.seen().taken = Some(version.clone());
        router.set_candidate(Some(Arc::new(load(&found.facts, &files)?)));
        info!(%version, "the candidate judges beside the others");
        Ok(())
    }

    /// The version that a rollout under way names.
    async fn wanted(&self, store: &DynamoStore) -> Result<Option<ModelVersion>, CandidateError> {
        let found = RolloutDesk::new(store, &NoBus, (&self.fabric, TASK)).current().await?;
        let under_way = found.filter(|found| !found.value.standing.phase.is_over());
        let model = under_way.and_then(|found| found.value.plan.text().candidate.model.clone());
        Ok(model.map(|model| model.version))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The model in these files, each held against the digest it was registered with.
fn load(facts: &ModelFacts, files: &[Option<Vec<u8>>]) -> Result<Model, CandidateError> {
    let version = &facts.version;
    let find = |file: &'static str| -> Result<Option<&[u8]>, CandidateError> {
        let Some(known) = facts.files.iter().find(|known| known.name == file) else { return Ok(None) };
        let place = FILES.iter().position(|name| *name == file);
        let bytes = place.and_then(|place| files.get(place)).and_then(Option::as_deref);
        match bytes.filter(|bytes| digest(bytes) == known.sha256) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(CandidateError::Damaged { version: version.clone(), file }),
        }
    };
    let needed = |file| find(file)?.ok_or_else(|| CandidateError::Damaged { version: version.clone(), file });
    let files = ModelFiles {
        classifier_onnx: needed(CLASSIFIER_FILE)?,
        regressor_onnx: needed(REGRESSOR_FILE)?,
        packed: find(PACKED_FILE)?,
        card_json: needed(CARD_FILE)?,
    };
    Model::load(&files).map_err(|source| CandidateError::Load { version: version.clone(), source })
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{FileFacts, Lineage};

    use super::*;

    const INSIDE: [(&str, &[u8]); 4] = [
        (CLASSIFIER_FILE, include_bytes!("../../../models/link-health/classifier.onnx")),
        (REGRESSOR_FILE, include_bytes!("../../../models/link-health/regressor.onnx")),
        (CARD_FILE, include_bytes!("../../../models/link-health/card.json")),
        (PACKED_FILE, include_bytes!("../../../models/link-health/model.packed")),
    ];

    fn facts() -> ModelFacts {
        let file = |(name, bytes): &(&str, &[u8])| FileFacts {
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
            sha256: digest(bytes),
        };
        ModelFacts {
            version: "7".parse().unwrap(),
            task: TASK.to_owned(),
            feature_schema: 1,
            digest: "0".repeat(64),
            files: INSIDE.iter().map(file).collect(),
            lineage: Lineage::default(),
            metrics: serde_json::Map::new(),
            added: Timestamp::EPOCH,
            added_by: "test".to_owned(),
        }
    }

    #[test]
    fn a_registered_model_is_loaded_and_one_whose_files_changed_since_is_not() {
        let mut files: Vec<Option<Vec<u8>>> = INSIDE.iter().map(|(_, bytes)| Some(bytes.to_vec())).collect();
        assert!(load(&facts(), &files).is_ok());
        if let Some(card) = files.get_mut(2).and_then(Option::as_mut) {
            card.push(b' ');
        }
        let told = load(&facts(), &files).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(told, "card.json of version 7 is missing, or not as it was registered");
        files.pop();
        files.push(None);
        assert!(load(&facts(), &files).is_err(), "one that was registered with a packed form has it");
    }
}
