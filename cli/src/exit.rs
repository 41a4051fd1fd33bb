//! How a command ends: exit codes, and what a person reads when something went wrong.
//!
//! A failure carries the class its exit code is made of, the whole chain of causes, and the next step to take, so that
//! no command prints and exits on its own. A reader that went away (`linkcast … | head`) is no failure.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

/// What the exit codes mean; the numbers stand in `--help` (see `arguments::EXIT_CODES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitKind {
    /// The work could not be done for a reason of the machine's: disk full, no permission.
    Machine = 1,
    /// Wrong arguments or environment.
    WrongUse = 2,
    /// Nothing of the input could be used.
    UnusableInput = 3,
    /// The database is damaged, newer than this program, or not a database.
    Database = 4,
    /// The model is damaged or of another feature schema.
    Model = 5,
    /// With `run --once`: no source gave anything usable.
    SourcesSilent = 6,
    /// The registry's or the rollout's rules do not allow it, or somebody else was first.
    Refused = 7,
    /// With `monitor --fail-on`: something named is so.
    Trouble = 8,
    /// Not done in time; the same call goes on.
    Unfinished = 9,
    /// Stopped by SIGINT: 128 and the signal's number, as shells say it.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl ExitKind {
    /// The kind that a call of this program ended with.
    pub(crate) fn of_code(code: i32) -> Option<Self> {
        use ExitKind as K;
        let kinds = [
            K::Machine,
            K::WrongUse,
            K::UnusableInput,
            K::Database,
            K::Model,
            K::SourcesSilent,
            K::Refused,
            K::Trouble,
            K::Unfinished,
            K::Interrupted,
            K::Terminated,
        ];
        kinds.into_iter().find(|kind| *kind as i32 == code)
    }
}

/// Why a command did not finish.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Standard output was closed by its reader: not an error.
    ReaderGone,
    /// Something to tell the user.
    Told {
        /// The exit code's class.
        kind: ExitKind,
        /// What was tried, and why it failed.
        error: Box<dyn Error + Send + Sync>,
        /// What to do about it.
        next_step: Option<String>,
    },
}

impl Failure {
    /// A failure of `kind` because of `error`.
    pub(crate) fn new(kind: ExitKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure::Told { kind, error: error.into(), next_step: None }
    }

    /// The same failure, with what to do about it.
    pub(crate) fn with_next_step(self, step: impl Into<String>) -> Self {
        match self {
            Failure::Told { kind, error, .. } => Failure::Told { kind, error, next_step: Some(step.into()) },
            Failure::ReaderGone => Failure::ReaderGone,
        }
    }

    /// Tells the user on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Failure::ReaderGone => ExitCode::SUCCESS,
            Failure::Told { kind, error, next_step } => {
                let mut text = format!("error: {}", chain(error.as_ref()));
                if let Some(step) = next_step {
                    let _ = write!(text, "\n  next: {step}");
                }
                crate::output::tell(&text);
                ExitCode::from(kind as u8)
            }
        }
    }
}

/// Standard output's failures: a reader that went away ends the command quietly.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::ReaderGone
        } else {
            Failure::new(ExitKind::Machine, error)
        }
    }
}

/// An error and all its causes, as one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.ends_with(&said) {
            let _ = write!(text, ": {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading the map")]
    struct Outer(#[source] io::Error);

    #[test]
    fn the_whole_chain_of_causes_is_told_once() {
        let error = Outer(io::Error::other("disk on fire"));
        assert_eq!(chain(&error), "reading the map: disk on fire");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(matches!(failure, Failure::ReaderGone));
    }
}
