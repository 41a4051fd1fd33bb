//! Commands of this program, called one after another as a person would call them.
//!
//! What a recipe does is told before it is done, in the words that do it by hand, so that whoever is left in the middle knows where. Each
//! command may be called again: a recipe that was broken off is begun anew and finds what is there. What a command says of itself on
//! standard error is seen as it says it; what it prints is the recipe's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::exit::{ExitKind, Failure};
use crate::output::Notes;

/// This program, in the environment it was called in.
pub(crate) struct Recipe {
    program: PathBuf,
    notes: Notes,
}

impl Recipe {
    /// Steps by the program that runs here, told of in `notes`.
    ///
    /// # Errors
    /// The system does not say which program that is.
    pub(crate) fn new(notes: Notes) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(ExitKind::Machine, format!("finding this program's own file: {error}"))
        })?;
        Ok(Recipe { program, notes })
    }

    /// Calls a command for what it does.
    ///
    /// # Errors
    /// It cannot be started, or ends with anything but 0: of its own exit kind, for its own words were told.
    pub(crate) fn step(&self, words: &[OsString]) -> Result<(), Failure> {
        self.call(words, Stdio::null()).map(drop)
    }

    /// Calls a command for the one JSON object it prints.
    ///
    /// # Errors
    /// As for a step, or it prints something else.
    pub(crate) fn ask(&self, words: &[OsString]) -> Result<Value, Failure> {
        let printed = self.call(&[&["--json".into()], words].concat(), Stdio::piped())?;
        serde_json::from_slice(&printed).map_err(|error| {
            let told = format!("{} printed no JSON object: {error}", named(words));
            Failure::new(ExitKind::Machine, told)
        })
    }

    /// Calls a command for the JSON objects it prints, one a line.
    ///
    /// # Errors
    /// As for one.
    pub(crate) fn ask_lines(&self, words: &[OsString]) -> Result<Vec<Value>, Failure> {
        let printed = self.call(&[&["--json".into()], words].concat(), Stdio::piped())?;
        let lines = serde_json::Deserializer::from_slice(&printed).into_iter::<Value>();
        lines.collect::<Result<_, _>>().map_err(|error| {
            let told = format!("{} printed something else than JSON lines: {error}", named(words));
            Failure::new(ExitKind::Machine, told)
        })
    }

    fn call(&self, words: &[OsString], output: Stdio) -> Result<Vec<u8>, Failure> {
        self.notes.inform(format!("+ {}", spoken(words)));
        let mut command = Command::new(&self.program);
        command.args(words).stdin(Stdio::null()).stdout(output).stderr(Stdio::inherit());
        let ended = command.spawn().and_then(std::process::Child::wait_with_output).map_err(|error| {
            Failure::new(ExitKind::Machine, format!("starting {}: {error}", self.program.display()))
        })?;
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        let kind = ended.status.code().and_then(ExitKind::of_code).unwrap_or(ExitKind::Machine);
        let told = format!("{} ended with {}", named(words), ended.status);
        Err(Failure::new(kind, told).with_next_step("do what it says above, and call this again: it goes on"))
    }
}

/// A text of a command's answer.
///
/// # Errors
/// It is not there.
pub(crate) fn text(answer: &Value, name: &str) -> Result<String, Failure> {
    let found = answer.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| {
        Failure::new(ExitKind::Machine, format!("expected {name:?} in what was answered: {answer}"))
    })
}

/// The words of a command.
pub(crate) fn words<const N: usize>(texts: [&str; N]) -> Vec<OsString> {
    texts.into_iter().map(OsString::from).collect()
}

fn named(words: &[OsString]) -> String {
    let name = words.iter().find(|word| *word != "--json").map(|word| word.to_string_lossy());
    format!("linkcast {}", name.unwrap_or_default())
}

/// The command as a shell would take it.
fn spoken(words: &[OsString]) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,+@%".contains(letter);
    let quoted = words.iter().map(|word| {
        let text = word.to_string_lossy();
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.into_owned();
        }
        format!("'{}'", text.replace('\'', r"'\''"))
    });
    std::iter::once("linkcast".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_as_a_shell_would_take_it() {
        let said = words(["models", "add", "my model/", "--by", "it's me"]);
        assert_eq!(spoken(&said), r"linkcast models add 'my model/' --by 'it'\''s me'");
    }
}
