//! The `linkcast` command.
//!
//! The shell round the pure rooms: it reads arguments, files, sockets and the clock, and hands values on. `main` only
//! turns a failure into its message and exit code; each command lives in its own file under `commands`.

mod arguments;
mod capture;
mod commands;
mod configuration;
mod database;
mod dataset;
mod engine;
mod exchange;
mod exit;
mod feature_file;
mod interval;
mod judging;
mod labelled;
mod learning;
mod live;
mod maintenance;
mod model;
mod output;
mod printed;
mod progress;
mod recipe;
mod registry;
mod report;
mod retraining;
mod reviewing;
mod showcase;
mod sink;
mod source;
mod store;
mod tiers;
mod verifying;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::configuration::Configuration;
use crate::exit::Failure;

/// A sweep is half a million small pieces, made by one thread and freed by another, which the system's allocator
/// does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Configuration::from_environment()
        .map_err(Failure::from)
        .and_then(|configuration| commands::execute(arguments, &configuration))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
