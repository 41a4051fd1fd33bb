//! Two registries of the same models, ours and somebody else's: what makes them agree.
//!
//! Ours is read, theirs is read, and a list of steps comes out; nothing is called here. Each package carries, as properties, what
//! it is of ours and which decision of ours it was last told. That note is what tells a decision that we brought there from one
//! that was made there: without it, every old decision of ours would come back as a new one of theirs. What was decided on both
//! sides since they last agreed goes to the newer decision, and whoever lost is named; what cannot be settled so is a conflict,
//! and neither side is touched.

use std::collections::BTreeMap;
use std::fmt;

use super::{Approval, Decision, ModelVersion, RegisteredModel, Ruling};
use crate::ports::SeenPackage;

/// The version a package is of.
pub const VERSION_PROPERTY: &str = "linkcast.version";
/// The digest over the version's files.
pub const DIGEST_PROPERTY: &str = "linkcast.digest";
/// The task it answers.
pub const TASK_PROPERTY: &str = "linkcast.task";
/// The decision of ours that a package was last told.
const DECISION_PROPERTY: &str = "linkcast.decision";
/// When that was decided.
const DECIDED_AT_PROPERTY: &str = "linkcast.decided_at";
/// By whom.
const DECIDED_BY_PROPERTY: &str = "linkcast.decided_by";
/// Who is named where the other side does not say who decided.
const SOMEBODY: &str = "SageMaker";

/// What is to be done about one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncStep {
    /// The version, as its package or our registry calls it.
    pub version: ModelVersion,
    /// Its package, where there is one.
    pub package: Option<String>,
    /// What is to be done.
    pub action: SyncAction,
}

/// What makes both sides agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncAction {
    /// Theirs lacks the version.
    Create,
    /// Our decision is to be told there.
    Carry {
        /// What we decided.
        decision: Decision,
        /// What was decided there earlier, and is overruled.
        over: Option<Decision>,
    },
    /// Their decision becomes one of ours.
    Rule {
        /// What was decided there.
        decision: Decision,
        /// What we had decided earlier, and is overruled.
        over: Option<Decision>,
    },
    /// Ours lacks the version, and the package is of our making.
    Import {
        /// What was decided about it there.
        decision: Option<Decision>,
    },
    /// Neither side can be taken.
    Conflict(SyncConflict),
}

/// Why neither side can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncConflict {
    /// The version has other bytes there.
    Digest {
        /// The digest here.
        ours: String,
        /// The digest there.
        theirs: String,
    },
    /// Another package of the group is of the same version, as two syncs at once may leave it.
    Duplicate {
        /// The package that counts: the older.
        kept: String,
    },
    /// It was decided here, told there, and set back to pending there: a decision can be changed but not forgotten here.
    SetBack,
    /// Both sides decided differently in the same millisecond.
    SameMoment {
        /// What was decided here.
        ours: Approval,
        /// What was decided there.
        theirs: Approval,
    },
    /// It was rejected there and answers here.
    Live {
        /// The rejection.
        decision: Decision,
    },
}

impl fmt::Display for SyncConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SyncConflict::Digest { ours, theirs } => {
                write!(f, "its files have digest {ours} here and {theirs} there: a version never changes")
            }
            SyncConflict::Duplicate { kept } => {
                write!(f, "a second package of the version: {kept} counts, delete this one")
            }
            SyncConflict::SetBack => f.write_str(
                "it was set back to pending there after it was decided here: approve or reject it anew",
            ),
            SyncConflict::SameMoment { ours, theirs } => {
                let (ours, theirs) = (ours.name(), theirs.name());
                write!(f, "it was {ours} here and {theirs} there in the same moment: decide anew on one side")
            }
            SyncConflict::Live { decision } => {
                write!(
                    f,
                    "{} rejected it there, but it answers here: point live elsewhere first",
                    decision.by
                )
            }
        }
    }
}

/// What a package of `model` is told: what it is, and the decision that stands.
pub fn sync_properties(model: &RegisteredModel) -> BTreeMap<String, String> {
    let facts = &model.facts;
    let mut properties = BTreeMap::from([
        (VERSION_PROPERTY.to_owned(), facts.version.as_str().to_owned()),
        (DIGEST_PROPERTY.to_owned(), facts.digest.clone()),
        (TASK_PROPERTY.to_owned(), facts.task.clone()),
    ]);
    if let Some(decision) = model.decisions.last() {
        properties.insert(DECISION_PROPERTY.to_owned(), approval_of(&decision.ruling).name().to_owned());
        properties.insert(DECIDED_AT_PROPERTY.to_owned(), decision.at.to_string());
        properties.insert(DECIDED_BY_PROPERTY.to_owned(), decision.by.clone());
    }
    properties
}

/// What makes `ours` and the packages `seen` agree, by version; packages that are not of our making have no part in it.
pub fn sync_steps(
    ours: &[RegisteredModel],
    live: Option<&ModelVersion>,
    task: &str,
    seen: &[SeenPackage],
) -> Vec<SyncStep> {
    let mut steps = Vec::new();
    let mut counted: BTreeMap<(ModelVersion, String), &SeenPackage> = BTreeMap::new();
    let mut oldest_first: Vec<_> =
        seen.iter().filter_map(|package| Some((known(package, task)?, package))).collect();
    oldest_first.sort_by_key(|(_, package)| package.number);
    for ((version, digest), package) in oldest_first {
        let action = match counted.get(&(version.clone(), digest.clone())) {
            Some(kept) => SyncAction::Conflict(SyncConflict::Duplicate { kept: kept.reference.clone() }),
            None => {
                counted.insert((version.clone(), digest.clone()), package);
                let model = ours.iter().find(|model| model.facts.version == version);
                match agreement(model, &digest, live, package) {
                    Some(action) => action,
                    None => continue,
                }
            }
        };
        steps.push(SyncStep { version, package: Some(package.reference.clone()), action });
    }
    let is_there =
        |model: &&RegisteredModel| counted.keys().any(|(version, _)| *version == model.facts.version);
    steps.extend(ours.iter().filter(|model| !is_there(model)).map(|model| SyncStep {
        version: model.facts.version.clone(),
        package: None,
        action: SyncAction::Create,
    }));
    steps
}

/// The version and digest that a package says it is of.
fn known(package: &SeenPackage, task: &str) -> Option<(ModelVersion, String)> {
    let property = |name: &str| package.properties.get(name);
    if property(TASK_PROPERTY).is_some_and(|of| of != task) {
        return None;
    }
    Some((property(VERSION_PROPERTY)?.parse().ok()?, property(DIGEST_PROPERTY)?.clone()))
}

/// What makes a version and its package agree; none if they do.
fn agreement(
    model: Option<&RegisteredModel>,
    digest: &str,
    live: Option<&ModelVersion>,
    package: &SeenPackage,
) -> Option<SyncAction> {
    let theirs = decision_of(package);
    let Some(model) = model else { return Some(SyncAction::Import { decision: theirs }) };
    if model.facts.digest != digest {
        let (ours, theirs) = (model.facts.digest.clone(), digest.to_owned());
        return Some(SyncAction::Conflict(SyncConflict::Digest { ours, theirs }));
    }
    let ours = model.decisions.last();
    if model.approval() == package.approval {
        return None;
    }
    Some(match (ours, theirs) {
        (Some(ours), None) if package.properties.contains_key(DECIDED_AT_PROPERTY) => {
            // Of an older decision of ours than the last: told there, set back there, decided anew here.
            if was_told(ours, package) {
                SyncAction::Conflict(SyncConflict::SetBack)
            } else {
                carry(ours, None)
            }
        }
        (Some(ours), None) => carry(ours, None),
        (None, Some(theirs)) => rule(theirs, None, model, live),
        (Some(ours), Some(theirs)) => settled(ours, theirs, package, model, live),
        // Two that are pending agree.
        (None, None) => return None,
    })
}

/// Which of two different decisions stands.
fn settled(
    ours: &Decision,
    theirs: Decision,
    package: &SeenPackage,
    model: &RegisteredModel,
    live: Option<&ModelVersion>,
) -> SyncAction {
    let noted = package.properties.get(DECISION_PROPERTY).map(String::as_str);
    if noted == Some(approval_of(&theirs.ruling).name()) {
        // What stands there is what we said there: ours changed since.
        return carry(ours, None);
    }
    if was_told(ours, package) {
        return rule(theirs, None, model, live);
    }
    match ours.at.cmp(&theirs.at) {
        std::cmp::Ordering::Greater => carry(ours, Some(theirs)),
        std::cmp::Ordering::Less => rule(theirs, Some(ours.clone()), model, live),
        std::cmp::Ordering::Equal => SyncAction::Conflict(SyncConflict::SameMoment {
            ours: approval_of(&ours.ruling),
            theirs: approval_of(&theirs.ruling),
        }),
    }
}

fn carry(ours: &Decision, over: Option<Decision>) -> SyncAction {
    SyncAction::Carry { decision: ours.clone(), over }
}

fn rule(
    decision: Decision,
    over: Option<Decision>,
    model: &RegisteredModel,
    live: Option<&ModelVersion>,
) -> SyncAction {
    let is_live = live == Some(&model.facts.version);
    match decision.ruling {
        Ruling::Rejected { .. } if is_live => SyncAction::Conflict(SyncConflict::Live { decision }),
        _ => SyncAction::Rule { decision, over },
    }
}

/// Whether the package was told this very decision.
fn was_told(ours: &Decision, package: &SeenPackage) -> bool {
    package.properties.get(DECIDED_AT_PROPERTY) == Some(&ours.at.to_string())
}

/// What was decided there; none while it is pending.
fn decision_of(package: &SeenPackage) -> Option<Decision> {
    let ruling = match package.approval {
        Approval::Pending => return None,
        Approval::Approved => Ruling::Approved,
        Approval::Rejected => {
            let reason = package.reason.clone().filter(|reason| !reason.trim().is_empty());
            Ruling::Rejected { reason: reason.unwrap_or_else(|| "no reason was given".to_owned()) }
        }
    };
    let property = |name: &str| package.properties.get(name);
    if property(DECISION_PROPERTY).map(String::as_str) == Some(package.approval.name()) {
        // It was brought there: whoever decided did so elsewhere and earlier.
        let told = property(DECIDED_AT_PROPERTY).and_then(|at| at.parse().ok());
        if let Some((at, by)) = told.zip(property(DECIDED_BY_PROPERTY)) {
            return Some(Decision { ruling, by: by.clone(), at });
        }
    }
    let by = if package.changed_by.is_empty() { SOMEBODY.to_owned() } else { package.changed_by.clone() };
    Some(Decision { ruling, by, at: package.changed })
}

fn approval_of(ruling: &Ruling) -> Approval {
    match ruling {
        Ruling::Approved => Approval::Approved,
        Ruling::Rejected { .. } => Approval::Rejected,
    }
}

#[cfg(test)]
mod tests;
