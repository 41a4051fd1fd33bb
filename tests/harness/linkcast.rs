//! The binaries that were just built, `linkcast` first.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// A binary beside the running test's own folder, made by `cargo build --release`.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find the running test")?;
    let folder = own.parent().and_then(Path::parent).context("the running test has no build folder")?;
    let binary = folder.join(name);
    if binary.is_file() {
        return Ok(binary);
    }
    bail!("{} is missing: run `cargo build --release` first", binary.display())
}

/// A committed fixture, by its path under `tests/fixtures`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// One finished call of `linkcast`.
#[derive(Debug)]
pub struct Linkcast {
    output: Output,
}

impl Linkcast {
    /// Calls `linkcast` with these arguments and waits for it.
    pub fn call<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Result<Self> {
        Linkcast::call_with(arguments, &[])
    }

    /// The same with more environment.
    pub fn call_with<A: AsRef<std::ffi::OsStr>>(
        arguments: &[A],
        environment: &[(String, String)],
    ) -> Result<Self> {
        let mut command = Command::new(binary("linkcast")?);
        let environment = environment.iter().map(|(name, value)| (name, value));
        let output = command.args(arguments).envs(environment).output().context("cannot start linkcast")?;
        Ok(Linkcast { output })
    }

    /// What it exited with.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// What it printed.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it said on standard error.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The JSON lines it printed.
    pub fn json_lines(&self) -> Result<Vec<serde_json::Value>> {
        let text = self.printed();
        let parse = |line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"));
        text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
    }
}
