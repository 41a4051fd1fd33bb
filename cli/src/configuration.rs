//! What the environment says, read once when the command starts.
//!
//! Every variable is a constant below. A value that cannot be used is fatal and names the variable, the value and the
//! expected form; all faults are told together, for nobody likes to mend one only to meet the next.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::exit::{ExitKind, Failure};
use crate::registry::FolderPlace;

/// How much is told on standard error: `quiet`, `normal` (default) or `verbose`.
pub(crate) const LOG_VARIABLE: &str = "LINKCAST_LOG";
/// The database used where `--db` is not given.
pub(crate) const DATABASE_VARIABLE: &str = "LINKCAST_DB";
/// The fabric's name in insights and alerts; default `fabric`.
pub(crate) const FABRIC_VARIABLE: &str = "LINKCAST_FABRIC";
/// The fabric's time zone (an IANA name) for the hour and weekday features; default UTC.
pub(crate) const TIME_ZONE_VARIABLE: &str = "LINKCAST_TIME_ZONE";

/// Where registered models' files lie where `--models` is not given: a folder, or `s3:BUCKET`.
pub(crate) const MODELS_VARIABLE: &str = "LINKCAST_MODELS";
/// The revision of the code that trains, for models' cards where --code-revision is not given.
pub(crate) const CODE_REVISION_VARIABLE: &str = "LINKCAST_CODE_REVISION";
/// Where `serve` listens where --listen is not given, as `0.0.0.0:8080`.
pub(crate) const LISTEN_VARIABLE: &str = "LINKCAST_LISTEN";
/// The folder of the model that `serve` serves where --model is not given.
pub(crate) const MODEL_FOLDER_VARIABLE: &str = "LINKCAST_MODEL_DIR";
/// SageMaker's own: the port at which a container must answer, where it is one of several.
pub(crate) const BIND_PORT_VARIABLE: &str = "SAGEMAKER_BIND_TO_PORT";
/// The system's own: who is at work.
const USER_VARIABLE: &str = "USER";

/// Every variable this program reads; another that starts with `LINKCAST_` is a slip of the pen and refused.
const VARIABLES: [&str; 8] = [
    LOG_VARIABLE,
    DATABASE_VARIABLE,
    FABRIC_VARIABLE,
    TIME_ZONE_VARIABLE,
    MODELS_VARIABLE,
    CODE_REVISION_VARIABLE,
    LISTEN_VARIABLE,
    MODEL_FOLDER_VARIABLE,
];

/// Variables of the test suite and the container, which other programs of the project read.
const FOREIGN_VARIABLES: [&str; 2] = ["LINKCAST_CAPTURES", "LINKCAST_DYNAMODB"];

/// How much is told on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Warnings and progress too.
    #[default]
    Normal,
    /// Everything that happens to a source.
    Verbose,
}

/// What the environment says.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// How much is told on standard error.
    pub(crate) verbosity: Verbosity,
    /// The database where the command line names none.
    pub(crate) database: Option<PathBuf>,
    /// The fabric's name.
    pub(crate) fabric: String,
    /// The fabric's time zone.
    pub(crate) time_zone: Option<String>,
    /// Where registered models' files lie where the command line does not say.
    pub(crate) models: Option<FolderPlace>,
    /// The revision of the code that trains.
    pub(crate) code_revision: Option<String>,
    /// Where to serve where the command line does not say.
    pub(crate) listen: Option<SocketAddr>,
    /// The port at which SageMaker expects a container.
    pub(crate) bind_port: Option<u16>,
    /// The folder of the model to serve where the command line names none.
    pub(crate) model_folder: Option<PathBuf>,
    /// Who is at work, for what is remembered of decisions.
    pub(crate) user: String,
}

/// Every fault of the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigurationError(Vec<String>);

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n  "))
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Failure::new(ExitKind::WrongUse, error)
            .with_next_step("correct or unset the variable; `linkcast --help` lists them")
    }
}

impl Configuration {
    /// Reads the environment.
    pub(crate) fn from_environment() -> Result<Self, ConfigurationError> {
        Self::from_variables(env::vars_os())
    }

    fn from_variables(
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigurationError> {
        let mut configuration = Configuration {
            verbosity: Verbosity::Normal,
            database: None,
            fabric: "fabric".into(),
            time_zone: None,
            models: None,
            code_revision: None,
            listen: None,
            bind_port: None,
            model_folder: None,
            user: "unknown".into(),
        };
        let mut faults = Vec::new();
        for (name, value) in variables {
            if name == USER_VARIABLE && !value.is_empty() {
                configuration.user = value.to_string_lossy().into_owned();
            }
            let is_ours = |name: &&str| name.starts_with("LINKCAST_") || *name == BIND_PORT_VARIABLE;
            let Some(name) = name.to_str().filter(is_ours) else { continue };
            if let Err(expected) = configuration.take(name, &value) {
                faults.push(format!("{name}={:?}: expected {expected}", value.to_string_lossy()));
            }
        }
        faults.sort();
        if faults.is_empty() { Ok(configuration) } else { Err(ConfigurationError(faults)) }
    }

    fn take(&mut self, name: &str, value: &OsString) -> Result<(), String> {
        let text = value.to_str().ok_or("text in UTF-8")?;
        match name {
            LOG_VARIABLE => {
                self.verbosity = match text {
                    "quiet" => Verbosity::Quiet,
                    "normal" => Verbosity::Normal,
                    "verbose" => Verbosity::Verbose,
                    _ => return Err("quiet, normal or verbose".into()),
                }
            }
            DATABASE_VARIABLE if !text.is_empty() => self.database = Some(PathBuf::from(text)),
            DATABASE_VARIABLE => return Err("the path of a database file".into()),
            FABRIC_VARIABLE if is_fabric_name(text) => self.fabric = text.into(),
            FABRIC_VARIABLE => return Err("1 to 64 letters, digits, hyphens or underscores".into()),
            TIME_ZONE_VARIABLE if !text.is_empty() => self.time_zone = Some(text.into()),
            TIME_ZONE_VARIABLE => return Err("an IANA time zone, as Europe/Madrid".into()),
            MODELS_VARIABLE => match text.parse() {
                Ok(place) if !text.is_empty() => self.models = Some(place),
                _ => return Err("a folder, or s3:BUCKET".into()),
            },
            CODE_REVISION_VARIABLE => self.code_revision = Some(code_revision(text)?),
            LISTEN_VARIABLE => {
                self.listen = Some(text.parse().map_err(|_| "an address and a port, as 0.0.0.0:8080")?);
            }
            BIND_PORT_VARIABLE => {
                self.bind_port = Some(text.parse().map_err(|_| "a port, as 8080")?);
            }
            MODEL_FOLDER_VARIABLE if !text.is_empty() => self.model_folder = Some(text.into()),
            MODEL_FOLDER_VARIABLE => return Err("the folder of a model".into()),
            _ if FOREIGN_VARIABLES.contains(&name) => {}
            _ => return Err(format!("one of {}", VARIABLES.join(", "))),
        }
        Ok(())
    }
}

/// A revision as cards name it.
pub(crate) fn code_revision(text: &str) -> Result<String, String> {
    let is_one = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one { Ok(text.to_owned()) } else { Err("1 to 128 printable characters without a blank".into()) }
}

fn is_fabric_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
        Configuration::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let configuration = read(&[("HOME", "/home/ada")]).unwrap();
        assert_eq!(configuration.verbosity, Verbosity::Normal);
        assert_eq!(configuration.fabric, "fabric");
    }

    #[test]
    fn all_faults_are_told_together_with_name_value_and_form() {
        let error = read(&[(LOG_VARIABLE, "loud"), ("LINKCAST_LGO", "quiet")]).unwrap_err().to_string();
        assert!(error.contains(r#"LINKCAST_LOG="loud": expected quiet, normal or verbose"#), "{error}");
        assert!(error.contains(r#"LINKCAST_LGO="quiet": expected one of"#), "{error}");
    }
}
