//! The local AWS: ministack through the project's launcher, on a free port, gone when the test ends.
//!
//! Requests are plain JSON and forms, as AWS's protocols are on the wire; the emulator checks no signatures, so the
//! harness needs no SDK and what a test sends is what a reader sees.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{Running, field, free_address, until, wait_for_listener};

/// The account and region everything is in.
pub const ACCOUNT: &str = "000000000000";
/// See `ACCOUNT`.
pub const REGION: &str = "us-east-1";

/// The project's top folder.
pub fn project_folder() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(Path::to_owned).unwrap_or(own)
}

/// The Python that the emulator is installed for.
pub fn emulator_python() -> PathBuf {
    project_folder().join("target/aws-tools/emulator/bin/python")
}

/// The cargo-lambda that functions are built and watched with.
pub fn cargo_lambda() -> PathBuf {
    project_folder().join("target/aws-tools/emulator/bin/cargo-lambda")
}

/// The Python that XGBoost, ONNX Runtime and moto are installed for.
pub fn models_python() -> PathBuf {
    project_folder().join("target/aws-tools/models/bin/python")
}

/// The Python that BentoML is installed for.
pub fn bentoml_python() -> PathBuf {
    project_folder().join("target/aws-tools/bentoml/bin/python")
}

/// The Python that SageMaker's inference toolkit is installed for.
pub fn sagemaker_python() -> PathBuf {
    project_folder().join("target/aws-tools/sagemaker/bin/python")
}

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    process: Running,
    url: String,
    folder: PathBuf,
}

impl Emulator {
    /// Starts one whose log and files lie in `folder`, and waits until it answers.
    pub fn start(folder: &Path) -> Result<Self> {
        Emulator::start_with(folder, &[])
    }

    /// The same with more environment, which the functions on it inherit.
    pub fn start_with(folder: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let address = free_address()?;
        let url = format!("http://{address}");
        let mut command = Command::new(emulator_python());
        command
            .arg(project_folder().join("xtask/emulator/launch.py"))
            .env("GATEWAY_PORT", address.port().to_string())
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
            .env("LINKCAST_STREAM_RETRY_BASE_SECONDS", "0.02")
            .env("LINKCAST_CHAOS_FILE", folder.join("chaos.json"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("TMPDIR", folder)
            .envs(environment.iter().copied());
        let process = Running::start(&mut command, &folder.join("emulator.log"))?;
        wait_for_listener(address)
            .with_context(|| format!("the emulator did not start: {}", process.log()))?;
        Ok(Emulator { process, url, folder: folder.to_owned() })
    }

    /// Where it listens, with the scheme.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it now rather than at the end.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// The chances, from 0 to 1, with which things go wrong from now on; see xtask/emulator/chaos.py.
    pub fn set_chaos(&self, chances: &Value) -> Result<()> {
        let (path, staged) = (self.folder.join("chaos.json"), self.folder.join("chaos.staged"));
        std::fs::write(&staged, chances.to_string()).context("cannot write the chances")?;
        std::fs::rename(&staged, path).context("cannot replace the chances")
    }

    /// How often each thing has gone wrong.
    pub fn chaos_counts(&self) -> Result<Value> {
        let text = std::fs::read_to_string(self.folder.join("chaos.json.counts"))
            .context("nothing has gone wrong yet")?;
        serde_json::from_str(&text).context("the counts are not JSON")
    }

    /// A request of the JSON protocol, such as `DynamoDB_20120810.PutItem`.
    pub fn json(&self, target: &str, body: &Value) -> Result<Value> {
        let service = service_of(target)?;
        let mut answer = ureq::post(&self.url)
            .config()
            .http_status_as_error(false)
            .build()
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("Authorization", authorization(service))
            .send(body.to_string())
            .with_context(|| format!("{target} was not answered"))?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(1 << 28).read_to_string()?;
        if !status.is_success() {
            bail!("{target} answered {status}: {text}");
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{target} did not answer with JSON: {text}"))
    }

    /// Makes a stack of a template and waits until it is complete.
    pub fn create_stack(&self, name: &str, template: &Value) -> Result<()> {
        let text = template.to_string();
        self.form(
            "cloudformation",
            &[
                ("Action", "CreateStack"),
                ("StackName", name),
                ("TemplateBody", &text),
                ("Capabilities.member.1", "CAPABILITY_IAM"),
            ],
        )?;
        until(&format!("the stack {name}"), Duration::from_secs(60), || {
            let text = self.form("cloudformation", &[("Action", "DescribeStacks"), ("StackName", name)])?;
            if text.contains("FAILED") || text.contains("ROLLBACK") {
                let told =
                    self.form("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", name)])?;
                bail!("the stack failed: {told}");
            }
            Ok(text.contains("CREATE_COMPLETE").then_some(()))
        })
    }

    /// A request of the query protocol; gives the XML it answers with.
    pub fn form(&self, service: &str, fields: &[(&str, &str)]) -> Result<String> {
        let mut answer = ureq::post(&self.url)
            .config()
            .http_status_as_error(false)
            .build()
            .header("Authorization", authorization(service))
            .send_form(fields.iter().copied())
            .with_context(|| format!("{service} did not answer"))?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(1 << 28).read_to_string()?;
        if status.is_success() { Ok(text) } else { bail!("{service} answered {status}: {text}") }
    }

    /// A PUT of a REST protocol.
    pub fn put(&self, service: &str, path: &str, body: &str) -> Result<()> {
        let request =
            ureq::put(format!("{}{path}", self.url)).header("Authorization", authorization(service));
        request.send(body).with_context(|| format!("cannot put {path}"))?;
        Ok(())
    }

    /// A POST of a REST protocol; gives the JSON it answers with.
    pub fn post(&self, service: &str, path: &str, body: &Value) -> Result<Value> {
        let request =
            ureq::post(format!("{}{path}", self.url)).header("Authorization", authorization(service));
        let mut answer = request.send(body.to_string()).with_context(|| format!("cannot post {path}"))?;
        let text = answer.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{path} did not answer with JSON: {text}"))
    }

    /// Everything that lies in a queue, taken out of it.
    pub fn drain_queue(&self, name: &str) -> Result<Vec<Value>> {
        let url = format!("{}/{ACCOUNT}/{name}", self.url);
        let mut found = Vec::new();
        loop {
            let ask = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]});
            let answer = self.json("AmazonSQS.ReceiveMessage", &ask)?;
            let messages = field(&answer, "Messages").as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(found);
            }
            for message in messages {
                let receipt = json!({"QueueUrl": url, "ReceiptHandle": field(&message, "ReceiptHandle")});
                self.json("AmazonSQS.DeleteMessage", &receipt)?;
                found.push(message);
            }
        }
    }

    /// The emulator's own log, for messages of tests that fail.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The body of a queue's message, which is JSON in all of ours.
pub fn body_of(message: &Value) -> Result<Value> {
    let text = field(message, "Body").as_str().context("a message without a body")?;
    serde_json::from_str(text).with_context(|| format!("a body that is no JSON: {text}"))
}

fn service_of(target: &str) -> Result<&'static str> {
    Ok(match target.split('.').next() {
        Some("DynamoDB_20120810") => "dynamodb",
        Some("DynamoDBStreams_20120810") => "dynamodb",
        Some("AmazonSQS") => "sqs",
        Some("AWSEvents") => "events",
        Some("secretsmanager") => "secretsmanager",
        _ => bail!("no service is known for {target}"),
    })
}

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
