//! moto, which stands in for SageMaker's control plane and S3, and Python's own libraries beside it.
//!
//! moto keeps training jobs and objects as AWS does and answers with the same documents; a job of its is completed at once and
//! trains nothing, so a test puts the model where the job would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{Linkcast, REGION, Running, free_address, models_python, project_folder, wait_for_listener};

/// A running moto.
#[derive(Debug)]
pub struct Moto {
    process: Running,
    url: String,
}

impl Moto {
    /// Starts one whose log lies in `folder`, and waits until it answers.
    pub fn start(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(models_python());
        command
            .args(["-c", "from moto.server import main; main()"])
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let process = Running::start(&mut command, &folder.join("moto.log"))?;
        wait_for_listener(address).with_context(|| format!("moto did not start: {}", process.log()))?;
        Ok(Moto { process, url: format!("http://{address}") })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its own log, for messages of tests that fail.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// A call of SageMaker's control plane.
    pub fn sagemaker(&self, operation: &str, body: &Value) -> Result<Value> {
        let mut answer = ureq::post(&self.url)
            .header("X-Amz-Target", format!("SageMaker.{operation}"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", authorization("sagemaker"))
            .send(body.to_string())
            .with_context(|| format!("{operation} was not answered"))?;
        serde_json::from_str(&answer.body_mut().read_to_string()?).context("the answer is no JSON")
    }

    /// Makes a bucket, or puts an object into one.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let request = ureq::put(format!("{}/{path}", self.url)).header("Authorization", authorization("s3"));
        request.send(bytes).with_context(|| format!("cannot put {path}"))?;
        Ok(())
    }

    /// An object.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let request = ureq::get(format!("{}/{path}", self.url)).header("Authorization", authorization("s3"));
        let mut answer = request.call().with_context(|| format!("cannot get {path}"))?;
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().context("cannot read the object")
    }
}

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// What tests/python/models.py answers, line by line.
pub fn ask_python(arguments: &[&Path]) -> Result<Vec<Value>> {
    let output = Command::new(models_python())
        .arg(project_folder().join("tests/python/models.py"))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start Python: run `cargo xtask set-up`")?;
    if !output.status.success() {
        bail!("models.py failed with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
}

/// A small fabric whose truth is known, with faults enough that a model can be trained on it.
pub fn labelled_fabric(folder: &Path) -> Result<PathBuf> {
    let out = folder.join("fabric");
    let made = Linkcast::call(&[
        "simulate".as_ref(),
        "--ports".as_ref(),
        "500".as_ref(),
        "--hours".as_ref(),
        "10".as_ref(),
        "--interval-seconds".as_ref(),
        "60".as_ref(),
        "--seed".as_ref(),
        "4".as_ref(),
        "--fault-rate".as_ref(),
        "0.05".as_ref(),
        "--benign-factor".as_ref(),
        "10".as_ref(),
        "--out".as_ref(),
        out.as_os_str(),
    ])?;
    if made.code() == Some(0) { Ok(out) } else { bail!("cannot simulate: {}", made.said()) }
}
