//! Drives the benches: ours and the peers in one run on one machine.
//!
//! The measuring is `linkcast-bench`'s; this installs the peers it measures against into a Python environment under
//! `target/` and lets it write docs/BENCHMARKS.md.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::{self, cargo, project_folder};

/// Peers from the Python package index, at the versions the documented figures were taken with.
const PEERS: &[&str] = &[
    "pandas==3.1.1",
    "polars==2.1.0",
    "numpy==2.4.6",
    "onnx==1.23.2",
    "onnxruntime==1.31.1",
    "xgboost==3.2.0",
    "prometheus_client==0.26.0",
];

/// Runs the benches named, or all of them.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let python = install_peers()?;
    command::run(
        cargo(&["run", "--release", "--locked", "--package", "linkcast-bench", "--"])
            .args(names)
            .env("LINKCAST_BENCH_PYTHON", python)
            // Read by the libraries that some peers bring; each contestant has one thread.
            .env("OMP_NUM_THREADS", "1"),
    )
}

fn install_peers() -> Result<PathBuf> {
    let environment = project_folder().join("target/bench-peers");
    let python = environment.join("bin/python");
    if !python.exists() {
        command::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    command::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PEERS),
    )?;
    Ok(python)
}
