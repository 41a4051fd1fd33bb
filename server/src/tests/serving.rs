//! Doors, limits, and the end of a server.

use std::time::Duration;

use serde_json::Value;

use super::client::{Client, awaited, shipped, start};
use crate::{Drained, Limits};

const JSON: &str = "content-type: application/json\r\n";
const ROW: &[u8] = br#"{"instances":[{"hour":3}]}"#;

fn metric(client: &mut Client, series: &str) -> Option<f64> {
    let page = client.get("/metrics").body;
    let line =
        page.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn every_door_answers_and_says_what_it_takes() {
    let server = start(&shipped(), Limits::default(), None);
    let mut client = server.client();
    assert_eq!((client.get("/ping").status, client.get("/ping").body.as_str()), (200, "ok\n"));
    let answer = client.post("/invocations", JSON, ROW);
    assert_eq!(answer.status, 200, "{answer:?}");
    let models: Value = serde_json::from_str(&client.get("/models").body).unwrap();
    let lab = &models["models"][0];
    assert_eq!((lab["name"].as_str(), lab["task"].as_str()), (Some("lab"), Some("link-health")));
    assert_eq!(lab["classes"].as_array().map(Vec::len), Some(11));
    assert_eq!(lab["digest"].as_str().map(str::len), Some(64));
    assert_eq!(answer.header("x-linkcast-model-version"), lab["model_version"].as_str());
    assert_eq!(client.get("/").status, 404);
    assert_eq!(client.get("/invocations").header("allow"), Some("POST"));
    assert_eq!(client.post("/ping", "", ROW).status, 405);
    assert_eq!(client.post("/nowhere", JSON, ROW).status, 404);
    assert_eq!(client.post("/invocations", "", ROW).status, 415);
    let series = r#"linkcast_server_requests_total{route="invocations",status="200"}"#;
    assert_eq!(metric(&mut client, series), Some(1.0));
    assert_eq!(metric(&mut client, r#"linkcast_server_rows_total{model="lab"}"#), Some(1.0));
    assert_eq!(metric(&mut client, r#"linkcast_server_request_seconds_bucket{le="+Inf"}"#), Some(3.0));
    drop(client);
    assert_eq!(server.stop().join().unwrap(), Drained { unfinished: 0 });
}

#[test]
fn endpoints_answer_as_sagemakers_runtime_does() {
    let server = start(&shipped(), Limits::default(), None);
    let mut client = server.client();
    let answer = client.post("/endpoints/field/invocations", JSON, ROW);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-amzn-invoked-production-variant"), Some("AllTraffic"));
    let unknown = client.post("/endpoints/attic/invocations", JSON, ROW);
    assert_eq!((unknown.status, unknown.header("x-amzn-errortype")), (400, Some("ValidationError")));
    assert!(unknown.body.contains("Endpoint attic of account 000000000000 not found."), "{unknown:?}");
    let refused = client.post("/endpoints/lab/invocations", JSON, b"{");
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (424, Some("ModelError")));
    let variant = format!("{JSON}x-amzn-sagemaker-target-variant: Green\r\n");
    let unknown = client.post("/endpoints/lab/invocations", &variant, ROW);
    assert_eq!((unknown.status, unknown.header("x-amzn-errortype")), (400, Some("ValidationError")));
    drop(client);
    let _ = server.stop().join().unwrap();
}

#[test]
fn who_comes_when_all_places_are_taken_is_sent_away_and_counted() {
    let limits = Limits { concurrent: 1, waiting: 0, ..Limits::default() };
    let server = start(&shipped(), limits, None);
    let (mut slow, mut quick) = (server.client(), server.client());
    slow.send_head("POST /invocations", JSON, ROW.len());
    awaited("the slow request", || {
        (metric(&mut quick, "linkcast_server_in_flight") == Some(1.0)).then_some(())
    });
    let refused = quick.post("/invocations", JSON, ROW);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    let refused = quick.post("/endpoints/lab/invocations", JSON, ROW);
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (503, Some("ServiceUnavailable")));
    assert_eq!(quick.get("/ping").status, 200, "health needs no place");
    assert_eq!(metric(&mut quick, r#"linkcast_server_rejected_total{reason="overload"}"#), Some(2.0));
    slow.send(ROW);
    assert_eq!(slow.read().unwrap().status, 200);
    assert_eq!(quick.post("/invocations", JSON, ROW).status, 200);
    drop((slow, quick));
    let _ = server.stop().join().unwrap();
}

#[test]
fn bodies_that_are_too_large_are_refused() {
    let server = start(&shipped(), Limits { body_bytes: 1_000, ..Limits::default() }, None);
    let large = vec![b' '; 3 << 20];
    let mut client = server.client();
    assert_eq!(client.post("/invocations", JSON, &large).status, 413);
    assert_eq!(client.post("/invocations", JSON, ROW).status, 200, "the same connection goes on");
    let chunked =
        format!("POST /invocations HTTP/1.1\r\nhost: a\r\n{JSON}transfer-encoding: chunked\r\n\r\n");
    client.send(chunked.as_bytes());
    client.send(format!("400\r\n{}\r\n0\r\n\r\n", " ".repeat(1024)).as_bytes());
    assert_eq!(client.read().unwrap().status, 413);
    let mut client = server.client();
    assert_eq!(metric(&mut client, r#"linkcast_server_rejected_total{reason="too_large"}"#), Some(2.0));
    drop(client);
    let _ = server.stop().join().unwrap();
}

#[test]
fn a_body_that_is_too_slow_is_refused() {
    let limits = Limits { request_time: Duration::from_millis(50), ..Limits::default() };
    let server = start(&shipped(), limits, None);
    let mut slow = server.client();
    slow.send_head("POST /invocations", JSON, 20);
    slow.send(b"{");
    assert_eq!(slow.read().unwrap().status, 408);
    let mut client = server.client();
    assert_eq!(metric(&mut client, r#"linkcast_server_rejected_total{reason="too_slow"}"#), Some(1.0));
    drop((slow, client));
    let _ = server.stop().join().unwrap();
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = start(&shipped(), Limits { idle: Duration::from_millis(50), ..Limits::default() }, None);
    let mut client = server.client();
    assert!(client.read().is_err(), "closed without an answer");
    let _ = server.stop().join().unwrap();
}

#[test]
fn a_server_that_stops_finishes_what_is_in_flight_and_is_no_longer_well() {
    let limits = Limits { linger: Duration::from_secs(20), ..Limits::default() };
    let server = start(&shipped(), limits, None);
    let (mut slow, mut kept, mut health) = (server.client(), server.client(), server.client());
    slow.send_head("POST /invocations", JSON, ROW.len());
    assert_eq!(kept.post("/invocations", JSON, ROW).header("connection"), None);
    awaited("the slow request", || {
        (metric(&mut health, "linkcast_server_in_flight") == Some(1.0)).then_some(())
    });
    let address = server.address;
    let ending = server.stop();
    let last = awaited("the end of well-being", || {
        let answer = Client::to(address).get("/ping");
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(last.header("connection"), Some("close"));
    assert_eq!(kept.post("/invocations", JSON, ROW).header("connection"), Some("close"));
    assert!(kept.read().is_err(), "closed after its answer");
    assert_eq!(health.get("/ping").status, 503);
    slow.send(ROW);
    assert_eq!(slow.read().unwrap().status, 200);
    assert_eq!(ending.join().unwrap(), Drained { unfinished: 0 });
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_does_not_end_in_time_is_cut_off_and_counted() {
    let limits =
        Limits { linger: Duration::from_millis(1), drain: Duration::from_millis(50), ..Limits::default() };
    let server = start(&shipped(), limits, None);
    let (mut slow, mut other) = (server.client(), server.client());
    slow.send_head("POST /invocations", JSON, ROW.len());
    awaited("the slow request", || {
        (metric(&mut other, "linkcast_server_in_flight") == Some(1.0)).then_some(())
    });
    assert_eq!(server.stop().join().unwrap(), Drained { unfinished: 1 });
}
