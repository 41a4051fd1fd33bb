//! Bytes in, bytes out: the same numbers in every form, and a place for every fault.

use linkcast_domain::{
    Feature, FeatureVector, Instance, InvocationAnswer, InvocationRequest, answers_of_csv, csv_of_vectors,
};
use linkcast_scoring::Model;
use serde_json::Value;

use super::client::shipped;
use crate::models::read_model;
use crate::{Asked, Refusal, Reply, answer};

fn model() -> Model {
    read_model(&shipped()).unwrap()
}

/// Vectors with some features present, none a round number.
fn vectors(count: usize) -> Vec<FeatureVector> {
    let vector = |row: usize| {
        let mut vector = FeatureVector::default();
        for (place, feature) in Feature::ALL.into_iter().enumerate() {
            if (row + place) % 3 > 0 {
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
        let reply = asked(content_type, Some("application/json"), body, &model).unwrap();
        assert_eq!((reply.rows, reply.content_type), (70, "application/json"));
        let answers = InvocationAnswer::answers(&reply.body, 70).unwrap();
        for (vector, answer) in vectors.iter().zip(&answers) {
            let score = model.score(vector);
            assert_eq!(answer.probabilities().map(f64::to_bits), score.probabilities.map(f64::to_bits));
            assert_eq!(answer.risk().map(f64::to_bits), Some(score.risk.to_bits()));
            assert_eq!(answer.model_version, model.card().model_version);
        }
        let lines = asked(content_type, Some("text/csv"), body, &model).unwrap();
        let plain = |answers: &[linkcast_domain::Answer]| {
            answers.iter().map(|answer| (*answer.probabilities(), answer.risk())).collect::<Vec<_>>()
        };
        assert_eq!(plain(&answers_of_csv(&lines.body, 70).unwrap()), plain(&answers), "{content_type}");
        let lines = asked(content_type, Some("application/jsonlines"), body, &model).unwrap();
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
        asked(content_type, None, body, &model).map(|reply| reply.content_type).unwrap()
    };
    assert_eq!(given("application/json", &json_of(&vectors)), "application/json");
    assert_eq!(given("application/x-ndjson", &lines_of(&vectors)), "application/x-ndjson");
    assert_eq!(given("text/csv", csv_of_vectors(&vectors).as_bytes()), "text/csv");
    assert_eq!(given("application/json", br#"{"instances":[]}"#), "application/json");
}

/// What is sent as, what it is, the status, and what the object says: a piece of the error, row, field.
type Case<'a> = (&'a str, &'a [u8], u16, &'a str, Option<u64>, Option<&'a str>);

#[test]
fn bad_input_is_refused_with_row_field_and_what_was_expected() {
    let model = model();
    let many = vec![b'['; 5 << 20];
    let commas = ",".repeat(39);
    let bad_cell = format!("{commas}\n3,x{}\n", ",".repeat(38));
    let not_a_number = format!("NaN{commas}\n");
    let too_many = "{}\n".repeat(101);
    let cases: [Case<'_>; 18] = [
        ("application/json", b"<html><body>502</body></html>", 400, "expected value", None, None),
        ("application/json", br#"{"instances":[{"hour":23},{"ho"#, 400, "EOF", Some(2), None),
        ("application/json", b"", 400, "EOF", None, None),
        ("application/json", &many, 400, "expected an object", None, None),
        (
            "application/json",
            br#"{"instances":[{"hour":NaN}]}"#,
            400,
            "expected value",
            Some(1),
            Some("hour"),
        ),
        (
            "application/json",
            br#"{"instances":[{},{"hour":"9"}]}"#,
            400,
            "expected a number or null",
            Some(2),
            Some("hour"),
        ),
        (
            "application/json",
            br#"{"instances":[[1,2,3]]}"#,
            400,
            "invalid length 3",
            Some(1),
            Some("bandwidth_gbps"),
        ),
        (
            "application/json",
            br#"{"instances":[{"huor":1}]}"#,
            400,
            "\"huor\" is not a feature",
            Some(1),
            None,
        ),
        (
            "application/json",
            br#"{"feature_schema":2,"instances":[]}"#,
            400,
            "feature schema 2, expected 1",
            None,
            Some("feature_schema"),
        ),
        (
            "application/json; feature_schema=3",
            br#"{"instances":[]}"#,
            400,
            "feature schema 3, expected 1",
            None,
            None,
        ),
        (
            "application/jsonlines",
            b"{}\n{\"feature_schema\":9}",
            400,
            "feature schema 9",
            Some(2),
            Some("feature_schema"),
        ),
        ("application/jsonlines", b"\n\n", 400, "no row", None, None),
        ("application/jsonlines", too_many.as_bytes(), 413, "more than 100 rows", None, None),
        ("text/csv", b"1,2,3\n", 400, "3 cells, expected 40", Some(1), None),
        ("text/csv", bad_cell.as_bytes(), 400, "expected a number", Some(2), Some("utilization")),
        ("text/csv", not_a_number.as_bytes(), 400, "expected a number", Some(1), Some("latency_p99")),
        ("text/csv", b"\xff\xfe", 400, "not a text", None, None),
        ("text/html", b"{}", 415, "expected one of application/json", None, None),
    ];
    for (content_type, body, status, said, row, field) in cases {
        let start = &body[..body.len().min(60)];
        let shown = format!("{content_type} {}", String::from_utf8_lossy(start));
        let refusal = asked(content_type, None, body, &model).unwrap_err();
        let told: Value = serde_json::from_slice(&refusal.to_json()).unwrap();
        assert_eq!(refusal.status(), status, "{shown}: {told}");
        assert!(told["error"].as_str().unwrap().contains(said), "{shown}: {told}");
        assert_eq!(told["row"].as_u64(), row, "{shown}: {told}");
        assert_eq!(told["field"].as_str(), field, "{shown}: {told}");
    }
    let refusal = asked("application/json", Some("image/png"), br#"{"instances":[]}"#, &model).unwrap_err();
    assert_eq!(refusal.status(), 406);
}

#[test]
fn one_request_leaves_nothing_behind_for_the_next() {
    let (model, vectors) = (model(), vectors(9));
    let mut scratch = crate::Scratch::default();
    let (long, short) = (json_of(&vectors), json_of(&vectors[..2]));
    for body in [&long, &short, &long] {
        let question = Asked { content_type: Some("application/json"), accept: None, body };
        let again = crate::answer_with(&mut scratch, &question, &model, 100).unwrap();
        assert_eq!(again, answer(&question, &model, 100).unwrap());
        let broken = Asked { body: &body[..body.len() / 2], ..question };
        assert!(crate::answer_with(&mut scratch, &broken, &model, 100).is_err());
    }
}
