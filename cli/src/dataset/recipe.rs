//! What a data set's folder was begun with: whoever goes on must have the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use linkcast_training::dataset::{Asking, Thinning};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DatasetError;
use super::build::Build;
use super::group::hex;
use super::plan::{Plan, write_whole};

const BUILD_FILE: &str = "build.json";

/// What decides the rows, and what is asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Recipe {
    history: String,
    sources: BTreeMap<String, String>,
    time_zone: String,
    thinning: Thinning,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asking: Option<AskingRecipe>,
}

/// What decides the questions, which groups that are made keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AskingRecipe {
    most: usize,
    /// The digests of the forests that are heard.
    model: Option<[String; 2]>,
}

impl AskingRecipe {
    fn of(asking: &Asking<'_>) -> Self {
        let model = asking.model.map(|model| {
            let digests = &model.card().digests;
            [digests.classifier_onnx.clone(), digests.regressor_onnx.clone()]
        });
        AskingRecipe { most: asking.most, model }
    }
}

impl Recipe {
    pub(super) fn of(
        build: &Build<'_>,
        plan: &Plan,
        sources: &BTreeMap<String, String>,
    ) -> Result<Self, DatasetError> {
        let path = build.history.to_owned();
        let bytes = serde_json::to_vec(plan).map_err(|source| DatasetError::Json { path, source })?;
        Ok(Recipe {
            history: hex(Sha256::new_with_prefix(bytes)),
            sources: sources.clone(),
            time_zone: build.time_zone.clone(),
            thinning: build.thinning,
            asking: build.asking.map(|asking| AskingRecipe::of(&asking)),
        })
    }

    /// Holds against what the folder was begun with, or begins it.
    pub(super) fn agree(&self, folder: &Path) -> Result<(), DatasetError> {
        let path = folder.join(BUILD_FILE);
        let json = |path: PathBuf| move |source| DatasetError::Plan { path, source };
        if let Ok(bytes) = fs::read(&path) {
            let found: Recipe = serde_json::from_slice(&bytes).map_err(json(path.clone()))?;
            return self.check(&found, path);
        }
        let bytes = serde_json::to_vec(self).map_err(json(path.clone()))?;
        write_whole(&path, |file| file.write_all(&bytes))
    }

    fn check(&self, found: &Recipe, path: PathBuf) -> Result<(), DatasetError> {
        let parts = [
            ("history", found.history.clone(), self.history.clone()),
            ("time zone", found.time_zone.clone(), self.time_zone.clone()),
            ("thinning", format!("{:?}", found.thinning), format!("{:?}", self.thinning)),
            ("kind of question to reviewers", format!("{:?}", found.asking), format!("{:?}", self.asking)),
            ("set of outcomes and labels", format!("{:?}", found.sources), format!("{:?}", self.sources)),
        ];
        match parts.into_iter().find(|(_, found, expected)| found != expected) {
            None => Ok(()),
            Some((part, found, expected)) => Err(DatasetError::Another { path, part, found, expected }),
        }
    }
}
