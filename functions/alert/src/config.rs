//! What alert is told by its environment.

use linkcast_aws::environment::{ALERTMANAGER_URL, FABRIC, LOG_LEVEL, PREFIX, TABLE, TOPIC_ARN, know_all};
use linkcast_lambda::{ConfigError, ConfigReader, Variables};

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// The topic, if alerts are told on one.
    pub topic: Option<String>,
    /// Alertmanager, if alerts are told to one.
    pub alertmanager: Option<String>,
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
        let (topic, alertmanager) = (reader.optional(&TOPIC_ARN), reader.optional(&ALERTMANAGER_URL));
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || {
            Some(Config { table: table?, fabric: fabric?, topic: topic?, alertmanager: alertmanager? })
        })
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
