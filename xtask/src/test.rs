//! Everything that must hold before a change lands, in the order that fails soonest.

use std::time::Instant;

use anyhow::Result;

use crate::command::{self, cargo};
use crate::dynamodb::DynamoDb;
use crate::{checks, set_up};

/// A step's name and what it does.
type Step = (&'static str, fn() -> Result<()>);

/// Sets up, checks, builds and runs every test; prints where the time went.
pub(crate) fn run() -> Result<()> {
    let steps: &[Step] = &[
        ("set-up", set_up::install_missing_parts),
        ("checks", checks::run),
        ("build", build),
        ("tests", run_tests),
        ("documentation", build_documentation),
    ];
    let mut times = Vec::new();
    for (name, step) in steps {
        let start = Instant::now();
        step()?;
        times.push(format!("{name} {} s", start.elapsed().as_secs()));
    }
    eprintln!("\nall tests passed: {}", times.join(", "));
    Ok(())
}

/// The binary is built first, with the very command that runs it, so that the black-box tests test what users run.
fn build() -> Result<()> {
    command::run(&mut cargo(&["build", "--release", "--workspace", "--locked"]))
}

fn run_tests() -> Result<()> {
    let table = DynamoDb::start()?;
    command::run(
        cargo(&["test", "--release", "--workspace", "--locked"]).env("LINKCAST_DYNAMODB", table.endpoint()),
    )
}

fn build_documentation() -> Result<()> {
    command::run(
        cargo(&["doc", "--release", "--workspace", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
