//! `linkcast-bench-cloud prepare|units|start FOLDER`: what the functions take in time, memory and money.
//!
//! Apart from the other benches because it brings the SDK along. `prepare` runs the function's own handler with the store in
//! memory; `units` runs collect, prepare and insight on the table that `LINKCAST_DYNAMODB` names, counts what they
//! consume, and makes docs/COST.md; `start` plays Lambda's runtime interface to each binary in a folder.

mod cost;
mod fabric;
mod prepare;
mod start;
mod units;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments {
        [name] if name == "prepare" => runtime.block_on(prepare::run()),
        [name] if name == "units" => runtime.block_on(units::run()),
        [name, folder] if name == "start" => start::run(folder.as_ref()),
        _ => bail!("expected prepare, units, or start FOLDER"),
    }
}
