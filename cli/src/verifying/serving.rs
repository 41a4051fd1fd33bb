//! The server: `linkcast serve` as a process of its own, and what it says of itself.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use linkcast_aws::{Answer, WebClient};
use serde_json::{Value, json};

use super::called::{Program, Running};
use super::checklist::Measured;
use super::making::Registered;
use crate::exit::{ExitKind, Failure, chain};

/// How long the server may take for a word about itself.
const WORD: Duration = Duration::from_secs(5);
/// The most it may say.
const LARGEST_WORD: usize = 256 << 10;

/// A server that runs.
pub(super) struct Serving {
    running: Running,
    /// Where it answers.
    pub(super) address: SocketAddr,
}

/// Starts a server with the model that is live.
pub(super) async fn start(
    program: &Program,
    registered: &Registered,
    listen: SocketAddr,
) -> Result<(Serving, Measured), Failure> {
    let (begun, listen) = (Instant::now(), listen.to_string());
    let words = ["serve", "--model", "registry:live", "--json", "--listen", &listen, "--db"].map(OsStr::new);
    let mut running = program.start(&[&words[..], &[registered.database.as_os_str()]].concat())?;
    let line = running.line().await?;
    let read: Option<Value> = serde_json::from_str(&line).ok();
    let address = read.as_ref().and_then(|line| line.get("listening")?.as_str()?.parse::<SocketAddr>().ok());
    let Some(address) = address else {
        let told = format!("linkcast serve --json said {:?}: expected its address", line.trim_end());
        return Err(Failure::new(ExitKind::Machine, told));
    };
    let milliseconds = begun.elapsed().as_millis() as u64;
    let told = format!("http://{address} serves registry:live after {milliseconds} ms");
    let figures = json!({ "address": address, "process": running.id(), "started_within_ms": milliseconds });
    Ok((Serving { running, address }, Measured::new(told, figures)))
}

impl Serving {
    /// Where rows are asked about.
    pub(super) fn invocations(&self) -> String {
        format!("http://{}/invocations", self.address)
    }

    /// Ends it at once, as the kernel does when memory runs out: SIGKILL.
    pub(super) fn kill(self) -> SocketAddr {
        self.address
    }

    /// Whether it is well, and has the model that was registered.
    pub(super) async fn health(&self, registered: &Registered) -> Result<((), Measured), Failure> {
        let begun = Instant::now();
        let ping = self.get("/ping").await?;
        if ping.status != 200 {
            return Err(wrong(&format!("/ping answered {}: expected 200", ping.status)));
        }
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        let listed = self.get("/models").await?;
        let listed: Value = serde_json::from_slice(&listed.body)
            .map_err(|error| wrong(&format!("/models answered something else than JSON: {error}")))?;
        let text = |name: &str| listed.pointer(&format!("/models/0/{name}")).and_then(Value::as_str);
        let (version, digest) = (text("model_version"), text("digest"));
        if (version, digest) != (Some(&registered.version), Some(&registered.card)) {
            let told = format!(
                "/models names {}: expected version {} with the card {}",
                listed, registered.version, registered.card
            );
            return Err(wrong(&told));
        }
        let told = format!(
            "/ping 200 in {milliseconds:.1} ms; /models names version {} with the card registered",
            registered.version
        );
        let figures = json!({ "ping": 200, "ping_ms": milliseconds, "version": version, "card": digest });
        Ok(((), Measured::new(told, figures)))
    }

    /// Tells it to stop, and waits for its end.
    pub(super) async fn stop(mut self) -> Result<((), Measured), Failure> {
        let begun = Instant::now();
        self.running.tell_to_stop()?;
        let status = self.running.ended().await?;
        let milliseconds = begun.elapsed().as_millis() as u64;
        if status.code() != Some(0) {
            return Err(self.running.failure(status).await);
        }
        if self.get("/ping").await.is_ok() {
            return Err(wrong(&format!("{} still answers although the server ended", self.address)));
        }
        let words = self.running.words().await;
        let said = words.lines().last().unwrap_or_default();
        let told = format!("SIGTERM, exit code 0 after {milliseconds} ms: {said}");
        let figures = json!({ "exit_code": 0, "ended_within_ms": milliseconds, "said": said });
        Ok(((), Measured::new(told, figures)))
    }

    async fn get(&self, path: &str) -> Result<Answer, Failure> {
        let url = format!("http://{}{path}", self.address);
        let answer = WebClient::new().get(&url, LARGEST_WORD, WORD).await;
        answer.map_err(|error| wrong(&chain(&error)))
    }
}

fn wrong(told: &str) -> Failure {
    Failure::new(ExitKind::Machine, told.to_owned())
        .with_next_step("see whether something else answers at that address, or name another by --listen")
}
