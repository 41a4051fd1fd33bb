//! Running other programs, with errors that say which command failed and how.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The project's top folder.
pub(crate) fn project_folder() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Runs a command in the project's folder, its output going where ours goes; fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("\n$ {shown}");
    let status = command
        .current_dir(project_folder())
        .status()
        .with_context(|| format!("cannot start `{shown}`: is {:?} installed?", command.get_program()))?;
    if status.success() { Ok(()) } else { bail!("`{shown}` failed with {status}") }
}

/// Runs a command in the project's folder and gives what it prints; fails unless it succeeds.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output =
        command.current_dir(project_folder()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A `cargo` command with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn show(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    command.get_args().fold(name, |line, argument| format!("{line} {}", argument.to_string_lossy()))
}
