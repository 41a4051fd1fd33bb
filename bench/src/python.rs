//! A peer that lives in Python: one process that is told to do a round and answers how long that took.
//!
//! The process lives through all rounds, so that neither its start nor its imports are timed. It answers on standard
//! output, one line for one line: first who it is, then each round's seconds of processor time.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// Names the interpreter whose packages hold the peers; `cargo xtask bench` sets it.
pub(crate) const PYTHON: &str = "LINKCAST_BENCH_PYTHON";

/// A running peer script.
pub(crate) struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    script: String,
}

impl Worker {
    /// Starts `bench/peers/<script>`; the answer to its start is what it calls itself.
    pub(crate) fn start(script: &str, arguments: &[&Path]) -> Result<(Self, String)> {
        let path = project_folder().join("bench/peers").join(script);
        let mut child = interpreter()?
            .arg(path)
            .args(arguments)
            .envs(ONE_THREAD.map(|name| (name, "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the peer {script}"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the peer {script} has no pipes")
        };
        let mut worker =
            Worker { child, requests, answers: BufReader::new(answers), script: script.to_owned() };
        let who = worker.answer()?;
        Ok((worker, who))
    }

    /// Lets the peer do one round of the work called `name`: seconds of processor time.
    pub(crate) fn round(&mut self, name: &str) -> Result<f64> {
        writeln!(self.requests, "{name}").with_context(|| format!("the peer {} is gone", self.script))?;
        let answer = self.answer()?;
        answer.parse().with_context(|| format!("the peer {} answered {answer:?}, not seconds", self.script))
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        let read = read.with_context(|| format!("cannot hear the peer {}", self.script))?;
        if read == 0 {
            bail!("the peer {} ended; its complaint stands above", self.script);
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Already ended or not, it must not stay behind as a zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The libraries behind the peers read these.
const ONE_THREAD: [&str; 3] = ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"];

/// What a script of `bench/peers` prints, line by line.
pub(crate) fn ask(script: &str, arguments: &[&Path]) -> Result<Vec<String>> {
    let path = project_folder().join("bench/peers").join(script);
    let output = interpreter()?
        .arg(path)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {script}"))?;
    if !output.status.success() {
        bail!("{script} failed with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// The interpreter whose packages hold the peers.
pub(crate) fn interpreter() -> Result<Command> {
    let python = std::env::var_os(PYTHON)
        .with_context(|| format!("{PYTHON} is not set: start the benches by `cargo xtask bench`"))?;
    Ok(Command::new(python))
}

/// The project's top folder.
pub(crate) fn project_folder() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
