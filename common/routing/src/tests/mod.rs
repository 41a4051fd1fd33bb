//! Policies that can be followed and those that cannot.

use linkcast_domain::Target;

use crate::Policy;

mod canary;

const GOOD: &str = r#"{"salt":"s","fallback":["claude","embedded"],"variants":[
    {"name":"live","weight":90.5,"target":{"kind":"sagemaker","endpoint":"linkcast-lab-link-health-serverless"}},
    {"name":"claude","weight":9.5,"target":{"kind":"bedrock","model":"anthropic.claude-haiku","temperature":0}},
    {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#;

fn refused(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let error = Policy::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error} {cause}")
}

#[test]
fn a_policy_comes_back_from_its_text() {
    let policy = Policy::parse(GOOD).unwrap();
    let text = serde_json::to_string(policy.text()).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), policy);
    assert_eq!(policy.chain(0), [0, 1, 2]);
    assert_eq!(policy.chain(1), [1, 2]);
    assert_eq!(policy.chain(2), [2]);
    assert_eq!(policy.chain(99), [2], "an unknown variant is answered by the embedded model");
}

#[test]
fn a_policy_that_cannot_be_followed_says_where_and_why() {
    for (from, to, said) in [
        ("90.5", "90", "a sum of 99.5"),
        ("90.5", "90.555", "two decimals"),
        (r#"["claude","embedded"]"#, r#"["claude"]"#, "ends with the embedded"),
        (r#"["claude","embedded"]"#, r#"["embedded","claude"]"#, "ends with the embedded"),
        (r#"["claude","embedded"]"#, "[]", "ends with the embedded"),
        (r#"["claude","embedded"]"#, r#"["other","embedded"]"#, "names of variants"),
        (r#"["claude","embedded"]"#, r#"["claude","claude","embedded"]"#, "twice"),
        (r#""name":"claude""#, r#""name":"live""#, "names that differ"),
        (r#""name":"claude""#, r#""name":"Claude 3""#, "small letters"),
        (r#""temperature":0"#, r#""temperature":1.5"#, "0 to 1"),
        (r#""kind":"embedded""#, r#""kind":"oracle""#, "oracle"),
        (r#""salt":"s""#, r#""salt":"""#, "1 to 64 bytes"),
        (r#""salt":"s""#, r#""salt":"s","deadline_ms":10"#, "50 to 600000"),
        (r#""salt":"s""#, r#""salt":"s","reserve_ms":1500"#, "half of deadline_ms"),
        (r#""salt":"s""#, r#""salt":"s","breaker":{"failures":0}"#, "breaker.failures"),
        (r#""salt":"s""#, r#""salt":"s","colour":"red""#, "colour"),
        (r#""weight":0"#, r#""weight":0,"calibration":[[[0.0,0.0]]]"#, "11 classes"),
    ] {
        let error = refused(from, to);
        assert!(error.contains(said), "{to}: {error}");
    }
    let large = format!("{}{GOOD}", " ".repeat(70_000));
    assert!(Policy::parse(&large).unwrap_err().to_string().contains("bytes"));
}

#[test]
fn without_a_policy_an_endpoint_answers_all_or_else_the_embedded_model() {
    let stream = "0000000000200000/2".parse().unwrap();
    let alone = Policy::standing("link-health", None);
    assert_eq!((alone.assigned(&stream), alone.chain(0)), (0, [0].as_slice()));
    let found = Target::Sagemaker {
        endpoint: None,
        format: linkcast_domain::SageMakerFormat::Json,
        target_variant: None,
        component: None,
    };
    let standing = Policy::standing("link-health", Some(found));
    assert_eq!((standing.assigned(&stream), standing.chain(0)), (0, [0, 1].as_slice()));
    let text = serde_json::to_string(standing.text()).unwrap();
    assert_eq!(Policy::parse(&text).unwrap(), standing, "it is a policy one could have written");
    assert_eq!(Policy::of(alone.text().clone()).unwrap(), alone);
}
