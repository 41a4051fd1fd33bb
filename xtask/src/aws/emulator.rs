//! The emulator as a process in the background, and requests to it.
//!
//! It is ministack behind the project's launcher (xtask/emulator), which gives streams and rules AWS's own semantics of
//! failure. Where it runs is written under `target/`, so that the other commands find it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::project_folder;
use crate::tools::{self, ToolSet};

/// AWS emulators' usual port.
pub(crate) const USUAL_PORT: u16 = 4566;

/// The region everything is in.
pub(crate) const REGION: &str = "us-east-1";

/// How long a start may take on a busy machine.
const LONGEST_START: Duration = Duration::from_secs(60);

/// A running emulator.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Emulator {
    process: u32,
    port: u16,
}

/// Starts one unless one runs.
pub(crate) fn up(port: u16) -> Result<()> {
    tools::install()?;
    if let Ok(running) = Emulator::running() {
        println!("already up at {}", running.url());
        println!("{}", running.exports());
        return Ok(());
    }
    if is_listening(port) {
        bail!("port {port} of this machine is taken: give another with --port");
    }
    let emulator = start(port)?;
    emulator.wait()?;
    println!("up at {}; its log is {}", emulator.url(), log_file().display());
    println!("{}", emulator.exports());
    Ok(())
}

/// Ends the one that runs.
pub(crate) fn down() -> Result<()> {
    let emulator = Emulator::running()?;
    // It leads a group of its own, in which the functions are too.
    let group = format!("-{}", emulator.process);
    let ended = Command::new("kill").args(["-TERM", "--", &group]).status().context("cannot run kill")?;
    if !ended.success() {
        bail!("cannot end process group {}", emulator.process);
    }
    std::fs::remove_file(state_file()).context("cannot forget the emulator")?;
    println!("down");
    Ok(())
}

fn start(port: u16) -> Result<Emulator> {
    let folder = local_folder();
    std::fs::create_dir_all(folder.join("tmp"))
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let log = File::create(log_file()).context("cannot create the emulator's log")?;
    let mut command = ToolSet::Emulator.command("python")?;
    command
        .arg("-B")
        .arg(project_folder().join("xtask/emulator/launch.py"))
        .env("GATEWAY_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("LINKCAST_CHAOS_FILE", folder.join("chaos.json"))
        .env("TMPDIR", folder.join("tmp"))
        .stdin(Stdio::null())
        .stderr(log.try_clone().context("cannot share the emulator's log")?)
        .stdout(log)
        .process_group(0);
    with_credentials(&mut command);
    let child = command.spawn().context("cannot start the emulator")?;
    let emulator = Emulator { process: child.id(), port };
    std::fs::write(state_file(), serde_json::to_string(&emulator)?).context("cannot note the emulator")?;
    Ok(emulator)
}

/// The emulator asks for credentials and takes any.
pub(crate) fn with_credentials(command: &mut Command) -> &mut Command {
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_REGION", REGION)
}

impl Emulator {
    /// The one that `up` has started.
    pub(crate) fn running() -> Result<Self> {
        let text = std::fs::read_to_string(state_file())
            .context("no emulator is up: start one with `cargo xtask aws up`")?;
        let emulator: Emulator = serde_json::from_str(&text).context("cannot read where the emulator is")?;
        if emulator.is_itself() && is_listening(emulator.port) {
            return Ok(emulator);
        }
        bail!("the emulator is no longer up: start one with `cargo xtask aws up`")
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether the process noted is still the emulator: after a restart of the machine its number may be another's.
    fn is_itself(&self) -> bool {
        let told = std::fs::read(format!("/proc/{}/cmdline", self.process)).unwrap_or_default();
        String::from_utf8_lossy(&told).contains("launch.py")
    }

    fn wait(&self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < LONGEST_START {
            if is_listening(self.port) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(log_file()).unwrap_or_default();
        bail!("the emulator did not start within {LONGEST_START:?}:\n{log}")
    }

    /// What a shell needs to reach it with AWS's own tools.
    pub(crate) fn exports(&self) -> String {
        format!(
            "export AWS_ENDPOINT_URL={} AWS_REGION={REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
            self.url()
        )
    }

    /// A request of the JSON protocol, such as `AmazonSQS.GetQueueAttributes`.
    pub(crate) fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let request = ureq::post(self.url())
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("Authorization", authorization(service));
        let mut answer = request.send(body.to_string()).with_context(|| format!("{target} failed"))?;
        let text = answer.body_mut().read_to_string().with_context(|| format!("{target} broke off"))?;
        serde_json::from_str(&text).with_context(|| format!("{target} did not answer with JSON"))
    }

    /// A PUT of a REST protocol.
    pub(crate) fn put(&self, service: &str, path: &str, body: &str) -> Result<()> {
        let request =
            ureq::put(format!("{}{path}", self.url())).header("Authorization", authorization(service));
        request.send(body).with_context(|| format!("cannot put {path}"))?;
        Ok(())
    }

    /// A GET of a REST protocol that answers with JSON.
    pub(crate) fn get(&self, service: &str, path: &str) -> Result<Value> {
        let request =
            ureq::get(format!("{}{path}", self.url())).header("Authorization", authorization(service));
        let mut answer = request.call().with_context(|| format!("cannot get {path}"))?;
        let text = answer.body_mut().read_to_string().with_context(|| format!("{path} broke off"))?;
        serde_json::from_str(&text).with_context(|| format!("{path} is no JSON"))
    }
}

/// The emulator looks at the service's name in it and at nothing else.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn is_listening(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

fn local_folder() -> PathBuf {
    project_folder().join("target/aws-local")
}

fn state_file() -> PathBuf {
    local_folder().join("emulator.json")
}

fn log_file() -> PathBuf {
    local_folder().join("emulator.log")
}
