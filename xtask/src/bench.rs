//! Drives the benches: ours and the peers in one run on one machine.
//!
//! The measuring is `linkcast-bench`'s, and `linkcast-bench-cloud`'s for the functions; this installs the peers they measure
//! against into a Python environment under `target/` and lets them write docs/BENCHMARKS.md, docs/BENCHMARKS_AWS.md and
//! docs/COST.md.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::aws;
use crate::command::{self, cargo, project_folder};
use crate::dynamodb::DynamoDb;

/// Peers from the Python package index, at the versions the documented figures were taken with.
const PEERS: &[&str] = &[
    "pandas==3.1.1",
    "polars==2.1.0",
    "numpy==2.4.6",
    "onnx==1.23.2",
    "onnxruntime==1.31.1",
    "xgboost==3.2.0",
    "prometheus_client==0.26.0",
    "boto3==1.44.5",
    "bentoml==1.4.39",
    "fastapi==0.165.0",
    "uvicorn==0.54.0",
    "httptools==0.9.0",
    "uvloop==0.23.0",
];

/// The name of what measures the functions.
const CLOUD: &str = "cloud";

/// Runs the benches named, or all of them.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let python = install_peers()?;
    let others: Vec<&String> = names.iter().filter(|name| *name != CLOUD).collect();
    if names.is_empty() || !others.is_empty() {
        run_embedded(&others, &python)?;
    }
    if names.is_empty() || others.len() < names.len() { run_cloud(&python) } else { Ok(()) }
}

/// The functions are measured as they are deployed, and the table by one that counts as AWS's does. The whole workspace is
/// built, as a choice of packages has other features and would compile its dependencies again.
fn run_cloud(python: &Path) -> Result<()> {
    aws::build_functions()?;
    command::run(&mut cargo(&["build", "--release", "--workspace", "--locked"]))?;
    let table = DynamoDb::start()?;
    let folder = project_folder().join("target");
    command::run(
        Command::new(folder.join("release/linkcast-bench-cloud"))
            .arg("all")
            .arg(folder.join("lambda"))
            .env("LINKCAST_BENCH_PYTHON", python)
            .env("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench"),
    )
}

fn run_embedded(names: &[&String], python: &Path) -> Result<()> {
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
