//! Services asked by plain HTTP: `linkcast serve`, a real BentoML, KServe's protocol, and everything a service can answer in the place of one.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use linkcast_domain::{FailureKind, Feature, FeatureVector, HttpProtocol, Target};
use linkcast_tests::{
    Running, Samples, backends_at, bentoml_python, binary, free_address, http_answer, project_folder,
    raw_server, shipped_model, until,
};
use serde_json::{Value, json};

/// Longer than anything that does not hang takes.
const AMPLE: Duration = Duration::from_secs(20);

/// How far a probability that ONNX Runtime and Python made may lie from ours: sums of 32 bits in another order.
const CLOSE: f64 = 1e-5;

/// Nobody of AWS is asked here.
const NOWHERE: &str = "http://127.0.0.1:9";

fn service(url: String, protocol: HttpProtocol) -> Target {
    Target::Http { url, protocol }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_bentoml_service_with_our_onnx_file_answers_as_the_model_here() -> Result<()> {
    let (folder, address) = (tempfile::tempdir()?, free_address()?);
    let mut command = Command::new(bentoml_python());
    command
        .args(["-m", "bentoml", "serve", "bento_service:LinkHealth", "--host", "127.0.0.1"])
        .args(["--port", &address.port().to_string(), "--working-dir"])
        .arg(project_folder().join("tests/python"))
        .env("LINKCAST_TEST_MODEL", project_folder().join("models/link-health"))
        .env("BENTOML_HOME", folder.path())
        .env("BENTOML_DO_NOT_TRACK", "True")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let log = folder.path().join("bentoml.log");
    let mut process = Running::start(&mut command, &log)?;
    let ready = until("BentoML", Duration::from_secs(90), || {
        Ok(ureq::get(format!("http://{address}/readyz")).call().ok().map(drop))
    });
    let outcome = match ready {
        Ok(()) => answers_as_the_model_here(address, &process).await,
        Err(error) => Err(error.context(process.log())),
    };
    // It has workers of its own, which end when it is asked to.
    process.stop()?;
    outcome
}

async fn answers_as_the_model_here(address: SocketAddr, process: &Running) -> Result<()> {
    let samples = Samples::of(shipped_model()?.as_ref(), "0002c90300001234/1", 700)?;
    let backends = backends_at(NOWHERE).await;
    let target = service(format!("http://{address}/judge"), HttpProtocol::Bentoml);
    let answers = samples.ask(&backends, &target, AMPLE).await;
    ensure!(answers.len() == samples.scores.len(), "{} answers", answers.len());
    for (row, (answer, score)) in answers.into_iter().zip(&samples.scores).enumerate() {
        let answer = answer.with_context(|| process.log())?;
        for (theirs, ours) in answer.probabilities().iter().zip(&score.probabilities) {
            ensure!((theirs - ours).abs() <= CLOSE, "row {row}: {theirs} and {ours}");
        }
    }
    let missing = service(format!("http://{address}/nothing"), HttpProtocol::Bentoml);
    let refused = samples.ask(&backends, &missing, AMPLE).await.remove(0);
    let refused = refused.err().map(|error| error.kind);
    ensure!(refused == Some(FailureKind::NotFound), "{refused:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_server_answers_what_the_model_here_answers_to_the_bit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("serve.log");
    let mut command = Command::new(binary("linkcast")?);
    let process = Running::start(command.args(["serve", "--json", "--listen", "127.0.0.1:0"]), &log)?;
    let told = until("the server's address", Duration::from_secs(20), || {
        let told = std::fs::read_to_string(&log)?;
        Ok(told.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()))
    });
    let told = told.with_context(|| process.log())?;
    let address = told.get("listening").and_then(Value::as_str).context("no address")?;
    let samples = Samples::of(shipped_model()?.as_ref(), "0002c90300001234/1", 1_003)?;
    let target = service(format!("http://{address}/invocations"), HttpProtocol::Linkcast);
    let answers = samples.ask(&backends_at(NOWHERE).await, &target, AMPLE).await;
    assert_eq!(answers.len(), samples.scores.len());
    for (answer, score) in answers.into_iter().zip(&samples.scores) {
        let answer = answer?;
        assert_eq!(answer.probabilities().map(f64::to_bits), score.probabilities.map(f64::to_bits));
        assert_eq!(answer.risk().map(f64::to_bits), Some(score.risk.to_bits()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_kserves_protocol_is_sent_tensors_and_answers_with_one() -> Result<()> {
    let model = shipped_model()?;
    let samples = Samples::of(&model, "0002c90300001234/1", 20)?;
    let server = raw_server(move |body| {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let rows = asked.pointer("/inputs/0/data").and_then(Value::as_array).cloned().unwrap_or_default();
        let scores = rows.iter().map(|row| {
            let mut features = FeatureVector::default();
            for (place, feature) in Feature::ALL.into_iter().enumerate() {
                features.set(feature, row.get(place).and_then(Value::as_f64).unwrap_or(f64::NAN));
            }
            model.score(&features)
        });
        let flat: Vec<f64> = scores.flat_map(|score| score.probabilities).collect();
        let shape = json!([rows.len(), 11]);
        let output = json!({"name": "probabilities", "shape": shape, "datatype": "FP64", "data": flat});
        let answer = json!({"model_name": "link-health", "model_version": "7", "outputs": [output]});
        http_answer("200 OK", "application/json", answer.to_string().as_bytes())
    })?;
    let url = format!("http://{server}/v2/models/link-health/infer");
    let backends = backends_at(NOWHERE).await;
    let answers = samples.ask(&backends, &service(url, HttpProtocol::KserveV2), AMPLE).await;
    for (answer, score) in answers.into_iter().zip(&samples.scores) {
        let answer = answer?;
        assert_eq!(answer.probabilities().map(f64::to_bits), score.probabilities.map(f64::to_bits));
        assert_eq!((answer.risk(), answer.model_version.as_str()), (None, "7"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_a_service_says_is_told_by_its_kind() -> Result<()> {
    let text = |status: &str, body: &str| http_answer(status, "text/plain", body.as_bytes());
    let blanks = " ".repeat(5_000_000);
    let whole = http_answer("200 OK", "application/json", b"[[1,0,0,0,0,0,0,0,0,0,0]]");
    let half = whole.get(..whole.len() - 9).unwrap_or_default().to_vec();
    let cases = [
        (text("200 OK", "<html>"), FailureKind::BadOutput),
        (text("200 OK", "[[1,0,0"), FailureKind::BadOutput),
        (text("200 OK", "[[NaN,0,0,0,0,0,0,0,0,0,0]]"), FailureKind::BadOutput),
        (text("200 OK", "[[1,1,0,0,0,0,0,0,0,0,0]]"), FailureKind::BadOutput),
        (text("200 OK", "[[1]]"), FailureKind::BadOutput),
        (text("200 OK", &blanks), FailureKind::BadOutput),
        (http_answer("200 OK", "application/json", &[0xff, 0, 1]), FailureKind::BadOutput),
        (half, FailureKind::Unreachable),
        (Vec::new(), FailureKind::Unreachable),
        (text("401 Unauthorized", ""), FailureKind::AccessDenied),
        (text("404 Not Found", ""), FailureKind::NotFound),
        (text("422 Unprocessable Entity", "rows"), FailureKind::Refused),
        (text("429 Too Many Requests", ""), FailureKind::Throttled),
        (text("500 Internal Server Error", "Traceback"), FailureKind::Model),
        (text("503 Service Unavailable", ""), FailureKind::Unavailable),
        (text("504 Gateway Timeout", ""), FailureKind::Timeout),
    ];
    let samples = Samples::of(shipped_model()?.as_ref(), "0002c90300001234/1", 1)?;
    let backends = backends_at(NOWHERE).await;
    for (place, (answer, kind)) in cases.into_iter().enumerate() {
        let server = raw_server(move |_| answer.clone())?;
        let url = format!("http://{server}/judge?key=secret");
        let told = samples.ask(&backends, &service(url, HttpProtocol::Bentoml), AMPLE).await.remove(0);
        let error = told.err().with_context(|| format!("case {place} was taken for an answer"))?;
        assert_eq!(error.kind, kind, "case {place}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_with_the_limit() -> Result<()> {
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/judge", silent.local_addr()?);
    let samples = Samples::of(shipped_model()?.as_ref(), "0002c90300001234/1", 1)?;
    let backends = backends_at(NOWHERE).await;
    let limit = Duration::from_millis(300);
    for protocol in [HttpProtocol::Linkcast, HttpProtocol::Bentoml, HttpProtocol::KserveV2] {
        let start = Instant::now();
        let told = samples.ask(&backends, &service(url.clone(), protocol), limit).await.remove(0);
        assert_eq!(told.err().map(|error| error.kind), Some(FailureKind::Timeout));
        assert!(start.elapsed() < limit + Duration::from_millis(1_500), "{:?}", start.elapsed());
    }
    Ok(())
}
