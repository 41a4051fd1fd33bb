//! Sends a simulated or recorded fabric to the local AWS as its users would: diagnostics of the subnet into the bucket,
//! remote write to the function URL.
//!
//! A request is repeated while the answer is that it may work later, as Prometheus does, so that everything arrives once.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::deploy::{outputs, shown};
use super::emulator::Emulator;

/// How long one request may be refused.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Sends what lies in `folder`: `*.snappy` as remote write, `*.out` to the bucket.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let emulator = Emulator::running()?;
    let outputs = outputs(&emulator)?;
    let output = |name: &str| outputs.get(name).with_context(|| format!("the stack has no output {name}"));
    let secret = json!({"SecretId": output("RemoteWriteTokenSecret")?});
    let answer = emulator.json("secretsmanager", "secretsmanager.GetSecretValue", &secret)?;
    let token = answer.get("SecretString").and_then(|text| text.as_str()).context("the secret is no text")?;
    let url = shown(&emulator, "RemoteWriteUrl", output("RemoteWriteUrl")?);

    let topologies = files(folder, "out")?;
    for path in &topologies {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        emulator.put("s3", &format!("/{}/{name}", output("SweepBucketName")?), &text)?;
    }
    let requests = files(folder, "snappy")?;
    if requests.is_empty() {
        bail!(
            "{} holds no *.snappy: `linkcast simulate --format remote-write --out FOLDER` makes some",
            folder.display()
        );
    }
    for (number, path) in (1..).zip(&requests) {
        send(&url, token, path)?;
        progress(number, requests.len());
    }
    println!("sent {} files to the bucket and {} requests to {url}", topologies.len(), requests.len());
    println!("look: linkcast insights --store dynamodb:{}", output("TableName")?);
    Ok(())
}

/// How far it is, where somebody looks.
fn progress(number: usize, count: usize) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{number} of {count} requests{}", if number == count { "\n" } else { "" });
    }
}

/// The folder's files of one extension, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in listed {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn send(url: &str, token: &str, path: &Path) -> Result<()> {
    let body = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let started = Instant::now();
    loop {
        let answer = ureq::post(url)
            .config()
            .http_status_as_error(false)
            .build()
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/x-protobuf")
            .header("Content-Encoding", "snappy")
            .send(&body);
        let mut answer = answer.with_context(|| format!("{url} did not answer"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.body_mut().read_to_string().unwrap_or_default();
        let may_work_later = status.as_u16() == 429 || status.is_server_error();
        if !may_work_later || started.elapsed() > LONGEST_WAIT {
            bail!("{} was answered {status}: {}", path.display(), said.trim_end());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
