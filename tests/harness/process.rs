//! Child processes that end with their test, and waiting for what they do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A program that is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a program; what it writes goes to a file in the test's folder.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = std::fs::File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let errors = file.try_clone().context("cannot share the log file")?;
        let program = command.get_program().to_owned();
        let child = command
            .stdout(Stdio::from(file))
            .stderr(Stdio::from(errors))
            .spawn()
            .with_context(|| format!("cannot start {program:?}: run `cargo xtask set-up`"))?;
        Ok(Running { child, log: log.to_owned() })
    }

    /// The last of what it wrote, for messages of tests that fail.
    pub fn log(&self) -> String {
        const LINES: usize = 40;
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
    }

    /// The child itself, for its standard input.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Kills the program at once, as `kill -9` does.
    pub fn kill(&mut self) {
        // A child that has already ended cannot be killed, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the program to stop (SIGTERM) and waits for it.
    pub fn stop(&mut self) -> Result<std::process::ExitStatus> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("cannot send SIGTERM")?;
        self.child.wait().context("cannot wait for the program to stop")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again and again until the answer is there, for at most `limit`; the error names what never came.
pub fn until<T>(what: &str, limit: Duration, ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    until_asked_each(Duration::from_millis(100), what, limit, ask)
}

/// As `until`, for questions that cost enough to be in the way of what is waited for.
pub fn until_asked_each<T>(
    pause: Duration,
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    let mut last_error = None;
    while start.elapsed() < limit {
        match ask() {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) => last_error = Some(error),
        }
        std::thread::park_timeout(pause);
    }
    match last_error {
        Some(error) => Err(error.context(format!("{what} did not come within {limit:?}"))),
        None => bail!("{what} did not come within {limit:?}"),
    }
}
