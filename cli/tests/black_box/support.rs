//! Calling the command as a user does.
//!
//! Everything that a test needs before it can look at an answer gives a `Result`, so that a machine that cannot run
//! the command fails the test with its reason.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a test ends with.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The command, with nothing of this machine's environment that could change what it says.
pub(crate) fn linkcast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkcast"));
    let variables = ["LOG", "DB", "FABRIC", "TIME_ZONE", "MODELS", "CODE_REVISION", "LISTEN", "MODEL_DIR"];
    for name in variables.map(|name| format!("LINKCAST_{name}")) {
        command.env_remove(name);
    }
    command.env_remove("SAGEMAKER_BIND_TO_PORT");
    command
}

/// What a call printed, said and exited with.
pub(crate) struct Called {
    pub(crate) printed: String,
    pub(crate) said: String,
    pub(crate) code: Option<i32>,
}

/// Calls the command with these arguments and waits for it.
pub(crate) fn call(arguments: &[&str]) -> Outcome<Called> {
    finished(linkcast().args(arguments).output()?)
}

/// A finished call's output as text.
pub(crate) fn finished(output: Output) -> Outcome<Called> {
    Ok(Called {
        printed: String::from_utf8(output.stdout)?,
        said: String::from_utf8(output.stderr)?,
        code: output.status.code(),
    })
}

/// Writes a file and gives its path.
pub(crate) fn file(folder: &Path, name: &str, content: &str) -> Outcome<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, content)?;
    Ok(path)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
