//! The command line.
//!
//! What each option means stands here, once, in the words `--help` prints; what a command does with it stands in the
//! command's own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use linkcast_domain::NodeGuid;

use crate::capture::{FormatChoice, Reader};
use crate::commands::{completions, features, inspect, predict, simulate, train};
use crate::exit::Failure;
use crate::output::Form;

/// What `--help` says of exit codes and the environment.
const AFTER_HELP: &str = "\
Exit codes:
  0  done; where some of the input was unusable, a warning counts it
  1  the machine failed: no permission, disk full
  2  wrong use: arguments or environment
  3  unusable input: nothing of it could be read
  4  the database is damaged, or newer than this program
  5  the model is damaged, or of another feature schema
  6  run --once: no source gave anything usable

Environment:
  LINKCAST_LOG        quiet, normal (default) or verbose: how much is told on standard error
  LINKCAST_DB         the database where --db is not given
  LINKCAST_FABRIC     the fabric's name in insights and alerts (default: fabric)
  LINKCAST_TIME_ZONE  the fabric's time zone, an IANA name (default: UTC)

Start with:
  linkcast demo
  linkcast inspect capture/
  linkcast run --source http://exporter:9315/metrics --db linkcast.db";

/// Forecasts trouble on InfiniBand and RDMA links: counters in, insights and alerts out.
#[derive(Debug, Parser)]
#[command(name = "linkcast", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Print results as JSON lines.
    #[arg(long, global = true)]
    json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Who reads the results.
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::JsonLines } else { Form::Text }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compute the forty features of every sample.
    Features(features::FeaturesArguments),
    /// Write a simulated fabric's telemetry, and the truth about its faults.
    Simulate(simulate::SimulateArguments),
    /// Train a model.
    Train(train::TrainArguments),
    /// Judge every sample of a capture with a model.
    Predict(predict::PredictArguments),
    /// Say what a capture holds, and what of it cannot be used and why.
    Inspect(inspect::InspectArguments),
    /// Print a shell's completion script.
    Completions(completions::CompletionsArguments),
}

/// How captures are read.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReadingArguments {
    /// The capture's format; found from the content unless named (see `linkcast inspect`).
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: FormatChoice,
    /// A column map (TOML) for CSV files of other makers.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Links, names and rates: the output of ibnetdiscover -p or iblinkinfo.
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// Names of nodes: lines of 0xGUID "name".
    #[arg(long, value_name = "FILE")]
    node_name_map: Option<PathBuf>,
    /// The GUID of the node whose ports a perfquery output without one shows.
    #[arg(long, value_name = "GUID")]
    guid: Option<NodeGuid>,
}

impl ReadingArguments {
    /// A reader that knows all this.
    pub(crate) fn reader(&self) -> Result<Reader, Failure> {
        let reader = Reader::new(self.format, self.guid)
            .with_map(self.map.as_deref())?
            .with_fabric(self.node_name_map.as_deref(), NODE_NAMES)?
            .with_fabric(self.topology.as_deref(), LINKS)?;
        Ok(reader)
    }
}

const NODE_NAMES: &str = "node names: expected lines of 0xGUID \"name\"";
const LINKS: &str = "links: expected the output of ibnetdiscover -p or iblinkinfo";
