//! One step each: make a package, carry a decision there, take one from there, take over a version.

use std::collections::BTreeMap;

use linkcast_domain::ports::{
    ModelArchives, ModelPackages, NewPackage, PackageRuling, PackagesError, SeenPackage,
};
use linkcast_domain::{
    Clock, DIGEST_PROPERTY, Decision, ModelName, ModelVersion, RegisteredModel, SyncAction, SyncStep,
    sync_properties,
};
use linkcast_scoring::TASK;
use linkcast_training::package::{package, package_key, unpack};
use linkcast_training::registry::{Provenance, describe};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Outcome, Sync};
use crate::database::ready;
use crate::exit::{Failure, chain};

/// The most bytes of an archive that is taken over.
const LARGEST_ARCHIVE: usize = 512 << 20;
/// The most figures noted of a package, of the fifty properties that one may have.
const MOST_FIGURES: usize = 30;
/// Letters of a key by which a package asked for twice is made once.
const TOKEN_LETTERS: usize = 36;

/// What was tried and why it failed, in one line.
type Told = String;

impl<P: ModelPackages + ModelArchives, C: Clock> Sync<'_, P, C> {
    pub(super) fn take(&self, step: &SyncStep, seen: &[SeenPackage]) -> Result<Outcome, Told> {
        let package = seen.iter().find(|package| Some(&package.reference) == step.package.as_ref());
        match (&step.action, package) {
            (SyncAction::Create, _) => self.create(&step.version),
            (SyncAction::Carry { .. }, Some(package)) => self.carry(&step.version, package),
            (SyncAction::Rule { decision, .. }, Some(package)) => self.rule(&step.version, decision, package),
            (SyncAction::Import { decision }, Some(package)) => {
                self.import(&step.version, decision.as_ref(), package)
            }
            (SyncAction::Conflict(_), _) | (_, None) => Ok(Outcome::Conflict),
        }
    }

    fn create(&self, version: &ModelVersion) -> Result<Outcome, Told> {
        let model = self.model(version)?;
        let files = self.models.files(&model).map_err(told)?;
        let packed = package(&files, self.image).map_err(|error| chain(&error))?;
        let address = format!("s3://{}/{}", self.bucket, package_key(self.fabric, TASK, &packed.sha256));
        self.call(|| ready(self.platform.put_archive(&address, &packed.bytes, &packed.sha256)))?;
        let wanted = self.package_of(&model, &address, &packed.sha256);
        let made = self.call(|| ready(self.platform.make_package(&wanted)))?;
        if model.decisions.is_empty() {
            return Ok(Outcome::Done(format!("made {made}")));
        }
        // Told apart from its making: where that breaks off, the next run finds a pending package and goes on here.
        let seen = self.call(|| ready(self.platform.package(&made)))?;
        self.tell_decision(&model, &seen)
    }

    fn package_of(&self, model: &RegisteredModel, address: &str, sha256: &str) -> NewPackage {
        let facts = &model.facts;
        let place = self.models.place(model);
        let told = |data: &String| format!(", trained on {data}");
        let data = facts.lineage.data_source.as_ref().map(told).unwrap_or_default();
        let environment = self.image.environment().iter();
        let undecided = RegisteredModel { decisions: Vec::new(), ..model.clone() };
        let mut properties = sync_properties(&undecided);
        properties.extend(figures(&facts.metrics));
        properties.insert("linkcast.fabric".to_owned(), self.fabric.to_owned());
        properties.insert("linkcast.feature_schema".to_owned(), facts.feature_schema.to_string());
        properties.insert("linkcast.package".to_owned(), sha256.to_owned());
        NewPackage {
            group: self.group.clone(),
            token: token(&[&self.group, facts.version.as_str(), &facts.digest]),
            description: format!("{TASK} of fabric {}, version {}{data}", self.fabric, facts.version),
            image: self.image_address.clone(),
            environment: environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            archive: address.to_owned(),
            source: if place.starts_with("s3://") { place } else { address.to_owned() },
            properties,
        }
    }

    fn carry(&self, version: &ModelVersion, package: &SeenPackage) -> Result<Outcome, Told> {
        self.tell_decision(&self.model(version)?, package)
    }

    fn rule(
        &self,
        version: &ModelVersion,
        decision: &Decision,
        package: &SeenPackage,
    ) -> Result<Outcome, Told> {
        let decided =
            ready(self.models.registry().decide(version, decision)).map_err(|error| chain(&error))?;
        // Noted there, so that a later change there is known for one.
        self.tell_decision(&decided, package)
    }

    /// Our decision as the package's approval, unless the package was changed since it was seen.
    fn tell_decision(&self, model: &RegisteredModel, seen: &SeenPackage) -> Result<Outcome, Told> {
        let now = self.call(|| ready(self.platform.package(&seen.reference)))?;
        if (now.approval, now.changed) != (seen.approval, seen.changed) {
            return Ok(Outcome::Left("it was changed there meanwhile: the next run sees to it".to_owned()));
        }
        let mut properties = now.properties;
        properties.extend(sync_properties(model));
        let reason = model.reason().map_or_else(|| by_whom(model), str::to_owned);
        let ruling = PackageRuling { approval: model.approval(), reason, properties };
        self.call(|| ready(self.platform.rule(&seen.reference, &ruling)))?;
        Ok(Outcome::Done(format!("it is {} on both sides", model.approval().name())))
    }

    fn import(
        &self,
        version: &ModelVersion,
        decision: Option<&Decision>,
        package: &SeenPackage,
    ) -> Result<Outcome, Told> {
        let bytes = self.call(|| ready(self.platform.archive(&package.archive, LARGEST_ARCHIVE)))?;
        let files = unpack(&bytes).map_err(|error| format!("{}: {}", package.archive, chain(&error)))?;
        let added = (self.by, self.patience.clock.now());
        let facts = describe(&files, &Provenance::default(), added).map_err(|error| chain(&error))?;
        let noted = package.properties.get(DIGEST_PROPERTY);
        if noted != Some(&facts.digest) || facts.version != *version {
            let (digest, noted) = (&facts.digest, noted.map_or("none", String::as_str));
            return Err(format!(
                "{} holds version {} with digest {digest}, not {version} with {noted}",
                package.archive, facts.version
            ));
        }
        self.models.put(&facts.digest, &files).map_err(told)?;
        ready(self.models.registry().add(&facts)).map_err(|error| chain(&error))?;
        match decision {
            Some(decision) => self.rule(version, decision, package),
            None => Ok(Outcome::Done("registered, and pending".to_owned())),
        }
    }

    fn model(&self, version: &ModelVersion) -> Result<RegisteredModel, Told> {
        Ok(self.models.find(&ModelName::Version(version.clone())).map_err(told)?.0)
    }

    fn call<T>(&self, call: impl FnMut() -> Result<T, PackagesError>) -> Result<T, Told> {
        self.patience.ask(call).map_err(|error| chain(&error))
    }
}

fn by_whom(model: &RegisteredModel) -> String {
    model.decisions.last().map_or_else(String::new, |last| format!("decided by {} at {}", last.by, last.at))
}

/// The figures that stand by themselves in a card, as properties.
fn figures(metrics: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in metrics {
        let below = value.as_object().into_iter().flatten();
        let named = below.map(|(inner, value)| (format!("{name}.{inner}"), value));
        for (name, value) in std::iter::once((name.clone(), value)).chain(named) {
            if value.is_number() && found.len() < MOST_FIGURES {
                found.insert(format!("linkcast.metric.{name}"), value.to_string());
            }
        }
    }
    found
}

/// The key of a package: the same for the same version, whoever asks.
fn token(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(TOKEN_LETTERS).collect()
}

fn told(failure: Failure) -> Told {
    match failure {
        Failure::Told { error, .. } => chain(error.as_ref()),
        Failure::ReaderGone => "the reader went away".to_owned(),
    }
}
