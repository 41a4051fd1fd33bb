//! From the process's start to its first request for an event, with Lambda's runtime interface played here.
//!
//! Ours and the peer, which is a handler in Python that has the same things ready, take turns, so that both see the same
//! machine. What is measured ends when `/next` is asked for: configuration read, clients made, model loaded.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::report::{Figure, Limit};

const ROUNDS: usize = 21;
const FUNCTIONS: [&str; 6] = ["collect", "prepare", "insight", "alert", "retrain", "monitor"];

/// The function that carries the model inside.
const WITH_MODEL: &str = "insight";

/// Names the interpreter whose packages hold the peer; `cargo xtask bench cloud` sets it.
const PYTHON: &str = "LINKCAST_BENCH_PYTHON";

/// What several starts of one program took.
struct Starts {
    name: String,
    times: Vec<Duration>,
    resident: u64,
}

impl Starts {
    fn new(name: &str) -> Self {
        Starts { name: name.to_owned(), times: Vec::new(), resident: 0 }
    }

    fn once(&mut self, command: &mut Command) -> Result<()> {
        let (time, resident) = start(command).with_context(|| format!("cannot measure {}", self.name))?;
        self.times.push(time);
        self.resident = self.resident.max(resident);
        Ok(())
    }

    fn median_ms(&mut self) -> f64 {
        self.times.sort();
        self.times.get(self.times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3
    }
}

/// Measures every function's binary in `folder`, named `<function>` or `<function>/bootstrap`.
pub(crate) fn run(folder: &Path) -> Result<Vec<Figure>> {
    let mut ours: Vec<(Starts, PathBuf)> =
        FUNCTIONS.iter().map(|name| (Starts::new(name), binary(folder, name))).collect();
    let mut peer = Starts::new("Python, boto3 and onnxruntime");
    for _ in 0..ROUNDS {
        for (starts, binary) in &mut ours {
            starts.once(&mut Command::new(binary))?;
        }
        peer.once(&mut python()?)?;
    }
    let theirs = peer.median_ms();
    let mut figures = Vec::new();
    for (mut starts, binary) in ours {
        let (milliseconds, name) = (starts.median_ms(), starts.name.clone());
        let start = Figure::at_most(
            format!("{name}, start to first `/next`, p50"),
            milliseconds,
            Limit { most: 25.0, unit: "ms" },
        );
        figures.push(start.beside(format!("{theirs:.0} ms in Python, {:.0}×", theirs / milliseconds)));
        let memory = starts.resident as f64 / 1e6;
        let idle =
            Figure::at_most(format!("{name}, memory when idle"), memory, Limit { most: 30.0, unit: "MB" });
        figures.push(idle.beside(format!("{:.0} MB in Python", peer.resident as f64 / 1e6)));
        let most = if name == WITH_MODEL { 9.0 } else { 4.0 };
        figures.push(Figure::at_most(
            format!("{name}, packed"),
            packed(&binary)? as f64 / 1e6,
            Limit { most, unit: "MB" },
        ));
    }
    Ok(figures)
}

/// A function's binary as cargo or as cargo-lambda lays it.
fn binary(folder: &Path, name: &str) -> PathBuf {
    let packaged = folder.join(name).join("bootstrap");
    if packaged.is_file() { packaged } else { folder.join(name) }
}

fn python() -> Result<Command> {
    let interpreter = std::env::var_os(PYTHON)
        .with_context(|| format!("{PYTHON} is not set: run `cargo xtask bench cloud`"))?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(interpreter);
    command
        .arg(project.join("peer_handler.py"))
        .env("MODEL", project.join("../../models/link-health/classifier.onnx"));
    Ok(command)
}

/// The bytes a binary takes in a zip.
fn packed(binary: &Path) -> Result<usize> {
    let bytes = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    Ok(packed.finish()?.len())
}

/// Starts a program; gives the time to its first request and its resident bytes then.
fn start(command: &mut Command) -> Result<(Duration, u64)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // A function refuses variables of ours that it does not know.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LINKCAST_")) {
        command.env_remove(name);
    }
    let started = Instant::now();
    let mut child = command
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "bench"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
            ("LINKCAST_TABLE", "bench"),
            ("LINKCAST_FABRIC", "bench"),
            ("LINKCAST_BUS", "bench"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start it")?;
    let outcome = first_request(&listener, &mut child).map(|open| (started.elapsed(), open));
    let resident = resident(child.id());
    child.kill()?;
    child.wait()?;
    // Open until here: a function whose platform hangs up ends.
    let (elapsed, _open) = outcome?;
    Ok((elapsed, resident?))
}

fn first_request(listener: &TcpListener, child: &mut Child) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if Instant::now() > deadline => anyhow::bail!("no request within 10 s"),
            Err(_) => {
                anyhow::ensure!(child.try_wait()?.is_none(), "the function ended before its first request")
            }
        }
        std::thread::sleep(Duration::from_micros(100));
    };
    stream.set_nonblocking(false)?;
    let mut head = [0; 64];
    let length = stream.read(&mut head)?;
    let head = head.get(..length).unwrap_or_default();
    anyhow::ensure!(
        head.starts_with(b"GET /2018-06-01/runtime/invocation/next"),
        "another request came first"
    );
    Ok(stream)
}

/// Bytes of memory a process holds.
fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes = line.split_whitespace().nth(1).context("no number")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}
