//! The committed events are what their triggers really send: each is read as AWS's own crate types it, and says what its
//! name promises.
//!
//! They were recorded on the local AWS (docs/AWS_LOCAL.md, events of your own), by no hand, and serve
//! `cargo lambda invoke --data-file` as well. Three are not: what SageMaker tells of pipelines and jobs, which nothing on one machine
//! sends, is written as AWS's guide shows it; the notice of worse quality is what its type writes; and
//! `monitor-function-url.json` is collect's request with another body, and the caller as AWS documents it, for the emulator tells none.

use anyhow::{Context, Result};
use aws_lambda_events::event::dynamodb::Event as TableEvent;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::lambda_function_urls::LambdaFunctionUrlRequest;
use linkcast_aws::{StreamRecord, arrival_of_image, question_of_image};
use linkcast_pipeline::Question;
use linkcast_pipeline::retraining::{ExecutionStatus, PlatformEvent};
use linkcast_tests::project_folder;
use serde_json::{Value, json};

fn event(name: &str) -> Result<Value> {
    let path = project_folder().join("events").join(name);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))
}

fn typed<T: serde::de::DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(event(name)?).with_context(|| format!("{name} is not of its type"))
}

#[test]
fn every_event_is_tried_here() -> Result<()> {
    let tried = [
        "alert-condition-changed.json",
        "alert-insight-created.json",
        "alert-tick.json",
        "collect-function-url.json",
        "collect-object-created.json",
        "collect-schedule.json",
        "insight-stream-questions.json",
        "monitor-function-url.json",
        "monitor-schedule.json",
        "prepare-stream-samples.json",
        "retrain-call.json",
        "retrain-drift-detected.json",
        "retrain-execution-changed.json",
        "retrain-job-failed.json",
        "retrain-quality-degraded.json",
        "retrain-schedule.json",
    ];
    let listed = std::fs::read_dir(project_folder().join("events")).context("cannot list the events")?;
    let mut found: Vec<String> = listed
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    found.sort();
    assert_eq!(found, tried);
    Ok(())
}

#[test]
fn a_function_url_is_asked_to_take_remote_write() -> Result<()> {
    let request: LambdaFunctionUrlRequest = typed("collect-function-url.json")?;
    assert_eq!(request.request_context.http.method.as_deref(), Some("POST"));
    assert_eq!(request.headers.get("content-encoding").and_then(|value| value.to_str().ok()), Some("snappy"));
    assert!(request.is_base64_encoded);
    assert!(request.body.is_some_and(|body| body.len() > 100));
    Ok(())
}

#[test]
fn a_function_url_is_asked_to_take_feedback_of_whom_iam_let_in() -> Result<()> {
    let request: LambdaFunctionUrlRequest = typed("monitor-function-url.json")?;
    assert_eq!(request.request_context.http.path.as_deref(), Some("/feedback"));
    let caller = request.request_context.authorizer.and_then(|who| who.iam).and_then(|iam| iam.user_arn);
    assert_eq!(caller.as_deref(), Some("arn:aws:iam::000000000000:user/ada"));
    let said: Value = serde_json::from_str(request.body.as_deref().unwrap_or_default())?;
    assert_eq!(said.get("verdict"), Some(&json!("corrected")));
    Ok(())
}

#[test]
fn an_object_that_was_created_is_named() -> Result<()> {
    let told: EventBridgeEvent = typed("collect-object-created.json")?;
    assert_eq!((told.source.as_str(), told.detail_type.as_str()), ("aws.s3", "Object Created"));
    assert!(told.detail.pointer("/object/key").is_some_and(Value::is_string), "{:?}", told.detail);
    assert!(told.detail.pointer("/bucket/name").is_some_and(Value::is_string), "{:?}", told.detail);
    Ok(())
}

#[test]
fn the_tables_stream_brings_arrivals_and_questions() -> Result<()> {
    for (name, prefix) in
        [("prepare-stream-samples.json", "sample#"), ("insight-stream-questions.json", "question#")]
    {
        let typed: TableEvent = typed(name)?;
        assert!(!typed.records.is_empty());
        for record in &typed.records {
            assert_eq!(
                (record.event_name.as_str(), record.event_source.as_deref()),
                ("INSERT", Some("aws:dynamodb"))
            );
        }
        for record in event(name)?["Records"].as_array().into_iter().flatten() {
            let sort_key = record.pointer("/dynamodb/Keys/sk/S").and_then(Value::as_str).unwrap_or_default();
            assert!(sort_key.starts_with(prefix), "{sort_key}");
            let record: StreamRecord = serde_json::from_value(record.clone())?;
            if prefix == "sample#" {
                assert!(arrival_of_image(record)?.sample.is_some(), "{sort_key}");
            } else {
                let asked = question_of_image(record)?;
                assert!(
                    Question::from_bytes(&asked.stream, asked.time, &asked.bytes).is_some(),
                    "{sort_key}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn the_bus_tells_of_insights_that_matter_and_of_conditions() -> Result<()> {
    let made: EventBridgeEvent = typed("alert-insight-created.json")?;
    assert_eq!((made.source.as_str(), made.detail_type.as_str()), ("linkcast.fabric", "Insight Created"));
    assert!(made.detail.get("risk_score").and_then(Value::as_f64).is_some_and(|risk| risk >= 80.0));
    let changed: EventBridgeEvent = typed("alert-condition-changed.json")?;
    assert_eq!(
        (changed.source.as_str(), changed.detail_type.as_str()),
        ("linkcast.fabric", "Condition Changed")
    );
    assert!(changed.detail.get("cause").is_some_and(Value::is_string), "{:?}", changed.detail);
    Ok(())
}

#[test]
fn the_bus_tells_of_drift() -> Result<()> {
    let drift: EventBridgeEvent = typed("retrain-drift-detected.json")?;
    assert_eq!((drift.source.as_str(), drift.detail_type.as_str()), ("linkcast.fabric", "Drift Detected"));
    assert!(drift.detail.get("reason").is_some_and(Value::is_string), "{:?}", drift.detail);
    Ok(())
}

#[test]
fn a_notice_of_worse_quality_and_what_sagemaker_tells_are_understood() -> Result<()> {
    let quality: EventBridgeEvent = typed("retrain-quality-degraded.json")?;
    let notice: linkcast_domain::Notice = serde_json::from_value(quality.detail)?;
    assert_eq!((quality.detail_type.as_str(), notice.kind.event()), ("Quality Degraded", "Quality Degraded"));
    let told = |name: &str| -> Result<Option<PlatformEvent>> {
        let event: EventBridgeEvent = typed(name)?;
        assert_eq!(event.source, "aws.sagemaker");
        Ok(PlatformEvent::of(&event.detail_type, &event.detail)?)
    };
    let ended = told("retrain-execution-changed.json")?;
    let is_end = matches!(&ended, Some(PlatformEvent::Execution { pipeline, status: ExecutionStatus::Succeeded, .. })
        if pipeline == "linkcast-fabric-link-health-retrain");
    assert!(is_end, "{ended:?}");
    let failed = told("retrain-job-failed.json")?;
    assert!(matches!(&failed, Some(PlatformEvent::Job { failure: Some(_), .. })), "{failed:?}");
    Ok(())
}

#[test]
fn schedules_and_calls_say_what_the_template_has_them_say() -> Result<()> {
    assert_eq!(event("collect-schedule.json")?, json!({"scrape": {"shard": 0, "of": 1}}));
    assert_eq!(event("alert-tick.json")?, json!({"tick": true}));
    assert_eq!(event("monitor-schedule.json")?, json!({"look": "link-health"}));
    assert_eq!(event("retrain-schedule.json")?, json!({"task": "link-health", "reason": "schedule"}));
    assert_eq!(event("retrain-call.json")?.get("task"), Some(&json!("link-health")));
    Ok(())
}
