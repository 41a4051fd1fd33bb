//! Feedback at the function's URL: what each request is answered, and what is kept then.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test makes for itself is right, or the test fails"
)]

use linkcast_domain::ports::{Changes, FeedbackItems, PipelineStore};
use linkcast_domain::{Insight, InsightId, StreamId, Timestamp};
use linkcast_monitor::{TASK, receive};
use linkcast_store::MemoryStore;
use serde_json::{Value, json};

const ADA: &str = "arn:aws:iam::123456789012:user/ada";

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

fn insight() -> Insight {
    let stream: StreamId = "0000000000200000/2".parse().unwrap();
    serde_json::from_value(json!({
        "entity_id": InsightId::of(&stream, at(0), TASK), "timestamp": at(0), "entity_type": "insight",
        "related_entity": stream, "fabric": "lab", "prediction_type": "connection_instability",
        "risk_score": 88.0, "confidence": 0.9, "explanation": "", "influencers": [], "recommendations": [],
        "model_used": "sagemaker", "model_version": "12", "feature_schema": 1, "variant": "candidate",
        "fallback_from": null, "latency_us": 1, "cost_usd": 0.0, "ttl": 0,
    }))
    .unwrap()
}

async fn store() -> MemoryStore {
    let store = MemoryStore::new();
    store.commit(&Changes { insights: vec![insight()], ..Changes::default() }).await.unwrap();
    store
}

async fn asked(store: &MemoryStore, who: Option<&str>, line: (&str, &str), body: &str) -> (u16, Value) {
    let authorizer = who.map(|arn| json!({"iam": {"userArn": arn}}));
    let (method, path) = line;
    let context = json!({"http": {"method": method, "path": path}, "authorizer": authorizer});
    let request =
        serde_json::from_value(json!({"requestContext": context, "headers": {}, "body": body})).unwrap();
    let response = receive(store, TASK, request, at(60)).await;
    assert_eq!(response.headers["content-type"], "application/json");
    (response.status_code, serde_json::from_str(&response.body).unwrap())
}

async fn posted(store: &MemoryStore, body: &Value) -> (u16, Value) {
    asked(store, Some(ADA), ("POST", "/feedback"), &body.to_string()).await
}

#[tokio::test]
async fn feedback_is_taken_once_and_counts_for_the_variant_that_answered() {
    let store = store().await;
    let said = json!({"insight": insight().entity_id, "verdict": "false_positive", "note": "a drill"});
    let (status, first) = posted(&store, &said).await;
    assert_eq!((status, &first["outcome"], &first["variant"]), (200, &json!("added"), &json!("candidate")));
    assert_eq!((&first["model_version"], &first["standing"]), (&json!("12"), &json!("wrong")));
    let (status, twice) = posted(&store, &said).await;
    assert_eq!((status, &twice["outcome"], &twice["people"]), (200, &json!("unchanged"), &json!(1)));
    let other = json!({"insight": insight().entity_id, "verdict": "corrected", "type": "rdma_timeout", "severity": 40});
    assert_eq!(posted(&store, &other).await.1["outcome"], "replaced");
    let found = store.feedback(&[(insight().related_entity, insight().entity_id)]).await.unwrap();
    let record = found[0].as_ref().unwrap();
    assert_eq!(record.value.words[0].by.as_str(), ADA, "who says it is whom IAM let in");
}

#[tokio::test]
async fn what_is_no_feedback_is_refused_with_the_field_and_what_was_expected() {
    let store = store().await;
    let id = insight().entity_id;
    for (body, field, said) in [
        (json!({"insight": "short", "verdict": "confirmed"}), "insight", "32 lower-case"),
        (json!({"insight": id, "verdict": "maybe"}), "verdict", "maybe"),
        (json!({"insight": id, "verdict": "corrected", "type": "broken"}), "type", "broken"),
        (json!({"insight": id, "verdict": "corrected", "severity": 400}), "severity", "0 to 100"),
        (json!({"insight": id, "verdict": "corrected"}), "verdict", "correction of nothing"),
        (json!({"insight": id, "verdict": "confirmed", "note": "x".repeat(1_001)}), "note", "1000"),
        (json!({"insight": id, "verdict": "confirmed", "by": "eve"}), "by", "unknown field"),
    ] {
        let (status, answer) = posted(&store, &body).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(said), "{answer}");
        assert!(answer["expected"].as_str().unwrap().contains("false_positive"), "{answer}");
    }
    let (status, answer) = asked(&store, Some(ADA), ("POST", "/feedback"), "<html>").await;
    assert_eq!((status, &answer["field"]), (400, &Value::Null), "{answer}");
    let large = format!("\"{}\"", "x".repeat(20_000));
    assert_eq!(asked(&store, Some(ADA), ("POST", "/feedback"), &large).await.0, 413);
}

#[tokio::test]
async fn an_unknown_insight_a_strange_path_and_a_stranger_are_refused() {
    let store = store().await;
    let nobody = InsightId::of(&"a".parse().unwrap(), at(0), TASK);
    let (status, answer) = posted(&store, &json!({"insight": nobody, "verdict": "confirmed"})).await;
    assert_eq!(status, 404);
    assert!(answer["expected"].as_str().unwrap().contains("linkcast insights"), "{answer}");
    assert_eq!(asked(&store, Some(ADA), ("POST", "/"), "{}").await.0, 404);
    assert_eq!(asked(&store, Some(ADA), ("GET", "/feedback"), "").await.0, 405);
    let body = json!({"insight": insight().entity_id, "verdict": "confirmed"}).to_string();
    assert_eq!(asked(&store, None, ("POST", "/feedback"), &body).await.0, 403);
}
