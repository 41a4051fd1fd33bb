//! What becomes of a judged model: registered either way, and the candidate if it is better.
//!
//! Its facts say which run made it, on what, and what the gate said, so that a model that goes no further says why not for as long as it is
//! registered.

use linkcast_domain::ports::FolderFile;
use linkcast_domain::{Alias, Clock, Decision, ModelFacts, Ruling, SystemClock, Timestamp};
use linkcast_pipeline::retraining::{Candidate, LINEAGE, run_name};
use linkcast_training::registry::{Provenance, describe};
use serde_json::json;

use super::judging::Evaluation;
use crate::database::ready;
use crate::exit::{ExitKind, Failure, chain};
use crate::registry::{Models, refusal};

/// In whose name a run decides.
pub(crate) const BY: &str = "retrain";

/// What the files are, in the registry's words.
pub(crate) fn facts_of(files: &[FolderFile], code_revision: Option<String>) -> Result<ModelFacts, Failure> {
    let provenance = Provenance { data_version: None, code_revision };
    describe(files, &provenance, (BY, SystemClock.now())).map_err(|error| {
        Failure::new(ExitKind::Model, format!("the trained model cannot be registered: {}", chain(&error)))
    })
}

/// Registers the model, and makes it the candidate if the gate passed it. Done again it changes nothing.
pub(crate) fn register(
    run: Timestamp,
    files: &[FolderFile],
    evaluation: &Evaluation,
    code_revision: Option<String>,
    models: &Models,
) -> Result<Candidate, Failure> {
    let mut facts = facts_of(files, code_revision)?;
    let candidate = Candidate { version: facts.version.to_string(), digest: facts.digest.clone() };
    if candidate != evaluation.candidate {
        let told = format!(
            "the model {} is not {}, which was judged",
            candidate.version, evaluation.candidate.version
        );
        return Err(Failure::new(ExitKind::Model, told));
    }
    let lineage = json!({
        "run": run_name(run),
        "live": evaluation.live,
        "data_until": evaluation.data_until.to_string(),
        "data_version": evaluation.data_version,
        "passed": evaluation.verdict.passed,
        "reason": evaluation.verdict.reason,
        "figures": evaluation.verdict.figures,
    });
    facts.metrics.insert(LINEAGE.to_owned(), lineage);
    models.put(&facts.digest, files)?;
    ready(models.registry().add(&facts)).map_err(refusal)?;
    if evaluation.verdict.passed {
        promote(&facts, models)?;
    }
    Ok(candidate)
}

fn promote(facts: &ModelFacts, models: &Models) -> Result<(), Failure> {
    let (registry, now) = (models.registry(), SystemClock.now());
    let known = ready(registry.model(&linkcast_domain::ModelName::Version(facts.version.clone())))
        .map_err(refusal)?;
    // A person who rejected it meanwhile has the last word.
    if let Some(reason) = known.reason() {
        let told = format!("version {} was rejected: {reason}", facts.version);
        return Err(Failure::new(ExitKind::Refused, told));
    }
    let decision = Decision { ruling: Ruling::Approved, by: BY.to_owned(), at: now };
    ready(registry.decide(&facts.version, &decision)).map_err(refusal)?;
    let aliases = ready(registry.aliases()).map_err(refusal)?;
    let before = aliases.version(Alias::Candidate);
    ready(registry.point(Alias::Candidate, Some(&facts.version), before, (BY, now))).map_err(refusal)?;
    Ok(())
}
