//! The models that answer: each tried before it does, and each replaced in one step while requests go on.
//!
//! A request takes the model that is there when it starts and keeps it to its end, so that a swap disturbs nobody: the old one is
//! dropped by the last request that holds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use linkcast_domain::{Answer, AnswerError, Clock as _, FeatureVector, SystemClock, Timestamp};
use linkcast_scoring::{Model, ModelError, Score};
use serde::Serialize;

use crate::EndpointName;

/// Where a model comes from.
#[derive(Debug)]
pub enum ModelSource {
    /// A folder, which is looked at again and again.
    Folder(PathBuf),
    /// One that is loaded already and stays.
    Loaded(Box<Model>),
}

/// Why a model cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// It cannot be loaded.
    #[error("endpoint {name}")]
    Model {
        /// The endpoint.
        name: EndpointName,
        /// Why.
        #[source]
        source: Box<ModelError>,
    },
    /// It was loaded and answers wrongly.
    #[error("endpoint {name}")]
    SelfTest {
        /// The endpoint.
        name: EndpointName,
        /// What it answered.
        #[source]
        source: SelfTestError,
    },
    /// Two models of one name.
    #[error("two models are named {name}, expected one")]
    Twice {
        /// The name.
        name: EndpointName,
    },
}

/// What a model that was loaded answered to samples that every model has an answer to.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// Something that is no answer.
    #[error("the self-test's answer cannot be")]
    Answer(#[source] AnswerError),
    /// Something else alone than among others, or than before.
    #[error("the self-test's answers are not the same twice")]
    Unsteady,
}

/// The models of a server; the first answers where none is named.
#[derive(Debug)]
pub struct Models {
    endpoints: Vec<Endpoint>,
}

/// What is known of a model that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFact {
    /// The endpoint it answers under.
    pub name: EndpointName,
    /// Its version.
    pub model_version: String,
    /// The sha256 of its card.
    pub digest: String,
    /// The task it answers.
    pub task: String,
    /// The schema of its features.
    pub feature_schema: u32,
    /// The features, in the order of a row.
    pub features: Vec<String>,
    /// The classes, in the order of the probabilities.
    pub classes: Vec<String>,
    /// Since when it answers.
    pub loaded_since: Timestamp,
}

impl Models {
    /// One model.
    ///
    /// # Errors
    /// One that cannot be loaded, or fails its self-test.
    pub fn of(name: EndpointName, source: ModelSource) -> Result<Self, ModelsError> {
        Ok(Models { endpoints: vec![Endpoint::open(name, source)?] })
    }

    /// One more.
    ///
    /// # Errors
    /// A name that is there, a model that cannot be loaded, or one that fails its self-test.
    pub fn and(mut self, name: EndpointName, source: ModelSource) -> Result<Self, ModelsError> {
        if self.named(name.as_str()).is_some() {
            return Err(ModelsError::Twice { name });
        }
        self.endpoints.push(Endpoint::open(name, source)?);
        Ok(self)
    }

    /// What answers now.
    pub fn facts(&self) -> Vec<ModelFact> {
        self.endpoints.iter().map(Endpoint::fact).collect()
    }

    pub(crate) fn first(&self) -> Option<&Endpoint> {
        self.endpoints.first()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name.as_str() == name)
    }

    pub(crate) fn all(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Whether every model still answers its self-test as it did when it was loaded.
    pub(crate) fn are_sound(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.current().is_sound())
    }
}

/// A name and the model that answers under it now.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: EndpointName,
    /// The folder it is read from, where there is one.
    pub(crate) folder: Option<PathBuf>,
    current: RwLock<Arc<Loaded>>,
    /// Rows it answered.
    pub(crate) rows: AtomicU64,
    /// Models that took the place of another.
    pub(crate) swaps: AtomicU64,
    /// Models that were refused while another went on.
    pub(crate) refused: AtomicU64,
}

impl Endpoint {
    fn open(name: EndpointName, source: ModelSource) -> Result<Self, ModelsError> {
        let (folder, loaded) = match source {
            ModelSource::Loaded(model) => (None, Loaded::tried(*model)),
            ModelSource::Folder(folder) => match read_model(&folder) {
                Ok(model) => (Some(folder), Loaded::tried(model)),
                Err(source) => return Err(ModelsError::Model { name, source: Box::new(source) }),
            },
        };
        let loaded = match loaded {
            Ok(loaded) => RwLock::new(Arc::new(loaded)),
            Err(source) => return Err(ModelsError::SelfTest { name, source }),
        };
        let (rows, swaps, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Ok(Endpoint { name, folder, current: loaded, rows, swaps, refused })
    }

    /// The model that answers now.
    pub(crate) fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets another model answer from now on.
    pub(crate) fn swap(&self, loaded: Loaded) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        self.swaps.fetch_add(1, Ordering::Relaxed);
    }

    fn fact(&self) -> ModelFact {
        let loaded = self.current();
        let card = loaded.model.card();
        ModelFact {
            name: self.name.clone(),
            model_version: card.model_version.clone(),
            digest: loaded.model.card_digest().to_owned(),
            task: card.task.clone(),
            feature_schema: card.feature_schema,
            features: card.features.clone(),
            classes: card.classes.clone(),
            loaded_since: loaded.since,
        }
    }
}

/// The model in `folder`.
pub(crate) fn read_model(folder: &Path) -> Result<Model, ModelError> {
    Model::in_folder(folder, |file| fs::read(file))
}

/// A model that answered its self-test.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) model: Model,
    since: Timestamp,
    /// What it answered to the self-test.
    tried: Vec<Score>,
}

impl Loaded {
    /// The model, once it has answered.
    pub(crate) fn tried(model: Model) -> Result<Self, SelfTestError> {
        let samples = samples(&model);
        let mut tried = Vec::new();
        model.score_batch(&samples, &mut tried);
        for (sample, score) in samples.iter().zip(&tried) {
            Answer::checked(&score.probabilities, Some(score.risk)).map_err(SelfTestError::Answer)?;
            if model.score(sample) != *score {
                return Err(SelfTestError::Unsteady);
            }
        }
        Ok(Loaded { model, since: SystemClock.now(), tried })
    }

    /// Whether it answers the self-test as it did.
    pub(crate) fn is_sound(&self) -> bool {
        let mut again = Vec::new();
        self.model.score_batch(&samples(&self.model), &mut again);
        again == self.tried
    }
}

/// Samples that every model has an answer to: one of which nothing is known, one of zeros, and the training set's medians.
fn samples(model: &Model) -> [FeatureVector; 3] {
    let mut medians = FeatureVector::default();
    for (value, median) in medians.0.iter_mut().zip(&model.card().reference) {
        *value = median.unwrap_or(f64::NAN);
    }
    [FeatureVector::default(), FeatureVector([0.0; linkcast_domain::FEATURE_COUNT]), medians]
}
