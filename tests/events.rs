//! The committed events are what their triggers really send: each is read as AWS's own crate types it, and says what its
//! name promises.
//!
//! They were recorded on the local AWS (docs/AWS_LOCAL.md, events of your own), by no hand, and serve
//! `cargo lambda invoke --data-file` as well.

use anyhow::{Context, Result};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::lambda_function_urls::LambdaFunctionUrlRequest;
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
        "alert-tick.json",
        "collect-function-url.json",
        "collect-object-created.json",
        "collect-schedule.json",
        "retrain-call.json",
        "retrain-drift-detected.json",
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
fn an_object_that_was_created_is_named() -> Result<()> {
    let told: EventBridgeEvent = typed("collect-object-created.json")?;
    assert_eq!((told.source.as_str(), told.detail_type.as_str()), ("aws.s3", "Object Created"));
    assert!(told.detail.pointer("/object/key").is_some_and(Value::is_string), "{:?}", told.detail);
    assert!(told.detail.pointer("/bucket/name").is_some_and(Value::is_string), "{:?}", told.detail);
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
fn schedules_and_calls_say_what_the_template_has_them_say() -> Result<()> {
    assert_eq!(event("collect-schedule.json")?, json!({"scrape": {"shard": 0, "of": 1}}));
    assert_eq!(event("alert-tick.json")?, json!({"tick": true}));
    assert_eq!(event("retrain-schedule.json")?, json!({"task": "link-health", "reason": "schedule"}));
    assert_eq!(event("retrain-call.json")?.get("task"), Some(&json!("link-health")));
    Ok(())
}
