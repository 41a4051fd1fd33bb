//! Configuration from environment variables: read once, typed, and every fault told at once.
//!
//! A function that starts with a default in the place of a misspelt value does the wrong thing in silence for weeks. So
//! a bad, missing or unknown variable is a fault, a fault names the variable, its value and what was expected, and
//! reading goes on to the next one: a deployment is mended in one round.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Environment variables, as a map handed in.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The process's own, for mains; a variable that is no Unicode is left out, and so is missing.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Variables(std::env::vars_os().filter_map(text).collect())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Variables(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// One variable: its name, what it must look like, and how it is read. Each binary keeps its own as documented constants.
#[derive(Clone, Copy, Debug)]
pub struct Setting<T> {
    /// The variable.
    pub name: &'static str,
    /// Completes "expected …".
    pub expected: &'static str,
    /// The value of a text, if it is one.
    pub parse: fn(&str) -> Option<T>,
    /// Whether a fault may show the text.
    pub shown: Shown,
}

/// Whether a variable's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In faults.
    Yes,
    /// Never: it is a secret.
    Never,
}

impl<T> Setting<T> {
    /// A variable whose value may be shown.
    pub const fn new(name: &'static str, expected: &'static str, parse: fn(&str) -> Option<T>) -> Self {
        Setting { name, expected, parse, shown: Shown::Yes }
    }

    /// A variable whose value is never shown.
    pub const fn secret(name: &'static str, expected: &'static str, parse: fn(&str) -> Option<T>) -> Self {
        Setting { name, expected, parse, shown: Shown::Never }
    }
}

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: String,
    /// Its value, if there is one and it may be shown.
    pub found: Option<String>,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{} is {found:?}: expected {}", self.name, self.expected),
            None => write!(f, "{} is missing: expected {}", self.name, self.expected),
        }
    }
}

/// A configuration that cannot be used, with everything wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} fault(s): {}", faults.len(), joined(faults))]
pub struct ConfigError {
    /// Each fault, in the order of reading; unknown variables last.
    pub faults: Vec<Fault>,
}

fn joined(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The longest value a fault repeats.
const LONGEST_SHOWN: usize = 80;

/// Reads settings and gathers their faults.
#[derive(Debug)]
pub struct ConfigReader<'a> {
    variables: &'a Variables,
    asked: BTreeSet<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> ConfigReader<'a> {
    /// Starts reading.
    pub fn new(variables: &'a Variables) -> Self {
        ConfigReader { variables, asked: BTreeSet::new(), faults: Vec::new() }
    }

    /// Knows a variable that is for others, so that it is no misspelt one.
    pub fn know(&mut self, name: &'static str) {
        self.asked.insert(name);
    }

    /// A value that must be there. `None` means that a fault was noted.
    pub fn required<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        match self.text(setting.name) {
            Some(text) => self.parsed(setting, text),
            None => {
                self.faults.push(Fault {
                    name: setting.name.to_owned(),
                    found: None,
                    expected: setting.expected,
                });
                None
            }
        }
    }

    /// A value that may be left out. `None` means that a fault was noted.
    pub fn optional<T>(&mut self, setting: &Setting<T>) -> Option<Option<T>> {
        match self.text(setting.name) {
            Some(text) => self.parsed(setting, text).map(Some),
            None => Some(None),
        }
    }

    /// A value, or `default` where the variable is left out; a bad value is a fault and never the default.
    pub fn or<T>(&mut self, setting: &Setting<T>, default: T) -> Option<T> {
        self.optional(setting).map(|value| value.unwrap_or(default))
    }

    /// Ends reading: `build` makes the configuration of the values read, and gives `None` only if one of them is. Any variable that begins
    /// with `prefix` and was not asked for is a fault too, for it is a misspelt one.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn finish<C>(mut self, prefix: &str, build: impl FnOnce() -> Option<C>) -> Result<C, ConfigError> {
        let unknown = self.variables.0.iter().filter(|(name, _)| {
            !prefix.is_empty() && name.starts_with(prefix) && !self.asked.contains(name.as_str())
        });
        // The value of a variable nobody knows may be a secret under a misspelt name.
        let unknown: Vec<Fault> = unknown
            .map(|(name, _)| Fault {
                name: name.clone(),
                found: Some("(not shown)".to_owned()),
                expected: "no variable of this name",
            })
            .collect();
        self.faults.extend(unknown);
        match build() {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(ConfigError { faults: self.faults }),
        }
    }

    fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.asked.insert(name);
        // A template cannot leave a variable out on a condition, only leave it empty.
        self.variables.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn parsed<T>(&mut self, setting: &Setting<T>, text: &str) -> Option<T> {
        let value = (setting.parse)(text);
        if value.is_none() {
            let found = match setting.shown {
                Shown::Yes => text.chars().take(LONGEST_SHOWN).collect(),
                Shown::Never => "(not shown)".to_owned(),
            };
            let name = setting.name.to_owned();
            self.faults.push(Fault { name, found: Some(found), expected: setting.expected });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    const TABLE: Setting<String> =
        Setting::new("APP_TABLE", "a table's name", |text| (!text.is_empty()).then(|| text.to_owned()));
    const LIMIT: Setting<u32> = Setting::new("APP_LIMIT", "a whole number", |text| text.parse().ok());
    const TOKEN: Setting<Secret<String>> = Setting::secret("APP_TOKEN", "at least 8 characters", |text| {
        (text.len() >= 8).then(|| Secret::new(text.to_owned()))
    });

    #[derive(Debug)]
    struct Config {
        table: String,
        limit: u32,
        token: Option<Secret<String>>,
    }

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<Config, ConfigError> {
        let variables: Variables = pairs.into_iter().collect();
        let mut reader = ConfigReader::new(&variables);
        let table = reader.required(&TABLE);
        let limit = reader.or(&LIMIT, 5);
        let token = reader.optional(&TOKEN);
        reader.finish("APP_", || Some(Config { table: table?, limit: limit?, token: token? }))
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let config = read([("APP_TABLE", "links"), ("PATH", "elsewhere")]).unwrap();
        assert_eq!((config.table.as_str(), config.limit, config.token), ("links", 5, None));
    }

    #[test]
    fn every_fault_is_told_at_once_and_a_bad_value_is_never_the_default() {
        let error = read([("APP_LIMIT", "many"), ("APP_TOKEN", "hunter2"), ("APP_TABEL", "s3cret")]);
        let message = error.unwrap_err().to_string();
        let expected = "the configuration has 4 fault(s): APP_TABLE is missing: expected a table's name; \
             APP_LIMIT is \"many\": expected a whole number; \
             APP_TOKEN is \"(not shown)\": expected at least 8 characters; \
             APP_TABEL is \"(not shown)\": expected no variable of this name";
        assert_eq!(message, expected);
    }
}
