//! `linkcast routing`: who answers, who would after a change, and how they do.

mod change;
mod disagreements;
mod evaluate;
mod show;
mod trial;

use std::path::Path;

use clap::{Args, Subcommand};
use linkcast_pipeline::RoutingError;
use linkcast_routing::Policy;

use super::Session;
use crate::database;
use crate::exit::{ExitKind, Failure, chain};

/// See and change who answers: weights, order of fallback, breakers.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast routing show --store dynamodb:linkcast-lab\n  linkcast routing simulate policy.json --ports 200000\n  linkcast routing evaluate policy.json\n  linkcast routing set policy.json --store dynamodb:linkcast-lab\n  linkcast routing set --weight candidate=25 --weight live=75 --expect 3 --store dynamodb:linkcast-lab\n\nPolicies are followed by the functions on AWS; `linkcast run` asks the embedded model alone."
)]
pub(crate) struct RoutingArguments {
    #[command(subcommand)]
    command: RoutingCommand,
}

#[derive(Debug, Subcommand)]
enum RoutingCommand {
    /// Show the policy in force, who rests, and what was seen of each variant.
    Show(show::ShowArguments),
    /// Write a policy, or other weights into the one there is.
    Set(change::SetArguments),
    /// List samples that a variant and the embedded model differ about.
    Disagreements(disagreements::DisagreementsArguments),
    /// Say which streams would go where, and how many would move.
    Simulate(trial::SimulateArguments),
    /// Say what each variant of a policy is worth, and what each outage costs.
    Evaluate(evaluate::EvaluateArguments),
}

/// Runs it.
pub(crate) fn execute(arguments: &RoutingArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        RoutingCommand::Show(arguments) => show::execute(arguments, session),
        RoutingCommand::Set(arguments) => change::execute(arguments, session),
        RoutingCommand::Disagreements(arguments) => disagreements::execute(arguments, session),
        RoutingCommand::Simulate(arguments) => trial::execute(arguments, session),
        RoutingCommand::Evaluate(arguments) => evaluate::execute(arguments, session),
    }
}

/// What is wrong with routing, with what to do about it.
fn refused(error: RoutingError) -> Failure {
    match error {
        RoutingError::Store(error) => database::failure(error),
        RoutingError::Moved { .. } => Failure::new(ExitKind::Refused, error)
            .with_next_step("look at what was written with `linkcast routing show`, and set it again"),
        RoutingError::Policy { .. } => Failure::new(ExitKind::UnusableInput, error)
            .with_next_step("write a policy that can be followed with `linkcast routing set FILE`"),
        RoutingError::Damaged(_) => Failure::new(ExitKind::Database, error)
            .with_next_step("wait until it is written anew, or delete that item"),
    }
}

/// The policy that a file holds.
fn policy_in(file: &Path) -> Result<Policy, Failure> {
    let unread = |error| format!("cannot read {}: {error}", file.display());
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(ExitKind::UnusableInput, unread(error)))?;
    Policy::parse(&text).map_err(|error| {
        let told = format!("{}: {}", file.display(), chain(&error));
        Failure::new(ExitKind::UnusableInput, told)
            .with_next_step("see docs/ROUTING.md for a policy to begin with")
    })
}
