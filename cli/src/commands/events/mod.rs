//! `linkcast events`: what people were told, as one stream.

mod stream;
mod tail;

use clap::{Args, Subcommand};

use super::Session;
use crate::exit::Failure;

/// Follow what people were told: alerts, and notices about models.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast events tail --db linkcast.db\n  linkcast events tail --follow --store dynamodb:linkcast-lab\n  linkcast events tail --since 2d --kind rollout --kind drift_detected --json | jq .summary"
)]
pub(crate) struct EventsArguments {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    /// Print alerts and notices in the order of their times, with whom notices were told.
    Tail(tail::TailArguments),
}

/// Runs it.
pub(crate) fn execute(arguments: &EventsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        EventsCommand::Tail(arguments) => tail::execute(arguments, session),
    }
}
