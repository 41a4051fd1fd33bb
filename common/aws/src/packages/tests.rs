//! The documents, held against AWS's reference, and answers as the service words them.

use std::collections::BTreeMap;

use linkcast_domain::ports::{NewPackage, PackageRuling, PackagesError};
use linkcast_domain::{Approval, Retry, Timestamp};
use serde_json::json;

use super::document::{new_package, package, page, ruling};
use crate::control_plane::refusal;

fn new() -> NewPackage {
    NewPackage {
        group: "linkcast-lab-link-health".to_owned(),
        token: "0123456789abcdef0123456789abcdef0123".to_owned(),
        description: "version 2".to_owned(),
        image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5".to_owned(),
        environment: BTreeMap::from([("SAGEMAKER_PROGRAM".to_owned(), "inference.py".to_owned())]),
        archive: "s3://lab/models/lab/link-health/ab/model.tar.gz".to_owned(),
        source: "s3://lab/models/lab/link-health/cd/".to_owned(),
        properties: BTreeMap::from([("linkcast.by".to_owned(), "ada, bob & \"co\"".to_owned())]),
    }
}

#[test]
fn a_package_is_asked_for_in_sagemakers_words() {
    let asked = new_package(&new());
    let at = |pointer: &str| asked.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/ModelApprovalStatus"), json!("PendingManualApproval"));
    let container = "/InferenceSpecification/Containers/0";
    assert_eq!(at(&format!("{container}/ModelDataUrl")), json!(new().archive));
    assert_eq!(at(&format!("{container}/Environment/SAGEMAKER_PROGRAM")), json!("inference.py"));
    assert_eq!(at("/CustomerMetadataProperties/linkcast.by"), json!("ada_ bob _ _co_"));
    assert!(asked.get("ModelPackageName").is_none(), "a package of a group has no name of its own");
}

#[test]
fn a_ruling_replaces_approval_reason_and_properties() {
    let properties = BTreeMap::from([("linkcast.version".to_owned(), "2".to_owned())]);
    let approved = PackageRuling { approval: Approval::Approved, reason: String::new(), properties };
    let asked = ruling("arn:p/1", &approved);
    assert_eq!(asked["ModelApprovalStatus"], json!("Approved"));
    assert_eq!(asked["CustomerMetadataProperties"], json!({"linkcast.version": "2"}));
}

#[test]
fn a_page_names_its_packages_and_the_next_page() {
    let listed = page(&json!({
        "ModelPackageSummaryList": [{"ModelPackageArn": "arn:p/1"}, {"ModelPackageArn": "arn:p/2"}],
        "NextToken": "more",
    }));
    assert_eq!(listed.references, ["arn:p/1", "arn:p/2"]);
    assert_eq!(listed.next.as_deref(), Some("more"));
    assert_eq!(page(&json!({"NextToken": null})), Default::default());
}

#[test]
fn who_decided_when_is_read_from_a_users_profile_or_from_iam() {
    let mut answer = json!({
        "ModelPackageArn": "arn:p/2",
        "ModelPackageVersion": 2,
        "CreationTime": 1_700_000_000.25,
        "ModelApprovalStatus": "PendingManualApproval",
        "CreatedBy": {"UserProfileName": "ada"},
        "CustomerMetadataProperties": {"linkcast.version": "7"},
    });
    let pending = package(&answer).unwrap();
    assert_eq!(
        (pending.approval, pending.changed_by.as_str(), pending.number),
        (Approval::Pending, "ada", 2)
    );
    assert_eq!(pending.changed, Timestamp::from_millis(1_700_000_000_250));
    answer["ModelApprovalStatus"] = json!("Rejected");
    answer["ApprovalDescription"] = json!("too many alarms");
    answer["LastModifiedTime"] = json!(1_800_000_000);
    answer["LastModifiedBy"] = json!({"IamIdentity": {"Arn": "arn:aws:iam::123456789012:user/bob"}});
    let rejected = package(&answer).unwrap();
    assert_eq!(rejected.changed_by, "arn:aws:iam::123456789012:user/bob");
    assert_eq!(rejected.changed, Timestamp::from_millis(1_800_000_000_000));
    assert_eq!(rejected.reason.as_deref(), Some("too many alarms"));
    answer["ModelApprovalStatus"] = json!("Dreaming");
    assert!(package(&answer).is_err());
}

#[test]
fn throttling_and_two_at_once_may_come_again_and_a_wrong_request_may_not() {
    let of = |status, body: &str| PackagesError::from(refusal("look".to_owned(), status, body.as_bytes()));
    let throttled = of(400, r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#);
    assert!(matches!(throttled, PackagesError::Throttled { .. }));
    assert_eq!(of(400, r#"{"__type": "ConflictException"}"#).retry(), Retry::Later);
    assert_eq!(of(503, "").retry(), Retry::Later);
    assert_eq!(of(400, r#"{"__type": "ValidationException"}"#).retry(), Retry::Never);
    let missing = r#"{"__type":"ValidationException","message":"ModelPackageGroup x does not exist."}"#;
    assert!(refusal("look".to_owned(), 400, missing.as_bytes()).says_not_found());
    let there = r#"{"__type":"ValidationException","message":"Model Package Group already exists: arn"}"#;
    assert!(refusal("make".to_owned(), 400, there.as_bytes()).says_it_exists());
}
