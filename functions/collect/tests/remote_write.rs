//! Remote write at the function's URL: what each request is answered, and what is durable then.

#![expect(clippy::unwrap_used, reason = "what a test makes for itself is right, or the test fails")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use linkcast_collect::{Admission, Request, Response, receive};
use linkcast_domain::Timestamp;
use linkcast_domain::ports::{Lookup, TimeRange};
use linkcast_features::Calendar;
use linkcast_lambda::Secret;
use linkcast_pipeline::Settings;
use linkcast_pipeline::apart::Collect;
use linkcast_pipeline::steps::Steps;
use linkcast_store::MemoryStore;
use serde_json::json;

const TOKEN: &str = "correct horse battery staple";

/// A write request of one counter of one port, in protobuf by hand: what Prometheus sends, with no code of ours.
fn write_request(value: f64, millis: i64) -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let mut bytes = vec![number << 3 | 2, content.len() as u8];
        bytes.extend_from_slice(content);
        bytes
    };
    let label =
        |name: &str, value: &str| field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat());
    let mut sample = vec![9];
    sample.extend_from_slice(&value.to_le_bytes());
    sample.push(16);
    let mut rest = millis as u64;
    while rest >= 0x80 {
        sample.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    sample.push(rest as u8);
    let series = [
        label("__name__", "infiniband_switch_port_receive_errors_total"),
        label("guid", "0x0000000000200000"),
        label("port", "2"),
        field(2, &sample),
    ];
    field_long(1, &series.concat())
}

fn field_long(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2, content.len() as u8 | 0x80, (content.len() >> 7) as u8];
    bytes.extend_from_slice(content);
    bytes
}

fn snappy(request: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(request).unwrap()
}

fn request(body: &[u8], headers: serde_json::Value) -> Request {
    serde_json::from_value(json!({
        "requestContext": { "http": { "method": "POST", "path": "/api/v1/write" } },
        "headers": headers,
        "body": aws_smithy_types::base64::encode(body),
        "isBase64Encoded": true,
    }))
    .unwrap()
}

fn with_token() -> serde_json::Value {
    json!({ "authorization": format!("Bearer {TOKEN}"), "content-encoding": "snappy" })
}

struct Function {
    store: MemoryStore,
    collect: Collect,
}

impl Function {
    fn new() -> Self {
        Function { store: MemoryStore::new(), collect: Collect::default() }
    }

    async fn answer(&self, request: Request) -> Response {
        let (settings, calendar) = (Settings::default(), Calendar::utc());
        let steps = Steps { settings: &settings, calendar: &calendar };
        let admission = Admission::Token(Secret::new(TOKEN.to_owned()));
        let now = Timestamp::from_millis(1_700_000_100_000);
        receive((&self.store, &self.collect), &steps, &admission, (request, now)).await.0
    }
}

#[tokio::test]
async fn two_writes_make_a_sample_and_a_repeat_makes_none() {
    let function = Function::new();
    for (value, millis) in [(10.0, 1_700_000_000_000), (17.0, 1_700_000_030_000), (17.0, 1_700_000_030_000)] {
        let body = snappy(&write_request(value, millis));
        let response = function.answer(request(&body, with_token())).await;
        assert_eq!((response.status_code, response.body.as_str()), (204, ""));
    }
    let stream = "0000000000200000/2".parse().unwrap();
    let samples = function.store.samples(&stream, TimeRange::ALL).await.unwrap();
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].values.get(linkcast_domain::SampleField::RcvErrors), Some(7.0));
}

#[tokio::test]
async fn gzip_is_taken_and_a_bomb_is_not() {
    let function = Function::new();
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let headers = json!({ "authorization": format!("Bearer {TOKEN}"), "content-encoding": "gzip" });
    let body = packed(&write_request(1.0, 1_700_000_000_000));
    assert_eq!(function.answer(request(&body, headers.clone())).await.status_code, 204);
    let bomb = packed(&vec![0; 64 << 20]);
    assert_eq!(function.answer(request(&bomb, headers)).await.status_code, 413);
}

#[tokio::test]
async fn each_fault_has_its_answer_and_its_reason() {
    let function = Function::new();
    let body = snappy(&write_request(1.0, 1_700_000_000_000));
    let status = async |request: Request| {
        let response = function.answer(request).await;
        assert!(response.status_code == 204 || response.body.len() > 10, "{response:?}");
        response.status_code
    };
    assert_eq!(status(request(&body, json!({}))).await, 403);
    assert_eq!(status(request(&body, json!({ "authorization": "Bearer wrong" }))).await, 403);
    assert_eq!(status(request(b"no snappy at all", with_token())).await, 400);
    assert_eq!(status(request(&vec![0; 7 << 20], with_token())).await, 413);
    let mut get = request(&body, with_token());
    get.request_context.http.method = "GET".to_owned();
    assert_eq!(status(get).await, 405);
    let mut signed = request(&body, json!({}));
    signed.request_context.authorizer =
        serde_json::from_value(json!({ "iam": { "userArn": "arn" } })).unwrap();
    assert_eq!(status(signed).await, 204);
}
