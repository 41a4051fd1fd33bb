//! Bytes in, bytes out: the same numbers in every form, and a place for every fault.

use std::sync::LazyLock;

use linkcast_domain::{
    Feature, FeatureVector, Instance, InvocationAnswer, InvocationRequest, answers_of_csv, csv_of_vectors,
};
use linkcast_scoring::Model;
use serde_json::Value;

use super::client::shipped;
use crate::models::read_model;
use crate::{Asked, Refusal, Reply, answer};

/// Loaded once for all tests here.
fn model() -> &'static Model {
    static MODEL: LazyLock<Model> = LazyLock::new(|| read_model(&shipped()).unwrap());
    &MODEL
}

/// Vectors with some features present, none a round number.
fn vectors(count: usize) -> Vec<FeatureVector> {
    let vector = |row: usize| {
        let mut vector = FeatureVector::default();
        for (place, feature) in Feature::ALL.into_iter().enumerate() {
            if !(row + place).is_multiple_of(3) {
                vector.set(feature, (row * 40 + place) as f64 / 7.0);
            }
        }
        vector
    };
    (0..count).map(vector).collect()
}

fn asked(content_type: &str, accept: Option<&str>, body: &[u8], model: &Model) -> Result<Reply, Refusal> {
    answer(&Asked { content_type: Some(content_type), accept, body }, model, 100)
}

fn json_of(vectors: &[FeatureVector]) -> Vec<u8> {
    let instances = vectors.iter().copied().map(Instance).collect();
    serde_json::to_vec(&InvocationRequest { feature_schema: 1, instances }).unwrap()
}

fn lines_of(vectors: &[FeatureVector]) -> Vec<u8> {
    let lines: Vec<String> =
        vectors.iter().map(|vector| serde_json::to_string(&Instance(*vector)).unwrap()).collect();
    lines.join("\n").into_bytes()
}

#[test]
fn every_form_gives_the_models_own_numbers_to_the_bit() {
    let (model, vectors) = (model(), vectors(70));
    let bodies = [
        ("application/json", json_of(&vectors)),
        ("application/jsonlines", lines_of(&vectors)),
        ("application/x-ndjson; charset=utf-8", lines_of(&vectors)),
        ("text/csv", csv_of_vectors(&vectors).into_bytes()),
    ];
    for (content_type, body) in &bodies {
        let reply = asked(content_type, Some("application/json"), body, model).unwrap();
        assert_eq!((reply.rows, reply.content_type), (70, "application/json"));
        let answers = InvocationAnswer::answers(&reply.body, 70).unwrap();
        for (vector, answer) in vectors.iter().zip(&answers) {
            let score = model.score(vector);
            assert_eq!(answer.probabilities().map(f64::to_bits), score.probabilities.map(f64::to_bits));
            assert_eq!(answer.risk().map(f64::to_bits), Some(score.risk.to_bits()));
            assert_eq!(answer.model_version, model.card().model_version);
        }
        let lines = asked(content_type, Some("text/csv"), body, model).unwrap();
        let plain = |answers: &[linkcast_domain::Answer]| {
            answers.iter().map(|answer| (*answer.probabilities(), answer.risk())).collect::<Vec<_>>()
        };
        assert_eq!(plain(&answers_of_csv(&lines.body, 70).unwrap()), plain(&answers), "{content_type}");
        let lines = asked(content_type, Some("application/jsonlines"), body, model).unwrap();
        let lines = String::from_utf8(lines.body).unwrap();
        let whole: Value = serde_json::from_slice(&reply.body).unwrap();
        let single: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whole["predictions"].as_array(), Some(&single), "{content_type}");
    }
}

#[test]
fn without_a_wish_the_answer_has_the_form_of_the_question() {
    let (model, vectors) = (model(), vectors(1));
    let given = |content_type: &str, body: &[u8]| {
        asked(content_type, None, body, model).map(|reply| reply.content_type).unwrap()
    };
    assert_eq!(given("application/json", &json_of(&vectors)), "application/json");
    assert_eq!(given("application/x-ndjson", &lines_of(&vectors)), "application/x-ndjson");
    assert_eq!(given("text/csv", csv_of_vectors(&vectors).as_bytes()), "text/csv");
    assert_eq!(given("application/json", br#"{"instances":[]}"#), "application/json");
}

/// Sends `body`, and looks for its status, a piece of what it is told, and the row and the field it names.
fn check(content_type: &str, body: &[u8], status: u16, said: &str, place: (Option<u64>, Option<&str>)) {
    let refusal = asked(content_type, None, body, model()).unwrap_err();
    let told: Value = serde_json::from_slice(&refusal.to_json()).unwrap();
    let sent = String::from_utf8_lossy(&body[..body.len().min(60)]);
    assert_eq!(refusal.status(), status, "{sent}: {told}");
    assert!(told["error"].as_str().unwrap().contains(said), "{sent}: {told}");
    assert_eq!((told["row"].as_u64(), told["field"].as_str()), place, "{sent}: {told}");
}

#[test]
fn what_is_no_json_of_rows_is_refused_with_what_was_expected() {
    const JSON: &str = "application/json";
    let nowhere = (None, None);
    check(JSON, b"<html><body>502</body></html>", 400, "expected value", nowhere);
    check(JSON, b"", 400, "EOF", nowhere);
    check(JSON, &vec![b'['; 5 << 20], 400, "expected an object", nowhere);
    check(JSON, br#"{"instances":[{"hour":23},{"ho"#, 400, "EOF", (Some(2), None));
    check(JSON, br#"{"instances":[{"hour":NaN}]}"#, 400, "expected value", (Some(1), Some("hour")));
    let text = br#"{"instances":[{},{"hour":"9"}]}"#;
    check(JSON, text, 400, "expected a number or null", (Some(2), Some("hour")));
    let short = br#"{"instances":[[1,2,3]]}"#;
    check(JSON, short, 400, "invalid length 3", (Some(1), Some("bandwidth_gbps")));
    check(JSON, br#"{"instances":[{"huor":1}]}"#, 400, "\"huor\" is not a feature", (Some(1), None));
    let many = format!(r#"{{"instances":[{}]}}"#, ["{}"; 101].join(","));
    check(JSON, many.as_bytes(), 413, "more than 100 rows", nowhere);
}

#[test]
fn rows_of_another_schema_are_refused_in_every_form() {
    let schema = Some("feature_schema");
    let json = br#"{"feature_schema":2,"instances":[]}"#;
    check("application/json", json, 400, "feature schema 2, expected 1", (None, schema));
    let named = "application/json; feature_schema=3";
    check(named, br#"{"instances":[]}"#, 400, "feature schema 3, expected 1", (None, None));
    check("text/csv; feature_schema=3", b"", 400, "feature schema 3, expected 1", (None, None));
    let lines = b"{}\n{\"feature_schema\":9}";
    check("application/jsonlines", lines, 400, "feature schema 9", (Some(2), schema));
}

#[test]
fn lines_that_are_no_rows_are_refused_with_line_and_field() {
    const CSV: &str = "text/csv";
    let commas = ",".repeat(39);
    check("application/jsonlines", b"\n\n", 400, "no row", (None, None));
    check("application/jsonlines", "{}\n".repeat(101).as_bytes(), 413, "more than 100 rows", (None, None));
    check(CSV, b"1,2,3\n", 400, "3 cells, expected 40", (Some(1), None));
    let bad_cell = format!("{commas}\n3,x{}\n", ",".repeat(38));
    check(CSV, bad_cell.as_bytes(), 400, "expected a number", (Some(2), Some("utilization")));
    let not_a_number = format!("NaN{commas}\n");
    check(CSV, not_a_number.as_bytes(), 400, "expected a number", (Some(1), Some("latency_p99")));
    check(CSV, b"\xff\xfe", 400, "not a text", (None, None));
    check(CSV, format!("{commas}\n").repeat(101).as_bytes(), 413, "more than 100 rows", (None, None));
}

#[test]
fn forms_that_are_not_taken_or_given_are_refused() {
    check("text/html", b"{}", 415, "expected one of application/json", (None, None));
    let refusal = asked("application/json", Some("image/png"), br#"{"instances":[]}"#, model()).unwrap_err();
    assert_eq!(refusal.status(), 406);
}

#[test]
fn one_request_leaves_nothing_behind_for_the_next() {
    let (model, vectors) = (model(), vectors(9));
    let mut scratch = crate::Scratch::default();
    let (long, short) = (json_of(&vectors), json_of(&vectors[..2]));
    for body in [&long, &short, &long] {
        let question = Asked { content_type: Some("application/json"), accept: None, body };
        let again = crate::answer_with(&mut scratch, &question, model, 100).unwrap();
        assert_eq!(again, answer(&question, model, 100).unwrap());
        let broken = Asked { body: &body[..body.len() / 2], ..question };
        assert!(crate::answer_with(&mut scratch, &broken, model, 100).is_err());
    }
}
