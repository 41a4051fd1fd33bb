//! `linkcast completions`: a shell's completion script.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Session;
use crate::arguments::Arguments;
use crate::exit::Failure;

/// Print a shell's completion script.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  linkcast completions bash > ~/.local/share/bash-completion/completions/linkcast"
)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn execute(arguments: &CompletionsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "linkcast", &mut script);
    session.output.bytes(&script)?;
    Ok(())
}
