//! What every registry promises, checked on each in the same words.

use linkcast_domain::ports::{RegistryChange, RegistryItems, Revised, Written};
use linkcast_domain::{
    Added, Alias, Approval, Decision, FileFacts, Lineage, ModelFacts, ModelName, ModelVersion,
    RegisteredModel, Registry, RegistryError, Ruling,
};
use serde_json::{Map, json};

use super::items::{at, now};

/// Hands every check's name to `$tests`, which makes a test of each for each store.
macro_rules! registry_contract {
    ($tests:ident) => {
        $tests! {
            registry_contract:
            a_version_comes_back_as_it_was_added,
            a_version_never_changes,
            versions_come_in_the_order_they_were_added_and_by_task,
            a_decision_stands_until_the_next_and_all_are_kept,
            only_an_approved_version_becomes_live,
            what_was_live_becomes_the_previous_one_in_the_same_write,
            who_took_an_alias_to_name_something_else_is_told_what_it_names,
            a_rejected_version_loses_its_aliases_and_gets_none,
            a_live_version_cannot_be_rejected,
            a_change_takes_effect_whole_or_not_at_all,
        }
    };
}

pub(super) use registry_contract;

pub(super) const TASK: &str = "link-health";

pub(super) fn version(name: &str) -> ModelVersion {
    name.parse().unwrap()
}

pub(super) fn facts(name: &str, digest: &str) -> ModelFacts {
    let parameters = json!({"depth": 5, "eta": 0.2}).as_object().cloned().unwrap();
    ModelFacts {
        version: version(name),
        task: TASK.into(),
        feature_schema: 1,
        digest: digest.into(),
        files: vec![FileFacts { name: "card.json".into(), bytes: 2, sha256: "ab".repeat(32) }],
        lineage: Lineage { data_digest: Some("d".into()), parameters, ..Lineage::default() },
        metrics: json!({"accuracy": 0.1 + 0.2}).as_object().cloned().unwrap_or(Map::new()),
        added: at(0),
        added_by: "ada".into(),
    }
}

fn approved() -> Decision {
    Decision { ruling: Ruling::Approved, by: "bob".into(), at: at(30) }
}

fn rejected(reason: &str) -> Decision {
    Decision { ruling: Ruling::Rejected { reason: reason.into() }, by: "bob".into(), at: at(60) }
}

/// Adds and approves versions.
fn approve<S: RegistryItems>(registry: &Registry<'_, S>, names: &[&str]) {
    for name in names {
        now(registry.add(&facts(name, name))).unwrap();
        now(registry.decide(&version(name), &approved())).unwrap();
    }
}

fn point<S: RegistryItems>(
    registry: &Registry<'_, S>,
    alias: Alias,
    target: &str,
    expected: Option<&str>,
) -> Result<[Option<String>; 3], RegistryError> {
    let expected = expected.map(version);
    let target = (target != "none").then(|| version(target));
    let aliases = now(registry.point(alias, target.as_ref(), expected.as_ref(), ("eve", at(90))))?;
    Ok(Alias::ALL.map(|alias| aliases.version(alias).map(ToString::to_string)))
}

fn named(live: Option<&str>, candidate: Option<&str>, previous: Option<&str>) -> [Option<String>; 3] {
    [live, candidate, previous].map(|name| name.map(str::to_owned))
}

pub(super) fn a_version_comes_back_as_it_was_added<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    assert!(now(registry.models()).unwrap().is_empty());
    assert_eq!(now(registry.add(&facts("1", "one"))).unwrap(), Added::New);
    let model = now(registry.model(&"1".parse().unwrap())).unwrap();
    assert_eq!(model, RegisteredModel { facts: facts("1", "one"), decisions: Vec::new() });
    assert_eq!(model.approval(), Approval::Pending);
    let unknown = now(registry.model(&"2".parse().unwrap())).unwrap_err();
    assert!(matches!(unknown, RegistryError::Unknown { .. }), "{unknown}");
    let unset = now(registry.model(&ModelName::Alias(Alias::Live))).unwrap_err();
    assert!(matches!(unset, RegistryError::Unset { alias: Alias::Live, .. }), "{unset}");
}

pub(super) fn a_version_never_changes<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1"]);
    let later = ModelFacts { added: at(900), ..facts("1", "1") };
    assert_eq!(now(registry.add(&later)).unwrap(), Added::Known);
    let error = now(registry.add(&facts("1", "other"))).unwrap_err();
    assert!(matches!(&error, RegistryError::Taken { found, .. } if found == "1"), "{error}");
    let model = now(registry.model(&"1".parse().unwrap())).unwrap();
    assert_eq!((model.facts, model.decisions), (facts("1", "1"), vec![approved()]));
}

pub(super) fn versions_come_in_the_order_they_were_added_and_by_task<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    for (name, seconds) in [("10", 1), ("9", 2), ("a", 0)] {
        now(registry.add(&ModelFacts { added: at(seconds), ..facts(name, name) })).unwrap();
    }
    let other = Registry::new(store, "other-task");
    now(other.add(&facts("9", "elsewhere"))).unwrap();
    let names = |registry: &Registry<'_, S>| {
        let models = now(registry.models()).unwrap();
        models.into_iter().map(|model| model.facts.version.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&registry), ["a", "10", "9"]);
    assert_eq!(names(&other), ["9"]);
}

pub(super) fn a_decision_stands_until_the_next_and_all_are_kept<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    now(registry.add(&facts("1", "one"))).unwrap();
    for decision in [rejected("recall"), approved(), approved()] {
        now(registry.decide(&version("1"), &decision)).unwrap();
    }
    let model = now(registry.model(&"1".parse().unwrap())).unwrap();
    assert_eq!(model.decisions, [rejected("recall"), approved()], "the same decision twice is one");
    assert_eq!(model.approval(), Approval::Approved);
    let unknown = now(registry.decide(&version("2"), &approved())).unwrap_err();
    assert!(matches!(unknown, RegistryError::Unknown { .. }), "{unknown}");
}

pub(super) fn only_an_approved_version_becomes_live<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    now(registry.add(&facts("1", "one"))).unwrap();
    let error = point(&registry, Alias::Live, "1", None).unwrap_err();
    let expected = |error: &RegistryError| {
        matches!(error, RegistryError::NotApproved { approval: Approval::Pending, .. })
    };
    assert!(expected(&error), "{error}");
    assert_eq!(point(&registry, Alias::Candidate, "1", None).unwrap(), named(None, Some("1"), None));
    now(registry.decide(&version("1"), &approved())).unwrap();
    assert_eq!(point(&registry, Alias::Live, "1", None).unwrap(), named(Some("1"), Some("1"), None));
    let error = point(&registry, Alias::Live, "2", Some("1")).unwrap_err();
    assert!(matches!(error, RegistryError::Unknown { .. }), "{error}");
}

pub(super) fn what_was_live_becomes_the_previous_one_in_the_same_write<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1", "2"]);
    assert_eq!(point(&registry, Alias::Live, "1", None).unwrap(), named(Some("1"), None, None));
    let moved = point(&registry, Alias::Live, "2", Some("1")).unwrap();
    assert_eq!(moved, named(Some("2"), None, Some("1")));
    let again = point(&registry, Alias::Live, "2", Some("1")).unwrap();
    assert_eq!(again, moved, "the same move twice is as once, and the previous one stays");
    let back = point(&registry, Alias::Live, "1", Some("2")).unwrap();
    assert_eq!(back, named(Some("1"), None, Some("2")));
    let pointer = now(registry.aliases()).unwrap().live.unwrap();
    assert_eq!((pointer.by.as_str(), pointer.at), ("eve", at(90)));
    assert_eq!(point(&registry, Alias::Live, "none", Some("1")).unwrap(), named(None, None, Some("1")));
}

pub(super) fn who_took_an_alias_to_name_something_else_is_told_what_it_names<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1", "2", "3"]);
    point(&registry, Alias::Live, "1", None).unwrap();
    point(&registry, Alias::Live, "2", Some("1")).unwrap();
    let error = point(&registry, Alias::Live, "3", Some("1")).unwrap_err();
    assert_eq!(error.to_string(), "alias live names 2, expected 1");
    let error = point(&registry, Alias::Candidate, "3", Some("1")).unwrap_err();
    assert_eq!(error.to_string(), "alias candidate names none, expected 1");
    let aliases = now(registry.aliases()).unwrap();
    assert_eq!(aliases.version(Alias::Live), Some(&version("2")), "who lost changed nothing");
}

pub(super) fn a_rejected_version_loses_its_aliases_and_gets_none<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1", "2"]);
    point(&registry, Alias::Live, "1", None).unwrap();
    point(&registry, Alias::Live, "2", Some("1")).unwrap();
    point(&registry, Alias::Candidate, "1", None).unwrap();
    now(registry.decide(&version("1"), &rejected("misses flaps"))).unwrap();
    let aliases = now(registry.aliases()).unwrap();
    assert_eq!(Alias::ALL.map(|alias| aliases.version(alias).cloned()), [Some(version("2")), None, None]);
    for alias in Alias::ALL {
        let expected = (alias == Alias::Live).then_some("2");
        let error = point(&registry, alias, "1", expected).unwrap_err();
        assert!(error.to_string().contains("misses flaps"), "{error}");
    }
}

pub(super) fn a_live_version_cannot_be_rejected<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1"]);
    point(&registry, Alias::Live, "1", None).unwrap();
    let error = now(registry.decide(&version("1"), &rejected("late"))).unwrap_err();
    assert!(matches!(error, RegistryError::IsLive { .. }), "{error}");
    let model = now(registry.model(&ModelName::Alias(Alias::Live))).unwrap();
    assert_eq!(model.approval(), Approval::Approved);
}

pub(super) fn a_change_takes_effect_whole_or_not_at_all<S: RegistryItems>(store: &S) {
    let registry = Registry::new(store, TASK);
    approve(&registry, &["1", "2"]);
    point(&registry, Alias::Candidate, "1", None).unwrap();
    let (one, other) = (version("1"), version("2"));
    let model = now(store.model(TASK, &one)).unwrap().unwrap();
    let read = model.revision;
    let aliases = now(store.aliases(TASK)).unwrap();
    let cleared = Revised { value: Default::default(), ..aliases.clone() };
    let mut decided = model.clone();
    decided.value.decisions.push(rejected("late"));
    let change = |model: &Revised<RegisteredModel>, aliases, unchanged| {
        let change = RegistryChange { model: Some(model.clone()), aliases: Some(aliases), unchanged };
        now(store.change(TASK, &change)).unwrap()
    };
    let old_model = Revised { revision: read - 1, ..decided.clone() };
    assert_eq!(change(&old_model, cleared.clone(), None), Written::Moved);
    let old_aliases = Revised { revision: aliases.revision - 1, ..cleared.clone() };
    assert_eq!(change(&decided, old_aliases, None), Written::Moved);
    assert_eq!(change(&decided, cleared.clone(), Some((other.clone(), 1))), Written::Moved);
    assert_eq!(change(&decided, cleared.clone(), Some((version("3"), 1))), Written::Moved);
    assert_eq!(now(store.model(TASK, &one)).unwrap().unwrap(), model);
    assert_eq!(now(store.aliases(TASK)).unwrap(), aliases);
    assert_eq!(change(&decided, cleared, Some((other, 2))), Written::Yes);
    assert_eq!(now(store.model(TASK, &one)).unwrap().unwrap().revision, read + 1);
    assert_eq!(now(store.aliases(TASK)).unwrap().revision, aliases.revision + 1);
}
