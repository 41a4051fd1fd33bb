//! Who is believed when, by what both sides say.

use super::*;
use crate::{Lineage, ModelFacts, Timestamp};

const THERE: &str = "arn:aws:sagemaker:us-east-1:123456789012:model-package/linkcast-lab-link-health/1";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn decision(approval: Approval, by: &str, seconds: i64) -> Decision {
    let ruling = match approval {
        Approval::Rejected => Ruling::Rejected { reason: "too many alarms".into() },
        _ => Ruling::Approved,
    };
    Decision { ruling, by: by.into(), at: at(seconds) }
}

fn model(decisions: &[(Approval, i64)]) -> RegisteredModel {
    let facts = ModelFacts {
        version: "7".parse().unwrap(),
        task: "link-health".into(),
        feature_schema: 1,
        digest: "d7".into(),
        files: Vec::new(),
        lineage: Lineage::default(),
        metrics: serde_json::Map::new(),
        added: Timestamp::EPOCH,
        added_by: "ada".into(),
    };
    let decisions =
        decisions.iter().map(|(approval, seconds)| decision(*approval, "ada", *seconds)).collect();
    RegisteredModel { facts, decisions }
}

/// The package of `told`, last changed by bob at `seconds`.
fn package(told: &RegisteredModel, approval: Approval, seconds: i64) -> SeenPackage {
    SeenPackage {
        reference: THERE.into(),
        number: 1,
        approval,
        reason: Some("too many alarms".into()),
        changed: at(seconds),
        changed_by: "bob".into(),
        archive: "s3://lab/model.tar.gz".into(),
        properties: sync_properties(told),
    }
}

fn actions(ours: &[RegisteredModel], live: Option<&str>, seen: &[SeenPackage]) -> Vec<SyncAction> {
    let live = live.map(|version| version.parse().unwrap());
    sync_steps(ours, live.as_ref(), "link-health", seen).into_iter().map(|step| step.action).collect()
}

use Approval::{Approved, Pending, Rejected};

#[test]
fn what_is_only_here_is_made_there_and_what_agrees_is_left_alone() {
    assert_eq!(actions(&[model(&[])], None, &[]), [SyncAction::Create]);
    for decisions in [&[][..], &[(Approved, 10)], &[(Approved, 10), (Rejected, 20)]] {
        let ours = model(decisions);
        let seen = package(&ours, ours.approval(), 30);
        assert_eq!(actions(&[ours], None, &[seen]), []);
    }
}

#[test]
fn a_decision_made_here_is_carried_and_one_made_there_is_taken() {
    let ours = model(&[(Approved, 10)]);
    let carried = SyncAction::Carry { decision: decision(Approved, "ada", 10), over: None };
    assert_eq!(actions(&[ours], None, &[package(&model(&[]), Pending, 5)]), [carried]);
    let ruled = SyncAction::Rule { decision: decision(Rejected, "bob", 20), over: None };
    assert_eq!(actions(&[model(&[])], None, &[package(&model(&[]), Rejected, 20)]), [ruled]);
}

#[test]
fn what_stands_there_because_we_said_so_never_comes_back_as_theirs() {
    // Told there late, so that the package was changed after our newer decision.
    let ours = model(&[(Approved, 10), (Rejected, 20)]);
    let seen = package(&model(&[(Approved, 10)]), Approved, 1_000);
    let carried = SyncAction::Carry { decision: decision(Rejected, "ada", 20), over: None };
    assert_eq!(actions(&[ours], None, &[seen]), [carried]);
}

#[test]
fn a_change_there_after_ours_was_told_is_taken_whatever_the_clocks_say() {
    let ours = model(&[(Approved, 10)]);
    let seen = package(&ours, Rejected, 3);
    let ruled = SyncAction::Rule { decision: decision(Rejected, "bob", 3), over: None };
    assert_eq!(actions(&[ours], None, &[seen]), [ruled]);
}

#[test]
fn where_both_sides_decided_the_newer_wins_and_the_older_is_named() {
    let ours = model(&[(Approved, 10), (Rejected, 40)]);
    let there = |seconds| {
        let mut seen = package(&model(&[]), Approved, seconds);
        seen.changed_by = String::new();
        seen
    };
    let theirs = |seconds| decision(Approved, SOMEBODY, seconds);
    let own = decision(Rejected, "ada", 40);
    let carried = SyncAction::Carry { decision: own.clone(), over: Some(theirs(30)) };
    assert_eq!(actions(std::slice::from_ref(&ours), None, &[there(30)]), [carried]);
    let ruled = SyncAction::Rule { decision: theirs(50), over: Some(own) };
    assert_eq!(actions(std::slice::from_ref(&ours), None, &[there(50)]), [ruled]);
    let same = SyncAction::Conflict(SyncConflict::SameMoment { ours: Rejected, theirs: Approved });
    assert_eq!(actions(&[ours], None, &[there(40)]), [same]);
}

#[test]
fn what_answers_here_is_not_rejected_from_there() {
    let ours = model(&[(Approved, 10)]);
    let seen = package(&ours, Rejected, 20);
    let conflict = SyncConflict::Live { decision: decision(Rejected, "bob", 20) };
    assert!(conflict.to_string().contains("bob rejected it there, but it answers here"));
    let seen = [seen];
    assert_eq!(actions(std::slice::from_ref(&ours), Some("7"), &seen), [SyncAction::Conflict(conflict)]);
    assert!(matches!(actions(&[ours], Some("6"), &seen)[..], [SyncAction::Rule { .. }]));
}

#[test]
fn a_decision_that_was_set_back_there_is_a_conflict_until_it_is_made_anew() {
    let told = model(&[(Approved, 10)]);
    let seen = [package(&told, Pending, 20)];
    assert_eq!(actions(&[told], None, &seen), [SyncAction::Conflict(SyncConflict::SetBack)]);
    let anew = model(&[(Approved, 10), (Rejected, 30)]);
    assert!(matches!(actions(&[anew], None, &seen)[..], [SyncAction::Carry { .. }]));
}

#[test]
fn other_bytes_and_second_packages_of_a_version_are_conflicts() {
    let mut other = model(&[]);
    other.facts.digest = "d8".into();
    let digest = SyncConflict::Digest { ours: "d7".into(), theirs: "d8".into() };
    let found = actions(&[model(&[])], None, &[package(&other, Pending, 1)]);
    assert_eq!(found, [SyncAction::Conflict(digest)], "and it is not made again");
    let first = package(&model(&[]), Pending, 1);
    let second = SeenPackage { reference: "second".into(), number: 2, ..first.clone() };
    let duplicate = SyncConflict::Duplicate { kept: THERE.into() };
    let found = actions(&[model(&[])], None, &[second, first]);
    assert_eq!(found, [SyncAction::Conflict(duplicate)]);
}

#[test]
fn a_package_of_ours_may_be_imported_and_a_strangers_has_no_part() {
    let seen = package(&model(&[]), Approved, 20);
    let import = SyncAction::Import { decision: Some(decision(Approved, "bob", 20)) };
    assert_eq!(actions(&[], None, std::slice::from_ref(&seen)), [import]);
    let told = package(&model(&[(Approved, 10)]), Approved, 20);
    let import = SyncAction::Import { decision: Some(decision(Approved, "ada", 10)) };
    assert_eq!(actions(&[], None, &[told]), [import], "who decided elsewhere is remembered");
    let stranger = SeenPackage { properties: BTreeMap::new(), ..seen.clone() };
    assert_eq!(actions(&[], None, &[stranger]), []);
    let mut other_task = seen;
    other_task.properties.insert(TASK_PROPERTY.into(), "another".into());
    assert_eq!(actions(&[], None, &[other_task]), []);
}
