//! Calling the command as a user does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, with nothing of this machine's environment that could change what it says.
pub fn linkcast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkcast"));
    for name in ["LINKCAST_LOG", "LINKCAST_DB", "LINKCAST_FABRIC", "LINKCAST_TIME_ZONE"] {
        command.env_remove(name);
    }
    command
}

/// What a call printed, said and exited with.
pub struct Called {
    pub printed: String,
    pub said: String,
    pub code: Option<i32>,
}

pub fn call(arguments: &[&str]) -> Called {
    finished(linkcast().args(arguments).output().unwrap())
}

pub fn finished(output: Output) -> Called {
    Called {
        printed: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

pub fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
