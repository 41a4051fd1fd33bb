//! `linkcast feedback`: what was true of insights, and how right each variant was.

mod add;
mod look;

use clap::{Args, Subcommand};
use linkcast_pipeline::FeedbackError;

use super::Session;
use crate::database;
use crate::exit::{ExitKind, Failure};

/// Say what was true of insights, and see how right each variant was.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast feedback add 3f0c… --verdict confirmed --note 'cable 7 was loose' --db linkcast.db\n  linkcast feedback add 3f0c… --verdict corrected --type packet_loss_detected --severity 40 --store dynamodb:linkcast-lab\n  linkcast feedback list --standing contested --db linkcast.db\n  linkcast feedback stats --since 2026-11-01T00:00:00Z --db linkcast.db --json\n\nAn insight's id is in `linkcast insights`. Outcomes are recorded by `linkcast monitor`. docs/FEEDBACK.md says what counts."
)]
pub(crate) struct FeedbackArguments {
    #[command(subcommand)]
    command: FeedbackCommand,
}

#[derive(Debug, Subcommand)]
enum FeedbackCommand {
    /// Say whether an insight was right.
    Add(add::AddArguments),
    /// List what was said, newest first.
    List(look::ListArguments),
    /// Say how right each variant's model versions were.
    Stats(look::StatsArguments),
}

/// Runs it.
pub(crate) fn execute(arguments: &FeedbackArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        FeedbackCommand::Add(arguments) => add::execute(arguments, session),
        FeedbackCommand::List(arguments) => look::list(arguments, session),
        FeedbackCommand::Stats(arguments) => look::stats(arguments, session),
    }
}

/// What is wrong with feedback, with what to do about it.
fn refused(error: FeedbackError) -> Failure {
    match error {
        FeedbackError::Store(error) => database::failure(error),
        FeedbackError::Unknown { .. } => Failure::new(ExitKind::UnusableInput, error)
            .with_next_step("take the id of one that is kept from `linkcast insights`"),
        FeedbackError::OtherTask { .. } => {
            Failure::new(ExitKind::UnusableInput, error).with_next_step("name its task with --task")
        }
        FeedbackError::Full { .. } => Failure::new(ExitKind::Refused, error)
            .with_next_step("see what was said with `linkcast feedback list`"),
        FeedbackError::Contended { .. } => {
            Failure::new(ExitKind::Refused, error).with_next_step("say it again")
        }
    }
}
