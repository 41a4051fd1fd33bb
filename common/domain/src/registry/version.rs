//! The names a model goes by: its version, and the parts it may play.
//!
//! A version's name becomes part of keys, folders and command lines, so it is short and plain; the words that name a part, or
//! nothing, are no versions, so that one text never means two things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a version.
const LONGEST: usize = 64;

/// What stands for no version where one may be named.
const NOTHING: &str = "none";

/// A version's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(String);

impl ModelVersion {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot name a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} names no version: expected 1 to {LONGEST} letters, digits, dots, hyphens or underscores, \
     beginning with a letter or digit, and not live, candidate, previous or none"
)]
pub struct ParseModelVersionError {
    text: String,
}

impl FromStr for ModelVersion {
    type Err = ParseModelVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let is_name = (1..=LONGEST).contains(&text.len())
            && text.chars().all(plain)
            && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let is_taken = text == NOTHING || text.parse::<Alias>().is_ok();
        if is_name && !is_taken {
            Ok(ModelVersion(text.to_owned()))
        } else {
            Err(ParseModelVersionError { text: text.chars().take(2 * LONGEST).collect() })
        }
    }
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ModelVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A part that a version may play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alias {
    /// It answers.
    Live,
    /// It may follow the one that answers.
    Candidate,
    /// It answered before.
    Previous,
}

impl Alias {
    /// Every alias.
    pub const ALL: [Alias; 3] = [Alias::Live, Alias::Candidate, Alias::Previous];

    /// The name in stores and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Alias::Live => "live",
            Alias::Candidate => "candidate",
            Alias::Previous => "previous",
        }
    }
}

/// A text that is no alias.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no alias: expected live, candidate or previous")]
pub struct ParseAliasError {
    text: String,
}

impl FromStr for Alias {
    type Err = ParseAliasError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Alias::ALL.into_iter().find(|alias| alias.name() == text);
        found.ok_or_else(|| ParseAliasError { text: text.chars().take(LONGEST).collect() })
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A model as people name it: by the part it plays, or by its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// The one that plays a part.
    Alias(Alias),
    /// This one.
    Version(ModelVersion),
}

impl FromStr for ModelName {
    type Err = ParseModelVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(alias) => Ok(ModelName::Alias(alias)),
            Err(_) => text.parse().map(ModelName::Version),
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelName::Alias(alias) => alias.fmt(f),
            ModelName::Version(version) => version.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_plain_short_name_and_no_word_with_a_meaning() {
        for text in ["1", "2026-11-22", "v1.2_b", &"a".repeat(64)] {
            assert_eq!(text.parse::<ModelVersion>().unwrap().as_str(), text);
        }
        for text in ["", "live", "previous", "none", "a/b", "a#b", "..", "-1", "ä", &"a".repeat(65)] {
            assert!(text.parse::<ModelVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_model_is_named_by_its_part_or_its_version() {
        assert_eq!("live".parse(), Ok(ModelName::Alias(Alias::Live)));
        assert_eq!("7".parse(), Ok(ModelName::Version("7".parse().unwrap())));
        assert!("none".parse::<ModelName>().is_err());
    }
}
