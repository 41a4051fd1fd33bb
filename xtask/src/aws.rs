//! `cargo xtask aws`: an AWS of one's own on one machine, with the real template on it.
//!
//! `up` starts the emulator in the background, `deploy` builds the functions and deploys sam-template.yaml with SAM's own
//! command line, `send` gives them a fabric to look at, `status` and `logs` look inside, `down` ends it. Nothing of it leaves the machine; docs/AWS_LOCAL.md
//! tells what to do with it.

mod deploy;
mod emulator;
mod look;
mod send;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use crate::tools;

/// What to do with the local AWS.
#[derive(Subcommand)]
pub(crate) enum Aws {
    /// Start the emulator, if it does not run yet, and print how to reach it.
    Up {
        /// The port it listens on, on loopback.
        #[arg(long, default_value_t = emulator::USUAL_PORT)]
        port: u16,
    },
    /// Build the functions, deploy the template and print the URLs.
    Deploy {
        /// A parameter of the template, such as `Targets=http://127.0.0.1:9100/metrics`.
        #[arg(long = "set", value_name = "NAME=VALUE")]
        parameters: Vec<String>,
        /// Build with `cargo build --release`, for this machine alone, instead of for Lambda: much sooner done.
        #[arg(long)]
        native: bool,
    },
    /// Send a fabric: a folder's *.snappy as remote write, its *.out into the bucket for sweeps.
    Send {
        /// What `linkcast simulate --format remote-write --out FOLDER` makes.
        folder: PathBuf,
    },
    /// Say what runs, what is deployed, what lies in the queues and how far the streams are read.
    Status,
    /// Print what the functions said.
    Logs {
        /// Only this function: collect, prepare, insight, alert, retrain or monitor.
        function: Option<String>,
        /// Only the last so many lines of each.
        #[arg(long, default_value_t = 50)]
        lines: usize,
    },
    /// End the emulator; everything in it is gone.
    Down,
}

/// Does it.
pub(crate) fn run(task: Aws) -> Result<()> {
    match task {
        Aws::Up { port } => emulator::up(port),
        Aws::Deploy { parameters, native } => {
            let made = if native { deploy::Made::ForThisMachine } else { deploy::Made::ForLambda };
            deploy::run(&parameters, made)
        }
        Aws::Send { folder } => send::run(&folder),
        Aws::Status => look::status(),
        Aws::Logs { function, lines } => look::logs(function.as_deref(), lines),
        Aws::Down => emulator::down(),
    }
}

/// Builds the functions as they are deployed, into `target/lambda`.
pub(crate) fn build_functions() -> Result<()> {
    tools::install()?;
    deploy::build_functions()
}
