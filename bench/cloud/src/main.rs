//! `linkcast-bench-cloud prepare|units|start FOLDER|all FOLDER`: what the functions take in time, memory and money.
//!
//! Apart from the other benches because it brings the SDK along. `prepare` runs the function's own handler with the store in
//! memory; `units` runs collect, prepare and insight on the table service that `AWS_ENDPOINT_URL_DYNAMODB` names, counts
//! what they consume, and makes docs/COST.md; `start` plays Lambda's runtime interface to each binary in a folder; `all`
//! does everything and makes docs/BENCHMARKS_AWS.md too.

mod cost;
mod fabric;
mod prepare;
mod report;
mod start;
mod units;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::report::{Figure, write_page};

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
        [name] if name == "prepare" => print(&[runtime.block_on(prepare::run())?]),
        [name] if name == "units" => runtime.block_on(units::run())?,
        [name, folder] if name == "start" => print(&start::run(Path::new(folder))?),
        [name, folder] if name == "all" => {
            runtime.block_on(units::run())?;
            let mut figures = vec![runtime.block_on(prepare::run())?];
            figures.extend(start::run(Path::new(folder))?);
            print(&figures);
            write_page(&figures)?;
        }
        _ => bail!("expected prepare, units, start FOLDER or all FOLDER"),
    }
    Ok(())
}

fn print(figures: &[Figure]) {
    for figure in figures {
        println!("{}", figure.line());
    }
}
