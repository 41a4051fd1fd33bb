//! A packed model, served three ways with the same answers: by `linkcast serve` from the model's own folder, by `linkcast serve`
//! from the unpacked archive, and by AWS's inference toolkit as SageMaker's stock images run it.
//!
//! The toolkit is the one of those images, from PyPI, and calls the archive's script with the real ONNX Runtime; the model
//! server around it, which is Java, is played by tests/python/packaged.py. Both images hand the four functions of a script to
//! the same class of the toolkit, so that one play stands for both.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use linkcast_domain::{Instance, InvocationRequest, csv_of_vectors};
use linkcast_tests::{
    Linkcast, Running, binary, field, free_address, project_folder, sagemaker_python, sample_vector, until,
};
use serde_json::{Value, json};

/// How far numbers may lie apart that Python and Rust worked out from the same sums.
const CLOSE: f64 = 1e-9;
/// Rows of each form.
const ROWS: usize = 700;

const JSON: &str = "application/json";
const JSON_LINES: &str = "application/jsonlines";
const CSV: &str = "text/csv";

struct Question {
    content_type: &'static str,
    accept: &'static str,
    body: Vec<u8>,
}

fn question(content_type: &'static str, accept: &'static str, body: impl Into<Vec<u8>>) -> Question {
    Question { content_type, accept, body: body.into() }
}

#[derive(Debug)]
struct Reply {
    status: u64,
    body: String,
}

/// `linkcast serve` of a folder.
struct Served {
    _process: Running,
    url: String,
}

impl Served {
    fn start(model: &Path, log: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary("linkcast")?);
        command.args(["serve", "--listen", &address.to_string(), "--model"]).arg(model);
        let process = Running::start(&mut command, log)?;
        let url = format!("http://{address}");
        until("linkcast serve", Duration::from_secs(60), || {
            Ok(ureq::get(format!("{url}/ping")).call().ok().map(drop))
        })
        .with_context(|| process.log())?;
        Ok(Served { _process: process, url })
    }

    fn answer(&self, question: &Question) -> Result<Reply> {
        let request = ureq::post(format!("{}/invocations", self.url))
            .config()
            .http_status_as_error(false)
            .build()
            .header("Content-Type", question.content_type)
            .header("Accept", question.accept);
        let mut answer = request.send(question.body.as_slice())?;
        let status = u64::from(answer.status().as_u16());
        Ok(Reply { status, body: answer.body_mut().read_to_string()? })
    }
}

/// What AWS's toolkit answers from an unpacked archive.
fn answers_of_the_toolkit(folder: &Path, questions: &[Question]) -> Result<Vec<Reply>> {
    let mut child = Command::new(sagemaker_python())
        .arg(project_folder().join("tests/python/packaged.py"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start Python: run `cargo xtask set-up`")?;
    let lines: Vec<String> = questions.iter().map(line).collect();
    let mut input = child.stdin.take().context("no standard input")?;
    let writer = std::thread::spawn(move || lines.iter().try_for_each(|line| writeln!(input, "{line}")));
    let output = child.wait_with_output()?;
    writer.join().ok().context("the questions were not written")??;
    ensure!(output.status.success(), "packaged.py failed with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let mut told = text.lines().map(serde_json::from_str::<Value>);
    let installed = told.next().context("it said nothing")??;
    ensure!(*field(&installed, "unmet") == json!([]), "the environment is not the package's: {installed}");
    told.map(|reply| {
        let reply = reply?;
        let status = field(&reply, "status").as_u64().context("no status")?;
        Ok(Reply { status, body: field(&reply, "body").as_str().context("no body")?.to_owned() })
    })
    .collect()
}

fn line(question: &Question) -> String {
    let body: String = question.body.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"content_type": question.content_type, "accept": question.accept, "body": body}).to_string()
}

/// The shipped model packed for an image, and unpacked as SageMaker unpacks it.
fn unpacked(folder: &Path, image: &str) -> Result<PathBuf> {
    let (archive, out) = (folder.join(format!("{image}.tar.gz")), folder.join(image));
    let model = project_folder().join("models/link-health");
    let called = Linkcast::call(&[
        "package".as_ref(),
        model.as_os_str(),
        "--image".as_ref(),
        image.as_ref(),
        "--out".as_ref(),
        archive.as_os_str(),
    ])?;
    ensure!(called.code() == Some(0), "{}", called.said());
    let bytes = std::fs::read(&archive)?;
    tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice())).unpack(&out)?;
    Ok(out)
}

/// Rows in every form, asked for in every form.
fn questions() -> Result<Vec<Question>> {
    let vectors: Vec<_> = (0..ROWS).map(sample_vector).collect();
    let instances: Vec<Instance> = vectors.iter().copied().map(Instance).collect();
    let lines: Vec<String> =
        instances.iter().map(serde_json::to_string).collect::<serde_json::Result<_>>()?;
    let bodies = [
        (JSON, serde_json::to_vec(&InvocationRequest { feature_schema: 1, instances })?),
        (JSON_LINES, lines.join("\n").into_bytes()),
        (CSV, csv_of_vectors(&vectors).into_bytes()),
    ];
    let accepts = [JSON, JSON_LINES, CSV];
    let all = bodies
        .iter()
        .flat_map(|(content_type, body)| accepts.map(|accept| question(content_type, accept, body.clone())));
    let mut all: Vec<Question> = all.collect();
    let by_name =
        r#"{"instances":[{"hour":3,"symbol_ber_12m":1e-9},{"stream":"a/1","features":{"hour":1}},{}]}"#;
    all.push(question("Application/JSON; charset=utf-8", "text/html, */*;q=0.1", by_name));
    all.push(question(JSON, JSON, r#"{"instances":[]}"#));
    all.push(question(CSV, JSON, "1e300,-1e300,.5,5.,+1e-400".to_owned() + &",".repeat(35) + "\r\n\r\n"));
    Ok(all)
}

/// What is refused, whoever is asked: with one status, and at one place.
fn bad_questions() -> Vec<Question> {
    let commas = ",".repeat(39);
    let json = |body: &str| question(JSON, JSON, body);
    let mut bad = vec![
        json("<html>"),
        json(""),
        json("{}"),
        json("[]"),
        json(r#"{"instances":[{"hour":NaN}]}"#),
        json(r#"{"instances":[{"hour":1e999}]}"#),
        json(r#"{"instances":[{},{"hour":"9"}]}"#),
        json(r#"{"instances":[[1,true]]}"#),
        json(r#"{"instances":[[1,2,3]]}"#),
        json(r#"{"instances":[{"huor":1}]}"#),
        json(r#"{"instances":[7]}"#),
        json(r#"{"instances":[{}],"instances":[{}]}"#),
        json(r#"{"instances":[{}],"hour":1}"#),
        json(r#"{"feature_schema":2,"instances":[]}"#),
        json(r#"{"feature_schema":1.0,"instances":[]}"#),
        json(r#"{"instances":[{}]} x"#),
        question("text/csv; feature_schema=3", JSON, ""),
        question("text/html", JSON, "1"),
        question(JSON, "image/png", r#"{"instances":[]}"#),
        question(CSV, CSV, "1,2,3\n"),
        question(CSV, CSV, ""),
        question(CSV, CSV, format!("{commas}\n3,x{}\n", ",".repeat(38))),
        question(CSV, CSV, format!("NaN{commas}\n")),
        question(CSV, CSV, format!("inf{commas}\n")),
        question(CSV, CSV, format!("1_000{commas}\n")),
        question(CSV, CSV, format!("{commas}\n").repeat(10_001)),
        question(JSON_LINES, JSON, "\n\n"),
        question(JSON_LINES, JSON, "{}\n{\"feature_schema\":9}"),
        question(JSON_LINES, JSON, "{}\n{\"hour\":null}{}"),
        question(JSON_LINES, JSON, b"{}\n\xff\xfe".as_slice()),
    ];
    bad.push(question(JSON, JSON, "[".repeat(100_000)));
    bad
}

/// Whether two answers hold the same words, and numbers that lie close.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            ours.as_f64().zip(theirs.as_f64()).is_some_and(|(ours, theirs)| (ours - theirs).abs() <= CLOSE)
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, ours)| theirs.get(name).is_some_and(|theirs| same(ours, theirs)))
        }
        _ => ours == theirs,
    }
}

/// An answer's values: JSON, JSON a line, or numbers a line.
fn values(body: &str) -> Result<Vec<Value>> {
    let of_line = |line: &str| match serde_json::from_str(line) {
        Ok(value) => Ok(value),
        Err(_) => {
            let cells: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
            Ok(json!(cells.with_context(|| format!("neither JSON nor numbers: {line}"))?))
        }
    };
    body.lines().map(of_line).collect()
}

#[test]
fn the_unpacked_archive_of_every_image_is_served_by_linkcast_serve_to_the_bit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shipped = project_folder().join("models/link-health");
    let shipped = Served::start(&shipped, &folder.path().join("shipped.log"))?;
    for image in ["ours", "pytorch", "xgboost"] {
        let served = Served::start(&unpacked(folder.path(), image)?, &folder.path().join("served.log"))?;
        for question in questions()?.iter().filter(|question| question.accept == JSON) {
            let (one, other) = (shipped.answer(question)?, served.answer(question)?);
            ensure!(one.status == 200, "{one:?}");
            ensure!(one.body == other.body, "{image}: {} as {}", question.content_type, question.accept);
        }
    }
    Ok(())
}

#[test]
fn sagemakers_toolkit_answers_from_the_archive_as_linkcast_serve_does() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let package = unpacked(folder.path(), "pytorch")?;
    let served = Served::start(&package, &folder.path().join("served.log"))?;
    let questions = questions()?;
    let theirs = answers_of_the_toolkit(&package, &questions)?;
    ensure!(theirs.len() == questions.len(), "{} answers", theirs.len());
    for (question, theirs) in questions.iter().zip(&theirs) {
        let asked = format!("{} as {}", question.content_type, question.accept);
        let ours = served.answer(question)?;
        ensure!((ours.status, theirs.status) == (200, 200), "{asked}: {}", theirs.body);
        let (ours, theirs) = (values(&ours.body)?, values(&theirs.body)?);
        ensure!(ours.len() == theirs.len(), "{asked}: {} and {} values", ours.len(), theirs.len());
        for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            ensure!(same(ours, theirs), "{asked}, value {row}: ours {ours}, theirs {theirs}");
        }
    }
    Ok(())
}

#[test]
fn what_linkcast_serve_refuses_the_toolkit_refuses_with_the_same_status_and_place() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let package = unpacked(folder.path(), "pytorch")?;
    let served = Served::start(&package, &folder.path().join("served.log"))?;
    let questions = bad_questions();
    let theirs = answers_of_the_toolkit(&package, &questions)?;
    for (question, theirs) in questions.iter().zip(&theirs) {
        let sent: String = String::from_utf8_lossy(&question.body).chars().take(80).collect();
        let ours = served.answer(question)?;
        ensure!(ours.status >= 400, "{sent}: {}", ours.body);
        ensure!(ours.status == theirs.status, "{sent}: {} and {}", ours.body, theirs.body);
        // The toolkit puts a trace behind what the script says.
        let told: Value = serde_json::from_str(theirs.body.lines().next().unwrap_or_default())
            .with_context(|| format!("{sent}: {}", theirs.body))?;
        let ours: Value = serde_json::from_str(&ours.body)?;
        for name in ["row", "field"] {
            ensure!(ours.get(name) == told.get(name), "{sent}: {name} of {ours} and of {told}");
        }
    }
    Ok(())
}

/// XGBoost's image runs another numpy and the same script; its archive differs in its requirements alone.
#[test]
fn the_archives_of_the_stock_images_differ_in_their_requirements_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (one, other) = (unpacked(folder.path(), "pytorch")?, unpacked(folder.path(), "xgboost")?);
    for name in ["card.json", "classifier.onnx", "code/inference.py", "code/risk.onnx", "code/package.json"] {
        ensure!(std::fs::read(one.join(name))? == std::fs::read(other.join(name))?, "{name}");
    }
    let requirements = |folder: &Path| std::fs::read_to_string(folder.join("code/requirements.txt"));
    ensure!(requirements(&one)? != requirements(&other)?, "they pin the same");
    Ok(())
}
