//! Evidently, asked about files of series.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::emulator::project_folder;

/// What Evidently's default says of each line of `series`: tests/python/drift.py.
pub fn ask_evidently(series: &Path) -> Result<Vec<Value>> {
    let output = Command::new(project_folder().join("target/aws-tools/evidently/bin/python"))
        .arg(project_folder().join("tests/python/drift.py"))
        .arg(series)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start Python: run `cargo xtask set-up`")?;
    if !output.status.success() {
        bail!("drift.py failed with {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))).collect()
}
