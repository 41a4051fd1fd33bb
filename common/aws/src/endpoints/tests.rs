//! The documents, held against AWS's reference, and refusals as SageMaker words them.

use std::collections::BTreeMap;

use linkcast_domain::ports::{
    Change, Container, EndpointStatus, Kind, Machines, ModelData, PlaneError, PlaneFault, Scaling,
};
use serde_json::{Value, json};

use super::documents::{Asked, ListWords, change, config, endpoint, model, scaling_counts, scaling_target};
use crate::control_plane::refusal;

fn container(data: ModelData) -> Container {
    let environment = BTreeMap::from([("LINKCAST_LOG".to_owned(), "quiet".to_owned())]);
    let role = "arn:aws:iam::123456789012:role/serve".to_owned();
    Container { image: "image:1".to_owned(), data, environment, role }
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("linkcast:owner".to_owned(), "linkcast".to_owned())])
}

#[test]
fn a_model_is_asked_for_in_sagemakers_words_and_read_back_the_same() {
    for data in
        [ModelData::One("s3://b/model.tar.gz".to_owned()), ModelData::Several("s3://b/models/".to_owned())]
    {
        let (name, container) = ("m".to_owned(), container(data));
        let (asked, operation, mut body) =
            change(&Change::CreateModel { name, container: container.clone(), tags: tags() });
        assert_eq!((asked, operation), (Asked::SageMaker, "CreateModel"));
        assert_eq!(body["Tags"], json!([{"Key": "linkcast:owner", "Value": "linkcast"}]));
        body["ModelArn"] = json!("arn:aws:sagemaker:us-east-1:123456789012:model/m");
        assert_eq!(model(&body).unwrap().container, container);
    }
}

#[test]
fn machines_of_both_kinds_are_read_back_the_same() {
    let serverless = Machines::Serverless { memory_mb: 4_096, max_concurrency: 10 };
    let realtime = Machines::Realtime { instance: "ml.c7g.large".to_owned(), count: 2 };
    for machines in [serverless, realtime] {
        let (name, model) = ("c".to_owned(), "m".to_owned());
        let (_, _, mut body) =
            change(&Change::CreateConfig { name, model, machines: machines.clone(), tags: tags() });
        body["EndpointConfigArn"] = json!("arn");
        body["CreationTime"] = json!(1_767_225_600.5);
        let seen = config(&body).unwrap();
        assert_eq!((seen.machines, seen.models), (Some(machines), vec!["m".to_owned()]));
        assert_eq!(seen.created.millis(), 1_767_225_600_500);
    }
}

#[test]
fn every_status_is_understood_and_what_is_not_is_refused() {
    let described = |status: &str, time: Value| {
        endpoint(&json!({
            "EndpointName": "e", "EndpointArn": "arn", "EndpointConfigName": "c", "EndpointStatus": status,
            "FailureReason": "unwell", "CreationTime": time, "LastModifiedTime": 1_767_225_601,
            "PendingDeploymentSummary": {"EndpointConfigName": "d"},
        }))
    };
    for status in EndpointStatus::ALL {
        let seen = described(status.name(), json!(1_767_225_600)).unwrap();
        assert_eq!((seen.status, seen.pending_config.as_deref()), (status, Some("d")));
        assert_eq!(seen.failure.as_deref(), Some("unwell"));
    }
    assert!(described("Dreaming", json!(1)).is_err());
    assert!(described("InService", Value::Null).is_err(), "a time that is not told is not made up");
    let page = ListWords::of(Kind::Model)
        .page(&json!({"Models": [{"ModelName": "m", "ModelArn": "a", "CreationTime": 1}], "NextToken": "n"}));
    assert_eq!(page.unwrap().next.as_deref(), Some("n"));
    assert!(ListWords::of(Kind::Model).page(&json!({"Models": [{"ModelName": "m"}]})).is_err());
}

#[test]
fn scaling_is_asked_for_and_read_back() {
    let scaling = Scaling { min: 1, max: 5, requests_per_instance: 600 };
    let endpoint = "e".to_owned();
    let (asked, operation, body) = change(&Change::RegisterScaling { endpoint: endpoint.clone(), scaling });
    assert_eq!((asked, operation), (Asked::AutoScaling, "RegisterScalableTarget"));
    assert_eq!(body["ResourceId"], json!("endpoint/e/variant/AllTraffic"));
    assert_eq!(scaling_counts(&json!({"ScalableTargets": [body]})), Ok(Some((1, 5))));
    assert_eq!(scaling_counts(&json!({"ScalableTargets": []})), Ok(None));
    let (_, _, body) = change(&Change::PutScalingPolicy { endpoint, scaling });
    assert_eq!(scaling_target(&json!({"ScalingPolicies": [body]})), Some(600));
    assert_eq!(scaling_target(&json!({"ScalingPolicies": []})), None);
}

#[test]
fn refusals_are_told_apart_by_code_and_by_sagemakers_words() {
    let of = |status, code: &str, message: &str| {
        let body = json!({"__type": code, "message": message}).to_string();
        PlaneError::from(refusal("look".to_owned(), status, body.as_bytes())).fault
    };
    let validation = "ValidationException";
    assert_eq!(of(400, validation, "Could not find endpoint \"arn\"."), PlaneFault::NotFound);
    assert_eq!(of(400, validation, "Could not find endpoint configuration \"arn\"."), PlaneFault::NotFound);
    assert_eq!(of(400, validation, "Cannot create already existing endpoint \"arn\"."), PlaneFault::Exists);
    assert_eq!(of(400, validation, "Cannot update in-progress endpoint \"arn\"."), PlaneFault::InProgress);
    assert_eq!(of(400, validation, "1 validation error detected"), PlaneFault::Refused);
    assert_eq!(of(400, "AccessDeniedException", "not authorized"), PlaneFault::Refused);
    assert_eq!(of(400, "ResourceLimitExceeded", "The account-level service limit"), PlaneFault::Quota);
    assert_eq!(of(400, "ThrottlingException", "Rate exceeded"), PlaneFault::Throttled);
    assert_eq!(of(400, "ObjectNotFoundException", "No scalable target found"), PlaneFault::NotFound);
    assert_eq!(of(500, "InternalFailure", ""), PlaneFault::Unanswered);
}
