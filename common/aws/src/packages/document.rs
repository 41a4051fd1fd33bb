//! The documents of SageMaker's Model Registry, and what its answers say, in SageMaker's words.

use std::collections::BTreeMap;

use linkcast_domain::ports::{NewPackage, PackagePage, PackageRuling, PackagesError, SeenPackage};
use linkcast_domain::{Approval, Retry, Timestamp};
use serde_json::{Value, json};

/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 1_024;
/// The most characters of a property's value.
const LONGEST_VALUE: usize = 256;
/// What a container takes and gives.
const FORMS: [&str; 3] = ["application/json", "application/jsonlines", "text/csv"];
/// Machines that a package says it may run on; whoever deploys it may take others.
const MACHINES: [&str; 2] = ["ml.m5.large", "ml.c5.large"];

/// What CreateModelPackage is asked.
pub(super) fn new_package(package: &NewPackage) -> Value {
    let NewPackage { group, token, description, image, environment, archive, source, .. } = package;
    json!({
        "ModelPackageGroupName": group,
        "ModelPackageDescription": shortened(description, LONGEST_DESCRIPTION),
        "InferenceSpecification": {
            "Containers": [{"Image": image, "ModelDataUrl": archive, "Environment": environment}],
            "SupportedContentTypes": FORMS,
            "SupportedResponseMIMETypes": FORMS,
            "SupportedRealtimeInferenceInstanceTypes": MACHINES,
            "SupportedTransformInstanceTypes": MACHINES,
        },
        "ModelApprovalStatus": status(Approval::Pending),
        "SourceUri": source,
        "CustomerMetadataProperties": properties(&package.properties),
        "ClientToken": token,
    })
}

/// What UpdateModelPackage is asked.
pub(super) fn ruling(reference: &str, ruling: &PackageRuling) -> Value {
    json!({
        "ModelPackageArn": reference,
        "ModelApprovalStatus": status(ruling.approval),
        "ApprovalDescription": shortened(&ruling.reason, LONGEST_DESCRIPTION),
        "CustomerMetadataProperties": properties(&ruling.properties),
    })
}

/// What ListModelPackages answers.
pub(super) fn page(answer: &Value) -> PackagePage {
    let listed = answer.get("ModelPackageSummaryList").and_then(Value::as_array);
    let reference = |package: &Value| package.get("ModelPackageArn")?.as_str().map(str::to_owned);
    let next = answer.get("NextToken").and_then(Value::as_str).filter(|token| !token.is_empty());
    PackagePage {
        references: listed.into_iter().flatten().filter_map(reference).collect(),
        next: next.map(str::to_owned),
    }
}

/// What DescribeModelPackage answers.
pub(super) fn package(answer: &Value) -> Result<SeenPackage, PackagesError> {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let reference = text("/ModelPackageArn");
    let bad = |what: String| unexpected(format!("understand the package {reference}"), what);
    let approval = match text("/ModelApprovalStatus").as_str() {
        "Approved" => Approval::Approved,
        "Rejected" => Approval::Rejected,
        "PendingManualApproval" | "" => Approval::Pending,
        other => return Err(bad(format!("its approval is {other:?}"))),
    };
    let moment = |name: &str| answer.get(name).and_then(moment_of);
    let changed = moment("LastModifiedTime").or_else(|| moment("CreationTime"));
    let noted = answer.get("CustomerMetadataProperties").and_then(Value::as_object);
    let noted = noted.into_iter().flatten();
    Ok(SeenPackage {
        number: answer.get("ModelPackageVersion").and_then(Value::as_u64).unwrap_or_default(),
        approval,
        reason: answer.get("ApprovalDescription").and_then(Value::as_str).map(str::to_owned),
        changed: changed.ok_or_else(|| bad("it does not say when it was made".to_owned()))?,
        changed_by: changed_by(answer),
        archive: text("/InferenceSpecification/Containers/0/ModelDataUrl"),
        properties: noted
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        reference,
    })
}

/// Who changed it last: a user of SageMaker Studio by name, anybody else by the ARN that IAM knows.
fn changed_by(answer: &Value) -> String {
    let who = ["/LastModifiedBy", "/CreatedBy"].iter().find_map(|pointer| answer.pointer(pointer));
    let names = ["/UserProfileName", "/IamIdentity/Arn", "/IamIdentity/PrincipalId", "/UserProfileArn"];
    let name = |who: &Value| names.iter().find_map(|name| Some(who.pointer(name)?.as_str()?.to_owned()));
    who.and_then(name).unwrap_or_default()
}

/// Times are seconds with a fraction; some who stand in for SageMaker write them as text.
fn moment_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => Some(Timestamp::from_millis((value.as_f64()? * 1000.0).round() as i64)),
    }
}

pub(super) fn unexpected(attempt: String, what: String) -> PackagesError {
    PackagesError::Failed { attempt, retry: Retry::Never, source: what.into() }
}

fn status(approval: Approval) -> &'static str {
    match approval {
        Approval::Pending => "PendingManualApproval",
        Approval::Approved => "Approved",
        Approval::Rejected => "Rejected",
    }
}

/// SageMaker takes letters, digits, spaces and `_.:/=+-@` in properties, and nothing else.
fn properties(found: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let allowed = |letter: char| letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter);
    let cleaned = |text: &str| {
        text.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect::<String>()
    };
    found.iter().map(|(name, value)| (cleaned(name), shortened(&cleaned(value), LONGEST_VALUE))).collect()
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
