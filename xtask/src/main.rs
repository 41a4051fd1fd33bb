//! The project's own tasks: checks, tests and benches, each one command on a fresh machine.
//!
//! They are a program and not scripts, so that they run wherever cargo does, share the workspace's error style, and
//! can themselves be tested.

mod arrows;
mod aws;
mod bench;
mod checks;
mod command;
mod dynamodb;
mod fuzz;
mod house;
mod lint;
mod model;
mod set_up;
mod template;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Checks, tests and benches of Linkcast.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests with real parts need (Debian and Python packages), if it is missing.
    SetUp,
    /// Check the house rules: arrows between rooms, file openings and lengths, lints, formatting, clippy.
    Check,
    /// Set up, check, build and run every test: what continuous integration runs.
    Test,
    /// Measure Linkcast against its peers in one run and write docs/BENCHMARKS.md.
    Bench {
        /// Only these benches; all of them by default.
        names: Vec<String>,
    },
    /// Fuzz every parser for this many seconds each.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
        /// How many targets to run side by side.
        #[arg(long, default_value_t = 2)]
        jobs: usize,
        /// Only these targets; all of them by default.
        targets: Vec<String>,
    },
    /// Lint the template and what SAM makes of it; `check` does this too.
    Lint,
    /// An AWS of one's own on this machine, with the real template on it.
    Aws {
        #[command(subcommand)]
        task: aws::Aws,
    },
    /// Remake the shipped model from nothing and compare it with the committed one, byte for byte.
    Model,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::SetUp => set_up::install_missing_parts(),
        Task::Check => checks::run(),
        Task::Test => test::run(),
        Task::Bench { names } => bench::run(&names),
        Task::Fuzz { seconds, jobs, targets } => fuzz::run(seconds, jobs, &targets),
        Task::Lint => lint::run(),
        Task::Aws { task } => aws::run(task),
        Task::Model => model::remake_and_compare(),
    }
}
