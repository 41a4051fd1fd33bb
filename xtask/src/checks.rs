//! All checks that need no test run, quickest first, so that a small slip is told within seconds.

use anyhow::{Context, Result};

use crate::command::{self, cargo};
use crate::{arrows, house, lint};

/// Formatting, arrows, house rules, the template and clippy.
pub(crate) fn run() -> Result<()> {
    run_quick()?;
    lint::run()?;
    run_clippy()
}

fn run_quick() -> Result<()> {
    command::run(&mut cargo(&["fmt", "--all", "--check"]))
        .context("formatting differs: run `cargo fmt --all`")?;
    arrows::check().context("the arrows between rooms are not as planned")?;
    house::check().context("house rules are broken")
}

fn run_clippy() -> Result<()> {
    command::run(&mut cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}
