//! What monitor is told by its environment.

use linkcast_aws::environment::{BUS, FABRIC, LOG_LEVEL, PREFIX, TABLE, know_all};
use linkcast_lambda::{ConfigError, ConfigReader, Variables};

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// The bus.
    pub bus: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn read(variables: &Variables) -> Result<Self, ConfigError> {
        let mut reader = ConfigReader::new(variables);
        know_all(&mut reader);
        let (table, fabric) = (reader.required(&TABLE), reader.required(&FABRIC));
        let bus = reader.required(&BUS);
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || Some(Config { table: table?, fabric: fabric?, bus: bus? }))
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
